/**
 * When a response says to ask again: Retry-After (RFC 9110 section 10.2.3), an exhausted quota in its headers, and some
 * headers of single APIs. Pure. The longest of several wins, including repeated headers. Points in time are compared
 * with the server's own Date, so a skewed clock neither shortens nor lengthens a wait. A value that makes no sense is
 * ignored.
 */

import { SECOND_MS } from '#shared/units.ts'
import { durationTextMs } from './duration-text.ts'
import { type HeaderFields, headerNumber, type QuotaState, quotaStates } from './rate-limit-headers.ts'

export type Answered = { status: number; headers: HeaderFields }

/** A header with a longer wait means something else. */
export const HINT_MAX_MS = 31 * 86_400 * SECOND_MS
/** Numbers from here on are points in time: as a delta the first would be 31 years. */
export const EPOCH_SECONDS_MIN = 1e9
export const EPOCH_MS_MIN = 1e12

/** Milliseconds until the API wants to be asked again; null if it does not say so. */
export function waitHint(answer: Answered, nowMs: number): number | null {
  const { status, headers } = answer
  const serverMs = instantOf(headers.date) ?? nowMs
  const waits = [
    ...(status >= 400 ? retryAfters(headers, serverMs) : []),
    ...quotaStates(headers).map((state) => (isExhausted(state, status) ? resetWait(state.reset, serverMs) : null)),
    exhaustedInterval(headers),
  ].filter((wait) => wait !== null && wait > 0 && wait <= HINT_MAX_MS)
  return waits.length === 0 ? null : Math.ceil(Math.max(...waits.map(Number)))
}

/** The wait that a response of any status names, such as one that says that a job is not done; null for none. */
export function namedWait({ headers }: Pick<Answered, 'headers'>, nowMs: number): number | null {
  const waits = retryAfters(headers, instantOf(headers.date) ?? nowMs).filter(
    (wait) => wait !== null && wait > 0 && wait <= HINT_MAX_MS,
  )
  return waits.length === 0 ? null : Math.ceil(Math.max(...waits.map(Number)))
}

/** A 429 with a reset but without a count of what is left is exhausted too. */
const isExhausted = ({ remaining, isCounter }: QuotaState, status: number): boolean =>
  remaining === null ? isCounter && status === 429 : remaining <= 0

/** Also on a refusal: the next request must not be earlier either. */
function retryAfters(headers: HeaderFields, serverMs: number): (number | null)[] {
  return [
    retryAfter(headers['retry-after'], serverMs),
    ...['retry-after-ms', 'x-ms-retry-after-ms'].map((name) => headerNumber(headers[name])),
  ]
}

/** HubSpot names the length of its window instead of its end. */
function exhaustedInterval(headers: HeaderFields): number | null {
  const remaining = headerNumber(headers['x-hubspot-ratelimit-remaining'], Math.min)
  return remaining === 0 ? headerNumber(headers['x-hubspot-ratelimit-interval-milliseconds']) : null
}

/** Seconds (a fraction is accepted), a duration or an HTTP date. */
function retryAfter(text: string | undefined, serverMs: number): number | null {
  const seconds = headerNumber(text)
  if (seconds !== null) return seconds * SECOND_MS
  return wordsWait(text, serverMs)
}

/** A duration such as `6m0s`, or a date. */
function wordsWait(text: string | undefined, serverMs: number): number | null {
  const durationMs = text === undefined ? null : durationTextMs(text)
  if (durationMs !== null) return durationMs
  const at = instantOf(text)
  return at === null ? null : at - serverMs
}

/** Seconds from now, epoch seconds, epoch milliseconds, a duration or a date. */
function resetWait(text: string | undefined, serverMs: number): number | null {
  const number = headerNumber(text)
  if (number === null) return wordsWait(text, serverMs)
  if (number >= EPOCH_MS_MIN) return number - serverMs
  if (number >= EPOCH_SECONDS_MIN) return number * SECOND_MS - serverMs
  return number * SECOND_MS
}

/**
 * An HTTP date, an RFC 3339 instant, or one with a blank for the T; without a zone it is in UTC. They begin with a year
 * or a weekday, which keeps Date.parse from guessing.
 */
export function instantOf(text: string | undefined): number | null {
  if (text === undefined) return null
  const [, day, time, zone = 'Z'] = INSTANT.exec(text) ?? []
  if (day === undefined && !/^(mon|tue|wed|thu|fri|sat|sun)/i.test(text)) return null
  const ms = Date.parse(day === undefined ? text : `${day}T${time}${/^[+-]/.test(zone) ? zone : 'Z'}`)
  return Number.isNaN(ms) ? null : ms
}

const INSTANT = /^(\d{4}-\d\d-\d\d)[T ](\d\d:\d\d(?::\d\d(?:\.\d+)?)?) ?(Z|UTC|GMT|[+-]\d\d:?\d\d)?$/i
