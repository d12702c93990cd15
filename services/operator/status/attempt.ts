/** The last attempt and the current stall of a partition, as `status` shows them. Pure. */
import { type LastAttempt, parkedUntil, parseAttempt, parseRelease } from '#shared/progress/last-attempt.ts'
import { parseStall } from '#shared/progress/stall.ts'

/** Times are ISO. */
export type AttemptStatus = {
  outcome: LastAttempt['outcome']
  at: string
  code?: string
  message?: string
  hint?: string
  /** End of the last successful run. */
  lastSuccess: string | null
  failingSince: string | null
  /** Consecutive attempts that failed or were parked. */
  failures: number
  parkedUntil: string | null
  /** A person released the pause; the fetcher has not called the API since. */
  released: boolean
  /** When the service tries again; null if it does not repeat. */
  next: string | null
  attention: { kind: string; message: string }[]
}

export type StallStatus = { since: string; reason: string; message: string }

export function attemptStatus(metadata: string, release: string, nowMs: number): AttemptStatus | null {
  const attempt = parseAttempt(metadata)
  if (attempt === null) return null
  const { outcome, code, message, hint, failures, attention = [] } = attempt
  return {
    ...{ outcome, at: isoOf(attempt.atMs) },
    ...(code === undefined ? {} : { code }),
    ...(message === undefined ? {} : { message }),
    ...(hint === undefined ? {} : { hint }),
    lastSuccess: attempt.lastSuccessMs === null ? null : isoOf(attempt.lastSuccessMs),
    failingSince: attempt.failingSinceMs === null ? null : isoOf(attempt.failingSinceMs),
    failures,
    parkedUntil: outcome === 'parked' && attempt.parkedUntilMs !== undefined ? isoOf(attempt.parkedUntilMs) : null,
    released: parkedUntil(attempt, null, nowMs) !== null && parkedUntil(attempt, parseRelease(release), nowMs) === null,
    next: attempt.nextMs === undefined ? null : isoOf(attempt.nextMs),
    attention,
  }
}

export function stallStatus(metadata: string): StallStatus | null {
  const stall = parseStall(metadata)
  return stall === null ? null : { since: isoOf(stall.sinceMs), reason: stall.reason, message: stall.message }
}

/** A time that an API named can exceed what a Date holds. */
export const isoOf = (ms: number): string =>
  Number.isNaN(new Date(ms).getTime()) ? `${ms} ms` : new Date(ms).toISOString()
