/** Reading an answer at a declared place, and the error for one that does not say what it must. */
import type { Stream } from '../../../shared/declaration.ts'
import type { Place } from '../../../shared/declare/place.ts'
import { messageOf, Stopped } from '../../../shared/errors.ts'
import { valueAt } from '../../../shared/pointer.ts'

/** The value at `place` of the body; undefined if there is none. Throws Stopped if the author's function throws. */
export function readPlace(stream: Stream, field: string, place: Place, body: unknown): unknown {
  if (typeof place === 'string') return valueAt(body, place)
  try {
    return place(body)
  } catch (error) {
    throw unclear(stream, `the function paginate.${field} throws: ${messageOf(error)}`)
  }
}

/** A declared flag that says whether there is more: it must be there. Throws Stopped. */
export function flagAt(stream: Stream, field: string, place: Place, body: unknown): boolean {
  const found = readPlace(stream, field, place, body)
  if (typeof found === 'boolean') return found
  const text = String(found).toLowerCase()
  if (text === 'true' || text === '1') return true
  if (text === 'false' || text === '0') return false
  throw notThere(stream, field, place, found, 'no true or false')
}

/** A declared total: a whole number, or its text. Throws Stopped. */
export function totalAt(stream: Stream, field: string, place: Place, body: unknown): number {
  const found = readPlace(stream, field, place, body)
  const number = typeof found === 'string' && /^\s*\d+\s*$/.test(found) ? Number(found) : found
  if (typeof number === 'number' && Number.isSafeInteger(number) && number >= 0) return number
  throw notThere(stream, field, place, found, 'no number')
}

const notThere = (stream: Stream, field: string, place: Place, found: unknown, no: string): Stopped =>
  unclear(stream, `${field} is declared at ${placeText(place)}, but the answer has ${found === undefined ? 'nothing' : no} there`)

const placeText = (place: Place): string => (typeof place === 'string' ? `"${place}"` : 'its function')

/** An end that is only guessed would lose records: the run stops instead. */
export const unclear = (stream: Stream, what: string): Stopped =>
  new Stopped('HR_NO_NEXT_PAGE', `${stream.label}: ${what}`, {
    hint: 'the answer does not say whether there is a next page: correct paginate',
  })

/** A stored cursor that this way of paging did not write. */
export const foreignCursor = (stream: Stream, what: string): Stopped =>
  unclear(stream, `the stored cursor is ${what}: paginate was changed while a run was going on`)
