/**
 * A token bucket that a server counting any window of `perMs` never sees overrun, however late a request arrives there. What makes it strict:
 * a request keeps its place in the bucket until its answer is here, so what is under way, what is saved up and what refills during one window
 * are together less than `requests` + 1. It starts empty: a process that follows another one adds nothing to what that one has spent.
 */

export type Bucket = {
  burst: number
  refillPerMs: number
  /** Tokens saved up. */
  level: number
  underWay: number
  atMs: number
}

/** So that rounding and a server's slightly faster clock do not make a window one request too full. */
const JITTER_SHARE = 0.02
const BURST_SHARE = 0.1
/** From ten requests on two places: one can refill while the other is under way. */
const BURST_SMALL_MAX = 2
const ROUNDING = 1e-9

/** `sinceMs`: from when on nobody else has used it. Times are elapsed milliseconds. */
export function openBucket(requests: number, perMs: number, sinceMs: number): Bucket {
  const burst = Math.max(1, requests * BURST_SHARE, Math.min(BURST_SMALL_MAX, requests / 5))
  const refillPerMs = ((requests + 1 - burst) * (1 - JITTER_SHARE)) / perMs
  return { burst, refillPerMs, level: 0, underWay: 0, atMs: sinceMs }
}

/** Milliseconds until a token can be there; 0: now; Infinity: only after an answer has come in. */
export function waitForToken(bucket: Bucket, nowMs: number): number {
  refill(bucket, nowMs)
  if (bucket.level >= 1 - ROUNDING) return 0
  if (bucket.burst - bucket.underWay < 1 - ROUNDING) return Number.POSITIVE_INFINITY
  return (1 - bucket.level) / bucket.refillPerMs
}

export function takeToken(bucket: Bucket, nowMs: number): void {
  refill(bucket, nowMs)
  bucket.level -= 1
  bucket.underWay += 1
}

/** The answer is here, or the request has failed. */
export function returnPlace(bucket: Bucket, nowMs: number): void {
  refill(bucket, nowMs)
  bucket.underWay -= 1
}

function refill(bucket: Bucket, nowMs: number): void {
  const gained = Math.max(0, nowMs - bucket.atMs) * bucket.refillPerMs
  bucket.level = Math.min(bucket.burst - bucket.underWay, bucket.level + gained)
  bucket.atMs = Math.max(bucket.atMs, nowMs)
}
