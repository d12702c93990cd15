/** What the servers that behave like a vendor's API have in common. */
import type { Answer, Asked } from '../../support/http.ts'

export type Hook = (number: number) => Promise<void> | void
export type Vendor = {
  script(asked: Asked): Promise<Answer> | Answer
  /** Called before each request for records is answered, with its number from 1. */
  onAsked(hook: Hook): void
  /** What a client did that the vendor's documentation forbids. */
  complaints: string[]
}

/** A limit as vendors keep it: so many requests in a time, then 429 until the time that the answer names. */
export function createLimit(name: string, complaints: string[]) {
  let closedUntilMs = 0
  return {
    /** Null if the request is within the limit. `closes`: this request is refused, for a second. */
    check(nowMs: number, closes: boolean): Answer | null {
      if (nowMs < closedUntilMs) complaints.push(`${name}: asked ${closedUntilMs - nowMs} ms before Retry-After`)
      if (!closes) return null
      closedUntilMs = nowMs + RETRY_AFTER_S * 1000
      return { status: 429, headers: { 'retry-after': String(RETRY_AFTER_S) }, json: { error: 'APIRateLimitExceeded' } }
    },
  }
}

const RETRY_AFTER_S = 1

export const basicOf = (user: string, password: string): string =>
  `Basic ${Buffer.from(`${user}:${password}`).toString('base64')}`

export const isAfter = (a: readonly [number, string], b: readonly [number, string]): boolean =>
  a[0] > b[0] || (a[0] === b[0] && a[1] > b[1])
