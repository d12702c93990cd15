import assert from 'node:assert/strict'
import { describe, test } from 'node:test'
import type { Stream } from '#shared/declaration/compile.ts'
import { decimal, epochMs, int64, z } from '#shared/index.ts'
import { recordKeysFor, valuesOf, valuesText } from '../../../services/fetcher/validate/record-key.ts'
import { createValidator } from '../../../services/fetcher/validate/validate.ts'
import { declareOrders } from '../declared.ts'

const schema = z.object({
  day: z.iso.date(),
  campaign: z.string().nullable(),
  cost: decimal(18, 4),
  views: int64().optional(),
  rate: z.number().optional(),
  at: z.iso.datetime({ offset: true }).optional(),
  seen: epochMs().optional(),
  tags: z.array(z.string()).optional(),
  place: z.object({ city: z.string(), zip: z.string().nullable() }).optional(),
})
const keyless = (changes: Record<string, unknown> = {}): Stream =>
  declareOrders({ schema, primaryKey: 'record', watermark: undefined, ...changes })
const record = { day: '2026-01-01', campaign: 'c1', cost: '12.30' }

function keyOf(raw: unknown, stream = keyless(), values = {}): string {
  const { records, rejected } = createValidator(stream)([raw], undefined, values)
  assert.deepEqual(rejected, [])
  return records[0]?.key ?? ''
}

describe('the key of version 1 never changes', () => {
  // A row in any table is found by such a key: these texts may never be adapted to the code.
  const whole = {
    ...{ day: '2026-01-01', campaign: 'c"1"', cost: '-0012.3400', views: 7, rate: 0.1, seen: 1_767_225_600_001 },
    ...{ at: '2026-01-01T01:00:00.5+01:00', tags: ['b', 'a'], place: { zip: null, city: 'Köln' } },
  }
  for (const [name, raw, values, key] of [
    ['of few fields', record, {}, '12a03236-e7a6-ef76-cf78-161b0b11a155'],
    ['of all kinds of fields', whole, {}, '34ab25a3-9983-44ba-dd45-35c67c16f478'],
    [
      'of a partition with values',
      record,
      { region: 'eu', account: 7, live: true },
      '1744cd82-b170-4d20-dd48-e67e7d29b23c',
    ],
  ] as const) {
    test(name, () => assert.equal(keyOf(raw, keyless(), values), key))
  }

  test('of named fields', () =>
    assert.equal(keyOf(record, keyless({ recordKey: ['campaign', 'day'] })), '434ee131-9af7-636d-7f87-d1f5e362b294'))
})

describe('records have the same key', () => {
  const same: [string, unknown, unknown][] = [
    ['whose fields are in another order', record, { cost: '12.30', campaign: 'c1', day: '2026-01-01' }],
    ['whose decimals are written otherwise', record, { ...record, cost: '012.3000' }],
    ['whose decimal is a number', record, { ...record, cost: 12.3 }],
    ['whose integer is a text', { ...record, views: 7 }, { ...record, views: '7' }],
    [
      'whose instants have other offsets',
      { ...record, at: '2026-01-01T00:00:00Z' },
      { ...record, at: '2026-01-01T02:00:00.000+02:00' },
    ],
    ['of which one lacks an optional field', record, { ...record, tags: [] }],
    ['that differ in what is not declared', record, { ...record, colour: 'red' }],
  ]
  for (const [name, a, b] of same) test(name, () => assert.equal(keyOf(a), keyOf(b)))

  test('before and after an optional field is declared that they do not have', () => {
    const wider = keyless({ schema: schema.extend({ colour: z.string().optional(), size: z.int().nullish() }) })
    assert.equal(keyOf({ ...record, size: null }, wider), keyOf(record))
  })

  test('by named fields, whatever the others are and in whatever order they are named', () => {
    const byDay = keyless({ recordKey: ['day', 'campaign'] })
    assert.equal(keyOf({ ...record, cost: '1' }, byDay), keyOf(record, keyless({ recordKey: ['campaign', 'day'] })))
  })
})

describe('records have other keys', () => {
  for (const [name, a, b, values] of [
    ['with another value', record, { ...record, cost: '12.31' }, {}],
    ['with a null for a value', record, { ...record, campaign: null }, {}],
    ['in another partition', record, record, { region: 'us' }],
  ] as const) {
    test(name, () =>
      assert.notEqual(keyOf(a, keyless(), { region: 'eu' }), keyOf(b, keyless(), { region: 'eu', ...values })),
    )
  }
})

test('the record has its key in a column of its own, first, and Kafka has the same key', () => {
  const { records } = createValidator(keyless())([{ ...record, colour: 'red' }])
  const [found] = records
  const payload = JSON.parse(found?.payload ?? '')
  assert.deepEqual(Object.keys(payload).slice(0, 2), ['_record_key', 'day'])
  assert.deepEqual([payload._record_key, payload._extra], [found?.key, { colour: 'red' }])
})

test('what the key does not cover is told apart: unknown fields, learned columns and fields that are not named', () => {
  const keys = recordKeysFor(keyless({ recordKey: ['day'] }))!({})
  const beyond = (data: Record<string, unknown>, extra: Record<string, unknown> | null) => keys(data, extra).beyondKey
  assert.equal(beyond({ day: 'd' }, null), '')
  assert.equal(beyond({ day: 'd', cost: undefined }, null), '', 'undefined is a missing field')
  assert.equal(beyond({ day: 'd', cost: '1' }, { a: 1, b: 2 }), beyond({ cost: '1', day: 'd' }, { b: 2, a: 1 }))
  assert.notEqual(beyond({ day: 'd', cost: '1' }, null), beyond({ day: 'd', cost: '2' }, null))
  assert.notEqual(beyond({ day: 'd' }, { a: 1 }), beyond({ day: 'd' }, { a: 2 }))
})

test('a stream with a declared key has no record keys', () => assert.equal(recordKeysFor(declareOrders()), null))

test('a value that is nested too deep for a hash makes a dead letter', () => {
  let deep: unknown = 1
  for (let level = 0; level < 20_000; level++) deep = { a: deep }
  const stream = keyless({ schema: z.object({ any: z.unknown() }) })
  assert.deepEqual(
    createValidator(stream)([{ any: deep }]).rejected.map(({ reason }) => reason),
    ['unreadable'],
  )
})

test('values of a partition are read as they were written, and nothing else is', () => {
  const values = { region: 'eu', account: 7, live: true }
  assert.deepEqual(valuesOf(valuesText(values)), values)
  assert.equal(valuesText({}), undefined)
  for (const text of [undefined, 'x', '[1]', '{"a":{}}', 'null']) assert.equal(valuesOf(text), null)
})
