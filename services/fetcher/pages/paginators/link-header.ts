/**
 * `Link: <https://…>; rel="next"` (RFC 8288). A missing header, or one without that relation, ends the walk; one that
 * cannot be parsed stops it.
 */
import LinkHeader from 'http-link-header'
import type { Stream } from '#shared/declaration/compile.ts'
import type { PaginateSpec } from '#shared/declaration/paginate/paginate.ts'
import { linkCursor, linkRequest } from './link-cursor.ts'
import type { Paginator } from './paginator.ts'
import { unclear } from './read-response.ts'

export function linkHeaderPaginator(spec: PaginateSpec & { kind: 'link-header' }, stream: Stream): Paginator {
  return {
    first: (request) => request,
    next({ request, headers, conceal }) {
      const { link } = headers
      if (link === undefined || link.trim() === '') return { cursor: null, unsaid: true }
      // A link with an anchor is about another page than this one (RFC 8288 section 3.2).
      const found = parse(stream, link).find((reference) => reference.anchor === undefined)
      return { cursor: found === undefined ? null : linkCursor(stream, found.uri, request.url, conceal) }
    },
    at: (first, cursor) => linkRequest(stream, first, cursor),
  }

  function parse(of: Stream, link: string): LinkHeader.Reference[] {
    try {
      return LinkHeader.parse(link).rel(spec.rel)
    } catch {
      throw unclear(of, 'the Link header cannot be read (RFC 8288)')
    }
  }
}
