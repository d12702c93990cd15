/**
 * For each type of column the values that ClickHouse would bend without a word: refused by the schema, by the check of
 * ranges, or by ClickHouse under the loader's settings, and then a dead letter. What passes comes out as it went in.
 */
import assert from 'node:assert/strict'
import { after, describe, test } from 'node:test'
import { column, decimal, epochMs, epochSeconds, int64, z } from '#shared/index.ts'
import { createValidator } from '../../../services/fetcher/validate/validate.ts'
import { loadAll, query } from '../../support/loading.ts'
import { closeAll, compileStream, ownPlace, publish } from '../../support/published.ts'

after(closeAll)

const fields = {
  whole: z.int(),
  small: z.int32(),
  unsigned: z.uint32(),
  chosen: column(z.int(), 'UInt8'),
  chosenText: column(int64(), 'UInt8'),
  chosenNumber: column(z.number(), 'UInt8'),
  big: int64(),
  money: decimal(10, 2),
  coarse: column(decimal(10, 4), 'Decimal(10, 2)'),
  real: z.number(),
  yes: z.boolean(),
  day: z.iso.date(),
  at: z.iso.datetime(),
  ms: epochMs(),
  seconds: column(epochSeconds(), "DateTime('UTC')"),
  uid: z.uuid(),
  status: z.enum(['a', 'b']),
  fixed: column(z.string(), "Enum8('a' = 1, 'b' = 2)"),
  place: z.object({ city: z.string(), zip: z.int() }).default({ city: '', zip: 0 }),
  days: z.array(z.iso.date()).default([]),
  lines: z.array(z.object({ n: z.int(), note: z.string().optional() })).default([]),
  nested: column(z.array(z.object({ n: z.int() })).default([]), 'Nested(n Int64)'),
  labels: z.record(z.string(), z.int()).default({}),
  free: z.looseObject({}).optional(),
}
const optional = Object.fromEntries(
  Object.entries(fields).map(([name, type]) => [
    name,
    ['place', 'days', 'lines', 'nested', 'labels'].includes(name) ? type : type.optional(),
  ]),
)
const schema = z.object({ id: z.string(), ...optional })
const stream = compileStream({ name: 'strict', schema, watermark: undefined as never })

/** Refused before they are published. */
const BENT: [keyof typeof fields, ...unknown[]][] = [
  ['whole', 2 ** 53, 1.5, '1', true, null],
  ['small', 2 ** 31, null],
  ['unsigned', -1, 2 ** 32],
  ['chosen', 256, -1],
  ['chosenText', '256', 300],
  ['chosenNumber', 256],
  ['big', '9223372036854775808', '1.5', '', 5.5, 2 ** 53],
  ['money', '1.239', '123456789.00', '1e3', '', 0.1 + 0.2],
  ['coarse', '1.239'],
  ['real', 'nan', '1.5', null],
  ['yes', 1, 'true', null],
  ['day', '2026-02-30', '1899-12-31', '9999-12-31', '2026-01-01T00:00:00Z'],
  ['at', '2026-01-01', '0001-01-01T00:00:00Z', 5, ''],
  ['ms', 10_413_792_000_000],
  ['seconds', -1, 2 ** 32],
  ['uid', '550e8400e29b41d4a716446655440000', '', 'zzz'],
  ['status', 'c', null, 1],
  ['place', { city: 'x' }, { city: 'x', zip: null }, ['x', 1], null, 'x'],
  ['days', ['9999-12-31'], [null], null],
  ['lines', [{ n: '1' }], [{}], [null], {}],
  ['labels', { a: null }, { a: '1' }, null],
]

/** As they would be if something else wrote into the topic, and what only ClickHouse can know. */
const WRITTEN: [string, string][] = [
  ['an unknown field', '"unknown":1'],
  ['a member that an Enum does not have', '"fixed":"c"'],
  ['an element that a Tuple does not have', '"place":{"city":"x","zip":1,"more":1}'],
  ['an element in a list that a Tuple does not have', '"lines":[{"n":1,"more":1}]'],
  ['an element that a Nested does not have', '"nested":[{"more":1}]'],
  ['a list for an object', '"place":["x",1]'],
  ['null for an object', '"place":null'],
  ['null for a list', '"lines":null'],
  ['a text for an integer', '"whole":"1x"'],
  ['true for an integer', '"whole":true'],
  ['a fraction for an integer', '"whole":1.5'],
  ['a text for a boolean', '"yes":"yes"'],
  ['no UUID', '"uid":"zzz"'],
  ['a day that is an instant', '"day":"2026-01-01T00:00:00Z"'],
  ['one name twice in JSON', '"free":{"a":1,"a":2}'],
  ['an integer beyond 64 bits in JSON', '"free":{"a":12345678901234567890123}'],
]

const GOOD: [keyof typeof fields, unknown, unknown?][] = [
  ['whole', Number.MAX_SAFE_INTEGER],
  ['small', -(2 ** 31)],
  ['unsigned', 2 ** 32 - 1],
  ['chosen', 255],
  ['day', '1900-01-01'],
  ['day', '2299-12-31'],
  ['at', '2299-12-31T23:59:59.999999Z', '2299-12-31 23:59:59.999999'],
  // The rule for instants: to the microsecond.
  ['at', '2026-01-01T00:00:00.123456789Z', '2026-01-01 00:00:00.123456'],
  ['uid', '550E8400-E29B-41D4-A716-446655440000', '550e8400-e29b-41d4-a716-446655440000'],
  ['fixed', 'b'],
  ['place', { city: 'é', zip: -1 }],
  [
    'lines',
    [{ n: 1 }, { n: 2, note: 'x' }],
    [
      { n: 1, note: null },
      { n: 2, note: 'x' },
    ],
  ],
  ['nested', [{ n: 1 }, { n: 2 }]],
  ['labels', { 'a.b': 1, '': 2 }],
  ['free', { day: '2026-01-01', at: '2026-01-01T01:00:00+01:00', mixed: [1, true, 'x', null], n: '12' }],
]

describe('a value that ClickHouse would bend', () => {
  test('is refused before it is published', () => {
    const judge = createValidator(stream)
    for (const [name, ...values] of BENT) {
      for (const value of values) {
        const { records, rejected } = judge([{ id: 'x', [name]: value }])
        assert.deepEqual([records.length, rejected.length], [0, 1], `${name}: ${JSON.stringify(value)}`)
      }
    }
  })

  test('is a dead letter where it comes all the same, and everything else is as it was published', async () => {
    const place = await ownPlace({ LOADER_BATCH_AGE_MS: '100' })
    const published = await publish(place, stream)
    const judge = createValidator(stream)
    const filling = Array.from({ length: WRITTEN.length * 10 }, (_, index) => `{"id":"filling ${index}"}`)
    const good = GOOD.map(
      ([name, value], index) =>
        judge([{ id: `good ${String(index).padStart(3, '0')}`, [name]: value }]).records[0]?.payload,
    )
    assert.equal(good.filter((payload) => payload === undefined).length, 0)
    const written = WRITTEN.map(([what, text]) => `{"id":${JSON.stringify(what)},${text}}`)
    await published.page({
      records: [],
      payloads: [...filling, ...(good as string[]), ...written],
      marker: { records: 0 },
    })
    const summary = await loadAll(place)
    const letters = (await published.deadLetters()).map(
      ({ value }) => /^\{"id":"([^"]*)"/.exec(value?.toString() ?? '')?.[1],
    )
    assert.deepEqual(letters.sort(), WRITTEN.map(([what]) => what).sort())
    assert.equal(summary.rows, filling.length + good.length)
    const rows = await query<Record<string, unknown>>(
      place,
      `SELECT * FROM {db}.shop_strict_current WHERE id LIKE 'good%' ORDER BY id SETTINGS output_format_json_quote_64bit_integers = 0`,
    )
    for (const [index, [name, value, shown = value]] of GOOD.entries())
      assert.deepEqual(rows[index]?.[name], shown, `${name}`)
    await published.close()
  })
})
