/**
 * How long a batch stays open: pure. The end of a run is inserted at once, unless a batch was inserted just before. So
 * a quiet stream has no delay, and a busy one still has one insert for each age.
 *
 * While a table has many parts, its batches stay open longer. Many small inserts create parts faster than
 * ClickHouse merges them. ClickHouse then slows every insert down, and refuses them in the end. So inserts become fewer
 * and larger before that. The factor doubles and halves with the number of parts; a gap between both thresholds
 * prevents oscillation.
 */
import type { Config } from '#shared/config/config.ts'
import { SECOND_MS } from '#shared/units.ts'

export type BatchLimits = Pick<Config['loader'], 'batchRows' | 'batchBytes' | 'batchAgeMs' | 'insertsPerSecond'>

/** `closedMs`: when the batch before was closed. `hasRunEnd`: a run ended with one of its parts. */
export type OpenBatch = { openedMs: number; closedMs: number; hasRunEnd: boolean }

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

/** The partitions of a stream are often due at the same moment, so their runs end within this time. */
export const GATHER_MS = 20

/** How long to wait from now on. Never more than the age and the gap between inserts, whatever the clock does. */
export function waitToClose(
  { batchAgeMs, insertsPerSecond }: Pick<BatchLimits, 'batchAgeMs' | 'insertsPerSecond'>,
  { openedMs, closedMs, hasRunEnd }: OpenBatch,
  nowMs: number,
): number {
  const gapMs = SECOND_MS / insertsPerSecond
  const oldMs = openedMs + batchAgeMs
  const early = hasRunEnd ? Math.min(Math.max(nowMs + GATHER_MS, closedMs + batchAgeMs), oldMs) : oldMs
  const dueMs = Math.max(early, closedMs + gapMs)
  return Math.min(Math.max(dueMs - nowMs, 0), batchAgeMs + gapMs)
}

export function stretchedLimits(limits: BatchLimits, stretch: number): BatchLimits {
  const { batchRows, batchBytes, batchAgeMs } = limits
  const size = Math.min(stretch, SIZE_STRETCH_MAX)
  return {
    ...limits,
    batchRows: batchRows * size,
    batchBytes: batchBytes * size,
    batchAgeMs: Math.max(batchAgeMs, Math.min(batchAgeMs * stretch, STRETCHED_AGE_MS_MAX)),
  }
}
