/**
 * The end of a one-shot load: every partition's committed position has reached the end that its log had at the start. Asked of Kafka and not of
 * this process, so it is right as well when other loaders share the work.
 */
import type { Clock } from '../../shared/clock.ts'
import { HeadraceError } from '../../shared/errors.ts'
import type { Kafka, LogRange } from '../../shared/kafka.ts'
import type { Names } from '../../shared/topics.ts'
import { recordTopics } from './topics.ts'

const LOOK_AGAIN_MS = 200

export type CaughtUpDeps = { kafka: Pick<Kafka, 'topics' | 'logRanges' | 'committed'>; names: Names; clock: Clock }

/** Resolves when all is committed up to there; rejects with the signal's reason. */
export async function untilAllCommitted({ kafka, names, clock }: CaughtUpDeps, signal: AbortSignal): Promise<void> {
  const targets = new Map<string, readonly LogRange[]>()
  for (const topic of await recordTopics(kafka, names)) targets.set(topic, await kafka.logRanges(topic))
  while (targets.size > 0) {
    for (const [topic, ranges] of targets) if (await isThere(topic, ranges)) targets.delete(topic)
    if (targets.size > 0) await clock.sleep(LOOK_AGAIN_MS, signal)
  }

  async function isThere(topic: string, targetRanges: readonly LogRange[]): Promise<boolean> {
    try {
      const committed = await kafka.committed(names.loaderGroup, topic)
      const now = await kafka.logRanges(topic)
      return targetRanges.every(({ high }, partition) => {
        const range = now[partition]
        if (range === undefined) return true
        // Nothing was ever there, or nothing is left: there is nothing to commit.
        const place = committed[partition]?.offset ?? (range.low === range.high ? range.high : range.low)
        const at = place < 0 ? range.low : place
        return at >= Math.min(high, range.high) && at <= range.high
      })
    } catch (error) {
      if (error instanceof HeadraceError) return false
      throw error
    }
  }
}
