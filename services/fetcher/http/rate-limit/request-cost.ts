/**
 * The quotas of a source as the limiter uses them: a request's cost in each, known before credentials are added. A
 * quota in which every request weighs the same counts requests. One that holds less than two of its heaviest requests
 * allows one request per window, whatever it weighs.
 */
import type { Source } from '#shared/declaration/compile.ts'
import { heaviest, pathMatcher, type QuotaSpec, type RequestFacts } from '#shared/declaration/quota.ts'
import { messageOf, Stopped } from '#shared/errors.ts'
import type { PageRequest } from '../messages.ts'
import { type Divisible, scarcestLanes, unitsMin } from './split-quota.ts'

/** `room`: number of the quota. Units are whole numbers from 1. */
export type Charge = { room: number; units: number }
/**
 * What a request costs. `apart`: no quota that holds for all paths counts it, so a pause in its response does not apply
 * to others.
 */
export type RequestCost = { charges: readonly Charge[]; apart: boolean }

export type Quota = {
  requests: number
  per: number
  heaviest: number
  byPath: boolean
  /** 0: this quota does not count the request. Throws Stopped for an invalid weight. */
  unitsOf(facts: RequestFacts): number
}

export function quotasOf(source: Pick<Source, 'name' | 'quota'>): Quota[] {
  return source.quota.map((spec, index) => {
    const matches = pathMatcher(spec.paths)
    const heavy = heaviest(spec)
    const isOneByOne = typeof spec.weight !== 'number' && spec.requests < unitsMin(heavy)
    const scale = typeof spec.weight === 'number' || isOneByOne
    return {
      per: spec.per,
      byPath: spec.paths !== undefined,
      requests: isOneByOne ? 1 : Math.floor(spec.requests / (typeof spec.weight === 'number' ? spec.weight : 1)),
      heaviest: scale ? 1 : heavy,
      unitsOf(facts) {
        if (!matches(facts.path)) return 0
        const units = weightOf(source.name, index, spec, facts)
        return scale ? Math.min(units, 1) : units
      },
    }
  })
}

/** What is split over a source's partitions: its quotas, and the places for requests in flight. */
export const divisibleOf = (
  quotas: readonly Pick<Quota, 'requests' | 'heaviest'>[],
  places: number | undefined,
): Divisible[] => [
  ...quotas.map(({ requests, heaviest }) => ({ units: requests, heaviest })),
  ...(places === undefined ? [] : [{ units: places }]),
]

/**
 * Partitions p and q of the source, numbered over all its streams, share lanes if they are equal modulo this number.
 * Then they belong in one process. Null: each has its own lane in every quota.
 */
export function sharedLanesOf(
  source: Pick<Source, 'name' | 'quota' | 'concurrency'>,
  partitionsAll: number,
): number | null {
  const count = scarcestLanes(divisibleOf(quotasOf(source), source.concurrency), partitionsAll)
  return count === partitionsAll ? null : count
}

function weightOf(source: string, index: number, spec: QuotaSpec, facts: RequestFacts): number {
  const { weight } = spec
  if (typeof weight === 'object') return new Map(Object.entries(weight)).get(facts.stream) ?? 1
  if (typeof weight !== 'function') return weight ?? 1
  const refuse = (what: string) =>
    new Stopped(
      'HR_QUOTA_WEIGHT',
      `${source}: the weight function of quota ${index + 1} ${what} for ${facts.method} ${facts.path}`,
      {
        hint: 'it returns a whole number from 0 to weightMax',
      },
    )
  let units: unknown
  try {
    units = weight(facts)
  } catch (error) {
    throw refuse(`throws ${messageOf(error)}`)
  }
  if (typeof units === 'number' && Number.isInteger(units) && units >= 0 && units <= heaviest(spec)) return units
  throw refuse(`returns ${typeof units === 'number' ? units : `a ${typeof units}`}`)
}

export function costOf(quotas: readonly Quota[], facts: RequestFacts): RequestCost {
  const all = quotas.map((quota, room) => ({ room, units: quota.unitsOf(facts), byPath: quota.byPath }))
  const charges = all.filter(({ units }) => units > 0)
  return {
    charges: charges.map(({ room, units }) => ({ room, units })),
    apart: charges.length > 0 && charges.every(({ byPath }) => byPath),
  }
}

/** `request`: before its credentials are added. `stream`: the label. */
export function factsOf(request: PageRequest, stream: string, basePath: string): RequestFacts {
  const { pathname, searchParams } = request.url
  const base = basePath.replace(/\/+$/, '')
  return {
    stream: stream.slice(stream.indexOf('.') + 1),
    method: request.method,
    path: pathname.startsWith(`${base}/`) ? pathname.slice(base.length) : pathname,
    params: Object.fromEntries(searchParams),
    body: request.body,
  }
}
