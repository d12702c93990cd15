/**
 * Parses a request to /v1/earthquakes. Every invalid parameter is a Problem (RFC 9457) that names it. A cursor implies
 * its filters: it may come without them or with the same ones, not with others.
 */
import type { CursorSeal } from './cursor.ts'
import { type PageQuery, REGIONS, type Region } from './data.ts'

const LIMIT_DEFAULT = 100
export const LIMIT_MAX = 500
const PARAMETERS = ['region', 'updated_since', 'limit', 'cursor']
const EPOCH_MS_DIGITS = /^\d{1,15}$/

export class Problem extends Error {
  readonly status: number
  readonly title: string

  constructor(status: number, title: string, detail: string) {
    super(detail)
    this.status = status
    this.title = title
  }
}

const bad = (detail: string): Problem => new Problem(400, 'Bad Request', detail)

/** Throws Problem. */
export function pageQuery(given: Readonly<Record<string, unknown>>, seal: CursorSeal): PageQuery {
  const unknown = Object.keys(given).find((name) => !PARAMETERS.includes(name))
  if (unknown !== undefined) throw bad(`the parameter ${unknown} is unknown; known are ${PARAMETERS.join(', ')}`)
  const region = regionOf(text(given, 'region'))
  const since = sinceOf(text(given, 'updated_since'))
  const limit = limitOf(text(given, 'limit'))
  const sealed = text(given, 'cursor')
  if (sealed === null) return { region, since, after: null, limit }

  const cursor = seal.read(sealed)
  if (cursor === null) throw bad('cursor: not a cursor of this API')
  if ((region !== null && region !== cursor.region) || (since !== null && since !== cursor.since)) {
    throw bad('cursor: it belongs to a query with other filters')
  }
  return { ...cursor, limit }
}

function text(given: Readonly<Record<string, unknown>>, name: string): string | null {
  const value = given[name]
  if (value === undefined) return null
  if (typeof value !== 'string') throw bad(`${name}: it is given twice`)
  return value
}

function regionOf(value: string | null): Region | null {
  if (value === null) return null
  const region = REGIONS.find((known) => known === value)
  if (region === undefined) throw bad(`region: expected ${REGIONS.join(' or ')}`)
  return region
}

function sinceOf(value: string | null): number | null {
  if (value !== null && !EPOCH_MS_DIGITS.test(value)) throw bad('updated_since: expected milliseconds since the epoch')
  return value === null ? null : Number(value)
}

function limitOf(value: string | null): number {
  const limit = value === null ? LIMIT_DEFAULT : Number(value)
  if (value === '' || !Number.isInteger(limit) || limit < 1 || limit > LIMIT_MAX) {
    throw bad(`limit: expected a whole number from 1 to ${LIMIT_MAX}`)
  }
  return limit
}
