/**
 * The size of a full page, as the declaration or a request says it, and when a page is the last one by its size.
 */
import { limitOf } from '#shared/declaration/paginate/page-number-and-offset.ts'
import { type PaginateSpec, pagesOf } from '#shared/declaration/paginate/paginate.ts'
import type { PageRequest } from '../../http/messages.ts'

/**
 * A page without records is the last. A short page is the last once the API has shown a full page in this walk
 * (`full`). An API that silently caps the size returns only short pages, and an end there would lose the rest.
 */
export const isShort = (records: number, size: number, full: boolean): boolean =>
  records === 0 || (full && records < size)

/** Parameter names for the size of a page, compared without case, `-`, `_` and brackets. */
const SIZE_PARAMS = new Set([
  ...['limit', 'perpage', 'pagesize', 'pagelimit', 'size', 'first', 'maxresults', 'maxrecords', 'maxitems'],
  ...['resultsperpage', 'itemsperpage', 'hitsperpage', 'recordsperpage', 'top', 'take', 'rows', 'count'],
])

/** Records of a full page: as paginate declares, else as the first request asks for; null if neither does. */
export function fullPageOf(paginate: PaginateSpec, { url, body }: PageRequest): number | null {
  const pages = pagesOf(paginate)
  if (pages.kind === 'offset') return limitOf(pages).value
  if (pages.kind === 'graphql') return pages.first?.value ?? null
  if ('size' in pages && pages.size !== undefined) return typeof pages.size === 'number' ? pages.size : pages.size.value
  const fields = typeof body === 'object' && body !== null ? Object.entries(body) : []
  const asked = [...url.searchParams, ...fields].find(([name, value]) => isSizeParam(name) && sizeIn(value) !== null)
  return asked === undefined ? null : sizeIn(asked[1])
}

export const isSizeParam = (name: string): boolean =>
  SIZE_PARAMS.has(
    name
      .toLowerCase()
      .replace(/^page\[(.*)\]$/, '$1')
      .replace(/[-_$[\]]/g, ''),
  )

function sizeIn(value: unknown): number | null {
  const number = typeof value === 'string' && /^\d{1,9}$/.test(value) ? Number(value) : value
  return typeof number === 'number' && Number.isInteger(number) && number > 0 ? number : null
}
