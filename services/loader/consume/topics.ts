/**
 * The record topics, as they come and go: a list at the start, which may be empty, and a new one each time they change.
 * Checks every `refreshMs`, so the topic of a new stream needs no restart. Checks sooner while there is none, and after
 * a change: a fetcher that has just started makes the topics of its streams one after another.
 */
import type { Clock } from '#shared/clock.ts'
import { HeadraceError } from '#shared/errors.ts'
import { AccessDenied, type Kafka } from '#shared/kafka/kafka.ts'
import type { Log } from '#shared/log.ts'
import type { Names } from '#shared/names.ts'
import { recordTopics } from '#shared/record-topics.ts'

export type TopicsDeps = {
  kafka: Pick<Kafka, 'topics' | 'partitions'>
  names: Names
  refreshMs: number
  clock: Clock
  log: Log
}

/** A check is one or two small requests. */
const SOON_MS = 500

/**
 * Ends when the signal aborts. A broker that does not respond is asked again at the next check. Throws AccessDenied
 * when none can be seen because of a missing right.
 */
export async function* topicLists(
  { kafka, names, refreshMs, clock, log }: TopicsDeps,
  signal: AbortSignal,
): AsyncGenerator<string[]> {
  let known: string | null = null
  let said = false
  while (!signal.aborted) {
    let soon = false
    try {
      const topics = await recordTopics(kafka, names)
      if (topics.length === 0 && !said) {
        said = true
        log.info('no topic of records yet; waiting for the first')
      }
      const listed = topics.join()
      const isNew = listed !== known
      soon = topics.length === 0 || isNew
      if (isNew) {
        known = listed
        yield topics
      }
    } catch (error) {
      if (!(error instanceof HeadraceError) || error instanceof AccessDenied) throw error
      log.warn({ err: error }, 'the topics could not be listed')
    }
    await clock.sleep(soon ? Math.min(SOON_MS, refreshMs) : refreshMs, signal).catch(() => undefined)
  }
}
