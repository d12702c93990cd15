/**
 * The body holds the next page's URL, absolute or relative: `{ "next": "https://…" }`. Null, false and "" end the walk;
 * omitted.ts decides about a missing one.
 */
import type { Stream } from '#shared/declaration/compile.ts'
import type { PaginateSpec } from '#shared/declaration/paginate/paginate.ts'
import { unwrapped } from '#shared/declaration/place.ts'
import { withSize } from '../request-place.ts'
import { linkCursor, linkRequest } from './link-cursor.ts'
import { endWithout } from './omitted.ts'
import type { Paginator } from './paginator.ts'
import { readPlace, unclear } from './read-response.ts'

export function nextUrlPaginator(spec: PaginateSpec & { kind: 'next-url' }, stream: Stream): Paginator {
  return {
    first: (request) => withSize(request, spec.size),
    next(page) {
      const { request, body, conceal } = page
      const found = readPlace(stream, 'next', spec.next, body)
      if (found === undefined) return endWithout('next URL', unwrapped(spec.next).isOptional, page)
      if (found === null || found === false || found === '') return { cursor: null }
      if (typeof found !== 'string') throw unclear(stream, `the next URL is a ${typeof found}, not a text`)
      return { cursor: linkCursor(stream, found, request.url, conceal) }
    },
    at: (first, cursor) => linkRequest(stream, first, cursor),
  }
}
