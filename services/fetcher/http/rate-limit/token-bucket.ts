/**
 * A token bucket that never exceeds its limit for a server that counts any window of `perMs`, however late a request
 * arrives. A request keeps its place in the bucket until its response arrives. So what is in flight, saved up and
 * refilled during one window is less than `units` + 1; requests weigh whole units. It starts empty: a process that
 * takes over from another adds nothing to what that one has spent.
 */

export type Bucket = {
  burst: number
  refillPerMs: number
  /** Tokens saved up. */
  level: number
  /** Units that wait for their responses. */
  underWay: number
  atMs: number
}

/** Keeps rounding and a server's slightly faster clock from making a window one request too full. */
const JITTER_SHARE = 0.02
const BURST_SHARE = 0.1
/** Two places from ten requests on: one can refill while the other is in flight. */
const BURST_SMALL_MAX = 2
const ROUNDING = 1e-9

/**
 * `sinceMs`: from when no other process has used it; may be in the future. Times are elapsed milliseconds. `heaviest`:
 * the most units that one request takes.
 */
export function openBucket(units: number, perMs: number, sinceMs: number, heaviest: number): Bucket {
  const burst = Math.max(heaviest, units * BURST_SHARE, Math.min(BURST_SMALL_MAX, units / 5))
  const refillPerMs = ((units + 1 - burst) * (1 - JITTER_SHARE)) / perMs
  return { burst, refillPerMs, level: 0, underWay: 0, atMs: sinceMs }
}

/** Milliseconds until this many tokens can be there; 0: now; Infinity: only after a response has arrived. */
export function waitForTokens(bucket: Bucket, nowMs: number, units: number): number {
  refill(bucket, nowMs)
  if (bucket.level >= units - ROUNDING) return 0
  if (bucket.burst - bucket.underWay < units - ROUNDING) return Number.POSITIVE_INFINITY
  return Math.max(0, bucket.atMs - nowMs) + refillMs(bucket, units)
}

/** Milliseconds in which the bucket reaches this many tokens, if every response had arrived. An estimate. */
export const refillMs = (bucket: Bucket, units: number): number =>
  Math.max(0, units - bucket.level) / bucket.refillPerMs

export function takeTokens(bucket: Bucket, nowMs: number, units: number): void {
  refill(bucket, nowMs)
  bucket.level -= units
  bucket.underWay += units
}

/** The response has arrived, or the request has failed. */
export function returnPlace(bucket: Bucket, nowMs: number, units: number): void {
  refill(bucket, nowMs)
  bucket.underWay -= units
}

function refill(bucket: Bucket, nowMs: number): void {
  const gained = Math.max(0, nowMs - bucket.atMs) * bucket.refillPerMs
  bucket.level = Math.min(bucket.burst - bucket.underWay, bucket.level + gained)
  bucket.atMs = Math.max(bucket.atMs, nowMs)
}
