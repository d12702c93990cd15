/** The response headers that a way of paging reads: the next cursor, and totals. */
import { type PaginateSpec, pagesOf } from '#shared/declaration/paginate/paginate.ts'
import { unwrapped } from '#shared/declaration/place.ts'

const TOTALS = ['total', 'totalPages', 'totalRecords'] as const

export function pagingHeaders(spec: PaginateSpec): string[] {
  const pages = pagesOf(spec)
  const next = pages.kind === 'cursor' && pages.nextHeader !== undefined ? [unwrapped(pages.nextHeader).at] : []
  const totals = TOTALS.flatMap((name) => {
    const header: unknown = Reflect.get(Object(Reflect.get(pages, name)), 'header')
    return typeof header === 'string' ? [header] : []
  })
  return [...next, ...totals]
}
