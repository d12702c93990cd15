/** Reads a response at a declared place, and makes the error for a value that is missing or wrong. */
import type { Stream } from '#shared/declaration/compile.ts'
import { type Place, type SimplePlace, type Total, unwrapped } from '#shared/declaration/place.ts'
import { messageOf, Stopped } from '#shared/errors.ts'
import { valueAt } from '#shared/json-pointer.ts'
import type { Cursor } from './paginator.ts'

/**
 * The value at `place` of the body; undefined if there is none, optional or not. Throws Stopped if the author's
 * function throws.
 */
export function readPlace(stream: Stream, field: string, place: Place, body: unknown): unknown {
  const { at } = unwrapped<SimplePlace>(place)
  if (typeof at === 'string') return valueAt(body, at)
  try {
    return at(body)
  } catch (error) {
    throw unclear(stream, `the function paginate.${field} throws: ${messageOf(error)}`)
  }
}

/** A declared flag. Null only if it is optional, and missing or null. Throws Stopped. */
export function flagAt(stream: Stream, field: string, place: Place, body: unknown): boolean | null {
  const found = readPlace(stream, field, place, body)
  if (typeof found === 'boolean') return found
  const text = String(found).toLowerCase()
  if (text === 'true' || text === '1') return true
  if (text === 'false' || text === '0') return false
  if ((found ?? null) === null && unwrapped(place).isOptional) return null
  throw notThere(stream, field, place, found, 'no true or false')
}

type Counted = { body: unknown; headers: Readonly<Record<string, string>> }

/** A declared total: an integer, or its text. Null only if it is optional, and missing or null. Throws Stopped. */
export function totalAt(stream: Stream, field: string, total: Total, { body, headers }: Counted): number | null {
  const place = placeOfTotal(total)
  const found = 'header' in place ? headers[place.header.toLowerCase()] : readPlace(stream, field, place.at, body)
  const number = countOf(found)
  if (number !== null) return number
  if ((found ?? null) === null && 'at' in place && unwrapped(place.at).isOptional) return null
  throw notThere(stream, field, 'header' in place ? place.header : place.at, found, 'no number')
}

/** A non-negative integer, or its text; null for anything else. */
export function countOf(found: unknown): number | null {
  const number = typeof found === 'string' && /^\s*\d+\s*$/.test(found) ? Number(found) : found
  return typeof number === 'number' && Number.isSafeInteger(number) && number >= 0 ? number : null
}

function placeOfTotal(total: Total): { at: Place } | { header: string } {
  if (typeof total !== 'object' || 'optional' in total) return { at: total }
  return total.at === undefined ? { header: total.header ?? '' } : { at: total.at }
}

/** False for totals that are declared as estimates or capped. */
export const isExact = (total: Total): boolean =>
  typeof total !== 'object' || 'optional' in total || total.exact !== false

function notThere(stream: Stream, field: string, place: Place, found: unknown, no: string): Stopped {
  const isMissing = found === undefined
  const what = `${field} is declared at ${placeText(place)}, but the answer has ${isMissing ? 'nothing' : no} there`
  return new Stopped('HR_NO_NEXT_PAGE', `${stream.label}: ${what}`, {
    hint: isMissing
      ? `correct paginate; if the API omits it on purpose, declare ${field}: optional(…)`
      : 'the answer does not say whether there is a next page: correct paginate',
  })
}

const placeText = (place: Place): string => {
  const { at } = unwrapped<SimplePlace>(place)
  return typeof at === 'string' ? `"${at}"` : 'its function'
}

/** An end that is only guessed would lose records, so the run stops instead. */
export const unclear = (stream: Stream, what: string): Stopped =>
  new Stopped('HR_NO_NEXT_PAGE', `${stream.label}: ${what}`, {
    hint: 'the answer does not say whether there is a next page: correct paginate',
  })

/** For an end, or an empty page, that contradicts what the API has said about the size of its list. */
export const walkShort = (stream: Stream, what: string, remedy: string): Stopped =>
  new Stopped('HR_WALK_SHORT', `${stream.label}: ${what}`, {
    hint: `the next run resumes from there; ${remedy}`,
  })

/** For a number that is declared as exact and is not. */
export const inexact = (field: string): string =>
  `if the number is an estimate, is capped, or counts more than the list, declare ${field}: { at: '/…', exact: false }`

/** For a stored cursor that this way of paging did not write. */
export const foreignCursor = (stream: Stream, what: string): Stopped =>
  unclear(stream, `the stored cursor has ${what}: paginate was changed during a run`)

/** The fields of a stored cursor; none if it is not an object. */
export const fieldsOf = <T>(cursor: Cursor): Partial<T> => Object(cursor)
