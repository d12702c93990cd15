/**
 * How a page request can fail. Each class is a decision of the caller: give the page up, retry later, wait, or ask a
 * person for credentials. Messages hold redacted URLs and short excerpts, never a credential.
 */
import { HEADRACE } from '#shared/config/called-as.ts'
import type { Stream } from '#shared/declaration/compile.ts'
import { type ErrorDetails, HeadraceError, Stopped, Unavailable } from '#shared/errors.ts'

/** The API refuses this request (a 4xx or 3xx that a retry does not change). The page is not retried. */
export class PageRefused extends Stopped {
  readonly status: number
  readonly excerpt: string
  /** An author's function refuses it, so that it is not an expired cursor. */
  readonly declared: boolean

  constructor(status: number, excerpt: string, message: string, details: ErrorDetails & { declared?: boolean } = {}) {
    super('HR_PAGE_REFUSED', message, details)
    this.declared = details.declared === true
    this.status = status
    this.excerpt = excerpt
  }
}

/** The declaration says to skip the page. Its run stops before it, which is not a failure. */
export class PageSkipped extends HeadraceError {
  readonly status: number

  constructor(status: number, message: string) {
    super('HR_PAGE_SKIPPED', message, {
      hint: 'answers of the declaration leave such a page out; the next run begins with it',
    })
    this.status = status
  }
}

/** The response arrived whole and cannot be parsed. The page is not retried in this run. */
export class PageUnreadable extends Stopped {
  constructor(message: string, details: ErrorDetails = {}) {
    super('HR_PAGE_UNREADABLE', message, details)
  }
}

/** The page was requested as often as the source allows; names the request, the attempts and the last response. */
export class PageFailed extends Unavailable {
  readonly attempts: number
  /** Of the last response; null if none arrived whole. */
  readonly status: number | null

  constructor(attempts: number, message: string, details: ErrorDetails & { code?: string; status?: number } = {}) {
    super(details.code ?? 'HR_PAGE_FAILED', message, details)
    this.attempts = attempts
    this.status = details.status ?? null
  }
}

/** The API asks for a wait longer than the source's waitMax: retry at `untilMs` (since the epoch), not before. */
export class Parked extends HeadraceError {
  readonly untilMs: number
  /** The pause applies to the whole source, not to a quota of some paths. */
  readonly wholeSource: boolean

  constructor(untilMs: number, message: string, wholeSource = false) {
    super('HR_PARKED', message, { hint: `wait, or ask earlier on your own decision: ${HEADRACE} release SOURCE` })
    this.untilMs = untilMs
    this.wholeSource = wholeSource
  }
}

/** A time that an API named can be beyond what a Date holds. */
export const timeText = (ms: number): string =>
  Number.isNaN(new Date(ms).getTime()) ? `${ms} ms` : new Date(ms).toISOString()

/** The API or its token endpoint does not accept the credentials; retrying would not change that. */
export class CredentialsRefused extends Unavailable {
  readonly by: 'api' | 'token-endpoint'

  constructor(message: string, details: ErrorDetails & { by?: 'api' | 'token-endpoint'; code?: string } = {}) {
    super(details.code ?? 'HR_CREDENTIALS_REFUSED', message, details)
    this.by = details.by ?? 'api'
  }
}

/** `unreadable`: the response is whole, and none like it can ever be read. A retry in the same run gains nothing. */
export type AttemptFailure = 'connection' | 'timeout' | 'cut' | 'not_json' | 'unreadable' | 'too_large' | 'error_body'

/** One attempt failed in a way that another may not. Stays inside the client: the retry layer catches it. */
export class AttemptFailed extends HeadraceError {
  readonly reason: AttemptFailure

  constructor(reason: AttemptFailure, message: string) {
    super('HR_ATTEMPT_FAILED', message)
    this.reason = reason
  }
}

/** True if the refusal of a request made from a cursor may mean that the cursor has expired. */
export const mayMeanExpiredCursor = (
  error: unknown,
  { expiredCursor }: Pick<Stream, 'expiredCursor'>,
): error is PageRefused => error instanceof PageRefused && !error.declared && expiredCursor.includes(error.status)
