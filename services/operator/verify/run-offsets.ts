/**
 * The offsets of a run in its partition: from the end of the page before its first one to its last marker. Found by the
 * markers in the topic, so it needs no ledger. Other runs may have interrupted it; their pages lie between its own.
 */
import { WrongUse } from '#shared/errors.ts'
import type { Kafka } from '#shared/kafka/kafka.ts'
import { markerOf } from './pages.ts'

/** `[from, to)`. */
export type RunRange = { from: number; to: number }

/** By partition; those without the run are omitted. Throws WrongUse if no partition has it. */
export async function rangesOfRun(
  kafka: Kafka,
  topic: string,
  run: string,
  partition: number | undefined,
): Promise<Map<number, RunRange>> {
  const ranges = new Map<number, RunRange>()
  for (const [each, { low, high }] of (await kafka.logRanges(topic)).entries()) {
    if ((partition ?? each) !== each) continue
    const found = await rangeIn(kafka, { topic, partition: each, low, high }, run)
    if (found !== null) ranges.set(each, found)
  }
  if (ranges.size > 0) return ranges
  throw new WrongUse('HR_UNKNOWN_RUN', `${topic} holds no page of run ${run}`, {
    hint:
      'runs are in headrace_pages and in the log of the fetcher; what retention ' +
      'has taken from the topic cannot be found',
  })
}

async function rangeIn(
  kafka: Kafka,
  log: { topic: string; partition: number; low: number; high: number },
  run: string,
): Promise<RunRange | null> {
  let page = log.low
  let first: number | null = null
  let behind = log.low
  for await (const message of kafka.readPartition(log.topic, log.partition, log.low, log.high)) {
    const marker = markerOf(message)
    if (marker === null) continue
    const next = Number(message.offset) + 1
    if (marker.run === run) {
      first ??= page
      behind = next
    }
    page = next
  }
  return first === null ? null : { from: first, to: behind }
}
