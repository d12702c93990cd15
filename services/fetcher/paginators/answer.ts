/** Reading an answer at a declared place, and the error for one that does not say what it must. */
import type { Stream } from '../../../shared/declaration.ts'
import type { Place } from '../../../shared/declare/paginate.ts'
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

export const placeText = (place: Place): string => (typeof place === 'string' ? `"${place}"` : 'its function')

/** An end that is only guessed would lose records: the run stops instead. */
export const unclear = (stream: Stream, what: string): Stopped =>
  new Stopped('HR_NO_NEXT_PAGE', `${stream.label}: ${what}`, {
    hint: 'the answer does not say whether there is a next page: correct paginate',
  })
