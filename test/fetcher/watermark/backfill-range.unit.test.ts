import assert from 'node:assert/strict'
import { describe, test } from 'node:test'
import { WrongUse } from '#shared/errors.ts'
import { epochMs, epochSeconds, int64, z } from '#shared/index.ts'
import { createValidator } from '../../../services/fetcher/validate/validate.ts'
import type { ValidatedPage } from '../../../services/fetcher/validate/validated-page.ts'
import {
  endsOf,
  isPast,
  rangeId,
  rangeOf,
  rawPosition,
  within,
} from '../../../services/fetcher/watermark/backfill-range.ts'
import { declareOrders } from '../declared.ts'

const TYPES = {
  iso: z.iso.datetime({ offset: true }),
  ms: epochMs(),
  seconds: epochSeconds(),
  seq: int64(),
  text: z.string(),
}
const NOW_MS = Date.UTC(2026, 5, 1)
const streamOf = (type: keyof typeof TYPES) =>
  declareOrders({
    schema: z.object({ id: z.string(), at: TYPES[type] }),
    watermark: { field: 'at', param: 'since', sorted: true },
  })
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
    wrong('iso', '2026-01-01', '2026-06-01T00:00:00.000000001Z', /lies in the future/)
    wrong('seq', '9', '9', /is not before/)
  })

  test('is refused for a stream without a watermark: nobody could ask for it', () => {
    const everything = declareOrders({ watermark: undefined })
    assert.throws(
      () => rangeOf(everything, { from: '1', to: '2' }, NOW_MS),
      (error) =>
        error instanceof WrongUse &&
        /shop\.orders has no watermark/.test(error.message) &&
        error.hint?.includes('--full') === true,
    )
  })

  test('may end now, and only what is a time lies in the future', () => {
    const now = new Date(NOW_MS).toISOString()
    for (const type of ['iso', 'ms', 'seconds'] as const)
      assert.equal(read(type, '2026-01-01', now).to, '2026-06-01T00:00:00Z')
    const beyond = BigInt(NOW_MS) * 1_000_000n + 1n
    assert.deepEqual(read('seq', '1', String(beyond)), { from: '1', to: String(beyond) })
    assert.deepEqual(read('text', '2026', '9999-12-31'), { from: '2026', to: '9999-12-31' })
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
      declareOrders({
        schema: z.object({ id: z.string(), at: TYPES[type] }),
        watermark: { field: 'at', param: 'since', start },
      }).watermark?.start
    for (const start of ['2026-01-01T00:00:00Z', '2026-01-01', '2026-01-01T01:00:00+01:00', 1_767_225_600_000])
      assert.equal(startOf('ms', start), 1_767_225_600_000_000_000n)
    for (const start of ['2026-01-01T00:00:00Z', '2026-01-01', '1767225600'])
      assert.equal(startOf('seconds', start), 1_767_225_600_000_000_000n)
    assert.throws(() => startOf('ms', '2026-02-31'), /is not a value of/)
    assert.throws(() => startOf('seq', '2026-01-01'), /is not a value of/)
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

  test('keeps the name that its checkpoints are stored under', () => {
    const digested = /^[\da-f]{32}$/
    assert.equal(
      rangeId({ from: '2026-01-01T00:00:00Z', to: '2026-02-01T00:00:00+01:00' }),
      '2026-01-01T00:00:00Z_2026-02-01T00:00:00+01:00',
    )
    assert.equal(rangeId({ from: 'a'.repeat(60), to: '1.5' }), `${'a'.repeat(60)}_1.5`)
    assert.equal(rangeId({ from: 'a b', to: 'c' }), '7286faa1a2a3e69bfd8c82d7d17d1fd9')
    for (const [from, to] of [
      ['a'.repeat(61), 'b'],
      ['a', 'b'.repeat(61)],
      ['a', ' '],
      ['', 'a'],
    ] as const)
      assert.match(rangeId({ from, to }), digested)
  })

  test('has ends only where it is one of the stream’s', () => {
    assert.deepEqual(endsOf(streamOf('seq'), { from: '3', to: '6' }), { from: 3n, to: 6n })
    assert.equal(endsOf(streamOf('seq'), undefined), null)
    assert.equal(endsOf(declareOrders({ watermark: undefined }), { from: '3', to: '6' }), null)
    assert.equal(endsOf(streamOf('seq'), { from: '2026-01-01', to: '6' }), null)
    assert.equal(endsOf(streamOf('seq'), { from: '3', to: '2026-01-01' }), null)
  })

  const judge = (records: unknown[]): ValidatedPage => createValidator(streamOf('seq'))(records)
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

  test('keeps refused records of which nobody can say where they lie', () => {
    const raws = ['null', '7', '"9"', '{', '[]', '{"at":null}', '{"at":"x"}', '{"at":"6"}', '{"at":"2"}', '{"at":"3"}']
    const rejected = raws.map((raw) => ({ raw, reason: '', issues: '' }))
    const kept = within(streamOf('seq'), { ...judge([]), rejected }, ends)
    assert.deepEqual(
      kept.rejected.map(({ raw }) => raw),
      [...raws.slice(0, 7), '{"at":"3"}'],
    )
  })

  test('is left as it is in all but records and refused ones', () => {
    const judged = judge([
      { id: 'a', at: '3', odd: 1 },
      { id: 'b', at: '9' },
    ])
    assert.deepEqual(within(streamOf('seq'), judged, ends), { ...judged, records: judged.records.slice(0, 1) })
  })

  test('is passed by a page in order that ends at its end or beyond, and by no other', () => {
    const passes = (...at: number[]) => isPast(judge(at.map((each) => ({ id: `r${each}`, at: String(each) }))), ends)
    assert.deepEqual(
      [passes(4, 6), passes(6), passes(9), passes(4, 4, 6), passes(6, 6)],
      [true, true, true, true, true],
    )
    assert.deepEqual(
      [passes(4, 5), passes(), passes(9, 4), passes(7, 4, 8), passes(8, 7)],
      [false, false, false, false, false],
    )
  })
})

describe('the position of a raw record', () => {
  test('is that of its field, as the API gave it', () => {
    assert.equal(rawPosition(streamOf('seq'), { id: 'a', at: '4' }), 4n)
    assert.equal(rawPosition(streamOf('iso'), { at: '1970-01-01T00:00:01Z' }), 1_000_000_000n)
  })

  test('is not known where the record is none, has none, or is made into another first', () => {
    for (const raw of [null, undefined, 4, '4', {}, { at: null }, { at: 'x' }, []])
      assert.equal(rawPosition(streamOf('seq'), raw), null)
    assert.equal(rawPosition(declareOrders({ watermark: undefined }), { updated_at: '2026-01-01T00:00:00Z' }), null)
    const mapped = declareOrders({ map: (record: object) => record })
    assert.equal(rawPosition(mapped, { updated_at: '2026-01-01T00:00:00Z' }), null)
  })
})
