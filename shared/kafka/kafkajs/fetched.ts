/** What a fetch brings for one partition, and the package's view on it: aborted and control records left out. */
import type { RawMessage } from '../port.ts'
import { internal } from './internals.ts'

export type FetchedPartition = { partition: number; highWatermark: string; lastStableOffset: string; messages: unknown[] }

export type FetchedBatch = {
  messages: RawMessage[]
  /** The records as they came, control records among them. */
  rawMessages: unknown[]
  lastOffset(): string
}

type BatchClass = new (topic: string, fetchedOffset: string, data: FetchedPartition) => FetchedBatch

export function toBatch(topic: string, fetchedOffset: string, data: FetchedPartition): FetchedBatch {
  const Batch = internal<BatchClass>('consumer/batch.js')
  return new Batch(topic, fetchedOffset, data)
}
