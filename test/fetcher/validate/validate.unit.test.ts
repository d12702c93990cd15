import assert from 'node:assert/strict'
import { describe, test } from 'node:test'
import fc from 'fast-check'
import { int64, z } from '#shared/index.ts'
import type { LearnedType } from '#shared/schema/learned-columns.ts'
import { digest } from '../../../services/fetcher/deduplicate/digest.ts'
import { RECORD_BYTES_MAX } from '../../../services/fetcher/validate/encode-record.ts'
import { createValidator, optionalFields } from '../../../services/fetcher/validate/validate.ts'
import { testSeed } from '../../support/seed.ts'
import { declareOrders, order, orderSchema } from '../declared.ts'

const judge = (raws: readonly unknown[], stream: Record<string, unknown> = {}) =>
  createValidator(declareOrders(stream))(raws)

describe('the judge', () => {
  test('a record that does not fit is rejected with the code, the path and the raw text, and its neighbours are not', () => {
    const bad = { ...order('b'), total: 'many' }
    const { records, rejected } = judge([order('a'), bad, order('c')])
    assert.deepEqual(
      records.map(({ key }) => key),
      ['a', 'c'],
    )
    assert.deepEqual(rejected, [
      {
        raw: JSON.stringify(bad),
        reason: 'invalid_type',
        issues: 'total: Invalid input: expected number, received string',
      },
    ])
  })

  for (const raw of [null, undefined, 7, 'text', [], [order('a')]]) {
    test(`${JSON.stringify(raw)} in place of a record is rejected and does not throw`, () => {
      const { records, rejected } = judge([raw])
      assert.equal(records.length, 0)
      assert.equal(rejected.length, 1)
      assert.equal(rejected[0]?.raw, JSON.stringify(raw) ?? 'null')
    })
  }

  test('the values of a rejected record are not in the issues', () => {
    const { rejected } = judge([{ id: 5, total: 'secret-1', updated_at: 'secret-2' }])
    assert.doesNotMatch(rejected[0]?.issues ?? '', /secret/)
  })

  test('many issues are cut, and so is a long text of one', () => {
    const fields = Object.fromEntries(Array.from({ length: 12 }, (_, number) => [`f${number}`, z.string()]))
    const many = judge([{ id: 'a', updated_at: 'x' }], { schema: orderSchema.extend(fields) })
    assert.match(many.rejected[0]?.issues ?? '', /; and 6 more$/)
    const values = Array.from({ length: 900 }, (_, number) => `value-${number}`)
    const long = judge([{ ...order('a'), kind: 'x' }], { schema: orderSchema.extend({ kind: z.enum(values) }) })
    assert.ok((long.rejected[0]?.issues.length ?? 0) <= 2001)
  })

  test('a map that throws makes a dead letter of the raw record; one that returns undefined leaves it out', () => {
    const map = (raw: unknown) => {
      const { id } = raw as { id: string }
      if (id === 'throws') throw new TypeError('no such property')
      return id === 'left-out' ? undefined : raw
    }
    const judged = judge([order('throws'), order('left-out'), order('a')], { map })
    assert.deepEqual(judged.rejected, [
      { raw: JSON.stringify(order('throws')), reason: 'map_failed', issues: 'map threw: no such property' },
    ])
    assert.equal(judged.omitted, 1)
    assert.equal(judged.records.length, 1)
  })

  test('a refinement that throws makes a dead letter, not a failed run', () => {
    const schema = orderSchema.refine(() => {
      throw new TypeError('a mistake of the author')
    })
    const { rejected } = judge([order('a')], { schema })
    assert.deepEqual(rejected, [
      { raw: JSON.stringify(order('a')), reason: 'unreadable', issues: 'a mistake of the author' },
    ])
  })

  test('what is nested too deeply for JSON becomes a dead letter with its whole text', () => {
    const text = `${'['.repeat(50_000)}${']'.repeat(50_000)}`
    const raw = JSON.parse(`{"id":"a","total":1,"updated_at":"2026-01-01T00:00:00Z","deep":${text}}`)
    const { records, rejected } = judge([raw, order('b')])
    assert.equal(records.length, 1)
    assert.equal(rejected[0]?.reason, 'unreadable')
    assert.ok(rejected[0]?.raw.includes(text))
  })

  test('a record without a position is rejected, never given a wrong watermark', () => {
    const schema = z.object({ id: z.string(), seq: int64() })
    const { records, rejected } = judge([{ id: 'a', seq: '9007199254740993' }, { id: 'b' }, { id: 'c', seq: null }], {
      schema,
      watermark: { field: 'seq', param: 'after' },
    })
    assert.deepEqual(
      records.map(({ position }) => position),
      [9007199254740993n],
    )
    assert.equal(rejected.length, 2)
    // A day that the format lets pass and no calendar has.
    const text = z.object({ id: z.string(), updated_at: z.string().meta({ format: 'date-time' }) })
    const noDay = judge([{ id: 'a', updated_at: '2026-02-30T00:00:00Z' }], { schema: text })
    assert.deepEqual(
      noDay.rejected.map(({ reason }) => reason),
      ['watermark_missing'],
    )
  })

  test('a default of the schema gives the position where the field is missing', () => {
    const schema = orderSchema.extend({ updated_at: z.iso.datetime({ offset: true }).default('2026-01-01T00:00:00Z') })
    const { records } = judge([{ id: 'a', total: 1 }], { schema })
    assert.equal(records[0]?.position, BigInt(Date.UTC(2026, 0, 1)) * 1_000_000n)
  })

  test('instants are compared by value: an offset and a fraction give the position that they mean', () => {
    const { records } = judge([
      { ...order('a'), updated_at: '2026-01-01T01:00:00+01:00' },
      { ...order('b'), updated_at: '2026-01-01T00:00:00.000000001Z' },
    ])
    assert.equal((records[1]?.position as bigint) - (records[0]?.position as bigint), 1n)
  })

  test('a record over the bound becomes a dead letter, also when only its bytes are over it', () => {
    const schema = orderSchema.extend({ text: z.string() })
    const big = { ...order('a'), text: 'x'.repeat(RECORD_BYTES_MAX) }
    const wide = { ...order('b'), text: 'ü'.repeat(RECORD_BYTES_MAX / 2) }
    const judged = judge([big, wide, { ...order('c'), text: 'fits' }], { schema })
    assert.deepEqual(
      judged.rejected.map(({ reason }) => reason),
      ['too_large', 'too_large'],
    )
    assert.equal(judged.records.length, 1)
  })

  test('the key is the primary key as text, and a composite key keeps its parts apart', () => {
    const schema = z.object({ id: z.int(), region: z.string() })
    const one = judge([{ id: 7, region: 'eu' }], { schema, watermark: undefined })
    assert.equal(one.records[0]?.key, '7')
    const composite = { schema, watermark: undefined, primaryKey: ['id', 'region'] }
    const two = judge([{ id: 7, region: 'a","b' }], composite)
    assert.equal(two.records[0]?.key, '[7,"a\\",\\"b"]')
  })

  test('every raw record ends in exactly one place, whatever it is', () => {
    const seed = testSeed()
    fc.assert(
      fc.property(
        fc.array(
          fc.oneof(
            fc.jsonValue(),
            fc.record({ id: fc.jsonValue(), total: fc.jsonValue(), updated_at: fc.jsonValue() }),
          ),
        ),
        (raws) => {
          const { records, rejected, omitted } = judge(raws)
          assert.equal(records.length + rejected.length + omitted, raws.length)
        },
      ),
      { seed },
    )
  })
})

describe('unknown fields', () => {
  const schema = orderSchema.extend({ buyer: z.object({ name: z.string() }).optional() })
  const raw = { ...order('a'), colour: 'red', buyer: { name: 'n', tier: 3 } }

  test('are kept in their places and reported with path and type, without their values', () => {
    const { records, drift } = judge([raw], { schema })
    assert.deepEqual(JSON.parse(records[0]?.payload ?? ''), {
      ...order('a'),
      buyer: { name: 'n' },
      _extra: { colour: 'red', buyer: { tier: 3 } },
    })
    assert.deepEqual(
      [...drift],
      [
        ['colour', 'string'],
        ['buyer.tier', 'number'],
      ],
    )
  })

  test('are dropped and still reported', () => {
    const { records, drift } = judge([raw], { schema, unknownFields: 'drop' })
    assert.deepEqual(JSON.parse(records[0]?.payload ?? ''), { ...order('a'), buyer: { name: 'n' } })
    assert.equal(drift.size, 2)
  })

  test('make a dead letter that names every path', () => {
    const { records, rejected } = judge([raw], { schema, unknownFields: 'reject' })
    assert.equal(records.length, 0)
    assert.deepEqual(rejected, [
      { raw: JSON.stringify(raw), reason: 'unknown_fields', issues: 'unknown fields: colour, buyer.tier' },
    ])
  })

  test('without end are reported up to a bound', () => {
    const many = Object.fromEntries(Array.from({ length: 1000 }, (_, number) => [`field-${number}`, 1]))
    assert.equal(judge([{ ...order('a'), ...many }]).drift.size, 200)
  })

  test('a record without any has no _extra', () => {
    assert.deepEqual(JSON.parse(judge([order('a')]).records[0]?.payload ?? ''), order('a'))
  })
})

describe('what a page says besides its records', () => {
  const at = (second: number) => BigInt(Date.UTC(2026, 0, 1) + second * 1000) * 1_000_000n

  test('has the position of each raw record in its place: null for one that is refused, left out or without a watermark', () => {
    const filter = (raw: unknown) => (raw as { id: string }).id !== 'left-out'
    const raws = [order('a', 1), { id: 'b' }, order('left-out', 2), order('c', 3)]
    assert.deepEqual(judge(raws, { filter }).positions, [at(1), null, null, at(3)])
    assert.deepEqual(judge([order('a', 1)], { watermark: undefined }).positions, [null])
  })

  test('has the optional fields that no accepted record had: of those as declared, and of those that zod looked at', () => {
    const schema = orderSchema.extend({
      note: z.string().optional(),
      tag: z.string().optional(),
      refused: z.string().optional(),
    })
    const absent = (...raws: object[]) => [...judge(raws, { schema }).absent]
    assert.deepEqual(absent(order('a')), ['note', 'tag', 'refused'])
    assert.deepEqual(absent({ ...order('a'), note: 'n' }), ['tag', 'refused'])
    assert.deepEqual(absent({ ...order('a'), note: 'n', unknown: 1 }), ['tag', 'refused'])
    assert.deepEqual(absent({ ...order('a'), note: 'n' }, { ...order('b'), tag: 't' }, { id: 5, refused: 'r' }), [
      'refused',
    ])
    assert.deepEqual(absent({ ...order('a'), note: undefined }), ['note', 'tag', 'refused'])
  })

  test('counts as optional neither what is required nor the columns that are no fields of the API', () => {
    const schema = orderSchema.extend({ note: z.string().optional() })
    assert.deepEqual(optionalFields(declareOrders({ schema, deleted: '/gone' })), ['note'])
  })

  test('has the type of an unknown field as it came last and the look of its first value', () => {
    const { drift, examples } = judge([
      { ...order('a'), colour: 'red' },
      { ...order('b'), colour: 7 },
    ])
    assert.deepEqual([...drift], [['colour', 'number']])
    assert.deepEqual([...(examples ?? [])], [['colour', 'a text of 3 characters']])
  })

  test('names at most 200 unknown fields, and none that comes later', () => {
    const many = (count: number) =>
      Object.fromEntries(Array.from({ length: count }, (_, number) => [`field-${number}`, 1]))
    const { drift, examples } = judge([
      { ...order('a'), ...many(199) },
      { ...order('b'), next: 1, late: 1 },
    ])
    assert.deepEqual([drift.size, drift.has('next'), drift.has('late'), examples?.size], [200, true, false, 200])
  })
})

describe('bounds of what a dead letter and a record hold', () => {
  const schemaOf = (count: number) =>
    orderSchema.extend(Object.fromEntries(Array.from({ length: count }, (_, number) => [`f${number}`, z.string()])))
  const issuesOf = (count: number) => judge([order('a')], { schema: schemaOf(count) }).rejected[0]?.issues ?? ''

  test('eight issues are all shown, of nine one is counted', () => {
    assert.equal(issuesOf(8).split('; ').length, 8)
    assert.match(issuesOf(8), /f7: /)
    assert.match(issuesOf(9), /f7: .*; and 1 more$/)
  })

  test('an issue of the whole record says so', () => {
    const schema = orderSchema.refine(() => false, 'does not add up')
    assert.deepEqual(judge([order('a')], { schema }).rejected[0]?.issues, '(record): does not add up')
    const deep = orderSchema.extend({ to: z.object({ city: z.string() }) })
    assert.match(judge([{ ...order('a'), to: {} }], { schema: deep }).rejected[0]?.issues ?? '', /^to\.city: /)
  })

  test('a record of as many bytes as fit is accepted, and with one more it is not, whatever bytes its characters have', () => {
    const schema = orderSchema.extend({ text: z.string() })
    const empty = Buffer.byteLength(JSON.stringify({ ...order('a'), text: '' }))
    for (const character of ['x', 'ü', '€', '\u{1f600}']) {
      const width = Buffer.byteLength(character)
      const room = RECORD_BYTES_MAX - empty
      const text = character.repeat(Math.floor(room / width)) + 'x'.repeat(room % width)
      assert.equal(judge([{ ...order('a'), text }], { schema }).records.length, 1, `full of ${character}`)
      const { rejected } = judge([{ ...order('a'), text: `${text}x` }], { schema })
      assert.equal(rejected[0]?.reason, 'too_large', `one more than full of ${character}`)
    }
  })

  test('the key of a composite primary key with one part missing keeps its place', () => {
    const schema = z.object({ id: z.string(), region: z.string() })
    const { records } = judge([{ id: 'a', region: 'eu' }], {
      schema,
      watermark: undefined,
      primaryKey: ['region', 'id'],
    })
    assert.equal(records[0]?.key, '["eu","a"]')
  })

  test('a text that does not sort as its watermark does is refused', () => {
    const schema = z.object({ id: z.string(), rev: z.string() })
    const { rejected } = judge([{ id: 'a', rev: '2026-01-31T10:20:30' }], {
      schema,
      watermark: { field: 'rev', param: 'since' },
    })
    assert.equal(rejected[0]?.reason, 'watermark_unordered')
    assert.match(rejected[0]?.issues ?? '', /^rev: /)
  })

  test('digests of two texts differ, those of one are the same', () => {
    assert.equal(digest('a'), digest('a'))
    assert.notEqual(digest('a'), digest('b'))
  })
})

describe('unknown fields that became columns', () => {
  const columns = new Map<string, LearnedType>([
    ['colour', 'string'],
    ['size', 'number'],
  ])
  const learning = (raws: readonly unknown[], stream: Record<string, unknown> = {}) =>
    createValidator(declareOrders({ unknownFields: 'columns', ...stream }), () => columns)(raws)
  const payloadOf = ({ records }: ReturnType<typeof learning>) => JSON.parse(records[0]?.payload ?? '')

  test('are written as fields and are no drift; what has none is kept and is drift', () => {
    const judged = learning([{ ...order('a'), colour: 'red', size: 7, more: 1 }])
    assert.deepEqual(payloadOf(judged), { ...order('a'), colour: 'red', size: 7, _extra: { more: 1 } })
    assert.deepEqual([...judged.drift.keys()], ['more'])
    assert.equal(judged.misfits?.size, 0)
  })

  test('of another type are kept among the unknown, and told as such', () => {
    const judged = learning([{ ...order('a'), colour: 7, size: 7 }])
    assert.deepEqual(payloadOf(judged), { ...order('a'), size: 7, _extra: { colour: 7 } })
    assert.deepEqual([...(judged.misfits ?? [])], [['colour', { column: 'string', type: 'number' }]])
    assert.equal(judged.drift.size, 0)
  })

  test('are nothing where none has a value', () => {
    assert.deepEqual(payloadOf(learning([{ ...order('a'), colour: null }])), order('a'))
    assert.deepEqual(payloadOf(learning([order('a')])), order('a'))
  })

  test('the mark of a deletion is not one of them', () => {
    const judged = learning([{ ...order('a'), gone: true, more: 1 }], { deleted: '/gone' })
    assert.deepEqual(payloadOf(judged), { ...order('a'), _extra: { more: 1 }, _deleted: 1 })
    assert.deepEqual(payloadOf(learning([{ ...order('a'), gone: true }], { deleted: '/gone' })), {
      ...order('a'),
      _deleted: 1,
    })
  })

  test('are no columns where the declaration keeps or drops them', () => {
    const raw = { ...order('a'), colour: 'red' }
    const kept = learning([raw], { unknownFields: 'keep' })
    assert.deepEqual(payloadOf(kept), { ...order('a'), _extra: { colour: 'red' } })
    assert.deepEqual([...kept.drift.keys()], ['colour'])
    assert.deepEqual(payloadOf(learning([raw], { unknownFields: 'drop' })), order('a'))
  })
})

test('a record that is as declared is published with its fields in the order of the API', () => {
  const text = '{"updated_at":"2026-01-01T00:00:00Z","total":1,"id":"a"}'
  const { records } = createValidator(declareOrders())([JSON.parse(text)])
  assert.deepEqual(
    records.map(({ payload }) => payload),
    [text],
  )
})
