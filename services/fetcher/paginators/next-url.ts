/** The body holds the next page's URL, whole or relative: `{ "next": "https://…" }`. Missing, null, false and "" end the walk. */
import type { Stream } from '../../../shared/declaration.ts'
import type { PaginateSpec } from '../../../shared/declare/paginate.ts'
import { readPlace, unclear } from './answer.ts'
import type { Paginator } from './contract.ts'
import { linkCursor, linkRequest } from './link.ts'

export function nextUrlPaginator(spec: PaginateSpec & { kind: 'next-url' }, stream: Stream): Paginator {
  return {
    first: (request) => request,
    next({ request, body, conceal }) {
      const found = readPlace(stream, 'next', spec.next, body)
      if (found === undefined || found === null || found === false || found === '') return { cursor: null }
      if (typeof found !== 'string') throw unclear(stream, `the next URL is a ${typeof found}, not a text`)
      return { cursor: linkCursor(stream, found, request.url, conceal) }
    },
    at: (first, cursor) => linkRequest(stream, first, cursor),
  }
}
