/**
 * The quota of an API, as data: one or several that apply together, each over all requests or those of some paths. It
 * counts requests, or units that each request weighs. The heaviest request is known when the declaration is loaded,
 * since the split over workers depends on it.
 */
import { z } from 'zod'
import type { DeclarationError } from '../errors.ts'
import { positiveDuration } from './duration.ts'

/** What a weight can depend on; without credentials. */
export type RequestFacts = {
  /** The name of the stream in the declaration. */
  stream: string
  /** The HTTP method. */
  method: 'GET' | 'POST' | 'DELETE'
  /** Below `baseUrl`, as the streams' own `path` is. */
  path: string
  /** The parameters of the query. */
  params: Readonly<Record<string, string>>
  /** The JSON body of a POST. */
  body: unknown
}

const QUOTAS_MAX = 16
const weightFunction = z.custom<(request: RequestFacts) => number>(
  (value) => typeof value === 'function',
  'expected a function',
)
const WEIGHT_EXPECTED =
  'expected a whole number from 1, { stream: number }, or a function of the request that returns one'

export const quotaSpec = z.strictObject({
  /** Units that the API allows within `per`, by default one for each request: `600`. */
  requests: z.int().min(1),
  /** The time in which the API allows them: `'1m'`. */
  per: positiveDuration,
  /**
   * Only requests below one of these paths count: `['/v1/search']`. `*` and `{name}` match a part of a path, a leading
   * `!` excludes paths. Without it, all requests count.
   */
  paths: z
    .array(z.string().regex(/^!?\/[^?#]*$/, 'expected a path that starts with /, or with !/ to exclude it'))
    .min(1)
    .optional(),
  /** Units that a request costs: a number, `{ search: 10 }` by stream, or a function with `weightMax`. @default 1 */
  weight: z.union([z.int().min(1), z.record(z.string(), z.int().min(0)), weightFunction], WEIGHT_EXPECTED).optional(),
  /** The most that a function as `weight` returns. */
  weightMax: z.int().min(1).optional(),
})
export type QuotaSpec = z.infer<typeof quotaSpec>

export const quotasSpec = z
  .union([quotaSpec.transform((quota): QuotaSpec[] => [quota]), z.array(quotaSpec).min(1).max(QUOTAS_MAX)])
  .default([])

/** Units of the heaviest request. */
export function heaviest({ weight, weightMax }: QuotaSpec): number {
  if (typeof weight === 'object') return Math.max(1, ...Object.values(weight))
  return typeof weight === 'number' ? weight : (weightMax ?? 1)
}

type RefuseQuota = (field: string, what: string, hint: string) => DeclarationError

/** Checks across the parts of a quota and the names of the streams. Throws what `refuse` makes. */
export function checkQuotas(quotas: readonly QuotaSpec[], streams: readonly string[], refuse: RefuseQuota): void {
  for (const [index, quota] of quotas.entries()) {
    const at = quotas.length === 1 ? 'quota' : `quota[${index}]`
    const { weight, weightMax, requests } = quota
    if (typeof weight === 'function' && weightMax === undefined) {
      throw refuse(`${at}.weightMax`, 'is missing: a weight function needs a maximum', 'add weightMax: 10')
    }
    if (typeof weight !== 'function' && weightMax !== undefined) {
      throw refuse(`${at}.weightMax`, 'has no effect without a weight function', 'remove it')
    }
    const unknown = typeof weight === 'object' ? Object.keys(weight).find((name) => !streams.includes(name)) : undefined
    if (unknown !== undefined)
      throw refuse(`${at}.weight`, `"${unknown}" is not a stream of this source`, `it has: ${streams.join(', ')}`)
    if (heaviest(quota) <= requests) continue
    const field = typeof weight === 'function' ? 'weightMax' : 'weight'
    throw refuse(
      `${at}.${field}`,
      `a request of ${heaviest(quota)} units exceeds a quota of ${requests}`,
      'raise requests, or lower the weight',
    )
  }
}

/** Matches a path and everything below it. */
export function pathMatcher(patterns: readonly string[] | undefined): (path: string) => boolean {
  if (patterns === undefined) return () => true
  const taken = patterns.filter((pattern) => !pattern.startsWith('!')).map(expressionOf)
  const out = patterns.filter((pattern) => pattern.startsWith('!')).map((pattern) => expressionOf(pattern.slice(1)))
  return (path) => (taken.length === 0 || taken.some((each) => each.test(path))) && !out.some((each) => each.test(path))
}

function expressionOf(pattern: string): RegExp {
  const segments = pattern
    .replace(/\/+$/, '')
    .split('/')
    .map((segment) => {
      const parts = segment.split(/\{[^{}]*\}|\*+/).map((part) => part.replace(/[\\^$.*+?()[\]{}|]/g, '\\$&'))
      return parts.length > 1 && parts.every((part) => part === '') ? '[^/]+' : parts.join('[^/]*')
    })
  return new RegExp(`^${segments.join('/')}(?:/.*)?$`)
}
