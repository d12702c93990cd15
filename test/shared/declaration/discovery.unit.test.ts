import assert from 'node:assert/strict'
import { test } from 'node:test'
import { compileSource } from '#shared/declaration/compile.ts'
import { DeclarationError } from '#shared/errors.ts'
import { discover, parent, z } from '#shared/index.ts'
import { annotationOf } from '#shared/schema/json-schema.ts'

type Loose = Record<string, unknown>

const STREAM = {
  ...{ path: '/accounts/{account}/orders', paginate: { kind: 'none' }, primaryKey: ['id'] },
  schema: z.object({ id: z.string(), at: z.iso.datetime(), seq: z.int() }),
}
const ACCOUNTS = { ...STREAM, path: '/accounts' }
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
