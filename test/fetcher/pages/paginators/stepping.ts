/** A way of paging by itself: what it makes of an answer, without a server and without the walk. */

import type { Stream } from '#shared/declaration/compile.ts'
import {
  type Cursor,
  type PageStep,
  type Paginator,
  paginatorFor,
} from '../../../../services/fetcher/pages/paginators/paginator-for.ts'
import { identityOf } from '../../../../services/fetcher/pages/paginators/record-identity.ts'
import { rawPosition } from '../../../../services/fetcher/watermark/backfill-range.ts'
import { declareOrders } from '../../declared.ts'

export type Stepping = {
  stream: Stream
  paginator: Paginator
  /** `facts`: what the body says beside the records. */
  next(
    records: readonly unknown[],
    cursor: Cursor | null,
    facts?: Record<string, unknown>,
    headers?: Record<string, string>,
    apiMs?: number,
  ): PageStep
  /** The target of the request at a cursor. */
  target(cursor: Cursor): string
  marks(...records: unknown[]): string[]
}

const URL_OF_ORDERS = 'http://127.0.0.1:1/orders'

export function stepping(paginate: unknown, declared: Record<string, unknown> = {}): Stepping {
  const stream = declareOrders({ paginate, ...declared })
  const paginator = paginatorFor(stream)
  const request = { method: 'GET' as const, url: new URL(URL_OF_ORDERS), headers: {}, body: undefined }
  return {
    stream,
    paginator,
    next(records, cursor, facts = {}, headers = {}, apiMs = Date.UTC(2100, 0)) {
      const body = { data: records, ...facts }
      const positions = () => records.map((record) => rawPosition(stream, record))
      return paginator.next({ request, headers, body, records, positions, apiMs, longest: 0, size: null }, cursor)
    },
    target: (cursor) => {
      const { pathname, search } = paginator.at(paginator.first(request), cursor).url
      return pathname + search
    },
    marks: (...records) => records.map((record) => identityOf(stream, record)),
  }
}
