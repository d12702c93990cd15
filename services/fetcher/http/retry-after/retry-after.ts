/**
 * When a response says to ask again: Retry-After (RFC 9110 section 10.2.3), RateLimit and RateLimit-Policy (IETF
 * draft-ietf-httpapi-ratelimit-headers, its earlier forms too), the X-RateLimit family and some API-specific headers.
 * Pure. The longest of several wins, including repeated headers. Points in time are compared with the server's own
 * Date, so a skewed clock neither shortens nor lengthens a wait. A value that makes no sense is ignored.
 */
import { SECOND_MS } from '#shared/units.ts'

export type Answered = { status: number; headers: Readonly<Record<string, string>> }

/** A header with a longer wait means something else. */
const HINT_MAX_MS = 31 * 86_400 * SECOND_MS
/** Numbers from here on are points in time: as a delta the first would be 31 years. */
const EPOCH_SECONDS_MIN = 1e9
const EPOCH_MS_MIN = 1e12

/** Milliseconds until the API wants to be asked again; null if it does not say so. */
export function waitHint(answer: Answered, nowMs: number): number | null {
  const { status, headers } = answer
  const serverMs = instantOf(headers.date) ?? nowMs
  const waits = [
    ...(status >= 400 ? retryAfters(headers, serverMs) : []),
    ...exhaustedPolicies(headers.ratelimit, headers['ratelimit-policy'], serverMs),
    ...COUNTERS.map(([remaining, reset]) => exhaustedCounter(status, headers[remaining], headers[reset], serverMs)),
    exhaustedInterval(headers),
  ].filter((wait) => wait !== null && wait > 0 && wait <= HINT_MAX_MS)
  return waits.length === 0 ? null : Math.ceil(Math.max(...waits.map(Number)))
}

const COUNTERS = [
  ['ratelimit-remaining', 'ratelimit-reset'],
  ['x-ratelimit-remaining', 'x-ratelimit-reset'],
  ['x-rate-limit-remaining', 'x-rate-limit-reset'],
  ['x-ratelimit-remaining', 'x-ratelimit-reset-after'],
] as const

/** Also on a refusal: the next request must not be earlier either. */
function retryAfters(headers: Answered['headers'], serverMs: number): (number | null)[] {
  return [
    retryAfter(headers['retry-after'], serverMs),
    ...['retry-after-ms', 'x-ms-retry-after-ms'].map((name) => numberOf(headers[name])),
  ]
}

/** HubSpot names the length of its window instead of its end. */
function exhaustedInterval(headers: Answered['headers']): number | null {
  const remaining = numberOf(headers['x-hubspot-ratelimit-remaining'], Math.min)
  return remaining === 0 ? numberOf(headers['x-hubspot-ratelimit-interval-milliseconds']) : null
}

/** Seconds (a fraction is accepted) or an HTTP date. */
function retryAfter(text: string | undefined, serverMs: number): number | null {
  const seconds = numberOf(text)
  if (seconds !== null) return seconds * SECOND_MS
  const at = instantOf(text)
  return at === null ? null : at - serverMs
}

/** `"burst";r=0;t=10, "daily";r=900;t=3600`, or the older `limit=100, remaining=0, reset=10`. */
function exhaustedPolicies(
  limits: string | undefined,
  policies: string | undefined,
  serverMs: number,
): (number | null)[] {
  if (limits === undefined) return []
  const [remaining, reset] = [/remaining=(\d+)/i.exec(limits)?.[1], /reset=(\d+)/i.exec(limits)?.[1]]
  if (remaining !== undefined) return [Number(remaining) > 0 ? null : resetWait(reset, serverMs)]
  const windows = new Map(members(policies ?? '').map(({ name, parameters }) => [name, parameters.get('w')]))
  return members(limits).map(({ name, parameters }) => {
    const remaining = numberOf(parameters.get('r'))
    if (remaining === null || remaining > 0) return null
    return resetWait(parameters.get('t') ?? windows.get(name), serverMs)
  })
}

/** The members of a structured-field list (RFC 9651), as far as these headers use it. */
function members(text: string): { name: string; parameters: Map<string, string> }[] {
  return text.split(',').map((member) => {
    const [name = '', ...parameters] = member.split(';').map((part) => part.trim())
    return {
      name,
      parameters: new Map(parameters.map((part) => [part.split('=', 1)[0] ?? '', part.slice(part.indexOf('=') + 1)])),
    }
  })
}

/** A 429 with a reset but without a remaining count is exhausted too. */
function exhaustedCounter(
  status: number,
  remaining: string | undefined,
  reset: string | undefined,
  serverMs: number,
): number | null {
  const left = numberOf(remaining, Math.min)
  const exhausted = left === null ? status === 429 : left <= 0
  return exhausted ? resetWait(reset, serverMs) : null
}

/** Seconds from now, epoch seconds, epoch milliseconds, or a date. */
function resetWait(text: string | undefined, serverMs: number): number | null {
  const number = numberOf(text)
  if (number === null) {
    const at = instantOf(text)
    return at === null ? null : at - serverMs
  }
  if (number >= EPOCH_MS_MIN) return number - serverMs
  if (number >= EPOCH_SECONDS_MIN) return number * SECOND_MS - serverMs
  return number * SECOND_MS
}

/** A repeated header is a list: `of` chooses the value, by default the largest number. */
function numberOf(text: string | undefined, of: (...numbers: number[]) => number = Math.max): number | null {
  const parts = text?.split(',').map((part) => part.trim()) ?? []
  return parts.length > 0 && parts.every((part) => /^\d{1,16}(\.\d+)?$/.test(part)) ? of(...parts.map(Number)) : null
}

/** An HTTP date or an RFC 3339 instant; both begin with a year or a weekday, which keeps Date.parse from guessing. */
function instantOf(text: string | undefined): number | null {
  if (text === undefined || !/^(mon|tue|wed|thu|fri|sat|sun)|^\d{4}-\d\d-\d\dT/i.test(text)) return null
  const ms = Date.parse(text)
  return Number.isNaN(ms) ? null : ms
}
