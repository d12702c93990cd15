/**
 * An opaque cursor: from the body or a header of the answer into a parameter, a header or the JSON body of the next request. Missing, null,
 * false and "" end the walk, as does `hasMore` where it is declared; an answer in which the two contradict each other, or one is missing, stops it.
 */
import type { Stream } from '../../../shared/declaration.ts'
import type { CursorSpec } from '../../../shared/declare/paginate.ts'
import { withValueAt } from '../../../shared/pointer.ts'
import { withParam } from '../client/query.ts'
import type { PageRequest } from '../client/send.ts'
import { flagAt, foreignCursor, readPlace, unclear } from './answer.ts'
import type { PageView, Paginator } from './contract.ts'

export function cursorPaginator(spec: CursorSpec, stream: Stream): Paginator {
  return {
    first: (request) => request,
    next(page) {
      const found = nextCursor(spec, stream, page)
      const more = spec.hasMore === undefined ? null : flagAt(stream, 'hasMore', spec.hasMore, page.body)
      if (more === false) return { cursor: null }
      if (more === true && found === null) throw unclear(stream, 'hasMore is true, but the answer holds no next cursor')
      return { cursor: found }
    },
    at(first, cursor) {
      if (!isCursor(spec, cursor)) throw foreignCursor(stream, 'no text and no number')
      return withCursor(spec, first, cursor)
    },
  }
}

function nextCursor(spec: CursorSpec, stream: Stream, { headers, body }: PageView): unknown {
  const found = spec.next === undefined ? headers[(spec.nextHeader ?? '').toLowerCase()] : readPlace(stream, 'next', spec.next, body)
  if (found === undefined || found === null || found === false || found === '') return null
  if (isCursor(spec, found)) return found
  throw unclear(stream, `the next cursor is ${Array.isArray(found) ? 'an array' : `a ${typeof found}`}, not a text or a number`)
}

/** Only a JSON body takes more than a text or a number. */
const isCursor = (spec: CursorSpec, found: unknown): boolean =>
  typeof found === 'string' || typeof found === 'number' || (spec.body !== undefined && typeof found === 'object')

function withCursor(spec: CursorSpec, first: PageRequest, cursor: unknown): PageRequest {
  if (spec.param !== undefined) return { ...first, url: withParam(first.url, spec.param, String(cursor)) }
  if (spec.header !== undefined) return { ...first, headers: { ...first.headers, [spec.header.toLowerCase()]: String(cursor) } }
  return { ...first, body: withValueAt(first.body, spec.body ?? '', cursor) }
}
