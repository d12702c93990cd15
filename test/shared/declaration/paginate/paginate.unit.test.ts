/**
 * Ways of paging as an author declares them: what is refused when the file is loaded, and what follows from what is
 * said.
 */
import assert from 'node:assert/strict'
import { describe, test } from 'node:test'
import { compileSource } from '#shared/declaration/compile.ts'
import { cautionAbout, type paginateSpec } from '#shared/declaration/paginate/paginate.ts'
import { DeclarationError } from '#shared/errors.ts'
import {
  cursor,
  defineSource,
  generator,
  graphql,
  keyset,
  linkHeader,
  none,
  offset,
  pageNumber,
  windows,
  z,
} from '#shared/index.ts'
import { valueAt } from '#shared/json-pointer.ts'

type Loose = Record<string, unknown>

const schema = z.object({ id: z.string(), seq: z.int(), at: z.iso.datetime() })
const watermark = { field: 'at', param: 'since', start: '2026-01-01T00:00:00Z' } as const

function streamBy(paginate: unknown, stream: Loose = {}) {
  const orders = { path: '/orders', records: '/data', schema, primaryKey: ['id'], watermark, paginate, ...stream }
  const given = Object.fromEntries(Object.entries(orders).filter(([, value]) => value !== undefined))
  const [compiled] = compileSource(
    { name: 'shop', baseUrl: 'https://api.shop.example', streams: { orders: given } },
    'shop.ts',
  ).streams
  if (compiled === undefined) throw new RangeError('no stream')
  return compiled
}

const size = { param: 'per_page', value: 100 }
const inDays = (more: Loose = {}) => ({ ...windows({ to: 'until', size: '1d', pages: none() }), ...more })

/** Name, paginate, the rest of the stream, field, words of the message, words of the hint. */
const mistakes: [string, unknown, Loose, string, RegExp, RegExp][] = [
  [
    'a numbered walk without any stop rule',
    pageNumber({}),
    {},
    'paginate.stop',
    /give one of stop, totalPages/,
    /stop: 'empty'/,
  ],
  [
    'a numbered walk with two of them',
    pageNumber({ stop: 'empty', totalPages: '/p' }),
    {},
    'paginate.stop',
    /give one of stop/,
    /stop: /,
  ],
  [
    "stop: 'short' without a size",
    pageNumber({ stop: 'short' }),
    {},
    'paginate.size',
    /the number of records of a full page/,
    /per_page/,
  ],
  [
    'an unknown stop rule',
    { ...pageNumber({}), stop: 'never' },
    {},
    'paginate.stop',
    /"never", expected empty or short/,
    /totalPages/,
  ],
  [
    'a total at no pointer',
    pageNumber({ totalPages: 'pages' }),
    {},
    'paginate.totalPages',
    /RFC 6901/,
    /totalPages: '\/meta\/pages'/,
  ],
  [
    'a misspelt field',
    { ...pageNumber({ stop: 'empty' }), totalpages: '/p' },
    {},
    'paginate.totalpages',
    /is not a known field/,
    /did you mean totalPages/,
  ],
  [
    'an offset with two stop rules',
    offset({ limit: 5, total: '/t', hasMore: '/m' }),
    {},
    'paginate.stop',
    /give one of stop/,
    /stop: /,
  ],
  [
    'an overlap as large as the page',
    offset({ limit: 5, overlap: 5 }),
    {},
    'paginate.overlap',
    /no page would contain new records/,
    /fewer than the 5/,
  ],
  [
    'a page number that params set too',
    pageNumber({ stop: 'empty' }),
    { params: { page: 1 } },
    'paginate.param',
    /"page" is also set by params/,
    /one of them/,
  ],
  [
    'a size that params set too',
    pageNumber({ size, stop: 'short' }),
    { params: { per_page: 5 } },
    'paginate.size.param',
    /"per_page" is also set by params/,
    /one/,
  ],
  [
    'a key without a place in the request',
    keyset({ field: '/id' }),
    {},
    'paginate.keys[0].param',
    /one place that takes the key/,
    /./,
  ],
  ['a keyset without a key', { kind: 'keyset', keys: [] }, {}, 'paginate.keys', /is empty/, /keys: \[\{ field/],
  [
    'an inclusive key without a size',
    keyset({ field: '/id', param: 'from', inclusive: true }),
    {},
    'paginate.size',
    /inclusive key/,
    /per_page/,
  ],
  [
    'a key for a body that is not there',
    keyset({ field: '/id', body: '/after' }),
    {},
    'paginate.keys[0].body',
    /no JSON body/,
    /method: 'POST'/,
  ],
  [
    'a key that sets the same parameter as the watermark',
    keyset({ field: '/at', param: 'since' }),
    {},
    'paginate.keys[0].param',
    /also set by watermark.param/,
    /one/,
  ],
  [
    'graphql beside a body',
    graphql({ query: '{ a }', connection: '/data/a' }),
    { body: {}, method: 'POST' },
    'body',
    /creates the body/,
    /variables/,
  ],
  [
    'graphql without a query',
    graphql({ query: '', connection: '/data/a' }),
    {},
    'paginate.query',
    /is empty/,
    /query: /,
  ],
  [
    'a generator that is no function',
    generator('x' as never),
    {},
    'paginate.walk',
    /async function\*/,
    /generator\(async function\*/,
  ],
  [
    'windows without a watermark',
    inDays(),
    { watermark: undefined },
    'paginate',
    /windows need a watermark field with timestamps/,
    /add watermark/,
  ],
  [
    'windows along a sequence',
    inDays(),
    { watermark: { field: 'seq', param: 'since', start: 1 } },
    'paginate',
    /windows need a watermark field with timestamps/,
    /start/,
  ],
  [
    'windows without a beginning',
    inDays(),
    { watermark: { ...watermark, start: undefined } },
    'watermark.start',
    /first window needs a start/,
    /start: /,
  ],
  [
    'windows of a sorted stream',
    inDays(),
    { watermark: { ...watermark, sorted: true } },
    'watermark.sorted',
    /moves with each window/,
    /remove sorted/,
  ],
  [
    'windows with the settling time in the wrong place',
    inDays(),
    { watermark: { ...watermark, settle: '5m' } },
    'watermark.settle',
    /have their own/,
    /move settle into windows/,
  ],
  [
    'windows without a place for their end',
    inDays({ to: undefined }),
    {},
    'paginate.to',
    /takes a window's end/,
    /to: 'until'/,
  ],
  [
    'windows whose least size is more than their size',
    inDays({ min: '2d' }),
    {},
    'paginate.min',
    /more than size/,
    /min: /,
  ],
  [
    'windows of half a day for a parameter that is a date',
    inDays({ size: '12h' }),
    { watermark: { ...watermark, as: 'isoDate' } },
    'paginate.size',
    /not a multiple of 86400000 ms/,
    /gap/,
  ],
  [
    'windows for a body that is not there',
    inDays({ to: undefined, toBody: '/until' }),
    {},
    'paginate.toBody',
    /no JSON body/,
    /POST/,
  ],
  ['windows in windows', inDays({ pages: inDays() }), {}, 'paginate.pages.kind', /is not a known kind/, /./],
  [
    'a mistake of the way inside windows',
    inDays({ pages: pageNumber({}) }),
    {},
    'paginate.pages.stop',
    /give one of stop/,
    /stop: /,
  ],
  [
    'a parameter that windows and the way inside both set',
    inDays({ pages: cursor({ next: '/n', param: 'until' }) }),
    {},
    'paginate.pages.param',
    /also set by paginate.to/,
    /one/,
  ],
]

describe('a way of paging is refused when it is loaded, with stream, field and a hint:', () => {
  for (const [name, paginate, stream, field, words, hint] of mistakes) {
    test(name, () => {
      assert.throws(
        () => streamBy(paginate, stream),
        (error) => {
          assert.ok(error instanceof DeclarationError, String(error))
          assert.ok(error.message.startsWith(`shop.ts, stream orders, field ${field}: `), error.message)
          assert.match(error.message, words)
          assert.match(error.hint ?? '', hint)
          return true
        },
      )
    })
  }
})

describe('a way of paging', () => {
  test('has its defaults', () => {
    assert.deepEqual(streamBy(pageNumber({ totalPages: '/pages' })).paginate, {
      kind: 'page-number',
      first: 1,
      totalPages: '/pages',
    })
    assert.deepEqual(streamBy(keyset({ field: '/id', param: 'after' })).paginate, {
      ...{ kind: 'keyset', keys: [{ field: '/id', param: 'after' }], inclusive: false },
    })
    assert.deepEqual(streamBy(windows({ to: 'until', size: '1d', pages: linkHeader() })).paginate, {
      ...{
        kind: 'windows',
        to: 'until',
        size: 86_400_000,
        settle: 0,
        inclusiveEnd: false,
        pages: { kind: 'link-header', rel: 'next' },
      },
    })
  })

  test('by GraphQL makes the stream a POST with query and variables, and its records the nodes, in windows too', () => {
    const connection = graphql({
      query: '{ a }',
      variables: { x: 1 },
      connection: '/data/a',
      first: { variable: 'n', value: 50 },
    })
    for (const paginate of [connection, windows({ toBody: '/variables/until', size: '1d', pages: connection })]) {
      const { method, body, records } = streamBy(paginate, { records: undefined })
      assert.deepEqual([method, body], ['POST', { query: '{ a }', variables: { x: 1, n: 50 } }])
      assert.ok(typeof records === 'function')
      assert.deepEqual(records({ data: { a: { nodes: [1] } } }), [1])
      assert.deepEqual(records({ data: { a: { nodes: null, edges: [{ node: 2 }] } } }), [2])
      assert.equal(records({ data: null }) ?? null, null)
    }
    assert.equal(streamBy(connection).records, '/data')
  })

  test('says what it cannot promise', () => {
    const caution = (paginate: unknown) => cautionAbout(streamBy(paginate).paginate)
    assert.match(caution(offset({ limit: 5 })) ?? '', /some can be missed; overlap/)
    assert.match(caution(offset({ limit: 5, overlap: 2 })) ?? '', /up to 2 records may be deleted/)
    assert.match(caution(pageNumber({ stop: 'empty' })) ?? '', /can be missed/)
    assert.match(caution(inDays({ pages: pageNumber({ stop: 'empty' }) })) ?? '', /can be missed/)
    for (const safe of [
      none(),
      linkHeader(),
      keyset({ field: '/id', param: 'after' }),
      cursor({ next: '/n', param: 'c' }),
    ]) {
      assert.equal(caution(safe), null)
    }
  })

  test('is checked by the compiler too, and takes only what it knows', () => {
    defineSource({
      name: 'shop',
      baseUrl: 'https://api.shop.example',
      streams: {
        orders: {
          path: '/orders',
          schema,
          primaryKey: ['id'],
          watermark,
          paginate: windows({
            to: 'until',
            size: '1d',
            cap: (body) => valueAt(body, '/truncated'),
            pages: pageNumber({ size, stop: 'short' }),
          }),
        },
        notes: {
          path: '/notes',
          schema,
          primaryKey: ['id'],
          paginate: generator(async function* ({ request, values }) {
            const { body } = await request({ params: { region: values.region ?? null } })
            yield { records: [body], cursor: { done: true } }
          }),
        },
      },
    })
    // @ts-expect-error a misspelt option
    assert.throws(() => streamBy(pageNumber({ stop: 'empty', pagesTotal: '/p' })), DeclarationError)
    // @ts-expect-error a key needs a field
    assert.throws(() => streamBy(keyset({ param: 'after' })), DeclarationError)
    // @ts-expect-error windows walk by another way of paging
    assert.throws(() => streamBy(windows({ to: 'until', size: '1d' })), DeclarationError)
    const inWindows = windows({ to: 'until', size: '1d', pages: windows({ to: 'u', size: '1d', pages: none() }) })
    // @ts-expect-error windows do not walk by windows
    const nested: z.input<typeof paginateSpec> = inWindows
    assert.throws(() => streamBy(nested), DeclarationError)
  })
})
