/** What a load has done so far. */
import { type Batch, committableOf } from './batch/batch.ts'

/** By `topic/partition`; null where no watermark is confirmed. */
export type Watermarks = Record<string, string | null>
export type LoadSummary = { rows: number; deadLetters: number; batches: number; watermarks: Watermarks }

export const emptySummary = (): LoadSummary => ({ rows: 0, deadLetters: 0, batches: 0, watermarks: {} })

export function addBatch(summary: LoadSummary, batch: Batch, rows: number, deadLetters: number): void {
  summary.rows += rows
  summary.deadLetters += deadLetters
  summary.batches += 1
  for (const [partition, { watermark }] of committableOf(batch))
    summary.watermarks[`${batch.topic}/${partition}`] = watermark
}
