/**
 * Writes a value into a place of the request: a parameter, a header, the JSON body or the form. JSON keeps numbers as
 * numbers; the other places take texts. Pure; returns a copy.
 */
import type { RequestPlace } from '#shared/declaration/request-place.ts'
import { withValueAt } from '#shared/json-pointer.ts'
import type { PageRequest } from './messages.ts'
import { withParam } from './query.ts'

/** Throws RangeError if the JSON body has no such place. */
export function withPlace(request: PageRequest, place: RequestPlace, value: unknown): PageRequest {
  if (place.param !== undefined) return { ...request, url: withParam(request.url, place.param, String(value)) }
  if (place.header !== undefined)
    return { ...request, headers: { ...request.headers, [place.header.toLowerCase()]: String(value) } }
  if (place.form !== undefined)
    return { ...request, body: { ...Object(request.body), [place.form]: String(value) }, encoding: 'form' }
  return place.body === undefined ? request : { ...request, body: withValueAt(request.body ?? {}, place.body, value) }
}
