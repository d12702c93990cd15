/**
 * A token bucket that a server counting any window of `perMs` never sees overrun, however late a request arrives there.
 * What makes it strict: a request keeps its place in the bucket until its answer is here, so what is under way, what is
 * saved up and what refills during one window are together less than `units` + 1, and requests weigh whole units. It
 * starts empty: a process that follows another one adds nothing to what that one has spent.
 */

export type Bucket = {
  burst: number
  refillPerMs: number
  /** Tokens saved up. */
  level: number
  /** Units that wait for their answers. */
  underWay: number
  atMs: number
}

/** So that rounding and a server's slightly faster clock do not make a window one request too full. */
const JITTER_SHARE = 0.02
const BURST_SHARE = 0.1
/** From ten requests on two places: one can refill while the other is under way. */
const BURST_SMALL_MAX = 2
const ROUNDING = 1e-9

/**
 * `sinceMs`: from when on nobody else has used it, which may be ahead. Times are elapsed milliseconds. `heaviest`:
 * units that one request takes at most.
 */
export function openBucket(units: number, perMs: number, sinceMs: number, heaviest: number): Bucket {
  const burst = Math.max(heaviest, units * BURST_SHARE, Math.min(BURST_SMALL_MAX, units / 5))
  const refillPerMs = ((units + 1 - burst) * (1 - JITTER_SHARE)) / perMs
  return { burst, refillPerMs, level: 0, underWay: 0, atMs: sinceMs }
}

/** Milliseconds until so many tokens can be there; 0: now; Infinity: only after an answer has come in. */
export function waitForTokens(bucket: Bucket, nowMs: number, units: number): number {
  refill(bucket, nowMs)
  if (bucket.level >= units - ROUNDING) return 0
  if (bucket.burst - bucket.underWay < units - ROUNDING) return Number.POSITIVE_INFINITY
  return Math.max(0, bucket.atMs - nowMs) + refillMs(bucket, units)
}

/** Milliseconds in which the bucket comes to so many tokens, if every answer were here. An estimate. */
export const refillMs = (bucket: Bucket, units: number): number =>
  Math.max(0, units - bucket.level) / bucket.refillPerMs

export function takeTokens(bucket: Bucket, nowMs: number, units: number): void {
  refill(bucket, nowMs)
  bucket.level -= units
  bucket.underWay += units
}

/** The answer is here, or the request has failed. */
export function returnPlace(bucket: Bucket, nowMs: number, units: number): void {
  refill(bucket, nowMs)
  bucket.underWay -= units
}

function refill(bucket: Bucket, nowMs: number): void {
  const gained = Math.max(0, nowMs - bucket.atMs) * bucket.refillPerMs
  bucket.level = Math.min(bucket.burst - bucket.underWay, bucket.level + gained)
  bucket.atMs = Math.max(bucket.atMs, nowMs)
}
