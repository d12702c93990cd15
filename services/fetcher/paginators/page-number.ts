/**
 * `?page=2`. The walk ends where the declared rule says so and nowhere else: a page without records or a short one, a number of pages or records,
 * or a flag. Records that move between pages while the walk goes on can be missed, and nothing in the answers would show it.
 */
import type { Stream } from '../../../shared/declaration.ts'
import type { PageNumberSpec } from '../../../shared/declare/paginate.ts'
import { withParam } from '../client/query.ts'
import type { PageRequest } from '../client/send.ts'
import { flagAt, foreignCursor, totalAt } from './answer.ts'
import type { Cursor, Paginator } from './contract.ts'
import { isShort, withSize } from './size.ts'

/** `walked`: records of the pages before. `full`: a page of the whole size was seen in this walk. */
type PageCursor = { page: number; walked: number; full: boolean }

export function pageNumberPaginator(spec: PageNumberSpec, stream: Stream): Paginator {
  const ask = (request: PageRequest, page: number): PageRequest => ({
    ...request,
    url: withParam(withSize(request, spec.size).url, spec.param, String(page)),
  })

  function isLast(body: unknown, records: number, at: PageCursor): boolean {
    const pages = at.page - spec.first + 1
    const size = spec.size?.value ?? Number.POSITIVE_INFINITY
    if (spec.hasMore !== undefined) return !flagAt(stream, 'hasMore', spec.hasMore, body)
    if (spec.totalPages !== undefined) return pages >= totalAt(stream, 'totalPages', spec.totalPages, body)
    if (spec.totalRecords !== undefined) {
      const total = totalAt(stream, 'totalRecords', spec.totalRecords, body)
      // Fewer than the total may be given out, where an API leaves some out of its pages; a size that it caps must not end the walk.
      return at.walked + records >= total || (records === 0 && spec.size !== undefined && pages * size >= total)
    }
    return spec.stop === 'empty' ? records === 0 : isShort(records, size, at.full)
  }

  return {
    first: (request) => ask(request, spec.first),
    next({ body, records: { length } }, cursor) {
      const from = cursor === null ? { page: spec.first, walked: 0, full: false } : cursorOf(stream, cursor)
      const at = { ...from, full: from.full || length >= (spec.size?.value ?? Number.POSITIVE_INFINITY) }
      return { cursor: isLast(body, length, at) ? null : { page: at.page + 1, walked: at.walked + length, full: at.full } }
    },
    at: (first, cursor) => ask(first, cursorOf(stream, cursor).page),
  }
}

function cursorOf(stream: Stream, cursor: Cursor): PageCursor {
  const { page, walked, full } = typeof cursor === 'object' && cursor !== null ? (cursor as Partial<PageCursor>) : {}
  if (typeof page !== 'number' || typeof walked !== 'number') throw foreignCursor(stream, 'no number of a page')
  return { page, walked, full: full === true }
}
