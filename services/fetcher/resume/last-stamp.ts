/**
 * The latest time among the last records of a partition's log. Every writer stamps later than the one before, so the
 * end of the log is enough.
 */
import type { Kafka, LogRange } from '#shared/kafka/kafka.ts'

/** Offsets read from the end; more are read if these hold nothing but aborted records. */
const OFFSETS_MIN = 100
const OFFSETS_MAX = 10_000

/** Epoch milliseconds; 0 for a log without a message. */
export async function lastStampIn(
  kafka: Pick<Kafka, 'readPartition'>,
  topic: string,
  partition: number,
  { low, high }: LogRange,
): Promise<number> {
  for (let offsets = OFFSETS_MIN; ; offsets *= 10) {
    const from = Math.max(low, high - offsets)
    let last = 0
    if (from < high)
      for await (const { timestamp } of kafka.readPartition(topic, partition, from, high))
        last = Math.max(last, Number(timestamp))
    if (last > 0 || from <= low || offsets >= OFFSETS_MAX) return last
  }
}
