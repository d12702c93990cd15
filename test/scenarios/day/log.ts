/**
 * A log that forgets: what a partition publishes is handed on and dropped, its checkpoint is kept. Where a day of
 * records must not fill the memory.
 */
import type { Append, Kafka, Publisher } from '#shared/kafka/kafka.ts'

export function forgetfulKafka(onAppend: (append: Append) => void): Kafka {
  let committed: { offset: number; metadata: string } | null = null
  const ends = new Map<string, number>()
  const publisher: Publisher = {
    async fence() {},
    async publish(appends, checkpoint) {
      const appended = appends.map((append) => {
        const { topic, partition, messages } = append
        const firstOffset = ends.get(topic) ?? 0
        ends.set(topic, firstOffset + messages.length)
        onAppend(append)
        return { topic, partition, firstOffset, nextOffset: firstOffset + messages.length }
      })
      const { offset, metadata } = checkpoint(appended)
      committed = { offset, metadata }
      return appended
    },
    async close() {},
  }
  const kafka: Partial<Kafka> = {
    publisher: () => publisher,
    committed: async (group) => [group.endsWith('.fetcher') ? committed : null],
    logRanges: async (topic) => [{ low: 0, high: ends.get(topic) ?? 0 }],
    async *readPartition() {},
  }
  return kafka as Kafka
}
