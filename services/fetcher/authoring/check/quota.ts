/**
 * Compares the declared quota with the one that an API names in its responses. Read are RateLimit-Policy and RateLimit
 * (draft-ietf-httpapi-ratelimit-headers, later and earlier forms) and the X-RateLimit family.
 */

import type { Source } from '#shared/declaration/compile.ts'
import type { QuotaSpec } from '#shared/declaration/quota.ts'
import { SECOND_MS } from '#shared/units.ts'
import { type CheckStep, failed, ok, skipped } from './step.ts'

/** `perMs` is null if the API does not name the period. */
export type NamedQuota = { header: string; requests: number; perMs: number | null }

const UNITS_MS: Readonly<Record<string, number>> = { second: 1000, minute: 60_000, hour: 3_600_000, day: 86_400_000 }
const LIMIT_HEADERS: readonly string[] = [
  'ratelimit-policy',
  'ratelimit-limit',
  'x-ratelimit-limit',
  'x-rate-limit-limit',
]

export function namedQuotas(headers: Readonly<Record<string, string>>): NamedQuota[] {
  return Object.entries(headers).flatMap(([header, text]) => {
    const unit = UNITS_MS[/^x-ratelimit-limit-(second|minute|hour|day)$/.exec(header)?.[1] ?? '']
    if (unit !== undefined) return quota(header, text, unit)
    if (header === 'ratelimit') return quota(header, /limit=(\d+)/i.exec(text)?.[1], null)
    return LIMIT_HEADERS.includes(header) ? text.split(',').flatMap((member) => memberQuota(header, member)) : []
  })
}

/** `"default";q=30;w=2`, `30;w=2` or `30`. */
function memberQuota(header: string, member: string): NamedQuota[] {
  const [name = '', ...rest] = member.split(';').map((part) => part.trim())
  const parameters = new Map(rest.map((part) => [part.split('=', 1)[0] ?? '', part.slice(part.indexOf('=') + 1)]))
  const seconds = Number(parameters.get('w'))
  return quota(header, parameters.get('q') ?? name, seconds > 0 ? seconds * SECOND_MS : null)
}

function quota(header: string, text: string | undefined, perMs: number | null): NamedQuota[] {
  const requests = /^\d{1,12}$/.test(text?.trim() ?? '') ? Number(text) : 0
  return requests > 0 ? [{ header, requests, perMs }] : []
}

export function quotaStep(
  { quota: declared }: Pick<Source, 'quota'>,
  answers: readonly Readonly<Record<string, string>>[],
): CheckStep {
  const last = answers.at(-1)
  if (last === undefined) return skipped('quota', 'there is no answer to look at')
  const named = namedQuotas(last)
  const shown = [...new Set(named.map(quotaText))].join(', ')
  if (named.length === 0)
    return skipped(
      'quota',
      declared.length === 0 ? 'neither declared nor named by the API' : `${allText(declared)}; the API names none`,
    )
  const tightest = named.filter(hasWindow).sort((a, b) => a.requests / a.perMs - b.requests / b.perMs)[0]
  if (tightest === undefined) {
    const note = 'the API does not say for how long: compare it with its documentation'
    return ok('quota', `the API names ${shown}; declared: ${declared.length === 0 ? 'none' : allText(declared)}`, [
      note,
    ])
  }
  const advice = `declare at most quota: { requests: ${tightest.requests}, per: '${tightest.perMs / SECOND_MS}s' }`
  if (declared.length === 0) return failed('quota', `none is declared, and the API names ${shown}`, advice)
  // Quotas of some paths say nothing about the others.
  const general = declared.filter(({ paths }) => paths === undefined)
  const strictest = Math.min(...(general.length > 0 ? general : declared).map(({ requests, per }) => requests / per))
  if (strictest > tightest.requests / tightest.perMs) {
    return failed('quota', `${allText(declared)} is more than the API allows: ${shown}`, advice)
  }
  return ok('quota', `${allText(declared)}; the API names ${shown}`)
}

type Windowed = NamedQuota & { perMs: number }

const hasWindow = (each: NamedQuota): each is Windowed => each.perMs !== null

const allText = (declared: readonly QuotaSpec[]): string => declared.map(declaredText).join(', ')

function declaredText({ requests, per, paths, weight }: QuotaSpec): string {
  const what = weight === undefined || weight === 1 ? `${requests}` : `${requests} units`
  return `${what} in ${per / SECOND_MS} s${paths === undefined ? '' : ` of ${paths.join(' ')}`}`
}

const quotaText = ({ header, requests, perMs }: NamedQuota): string =>
  `${requests}${perMs === null ? '' : ` in ${perMs / SECOND_MS} s`} (${header})`
