import assert from 'node:assert/strict'
import { test } from 'node:test'
import { compileSource } from '#shared/declaration/compile.ts'
import { incrementalParent } from '#shared/declaration/discovery-parts.ts'
import { DeclarationError } from '#shared/errors.ts'
import { defineSource, discover, none, optional, parent, product, union, z } from '#shared/index.ts'
import { annotationOf } from '#shared/schema/json-schema.ts'

type Loose = Record<string, unknown>

const STREAM = {
  ...{ path: '/accounts/{account}/orders', paginate: { kind: 'none' }, primaryKey: ['id'] },
  schema: z.object({ id: z.string(), at: z.iso.datetime(), seq: z.int() }),
}
const ACCOUNTS = { ...STREAM, path: '/accounts' }
const REGIONS = [{ region: 'eu' }, { region: 'us' }]
const OF_ACCOUNTS = { stream: 'accounts' }
const INCREMENTAL = { stream: 'accounts', values: { account: '/id' }, incremental: true as const }
const CHANGING = { ...ACCOUNTS, watermark: { field: 'at', param: 'since' } }
const values = () => ({ account: 'a' })

const compile = (streams: Loose) => compileSource({ name: 'shop', baseUrl: 'http://127.0.0.1:1', streams }, 'shop.ts')
const orders = (partitions: unknown, more: Loose = {}, others: Loose = {}) =>
  compile({ orders: { ...STREAM, partitions, ...more }, ...others })

const WRONG: [string, () => unknown, RegExp, RegExp][] = [
  [
    'deletions by a full walk',
    () => orders(discover({ over: 8, values: () => [] }), { deletes: 'full-walk' }),
    /field deletes: /,
    /list/,
  ],
  [
    'no number of partitions',
    () => orders({ kind: 'discover', values }),
    /field partitions.over: is missing/,
    /over: 8/,
  ],
  ['a number below one', () => orders(discover({ over: 0, values: () => [] })), /partitions.over: is 0/, /over: 8/],
  [
    'values that are no function',
    () => orders({ kind: 'discover', over: 8, values: [] }),
    /partitions.values: expected a function/,
    /request/,
  ],
  [
    'a parent without its stream',
    () => orders({ kind: 'parent', over: 8, values }),
    /partitions.stream: is missing/,
    /'accounts'/,
  ],
  [
    'a parent that is not there',
    () => orders(parent({ stream: 'acounts', over: 8, values }), {}, { accounts: ACCOUNTS }),
    /stream orders, field partitions.stream: the source has no stream "acounts"/,
    /it has: orders, accounts/,
  ],
  [
    'its own parent',
    () => orders(parent({ stream: 'orders', over: 8, values })),
    /is its own parent: orders → orders/,
    /does not depend on this one/,
  ],
  [
    'a circle of parents',
    () =>
      compile({
        a: { ...STREAM, partitions: parent({ stream: 'b', over: 2, values }) },
        b: { ...STREAM, partitions: parent({ stream: 'a', over: 2, values }) },
      }),
    /is its own parent: a → b → a/,
    /does not depend on this one/,
  ],
  [
    'a watermark without a clock',
    () => orders(discover({ over: 8, values: () => [] }), { watermark: { field: 'seq', param: 'after' } }),
    /watermark.field: "seq" is not a timestamp/,
    /use a timestamp/,
  ],
  [
    'a path whose value nobody gives',
    () => orders(2, { params: () => ({}) }),
    /field path: \{account\} has no value/,
    /list the partitions/,
  ],
  [
    'a product whose parts share a value',
    () => orders(product({ over: 8, of: [REGIONS, parent({ ...OF_ACCOUNTS, values: { region: '/id' } })] })),
    /field partitions.of\[1\]: has the value "region", and so has of\[0\]/,
    /in one of them/,
  ],
  [
    'a product without a part',
    () => orders({ kind: 'product', over: 8, of: [] }),
    /field partitions.of: is empty/,
    /of: \[\[/,
  ],
  [
    'a product that is larger than partitions can take',
    () => orders(product({ over: 8, of: [REGIONS], slicesMax: 1e9 })),
    /partitions.slicesMax: is 1000000000/,
    /slicesMax: 10000/,
  ],
  [
    'a part with a number of partitions of its own',
    () => orders(product({ over: 8, of: [parent({ ...OF_ACCOUNTS, over: 2, values })] })),
    /partitions.of\[0\].over: is not a known field here/,
    /known fields/,
  ],
  [
    'a part whose parent is not there',
    () => orders(union({ over: 8, of: [[{ account: 'a' }], parent({ stream: 'acounts', values })] })),
    /stream orders, field partitions.of\[1\].stream: the source has no stream "acounts"/,
    /it has: orders/,
  ],
  [
    'pointers that lack a value of the path',
    () => orders(parent({ stream: 'accounts', over: 8, values: { id: '/id' } }), {}, { accounts: ACCOUNTS }),
    /field path: \{account\} has no value/,
    /name it in partitions; they have: id/,
  ],
  [
    'a union of which one part lacks a value of the path',
    () => orders(union({ over: 8, of: [[{ account: 'a' }], [{ region: 'eu' }]] })),
    /field path: \{account\} has no value/,
    /no value is in all of them/,
  ],
  [
    'what is not a pointer',
    () => orders(parent({ ...OF_ACCOUNTS, over: 8, values: { account: 'id' } })),
    /field partitions.values.account: expected a JSON pointer into the record such as \/id/,
    /values/,
  ],
  [
    'pointers through two lists',
    () => orders(parent({ ...OF_ACCOUNTS, over: 8, values: { account: '/tags/*', other: '/lists/*' } })),
    /field partitions.values: "account" and "other" take elements of two lists, \/tags\/\* and \/lists\/\*/,
    /from one list/,
  ],
  [
    'an extra that is a value already',
    () => orders(parent({ ...OF_ACCOUNTS, over: 8, values: { account: '/id' }, extra: { account: '/name' } })),
    /field partitions.extra.account: is a value of the slice already/,
    /in one of them/,
  ],
  [
    'an extra of each element beside a function',
    () => orders(parent({ ...OF_ACCOUNTS, over: 8, values, extra: { tag: '/tags/*' } })),
    /field partitions.extra.tag: takes every element of a list, but values is a function/,
    /as pointers/,
  ],
  [
    'a value that the partitions of the parent do not have',
    () =>
      orders(
        parent({ ...OF_ACCOUNTS, over: 8, values: { account: '/id', region: '{shop}' } }),
        {},
        { accounts: { ...ACCOUNTS, partitions: REGIONS } },
      ),
    /field partitions.values.region: the partitions of accounts have no value \{shop\}/,
    /they have: region/,
  ],
  [
    'a circle through a part of a union',
    () =>
      compile({
        a: { ...STREAM, partitions: union({ over: 2, of: [parent({ stream: 'b', values })] }) },
        b: { ...STREAM, partitions: product({ over: 2, of: [parent({ stream: 'a', values })] }) },
      }),
    /is its own parent: a → b → a/,
    /does not depend on this one/,
  ],
  [
    'an incremental parent without a watermark',
    () => orders(parent({ ...INCREMENTAL, over: 8 }), {}, { accounts: ACCOUNTS }),
    /stream orders, field partitions.incremental: accounts has no watermark/,
    /declare watermark of accounts/,
  ],
  [
    'an incremental parent whose watermark is a number over several partitions',
    () =>
      orders(
        parent({ ...INCREMENTAL, over: 8 }),
        {},
        { accounts: { ...ACCOUNTS, partitions: REGIONS, watermark: { field: 'seq', param: 'after' } } },
      ),
    /field partitions.incremental: "seq" of accounts is not a timestamp/,
    /or an integer if it has one partition/,
  ],
  [
    'two incremental parents',
    () => orders(union({ over: 8, of: [parent(INCREMENTAL), parent(INCREMENTAL)] }), {}, { accounts: CHANGING }),
    /field partitions.of\[1\].incremental: is a second one beside partitions.of\[0\]/,
    /take it away here/,
  ],
  [
    'an incremental parent in a product with what may find more',
    () =>
      orders(
        product({ over: 8, of: [parent(INCREMENTAL), REGIONS, parent({ stream: 'shops', values: { shop: '/id' } })] }),
        {},
        { accounts: CHANGING, shops: ACCOUNTS },
      ),
    /field partitions.of\[0\].incremental: is in a product with partitions.of\[2\], whose new values/,
    /declared lists only/,
  ],
  [
    'a full walk that is never due',
    () => orders({ ...parent({ ...INCREMENTAL, over: 8 }), incremental: { fullEvery: 0 } }, {}, { accounts: CHANGING }),
    /field partitions.incremental.fullEvery: expected a duration/,
    /fullEvery: '90s'/,
  ],
]

for (const [name, make, words, hint] of WRONG) {
  test(`refuses ${name}`, () => {
    assert.throws(make, (error) => {
      assert.ok(error instanceof DeclarationError)
      assert.match(error.message, words)
      assert.match(error.hint ?? '', hint)
      return true
    })
  })
}

test('found partitions have a layout of their own, and a watermark that waits for all of them', () => {
  const watermark = { field: 'at', param: 'since', sorted: true }
  const [stream] = orders(discover({ over: 2, values: () => [] }), { watermark }).streams
  assert.deepEqual(annotationOf(stream?.wireSchema ?? {})?.shares, ['0 of 2 found', '1 of 2 found'])
  assert.deepEqual([stream?.watermark?.sorted, stream?.partitions], [false, [{}, {}]])
})

test('a parent may have a parent', () => {
  const { streams } = compile({
    regions: ACCOUNTS,
    accounts: {
      ...STREAM,
      path: '/regions/{region}',
      partitions: parent({ stream: 'regions', over: 2, values: () => ({ region: 'eu' }) }),
    },
    orders: { ...STREAM, partitions: parent({ stream: 'accounts', over: 2, values }) },
  })
  assert.deepEqual(
    streams.map(({ discovery }) => discovery?.kind),
    [undefined, 'parent', 'parent'],
  )
})

test('a product takes lists, parents, functions and unions, and the types of each need no cast', () => {
  const declared = defineSource({
    name: 'shop',
    baseUrl: 'https://api.shop.example',
    streams: {
      accounts: { path: '/accounts', paginate: none(), schema: z.object({ id: z.string() }), primaryKey: ['id'] },
      orders: {
        path: '/{region}/accounts/{account}/orders',
        paginate: none(),
        schema: z.object({ id: z.string() }),
        primaryKey: ['id'],
        partitions: product({
          over: 8,
          of: [
            [{ region: 'eu' }, { region: 'us' }],
            union({
              of: [
                parent({ stream: 'accounts', values: { account: '/id' }, extra: { name: '/name' } }),
                parent({ stream: 'accounts', values: ({ id }, { values }) => [{ account: `${values.region}${id}` }] }),
                parent({ stream: 'accounts', values: optional({ account: '/former_id' }) }),
                discover({ values: async () => [{ account: 'main' }] }),
              ],
            }),
          ],
        }),
      },
    },
  })
  const { streams } = compileSource(declared.input, 'shop.ts')
  const { discovery, partitions } = streams[1] ?? {}
  assert.deepEqual([discovery?.kind, partitions?.length], ['product', 8])
  assert.equal(discovery?.kind === 'product' && discovery.slicesMax, 10_000)
})

test('an incremental parent has all its slices walked every week, or as declared, also beside lists', () => {
  const everyOf = (partitions: unknown, accounts: Loose = CHANGING) =>
    incrementalParent(orders(partitions, {}, { accounts }).streams[0]?.discovery ?? null)
  assert.deepEqual(everyOf(parent({ ...INCREMENTAL, over: 8 })), { fullEvery: 7 * 86_400_000 })
  const daily = { ...INCREMENTAL, incremental: { fullEvery: '1d' } }
  assert.deepEqual(everyOf(product({ over: 8, of: [REGIONS, parent(daily)] })), { fullEvery: 86_400_000 })
  const counted = { ...ACCOUNTS, watermark: { field: 'seq', param: 'after' } }
  assert.deepEqual(everyOf(parent({ ...daily, over: 8 }), counted), { fullEvery: 86_400_000 })
  assert.equal(everyOf(parent({ stream: 'accounts', over: 8, values })), null)
})
