/** Which changes of a stream fit its table and topic: its key, watermark, partitions and deletes. */
import assert from 'node:assert/strict'
import { describe, test } from 'node:test'
import { z } from '#shared/index.ts'
import { schemaDifferences } from '#shared/schema/compatibility.ts'
import { DELETES_DEFAULT, type StreamAnnotation } from '#shared/schema/json-schema.ts'
import { shown } from './differences.ts'
import { ANNOTATION, wire } from './orders-schema.ts'

describe('differences that break records, readers or tables', () => {
  test('another primary key, table or watermark', () => {
    const after = { primaryKey: ['id', 'line'], table: 'orders', watermark: null }
    assert.deepEqual(shown(schemaDifferences(wire({ id: z.string() }), wire({ id: z.string() }, after))), [
      '! primaryKey: [id] → [id, line]: the identity of every row would change',
      '! table: shop_orders → orders',
      '! watermark: at (iso) → none',
    ])
  })

  for (const [was, is, words] of [
    [
      { primaryKey: ['id', 'line'] },
      { primaryKey: ['line', 'id'] },
      '! primaryKey: [id, line] → [line, id]: the identity of every row would change',
    ],
    [{ watermark: null }, {}, '! watermark: none → at (iso)'],
    [{}, { watermark: { field: 'at', kind: 'text' } }, '! watermark: at (iso) → at (text)'],
    [{}, { watermark: { field: 'seen', kind: 'iso' } }, '! watermark: at (iso) → seen (iso)'],
    [{}, { partitionBy: 'id' }, '! partitionBy: none → id: a table keeps the partitions that it was made with'],
    [{ partitionBy: 'id' }, {}, '! partitionBy: id → none: a table keeps the partitions that it was made with'],
    [
      { partitionBy: 'id' },
      { partitionBy: 'at' },
      '! partitionBy: id → at: a table keeps the partitions that it was made with',
    ],
    [{ partitionBy: 'id' }, { partitionBy: 'id' }, null],
  ] as [Partial<StreamAnnotation>, Partial<StreamAnnotation>, string | null][]) {
    test(`of the stream: ${words ?? 'the same partitionBy is none'}`, () =>
      assert.deepEqual(shown(schemaDifferences(wire({}, was), wire({}, is))), words === null ? [] : [words]))
  }
})

describe('differences that fit what exists', () => {
  const shares = (before: string[], after: string[]) =>
    shown(
      schemaDifferences(
        wire({}, { shares: before, partitions: before.length }),
        wire({}, { shares: after, partitions: after.length }),
      ),
    )

  test('the ten first of other partitions are said, and how many more there are', () => {
    const list = (from: number, count: number) => Array.from({ length: count }, (_, at) => `s${from + at}`)
    const words = (from: number, count: number) => list(from, count).map((share) => `+ partitions: new: ${share}`)
    assert.deepEqual(shares(['s0'], list(0, 11)), ['+ partitions: 1 → 11', ...words(1, 10)])
    assert.deepEqual(shares(['s0'], list(0, 12)), ['+ partitions: 1 → 12', ...words(1, 10), '+ partitions: and 1 more'])
  })

  test('partitions that begin anew, by what is registered after', () => {
    const startsFrom = { change: 1, watermarks: [null], log: { partition: 0, offset: 0 } }
    const again = { startsFrom: { ...startsFrom, change: 2 } }
    const of = (was: Partial<StreamAnnotation>, is: Partial<StreamAnnotation>) =>
      shown(schemaDifferences(wire({}, was), wire({}, is)))
    assert.deepEqual(of({ startsFrom }, again), ['+ partitions: begin anew'])
    assert.deepEqual(of({}, again), ['+ partitions: begin anew'])
    assert.deepEqual(of({ startsFrom }, { startsFrom }), [])
    // A declaration says nothing about it.
    assert.deepEqual(of({ startsFrom }, {}), [])
  })

  test('partitions that one of the two does not name', () => {
    const { shares: _, ...unnamed } = ANNOTATION
    const without = { ...wire({}), 'x-headrace': unnamed }
    const other = wire({}, { shares: ['eu', 'us'] })
    assert.deepEqual(
      [schemaDifferences(without, other), schemaDifferences(other, without), schemaDifferences(without, without)],
      [[], [], []],
    )
  })

  test('other bounds of what a complete walk may delete', () => {
    const deletes = DELETES_DEFAULT
    const of = (was: Partial<StreamAnnotation>, is: Partial<StreamAnnotation>) =>
      shown(schemaDifferences(wire({}, was), wire({}, is)))
    const usual = 'full-walk, shareMax 0.2, rowsMin 10'
    assert.deepEqual(of({}, { deletes }), [`+ deletes: none → ${usual}`])
    assert.deepEqual(of({ deletes }, {}), [`+ deletes: ${usual} → none`])
    assert.deepEqual(of({ deletes }, { deletes: { ...deletes, rowsMin: 11 } }), [
      `+ deletes: ${usual} → full-walk, shareMax 0.2, rowsMin 11`,
    ])
    assert.deepEqual(of({ deletes }, { deletes: { ...deletes, allowAll: true } }), [
      `+ deletes: ${usual} → ${usual}, allowAll`,
    ])
    assert.deepEqual(of({ deletes }, { deletes: { ...deletes } }), [])
  })

  test('other partitions, each said', () => {
    assert.deepEqual(shares(['eu', 'us'], ['us', 'asia']), [
      '+ partitions: 2 → 2',
      '+ partitions: gone: eu',
      '+ partitions: new: asia',
    ])
    assert.deepEqual(shares(['eu', 'us'], ['us', 'eu']), ['+ partitions: 2 → 2'])
    assert.equal(
      shares(
        ['0 of 2', '1 of 2'],
        Array.from({ length: 40 }, (_, at) => `${at} of 40`),
      ).at(-1),
      '+ partitions: and 32 more',
    )
  })
})
