/**
 * Stores for `status` which page was skipped because of the declared `answers`. It is kept as offset metadata of a
 * separate group, so that the checkpoint and the resume rule are not affected. The latest one replaces the one before.
 * If Kafka fails, only the log has it.
 */

import type { Publisher } from '#shared/kafka/kafka.ts'
import type { Log } from '#shared/log.ts'
import { type Skip, skipText } from '#shared/progress/skip.ts'

type Place = { group: string; topic: string; partition: number }

/** False: it may or may not have been stored, and the publisher must fence before it publishes again. */
export async function noteSkip(publisher: Publisher, place: Place, skip: Skip, log: Log): Promise<boolean> {
  try {
    // The offset has no meaning here, but Kafka requires one.
    await publisher.publish([], () => ({ ...place, offset: skip.page, metadata: skipText(skip) }))
    return true
  } catch (error) {
    log.warn({ err: error }, 'cannot store the skipped page for status')
    return false
  }
}
