/**
 * How the sample API limits its client: a number of requests in a sliding window, an occasional 503, and one unprovoked
 * 429. The 429 simulates other clients of the account that used the limit up. All by count, so that a run can be
 * repeated. Also observes the client: its densest window, and whether it returned before the time that Retry-After
 * named.
 */
import type { Clock } from '#shared/clock.ts'

export type SampleLimit = { requests: number; perMs: number }
export type LimitOptions = {
  limit: SampleLimit
  /** Every n-th request gets a 503; 0 for never. */
  failEvery: number
  /** This request gets a 429 although the limit is not reached; 0 for none. */
  sharedLimitAt: number
  /** How long other clients keep the limit used up after that. */
  sharedLimitMs: number
}

export type LimitDecision = {
  kind: 'pass' | 'limited' | 'failed'
  remaining: number
  /** Until the window has room, or until it has more room than now. */
  resetMs: number
}

export type RequestLimit = {
  decide(): LimitDecision
  /**
   * Most requests that arrived within one window, refused ones included; and those that came before Retry-After
   * allowed.
   */
  seen(): { maxInWindow: number; early: number }
}

/** A request in flight when a 429 was sent is not a sign of impatience. */
const IN_FLIGHT_MS = 250

export function limiter(options: LimitOptions, clock: Clock): RequestLimit {
  const { limit, failEvery, sharedLimitAt, sharedLimitMs } = options
  const arrived: number[] = []
  const counted: number[] = []
  let passed = 0
  let maxInWindow = 0
  let early = 0
  /** Other clients use up the limit until then. */
  let takenUntilMs = 0
  let named = { atMs: 0, untilMs: 0 }

  const refuse = (nowMs: number, resetMs: number): LimitDecision => {
    named = { atMs: nowMs, untilMs: Math.max(named.untilMs, nowMs + seconds(resetMs) * 1000) }
    return { kind: 'limited', remaining: 0, resetMs }
  }

  return {
    decide() {
      const nowMs = clock.nowMs()
      if (nowMs > named.atMs + IN_FLIGHT_MS && nowMs < named.untilMs) early += 1
      forget(arrived, nowMs - limit.perMs)
      forget(counted, nowMs - limit.perMs)
      arrived.push(nowMs)
      maxInWindow = Math.max(maxInWindow, arrived.length)

      if (nowMs < takenUntilMs) return refuse(nowMs, takenUntilMs - nowMs)
      if (counted.length >= limit.requests) return refuse(nowMs, leavesMs(counted, limit, nowMs))
      counted.push(nowMs)
      passed += 1
      if (passed === sharedLimitAt) {
        takenUntilMs = nowMs + sharedLimitMs
        return refuse(nowMs, sharedLimitMs)
      }
      const kind = failEvery > 0 && passed % failEvery === 0 ? 'failed' : 'pass'
      return { kind, remaining: limit.requests - counted.length, resetMs: leavesMs(counted, limit, nowMs) }
    },
    seen: () => ({ maxInWindow, early }),
  }
}

/** When the oldest counted request leaves the window. */
const leavesMs = (counted: readonly number[], limit: SampleLimit, nowMs: number): number =>
  (counted[0] ?? nowMs) + limit.perMs - nowMs

function forget(times: number[], untilMs: number): void {
  const kept = times.findIndex((timeMs) => timeMs > untilMs)
  times.splice(0, kept < 0 ? times.length : kept)
}

/** Whole seconds, never too few. */
export const seconds = (ms: number): number => Math.max(1, Math.ceil(ms / 1000))

/**
 * RateLimit and RateLimit-Policy as in draft-ietf-httpapi-ratelimit-headers-09; Retry-After (RFC 9110) where it is due.
 */
export function limitHeaders(limit: SampleLimit, verdict: LimitDecision): Record<string, string> {
  const headers = {
    'RateLimit-Policy': `"default";q=${limit.requests};w=${seconds(limit.perMs)}`,
    RateLimit: `"default";r=${verdict.remaining};t=${seconds(verdict.resetMs)}`,
  }
  return verdict.kind === 'limited' ? { ...headers, 'Retry-After': String(seconds(verdict.resetMs)) } : headers
}
