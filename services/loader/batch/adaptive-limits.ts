/**
 * How much longer a batch stays open while its table has many parts: pure. Many small inserts create parts faster than
 * ClickHouse merges them. ClickHouse then slows every insert down, and refuses them in the end. So inserts become fewer
 * and larger before that. The factor doubles and halves with the number of parts; a gap between both thresholds
 * prevents oscillation.
 */
import type { Config } from '#shared/config/config.ts'

export type BatchLimits = Pick<Config['loader'], 'batchRows' | 'batchBytes' | 'batchAgeMs'>

/** Of the partition with the most: its active parts, and the number from which ClickHouse slows inserts down. */
export type DataParts = { most: number; delayAt: number }

export const STRETCH_MAX = 32
/** Larger inserts take more memory on both sides. */
const SIZE_STRETCH_MAX = 4
/** However many parts there are, records are not held back for longer. */
const STRETCHED_AGE_MS_MAX = 30_000
const HIGH_SHARE = 0.5
const LOW_SHARE = 0.25

export function adaptedAfter(before: number, { most, delayAt }: DataParts): number {
  if (delayAt <= 0) return 1
  const share = most / delayAt
  if (share >= HIGH_SHARE) return Math.min(before * 2, STRETCH_MAX)
  return share < LOW_SHARE ? Math.max(before / 2, 1) : before
}

export function stretchedLimits({ batchRows, batchBytes, batchAgeMs }: BatchLimits, stretch: number): BatchLimits {
  const size = Math.min(stretch, SIZE_STRETCH_MAX)
  return {
    batchRows: batchRows * size,
    batchBytes: batchBytes * size,
    batchAgeMs: Math.max(batchAgeMs, Math.min(batchAgeMs * stretch, STRETCHED_AGE_MS_MAX)),
  }
}
