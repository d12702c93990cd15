import assert from 'node:assert/strict'
import { describe, test } from 'node:test'
import { type Judged, judgeFor } from '../../services/fetcher/judge.ts'
import { endsOf, isPast, rangeId, rangeOf, within } from '../../services/fetcher/range.ts'
import { WrongUse } from '../../shared/errors.ts'
import { epochMs, epochSeconds, int64, z } from '../../shared/index.ts'
import { declareOrders } from './declared.ts'

const TYPES = { iso: z.iso.datetime({ offset: true }), ms: epochMs(), seconds: epochSeconds(), seq: int64(), text: z.string() }
const NOW_MS = Date.UTC(2026, 5, 1)
const streamOf = (type: keyof typeof TYPES) =>
  declareOrders({ schema: z.object({ id: z.string(), at: TYPES[type] }), watermark: { field: 'at', param: 'since', sorted: true } })
const read = (type: keyof typeof TYPES, from: string, to: string) => rangeOf(streamOf(type), { from, to }, NOW_MS)

describe('the range of a backfill', () => {
  test('is refused in words: no position, no order, not yet over', () => {
    const wrong = (type: keyof typeof TYPES, from: string, to: string, what: RegExp) =>
      assert.throws(
        () => read(type, from, to),
        (error) => error instanceof WrongUse && what.test(error.message) && error.hint !== undefined,
      )
    wrong('iso', 'last week', '2026-01-01', /--from last week/)
    wrong('seq', '1', '2026-01-01', /--to 2026-01-01/)
    wrong('text', '', 'b', /--from/)
    wrong('seq', '10', '9', /is not before/)
    wrong('iso', '2026-01-01T01:00:00+01:00', '2026-01-01T00:00:00Z', /is not before/)
    wrong('ms', '2026-01-01', '2026-06-02', /lies in the future/)
  })

  test('is read by value: times in every form, epochs as the field has them, numbers and texts', () => {
    const january = { from: '2026-01-01T00:00:00Z', to: '2026-02-01T00:00:00Z' }
    assert.deepEqual(read('iso', '2026-01-01', '2026-02-01'), january)
    assert.deepEqual(read('iso', '2026-01-01T02:00:00+02:00', '2026-01-31T19:00:00-05:00'), january)
    assert.deepEqual(read('iso', '2026-01-01T00:00:00.000000001Z', '2026-01-02'), {
      from: '2026-01-01T00:00:00.000000001Z',
      to: '2026-01-02T00:00:00Z',
    })
    assert.deepEqual(read('ms', '2026-01-01', '1769904000000'), january)
    assert.deepEqual(read('seconds', '1767225600', '2026-02-01'), january)
    assert.deepEqual(read('seq', '9', '9007199254740993'), { from: '9', to: '9007199254740993' })
    assert.deepEqual(read('text', 'key-10', 'key-9'), { from: 'key-10', to: 'key-9' })
  })

  test('a start of a field that counts from the epoch may be written as a time', () => {
    const startOf = (type: keyof typeof TYPES, start: string | number) =>
      declareOrders({ schema: z.object({ id: z.string(), at: TYPES[type] }), watermark: { field: 'at', param: 'since', start } }).watermark
        ?.start
    for (const start of ['2026-01-01T00:00:00Z', '2026-01-01', '2026-01-01T01:00:00+01:00', 1_767_225_600_000])
      assert.equal(startOf('ms', start), 1_767_225_600_000_000_000n)
    for (const start of ['2026-01-01T00:00:00Z', '2026-01-01', '1767225600'])
      assert.equal(startOf('seconds', start), 1_767_225_600_000_000_000n)
    assert.throws(() => startOf('ms', '2026-02-31'), /gives no position/)
    assert.throws(() => startOf('seq', '2026-01-01'), /gives no position/)
  })

  test('has one name, whatever an author’s texts hold', () => {
    assert.equal(
      rangeId(read('iso', '2026-01-01', '2026-02-01')),
      rangeId(read('iso', '2026-01-01T00:00:00Z', '2026-02-01T01:00:00+01:00')),
    )
    const ids = [
      ['a b', 'c'],
      ['a', 'b c'],
      ['a_b', 'c'],
      ['a', 'b_c'],
      ['ä', 'ö'.repeat(500)],
    ].map(([from = '', to = '']) => rangeId({ from, to }))
    assert.equal(new Set(ids).size, ids.length)
    for (const id of ids) assert.match(id, /^[\w.:+-]{1,121}$/)
  })

  const judge = (records: unknown[]): Judged => judgeFor(streamOf('seq'))(records)
  const ends = endsOf(streamOf('seq'), { from: '3', to: '6' })
  assert.ok(ends !== null)

  test('holds its first position and not its last; refused records are told by their field where it can be read', () => {
    const judged = judge([
      ...[2, 3, 5, 6].map((at) => ({ id: `r${at}`, at: String(at) })),
      { id: 7, at: '4' },
      { id: 8, at: '6' },
      { id: 9 },
      'no',
    ])
    const kept = within(streamOf('seq'), judged, ends)
    assert.deepEqual(
      kept.records.map(({ key }) => key),
      ['r3', 'r5'],
    )
    assert.deepEqual(
      kept.rejected.map(({ raw }) => raw),
      ['{"id":7,"at":"4"}', '{"id":9}', '"no"'],
    )
  })

  test('is passed by a page in order that ends at its end or beyond, and by no other', () => {
    const passes = (...at: number[]) => isPast(judge(at.map((each) => ({ id: `r${each}`, at: String(each) }))), ends)
    assert.deepEqual([passes(4, 6), passes(6), passes(9)], [true, true, true])
    assert.deepEqual([passes(4, 5), passes(), passes(9, 4), passes(7, 4, 8)], [false, false, false, false])
  })
})
