/** What lies in a dead-letter topic. Offsets cannot be subtracted for it: transactions leave control records between the letters. */
import type { Kafka } from '../../shared/kafka.ts'
import { parseDeadLetterHeaders } from '../../shared/wire.ts'

export type DeadLetterCount = {
  count: number
  /** True when there are more than were looked at. */
  more: boolean
  reasons: Record<string, number>
}

/** Letters looked at for each partition; the newest ones. */
const LOOKED_AT_MAX = 10_000

/** By partition. */
export async function countDeadLetters(kafka: Kafka, topic: string): Promise<DeadLetterCount[]> {
  const ranges = await kafka.logRanges(topic)
  return Promise.all(
    ranges.map(async ({ low, high }, partition) => {
      const from = Math.max(low, high - LOOKED_AT_MAX)
      const counted: DeadLetterCount = { count: 0, more: from > low, reasons: {} }
      if (from >= high) return counted
      for await (const letter of kafka.readPartition(topic, partition, from, high)) {
        const headers = Object.fromEntries(
          Object.entries(letter.headers ?? {}).map(([name, value]) => [name, Array.isArray(value) ? value[0] : value]),
        )
        const { reason } = parseDeadLetterHeaders(headers)
        counted.count += 1
        counted.reasons[reason] = (counted.reasons[reason] ?? 0) + 1
      }
      return counted
    }),
  )
}
