/**
 * `?page=2`. The walk ends only by the declared rule. That is an empty or a short page, a number of pages or records,
 * or a flag. Records that move between pages during the walk can be missed, and nothing in the responses would show it.
 */
import type { Stream } from '#shared/declaration/compile.ts'
import { endsByTotal, pageNumberPlace } from '#shared/declaration/paginate/page-number-and-offset.ts'
import type { PageNumberSpec } from '#shared/declaration/paginate/paginate.ts'
import type { PageRequest } from '../../http/messages.ts'
import { withPlace, withSize } from '../request-place.ts'
import { isShort } from './page-size.ts'
import type { Cursor, PageStep, PageView, Paginator } from './paginator.ts'
import { fieldsOf, flagAt, foreignCursor, inexact, isExact, totalAt, walkShort } from './read-response.ts'

/** As the response says it; null if it does not. `page` counts from 1. */
type Said = { page: number; pages: number | null; total: number | null; more: boolean | null }

/** `walked`: records of the pages before. `full`: a page of the whole size was seen in this walk. */
type PageCursor = { page: number; walked: number; full: boolean }

export function pageNumberPaginator(spec: PageNumberSpec, stream: Stream): Paginator {
  const place = pageNumberPlace(spec)
  const ask = (request: PageRequest, page: number): PageRequest => withPlace(withSize(request, spec.size), place, page)

  /**
   * An estimate does not end a walk; an empty page does. The same holds if the response omits a total or a flag that is
   * optional.
   */
  function isLast(records: number, at: PageCursor, { page, pages, total, more }: Said): boolean {
    if (more !== null) return !more
    if (pages !== null) return page >= pages
    if (total !== null && records === 0 && at.walked < total) {
      throw walkShort(
        stream,
        `page ${at.page} is empty after ${at.walked} records, but the API said ${total}`,
        inexact('totalRecords'),
      )
    }
    if (total !== null) return at.walked + records >= total
    return spec.stop === 'short'
      ? isShort(records, spec.size?.value ?? Number.POSITIVE_INFINITY, at.full)
      : records === 0
  }

  function saidBy(view: PageView, at: PageCursor): Said {
    const { hasMore, totalPages, totalRecords } = spec
    return {
      page: at.page - spec.first + 1,
      more: hasMore === undefined ? null : flagAt(stream, 'hasMore', hasMore, view.body),
      pages: endsByTotal(totalPages) ? totalAt(stream, 'totalPages', totalPages, view) : null,
      total: endsByTotal(totalRecords) ? totalAt(stream, 'totalRecords', totalRecords, view) : null,
    }
  }

  /** For the check of the walk's end, even if it is an estimate. */
  function pagesOf(view: PageView, page: number): Pick<PageStep, 'pages'> {
    const { totalPages } = spec
    if (totalPages === undefined) return {}
    return { pages: { page, pages: totalAt(stream, 'totalPages', totalPages, view), exact: isExact(totalPages) } }
  }

  return {
    first: (request) => ask(request, spec.first),
    next(view, cursor) {
      const { length } = view.records
      const from = cursor === null ? { page: spec.first, walked: 0, full: false } : cursorOf(stream, cursor)
      const at = { ...from, full: from.full || length >= (spec.size?.value ?? Number.POSITIVE_INFINITY) }
      const said = saidBy(view, at)
      const step = { ...pagesOf(view, said.page), ...(said.more === null ? {} : { more: said.more }) }
      return {
        cursor: isLast(length, at, said) ? null : { page: at.page + 1, walked: at.walked + length, full: at.full },
        ...step,
      }
    },
    seen: (cursor) => ({ cursor: cursorOf(stream, cursor).page }),
    at: (first, cursor) => ask(first, cursorOf(stream, cursor).page),
  }
}

function cursorOf(stream: Stream, cursor: Cursor): PageCursor {
  const { page, walked, full } = fieldsOf<PageCursor>(cursor)
  if (typeof page !== 'number' || typeof walked !== 'number') throw foreignCursor(stream, 'no page number')
  return { page, walked, full: full === true }
}
