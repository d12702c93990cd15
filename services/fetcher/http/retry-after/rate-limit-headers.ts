/**
 * What an API says of its quotas in headers: RateLimit and RateLimit-Policy, and the X-RateLimit family. The first two
 * are those of draft-ietf-httpapi-ratelimit-headers: a list of RFC 9651, and its earlier forms. Pure. A value that
 * makes no sense is ignored.
 */

import { SECOND_MS } from '#shared/units.ts'

export type HeaderFields = Readonly<Record<string, string>>

/** How much is allowed. `perMs` is null if the API does not name the period. */
export type NamedQuota = { header: string; requests: number; perMs: number | null }

/**
 * How much is left. `reset` is the time until the quota is whole again, as the header writes it. `isCounter`: of a
 * header for each number, where some APIs omit the number that is left.
 */
export type QuotaState = { remaining: number | null; reset: string | undefined; isCounter: boolean }

const UNITS_MS: Readonly<Record<string, number>> = { second: 1000, minute: 60_000, hour: 3_600_000, day: 86_400_000 }
const LIMIT_HEADERS: readonly string[] = [
  'ratelimit-policy',
  'ratelimit-limit',
  'x-ratelimit-limit',
  'x-rate-limit-limit',
]
const COUNTERS = [
  ['ratelimit-remaining', 'ratelimit-reset'],
  ['x-ratelimit-remaining', 'x-ratelimit-reset'],
  ['x-rate-limit-remaining', 'x-rate-limit-reset'],
  ['x-ratelimit-remaining', 'x-ratelimit-reset-after'],
  ['x-ratelimit-remaining-requests', 'x-ratelimit-reset-requests'],
  ['x-ratelimit-remaining-tokens', 'x-ratelimit-reset-tokens'],
] as const

export function namedQuotas(headers: HeaderFields): NamedQuota[] {
  return Object.entries(headers).flatMap(([header, text]) => {
    const unit = UNITS_MS[/^x-ratelimit-limit-(second|minute|hour|day)$/.exec(header)?.[1] ?? '']
    if (unit !== undefined) return quota(header, text, unit)
    if (header === 'ratelimit') return quota(header, olderField(text, 'limit'), null)
    if (!LIMIT_HEADERS.includes(header)) return []
    // `"default";q=30;w=2`, `30;w=2` or `30`.
    return membersOf(text).flatMap(({ item, parameters }) => {
      const seconds = Number(parameters.get('w'))
      return quota(header, parameters.get('q') ?? item, seconds > 0 ? seconds * SECOND_MS : null)
    })
  })
}

export function quotaStates(headers: HeaderFields): QuotaState[] {
  return [
    ...rateLimitStates(headers.ratelimit, headers['ratelimit-policy']),
    ...COUNTERS.map(([remaining, reset]) => ({
      remaining: headerNumber(headers[remaining], Math.min),
      reset: headers[reset],
      isCounter: true,
    })),
  ]
}

/** `"burst";r=0;t=10, "daily";r=900;t=3600`, or the older `limit=100, remaining=0, reset=10`. */
function rateLimitStates(limits: string | undefined, policies = ''): QuotaState[] {
  if (limits === undefined) return []
  const older = olderField(limits, 'remaining')
  if (older !== undefined) return [{ remaining: Number(older), reset: olderField(limits, 'reset'), isCounter: false }]
  const windows = new Map(membersOf(policies).map(({ item, parameters }) => [item, parameters.get('w')]))
  return membersOf(limits).map(({ item, parameters }) => ({
    remaining: headerNumber(parameters.get('r')),
    reset: parameters.get('t') ?? windows.get(item),
    isCounter: false,
  }))
}

/** A repeated header is a list: `of` chooses the value, by default the largest number. */
export function headerNumber(text: string | undefined, of: (...numbers: number[]) => number = Math.max): number | null {
  const parts = text?.split(',').map((part) => part.trim()) ?? []
  return parts.length > 0 && parts.every((part) => /^\d{1,16}(\.\d+)?$/.test(part)) ? of(...parts.map(Number)) : null
}

const olderField = (text: string, name: 'limit' | 'remaining' | 'reset'): string | undefined =>
  new RegExp(String.raw`${name}=(\d+)`, 'i').exec(text)?.[1]

const quota = (header: string, text: string | undefined, perMs: number | null): NamedQuota[] => {
  const requests = /^\d{1,12}$/.test(text?.trim() ?? '') ? Number(text) : 0
  return requests > 0 ? [{ header, requests, perMs }] : []
}

type Member = { item: string; parameters: ReadonlyMap<string, string> }

/** A quoted string may contain what separates members and parameters (RFC 9651 section 3.3.3). */
const MEMBER = /(?:"(?:\\.|[^"\\])*"|[^,])+/g
const PART = /(?:"(?:\\.|[^"\\])*"|[^;])+/g

/** The members of a structured-field list, as far as these headers use it. Items stay as they are written. */
function membersOf(text: string): Member[] {
  return (text.match(MEMBER) ?? []).map((member) => {
    const [item = '', ...parameters] = (member.match(PART) ?? []).map((part) => part.trim())
    return {
      item,
      parameters: new Map(parameters.map((part) => [part.split('=', 1)[0] ?? '', part.slice(part.indexOf('=') + 1)])),
    }
  })
}
