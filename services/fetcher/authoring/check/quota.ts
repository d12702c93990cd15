/** Compares the declared quota with the one that an API names in its responses. */
import type { Source } from '#shared/declaration/compile.ts'
import type { QuotaSpec } from '#shared/declaration/quota.ts'
import { SECOND_MS } from '#shared/units.ts'
import { type NamedQuota, namedQuotas } from '../../http/retry-after/rate-limit-headers.ts'
import { type CheckStep, failed, ok, skipped } from './step.ts'

export function quotaStep(
  { quota: declared }: Pick<Source, 'quota'>,
  answers: readonly Readonly<Record<string, string>>[],
): CheckStep {
  const last = answers.at(-1)
  if (last === undefined) return skipped('quota', 'there is no response to check')
  const named = namedQuotas(last)
  const shown = [...new Set(named.map(quotaText))].join(', ')
  if (named.length === 0)
    return skipped(
      'quota',
      declared.length === 0 ? 'not declared, and the API names none' : `${allText(declared)}; the API names none`,
    )
  const tightest = named.filter(hasWindow).sort((a, b) => a.requests / a.perMs - b.requests / b.perMs)[0]
  if (tightest === undefined) {
    const note = 'the API does not say for what time: see its documentation'
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
