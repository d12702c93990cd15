/**
 * Writes down, for a person to read, which page the declaration's answers left out: as offset metadata of a group of
 * its own, so that the checkpoint and the rule that goes on from it know nothing of it. The latest takes the place of
 * the one before. Only as good as Kafka is there: the log has said it already.
 */

import type { Publisher } from '#shared/kafka/kafka.ts'
import type { Log } from '#shared/log.ts'
import { type Skip, skipText } from '#shared/progress/skip.ts'

type Place = { group: string; topic: string; partition: number }

/** False: it is not known whether it was written, and the publisher must fence before it publishes again. */
export async function noteSkip(publisher: Publisher, place: Place, skip: Skip, log: Log): Promise<boolean> {
  try {
    // The offset says nothing here, but Kafka wants one.
    await publisher.publish([], () => ({ ...place, offset: skip.page, metadata: skipText(skip) }))
    return true
  } catch (error) {
    log.warn({ err: error }, 'the page that was left out could not be written down for status')
    return false
  }
}
