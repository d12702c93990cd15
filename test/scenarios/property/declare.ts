/**
 * The declaration of a case, as an author would write it for that API: built from the same draw, compiled as every
 * other.
 */
import { compileSource, type Source } from '#shared/declaration/compile.ts'
import {
  cursor,
  defineSource,
  epochMs,
  epochSeconds,
  generator,
  graphql,
  keyset,
  linkHeader,
  nextUrl,
  none,
  oauth2ClientCredentials,
  offset,
  pageNumber,
  secret,
  type WalkTools,
  windows,
  z,
} from '#shared/index.ts'
import type { Case } from './case.ts'
import { streamWith } from './declare-capabilities.ts'

/** `baseMs`: of the batch; the API's times begin there. */
export type CasePlace = { url: string; baseMs: number }

export const STREAM = 'records'
export const TOKEN_ENV = { PROPERTY_ID: 'client', PROPERTY_SECRET: 's3cret' }

export function sourceOf(each: Case, place: CasePlace): Source {
  const { marking, paging } = each
  const posts = paging.kind === 'cursor' && paging.into === 'body'
  const stream = streamWith(each, {
    path: '/records',
    ...(posts ? { method: 'POST', body: { search: { all: true } } } : {}),
    ...(paging.kind === 'graphql' ? {} : { records: '/data' }),
    paginate: paginateOf(each),
    ...(each.marks === null
      ? {}
      : { deleted: each.marks === 'pointer' ? '/gone' : (raw: unknown) => (raw as { gone?: unknown }).gone }),
    schema: z.object({ id: z.string(), n: z.int(), seq: z.int(), updated_at: fieldOf(each), value: z.int() }),
    primaryKey: ['id'],
    ...(marking === null ? {} : { watermark: watermarkOf(each, place) }),
    partitions: each.partitions === 1 ? 1 : [{ region: 'r0' }, { region: 'r1' }],
    every: `${each.everyMs}ms`,
    rejectedShareMax: 1,
    emptyPagesMax: 1000,
  })
  const auth = oauth2ClientCredentials({
    tokenUrl: `/${each.seed}/token`,
    clientId: secret('PROPERTY_ID'),
    clientSecret: secret('PROPERTY_SECRET'),
  })
  const source = {
    name: `s${each.seed}`,
    baseUrl: `${place.url}/${each.seed}`,
    attemptsMax: each.attemptsMax,
    waitMax: '300ms',
    timeout: '10s',
    ...(each.tokenRequests === null ? {} : { auth }),
    streams: { [STREAM]: stream as never },
  }
  return compileSource(defineSource(source).input, `seed-${each.seed}.ts`)
}

function fieldOf({ marking }: Case): z.ZodType {
  if (marking?.type === 'epochMs') return epochMs()
  if (marking?.type === 'epochSeconds') return epochSeconds()
  if (marking?.type === 'integer') return z.int()
  return marking?.type === 'text' ? z.string() : z.iso.datetime({ offset: true })
}

function watermarkOf({ marking, paging, clock, wholeSeconds }: Case, { baseMs }: CasePlace) {
  if (marking === null) return undefined
  const unit = clock === 'steps' && wholeSeconds ? 's' : 'ms'
  const start = marking.type === 'epochMs' ? baseMs : new Date(baseMs).toISOString()
  return {
    field: 'updated_at',
    param: 'since',
    sorted: marking.sorted,
    exclusive: marking.exclusive,
    ...(marking.as === null ? {} : { as: marking.as }),
    ...(marking.lookback === 0
      ? {}
      : { lookback: marking.type === 'integer' ? marking.lookback : `${marking.lookback}${unit}` }),
    ...(paging.kind === 'windows' ? { start } : settleOf(marking)),
  }
}

const settleOf = (marking: Case['marking']) =>
  marking === null || marking.settleMs === 0 ? {} : { settle: `${marking.settleMs}ms` }

function paginateOf({ paging, order, marking }: Case) {
  const { size } = paging
  switch (paging.kind) {
    case 'cursor':
      return cursor({
        ...(paging.from === 'body' ? { next: '/meta/next' } : { nextHeader: 'x-next' }),
        ...(paging.into === 'param'
          ? { param: 'cursor' }
          : paging.into === 'header'
            ? { header: 'x-cursor' }
            : { body: '/page/after' }),
        ...(paging.hasMore ? { hasMore: '/has_more' } : {}),
      })
    case 'link':
      return linkHeader()
    case 'next-url':
      return nextUrl({ next: '/links/next' })
    case 'keyset':
      return keysetOf(paging, order)
    case 'page-number':
      return numbersOf(paging)
    case 'offset':
      return offset({ limit: size, overlap: paging.overlap, ...offsetStop(paging) })
    case 'graphql':
      return graphql({ query: QUERY, connection: '/data/found', first: { value: size }, after: 'from' })
    case 'generator':
      return generator(walkOf)
    case 'none':
      return none()
    case 'windows': {
      const inner =
        paging.inner === 'keyset'
          ? keysetOf(paging, order)
          : paging.inner === 'page-number'
            ? numbersOf(paging)
            : cursor({ next: '/meta/next', param: 'cursor' })
      const seconds = marking?.as === 'isoSeconds' || marking?.as === 'epochSeconds'
      const unitMs = seconds ? 1000 : 1
      return windows({
        to: 'until',
        size: `${paging.windowMs}ms`,
        min: `${unitMs}ms`,
        ...(paging.cap === null ? {} : { cap: paging.cap }),
        ...settleOf(marking),
        inclusiveEnd: paging.inclusiveEnd,
        pages: inner,
      })
    }
  }
}

const QUERY =
  'query ($first: Int, $from: String) { found(first: $first, after: $from) { nodes pageInfo { hasNextPage endCursor } } }'
const WALK_PAGES_MAX = 10_000

/** As an author may write it: its own loop, and a cursor with each page but the last. */
async function* walkOf({ request, cursor: from }: WalkTools) {
  let next = (from as string | null) ?? null
  for (let page = 1; page <= WALK_PAGES_MAX; page++) {
    const { body } = await request(next === null ? {} : { params: { cursor: next } })
    const { data, meta } = body as { data: unknown[]; meta: { next: string | null } }
    yield { records: data, cursor: meta.next }
    if (meta.next === null) return
    next = meta.next
  }
}

function keysetOf(paging: Case['paging'], order: Case['order']) {
  const size = { param: 'size', value: paging.size }
  const more = paging.hasMore ? { hasMore: '/has_more' } : {}
  if (order === 'id') return keyset({ field: '/id', param: 'after_id', size, inclusive: paging.inclusiveKey, ...more })
  if (paging.inclusiveKey) return keyset({ field: '/seq', param: 'after_seq', size, inclusive: true, ...more })
  return keyset({
    keys: [
      { field: '/updated_at', param: 'after' },
      { field: '/seq', param: 'after_seq' },
    ],
    size,
    ...more,
  })
}

function numbersOf(paging: Case['paging']) {
  const size = { param: 'size', value: paging.size }
  if (paging.stop === 'total') return pageNumber({ size, totalRecords: '/total' })
  if (paging.stop === 'has-more') return pageNumber({ size, hasMore: '/has_more' })
  return pageNumber({ size, stop: paging.stop })
}

function offsetStop({ stop }: Case['paging']) {
  if (stop === 'total') return { total: '/total' }
  return stop === 'has-more' ? { hasMore: '/has_more' } : { stop }
}
