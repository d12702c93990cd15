/**
 * The number of records in the list of a walk, as a response says it. It is the declared total, or an `X-Total-Count`
 * header that nobody declared. Pure, apart from the author's functions.
 */
import type { Stream } from '#shared/declaration/compile.ts'
import { pagesOf } from '#shared/declaration/paginate/paginate.ts'
import type { TotalOrNone } from '#shared/declaration/place.ts'
import { isComputed } from '#shared/declaration/request-functions.ts'
import type { PageRequest } from '../http/messages.ts'
import { isSizeParam } from './paginators/page-size.ts'
import type { PageView } from './paginators/paginator.ts'
import { countOf, inexact, isExact, totalAt } from './paginators/read-response.ts'

/** `isBodyless`: its status is declared empty, so its body says nothing. */
export type SaidPage = Pick<PageView, 'body' | 'headers' | 'records'> & { isBodyless: boolean }

/**
 * `isSure`: it surely counts what this walk requests. `remedy`: for a number that is right and still exceeds what the
 * walk reads.
 */
export type SaidTotal = { total: number | null; exact: boolean; remedy: string; isSure: boolean }

const HEADER = 'x-total-count'
const OF_ALL =
  'if X-Total-Count counts more than the request asks for, or what is never listed, ignore it: total: false in paginate'

export function totalOf(stream: Stream, first: PageRequest, page: SaidPage): SaidTotal {
  const paginate = pagesOf(stream.paginate)
  const [field, declared] = declaredTotal(paginate)
  if (declared === undefined) {
    const total = paginate.kind === 'generator' ? null : countOf(page.headers[HEADER])
    return { total, exact: true, remedy: OF_ALL, isSure: !isFiltered(stream, first) }
  }
  const remedy = inexact(field)
  if (declared === false) return { total: null, exact: true, remedy, isSure: false }
  const total = page.isBodyless ? null : totalAt(stream, field, declared, page)
  return { total, exact: isExact(declared), remedy, isSure: true }
}

function declaredTotal(paginate: ReturnType<typeof pagesOf>): [field: string, total: TotalOrNone | undefined] {
  if (paginate.kind === 'page-number' && paginate.totalRecords !== undefined)
    return ['totalRecords', paginate.totalRecords]
  return ['total', 'total' in paginate ? paginate.total : undefined]
}

/** Parameters that do not filter a list, compared without case, `-` and `_`. */
const NEUTRAL_PARAMS = new Set([
  ...['page', 'offset', 'start', 'skip', 'sort', 'sortby', 'order', 'orderby', 'direction', 'dir', 'fields', 'select'],
  ...['include', 'expand', 'embed', 'format', 'lang', 'locale', 'apiversion', 'version'],
])

/** A header that is not declared may count the whole table, whatever the request asks for. */
function isFiltered(stream: Stream, { method, url, body }: PageRequest): boolean {
  const { paginate, watermark } = stream
  if (method !== 'GET' || body !== undefined || paginate.kind === 'windows' || isComputed(stream)) return true
  const asked = [...url.searchParams.keys()]
  // Even if its name is a neutral one, such as `start`.
  if (asked.some((name) => name === watermark?.place.param || name === watermark?.endPlace?.param)) return true
  return asked.some((name) => !isSizeParam(name) && !NEUTRAL_PARAMS.has(name.toLowerCase().replace(/[-_$]/g, '')))
}
