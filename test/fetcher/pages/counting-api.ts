/**
 * An API with 60 records in pages of ten, in every way of paging at once, that says how many it has; and the
 * declarations that read it.
 */
import { cursor, graphql, keyset, linkHeader, nextUrl, offset, pageNumber, z } from '#shared/index.ts'
import type { Answer } from '../../support/http.ts'
import type { Ran } from './paginators/running.ts'
import type { Script } from './paginators/walking.ts'

const schema = z.object({ id: z.string(), at: z.iso.datetime() })
export const at = (second: number): string =>
  new Date(Date.UTC(2026, 0, 1) + second * 1000).toISOString().replace('.000Z', 'Z')
export const row = (id: number) => ({ id: String(id), at: at(id) })
export const rows = (from: number, to: number) =>
  Array.from({ length: Math.max(0, to - from) }, (_, index) => row(from + index))
export const untimed = (paginate: unknown, more: Record<string, unknown> = {}) => ({ schema, paginate, ...more })
export const timed = (paginate: unknown, watermark: Record<string, unknown> = {}) => ({
  ...untimed(paginate),
  watermark: { field: 'at', param: 'since', ...watermark },
})
export const heldBy = ({ attention }: Ran): string[] =>
  attention.filter(({ kind }) => kind === 'watermark_held').map(({ message }) => message)

export const SIZE = 10
export type Moment = { all: number; total?: unknown; empty?: boolean; header?: number | undefined }
export type Glitch = (number: number) => Partial<Moment>

/**
 * An API with 60 records in pages of ten, in every way of paging at once; `glitch` changes what a request is answered.
 */
export function api(glitch: Glitch = () => ({}), base: Moment = { all: 60 }): Script {
  return ({ query, body, headers }, number) => {
    const moment = { ...base, ...glitch(number) }
    const { all, empty = false } = moment
    const total = 'total' in moment ? moment.total : all
    const search = body === '' ? {} : JSON.parse(body)
    const key = query.get('after')
    const from =
      key !== null
        ? Number(key) + 1
        : query.has('page')
          ? (Number(query.get('page')) - 1) * SIZE
          : Number(query.get('offset') ?? query.get('cursor') ?? search.variables?.after ?? 0)
    const data = empty ? [] : rows(from, Math.min(all, from + SIZE))
    const next = empty || from + SIZE >= all ? null : String(from + SIZE)
    const url = next === null ? null : `http://${headers.host}/orders?cursor=${next}`
    const answer: Answer = {
      json: {
        data:
          search.query === undefined
            ? data
            : { orders: { nodes: data, pageInfo: { hasNextPage: next !== null, endCursor: next }, total } },
        total,
        pages: typeof total === 'number' ? Math.ceil(total / SIZE) : total,
        next,
        url,
        more: next !== null,
      },
      headers: {
        ...(url === null ? {} : { link: `<${url}>; rel="next"` }),
        ...(moment.header === undefined ? {} : { 'X-Total-Count': moment.header }),
      },
    }
    return answer
  }
}

/** A request, once: nothing, and zeros. */
export const zerosAt =
  (at: number): Glitch =>
  (number) =>
    number === at ? { empty: true, total: 0 } : {}
export const emptiedAt =
  (at: number): Glitch =>
  (number) =>
    number === at ? { empty: true } : {}

export const declared = [
  ['page number, by pages', pageNumber({ totalPages: '/pages' }), {}],
  ['page number, by records', pageNumber({ totalRecords: '/total' }), {}],
  ['page number that ends at an empty page', pageNumber({ stop: 'empty', total: '/total' }), {}],
  ['page number that ends by a flag', pageNumber({ hasMore: '/more', total: '/total' }), {}],
  ['offset', offset({ limit: SIZE, total: '/total' }), {}],
  ['cursor', cursor({ next: '/next', param: 'cursor', total: '/total' }), {}],
  ['next URL', nextUrl({ next: '/url', total: '/total' }), {}],
  ['Link header', linkHeader({ total: '/total' }), {}],
  ['key', keyset({ field: '/id', param: 'after', total: '/total' }), {}],
  [
    'GraphQL',
    graphql({ query: 'query { x }', connection: '/data/orders', total: '/data/orders/total' }),
    { records: undefined },
  ],
] as const
