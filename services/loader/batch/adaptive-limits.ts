/**
 * How much longer a batch is left open while its table has many parts: pure. Many small inserts are what makes parts
 * faster than ClickHouse merges them, and it answers by slowing every insert down and refusing them in the end; so they
 * become fewer and larger before that. Doubled and halved by what is seen, with a gap between both, so that it does not
 * swing.
 */

export type BatchLimits = { rows: number; bytes: number; ageMs: number }

/** Of the partition that has most: active parts, and from how many ClickHouse slows inserts down. */
export type Parts = { most: number; delayAt: number }

export const STRETCH_MAX = 32
/** Larger inserts take more memory on both sides. */
const SIZE_STRETCH_MAX = 4
/** Whatever the pressure, records are not held back for longer. */
const STRETCHED_AGE_MS_MAX = 30_000
const HIGH_SHARE = 0.5
const LOW_SHARE = 0.25

export function adaptedAfter(before: number, { most, delayAt }: Parts): number {
  if (delayAt <= 0) return 1
  const share = most / delayAt
  if (share >= HIGH_SHARE) return Math.min(before * 2, STRETCH_MAX)
  return share < LOW_SHARE ? Math.max(before / 2, 1) : before
}

export function stretchedLimits({ rows, bytes, ageMs }: BatchLimits, stretch: number): BatchLimits {
  const size = Math.min(stretch, SIZE_STRETCH_MAX)
  return {
    rows: rows * size,
    bytes: bytes * size,
    ageMs: Math.max(ageMs, Math.min(ageMs * stretch, STRETCHED_AGE_MS_MAX)),
  }
}
