/**
 * An opaque cursor: read from the body or a header of the response, and sent in the declared place of the next request.
 * Missing, null, false and "" end the walk, as does `hasMore` if declared. A response in which the two contradict each
 * other, or one is missing, stops the walk.
 */
import type { Stream } from '#shared/declaration/compile.ts'
import type { CursorSpec } from '#shared/declaration/paginate/paginate.ts'
import { unwrapped } from '#shared/declaration/place.ts'
import { withPlace, withSize } from '../request-place.ts'
import { endWithout } from './omitted.ts'
import type { PageView, Paginator } from './paginator.ts'
import { flagAt, foreignCursor, readPlace, unclear } from './read-response.ts'

export function cursorPaginator(spec: CursorSpec, stream: Stream): Paginator {
  // As with a Link header, omitting the header is how an API says that there is no next page.
  const isOptional = spec.next === undefined || unwrapped(spec.next).isOptional
  return {
    first(request) {
      const sized = withSize(request, spec.size)
      return spec.first === undefined ? sized : withPlace(sized, spec, spec.first)
    },
    next(page) {
      const found = nextCursor(spec, stream, page)
      const more = spec.hasMore === undefined ? null : flagAt(stream, 'hasMore', spec.hasMore, page.body)
      if (more === false) return { cursor: null, more }
      if (more === true && (found === null || found === undefined)) {
        throw unclear(stream, 'hasMore is true, but the answer holds no next cursor')
      }
      if (found === undefined) return endWithout('next cursor', isOptional, page)
      return { cursor: found, ...(more === true ? { more } : {}) }
    },
    at(first, cursor) {
      if (!isCursor(spec, cursor)) throw foreignCursor(stream, 'no text or number')
      return withPlace(first, spec, cursor)
    },
  }
}

/** Undefined if the response omits it, null if the response says that there is none. */
function nextCursor(spec: CursorSpec, stream: Stream, { headers, body }: PageView): unknown {
  const found = spec.next === undefined ? headers[headerOf(spec)] : readPlace(stream, 'next', spec.next, body)
  if (found === undefined) return undefined
  if (found === null || found === false || found === '') return null
  if (isCursor(spec, found)) return found
  throw unclear(
    stream,
    `the next cursor is ${Array.isArray(found) ? 'an array' : `a ${typeof found}`}, not a text or a number`,
  )
}

const headerOf = ({ nextHeader = '' }: CursorSpec): string => unwrapped<string>(nextHeader).at.toLowerCase()

/** Only a JSON body takes more than a text or a number. */
const isCursor = (spec: CursorSpec, found: unknown): boolean =>
  typeof found === 'string' || typeof found === 'number' || (spec.body !== undefined && typeof found === 'object')
