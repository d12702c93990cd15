import assert from 'node:assert/strict'
import { describe, test } from 'node:test'
import fc from 'fast-check'
import { compileSource } from '#shared/declaration/compile.ts'
import { column, cursor, decimal, defineSource, epochSeconds, int64, z } from '#shared/index.ts'
import { columnLimitsFor } from '../../../services/fetcher/validate/column-limits.ts'
import { createValidator } from '../../../services/fetcher/validate/validate.ts'
import { testSeed } from '../../support/seed.ts'
import { declareOrders } from '../declared.ts'

const { input } = defineSource({
  name: 'archive',
  baseUrl: 'http://127.0.0.1:1',
  streams: {
    letters: {
      path: '/letters',
      paginate: cursor({ next: '/next', param: 'cursor' }),
      schema: z.object({
        id: z.string(),
        written: z.iso.datetime({ offset: true }).nullable(),
        born: z.iso.date().optional(),
        asText: column(z.iso.date(), 'String').optional(),
        life: z
          .object({ born: z.iso.date(), free: z.object({ day: z.iso.date() }).optional() })
          .default({ born: '2000-01-01' }),
        days: z.array(z.iso.date()).nullable().optional(),
        byName: z.record(z.string(), z.object({ day: z.iso.date() })).optional(),
        small: column(z.int(), 'UInt8').optional(),
        bounded: column(z.int().min(0).max(9), 'UInt8').optional(),
        short: column(z.iso.datetime(), "DateTime('UTC')").optional(),
      }),
      primaryKey: ['id'],
    },
  },
})
const [stream] = compileSource(input, 'archive.ts').streams
assert.ok(stream)
const judge = createValidator(stream)
const verdict = (record: object) => {
  const { records, rejected } = judge([{ id: 'a', written: null, ...record }])
  return records.length === 1 ? 'accepted' : rejected[0]?.reason
}

describe('a date that ClickHouse would clamp without a word', () => {
  test('before 1900 or after 2299 makes its record a dead letter that names the field', () => {
    assert.equal(verdict({ written: '1850-05-01T00:00:00Z' }), 'date_out_of_range')
    assert.equal(verdict({ written: '2300-01-01T00:00:00Z' }), 'date_out_of_range')
    assert.equal(verdict({ born: '1899-12-31' }), 'date_out_of_range')
    assert.equal(verdict({ born: '1899-12-31', unknown: 1 }), 'date_out_of_range')
    assert.match(judge([{ id: 'a', written: null, born: '1899-12-31' }]).rejected[0]?.issues ?? '', /^born: /)
  })

  test('is judged in UTC, whatever its offset', () => {
    assert.equal(verdict({ written: '1900-01-01T00:30:00+02:00' }), 'date_out_of_range')
    assert.equal(verdict({ written: '1899-12-31T23:30:00-02:00' }), 'accepted')
  })

  test('at the ends of the range, as null, missing, or with a column of the author is accepted', () => {
    assert.equal(verdict({ written: '1900-01-01T00:00:00Z', born: '2299-12-31' }), 'accepted')
    assert.equal(verdict({}), 'accepted')
    assert.equal(verdict({ asText: '1066-10-14' }), 'accepted')
  })

  test('in an element of a Tuple, of a list or of a record is found as well', () => {
    assert.equal(verdict({ life: { born: '1850-01-01' } }), 'date_out_of_range')
    assert.match(
      judge([{ id: 'a', written: null, life: { born: '9999-12-31' } }]).rejected[0]?.issues ?? '',
      /^life\.born: /,
    )
    assert.equal(verdict({ days: ['2026-01-01', '1850-01-01'] }), 'date_out_of_range')
    assert.equal(verdict({ byName: { x: { day: '9999-12-31' } } }), 'date_out_of_range')
    assert.equal(verdict({ days: null, byName: {}, life: { born: '1900-01-01' } }), 'accepted')
  })

  test('in an object that may be missing is accepted, since that is JSON and keeps its text', () => {
    assert.equal(verdict({ life: { born: '1950-01-01', free: { day: '1066-10-14' } } }), 'accepted')
  })

  test('or a number that its column would wrap, or an instant out of a shorter range, is a dead letter too', () => {
    assert.equal(verdict({ small: 256 }), 'number_out_of_range')
    assert.match(
      judge([{ id: 'a', written: null, small: -1 }]).rejected[0]?.issues ?? '',
      /^small: UInt8 holds 0 to 255/,
    )
    assert.equal(verdict({ small: 255, bounded: 9 }), 'accepted')
    assert.equal(verdict({ short: '1969-12-31T23:59:59Z' }), 'date_out_of_range')
    assert.equal(verdict({ short: '2106-02-07T06:28:15Z' }), 'accepted')
  })
})

/** What the check of one field says of a value. */
const wrongOf = (type: z.ZodType): ((value: unknown) => string | null) => {
  const schema = z.object({ id: z.string(), v: type })
  const check = columnLimitsFor(declareOrders({ schema, watermark: undefined }).wireSchema)
  return (v) => check({ id: 'a', v })?.issues ?? null
}

const RANGES = [
  ['Date32', '1900-01-01T00:00:00Z', '2300-01-01T00:00:00Z', 86_400_000],
  ["DateTime64(6, 'UTC')", '1900-01-01T00:00:00Z', '2300-01-01T00:00:00Z', 0.001],
  ["DateTime64(3, 'UTC')", '1900-01-01T00:00:00Z', '2300-01-01T00:00:00Z', 1],
  ['DateTime64', '1900-01-01T00:00:00Z', '2300-01-01T00:00:00Z', 1],
  ['Date', '1970-01-01T00:00:00Z', '2149-06-07T00:00:00Z', 86_400_000],
  ["DateTime('UTC')", '1970-01-01T00:00:00Z', '2106-02-07T06:28:16Z', 1000],
] as const

describe('a column of dates', () => {
  for (const [column_, first, end, tickMs] of RANGES) {
    const [firstMs, endMs] = [Date.parse(first), Date.parse(end)]
    for (const wrapper of ['', 'Nullable']) {
      const type = wrapper === '' ? column_ : `${wrapper}(${column_})`
      test(`${type} holds what lies from the first instant until before the end, as text or as a number`, () => {
        const wrong = wrongOf(column(z.union([z.string(), z.number()]), type))
        for (const [text, isHeld] of [
          [new Date(firstMs).toISOString(), true],
          [new Date(firstMs - 1).toISOString(), false],
          [new Date(endMs).toISOString(), false],
          [new Date(endMs - 1).toISOString(), true],
          [end.replace('Z', '+00:01'), true],
          [end.replace('Z', '-00:01'), false],
          [first.replace('Z', '+00:01'), false],
          [first.replace('Z', '-00:01'), true],
        ] as const)
          assert.equal(wrong(text) === null, isHeld, text)
        for (const [number, isHeld] of [
          [firstMs / tickMs, true],
          [firstMs / tickMs - 1, false],
          [endMs / tickMs - 2, true],
          [endMs / tickMs, false],
        ] as const)
          assert.equal(wrong(number) === null, isHeld, String(number))
        for (const value of [null, undefined, true, {}, 'next week', '']) assert.equal(wrong(value), null)
      })
    }

    test(`${column_} holds every instant of its range, whatever its offset`, () => {
      const wrong = wrongOf(column(z.string(), column_))
      const years = fc.integer({ min: 1890, max: 2310 })
      const days = fc.constantFrom(
        '01-01T00:00:00',
        '01-01T11:00:00',
        '06-06T20:00:00',
        '06-07T03:00:00',
        '12-31T23:59:59',
      )
      const offsets = fc.constantFrom('Z', '+12:00', '-12:00')
      fc.assert(
        fc.property(years, days, offsets, (year, day, offset) => {
          const text = `${year}-${day}${offset}`
          const ms = Date.parse(text)
          assert.equal(wrong(text) === null, ms >= firstMs && ms < endMs)
        }),
        { seed: testSeed(), numRuns: 500 },
      )
    })
  }

  test('says the path and the range', () => {
    assert.equal(wrongOf(z.iso.date())('1899-12-31'), 'v: ClickHouse holds dates from 1900 to 2299')
    assert.equal(wrongOf(column(z.iso.date(), 'Date'))('1969-12-31'), 'v: a Date holds 1970-01-01 to 2149-06-06')
    assert.equal(wrongOf(column(epochSeconds(), "DateTime('UTC')"))(-1), 'v: a DateTime holds 1970 to 2106-02-07')
  })
})

describe('a column of integers', () => {
  for (const [type, min, max] of [
    ['Int8', -128n, 127n],
    ['Nullable(UInt8)', 0n, 255n],
    ['UInt16', 0n, 65_535n],
    ['Int32', -(2n ** 31n), 2n ** 31n - 1n],
    ['Int64', -(2n ** 63n), 2n ** 63n - 1n],
    ['UInt64', 0n, 2n ** 64n - 1n],
    ['Int256', -(2n ** 255n), 2n ** 255n - 1n],
  ] as const) {
    test(`${type} holds texts and numbers within its bits alone`, () => {
      const wrong = wrongOf(column(z.union([z.string(), z.number()]), type))
      const plain = type.replace(/^\w+\((.*)\)$/, '$1')
      for (const held of [min, min + 1n, 0n, 1n, max - 1n, max]) assert.equal(wrong(String(held)), null, String(held))
      for (const bent of [min - 1n, max + 1n, max * 10n])
        assert.equal(wrong(String(bent)), `v: ${plain} holds ${min} to ${max}`)
      for (const value of ['', 'x', '1.5', null, undefined, true, []]) assert.equal(wrong(value), null)
      assert.equal(wrong(Number(min)), null)
      assert.equal(wrong(0), null)
      assert.notEqual(wrong(Number(max + 1n)), null)
      assert.notEqual(wrong(Number(min) * 1.5 - 1), null)
      if (max < 2n ** 53n) assert.equal(wrong(Number(max)), null)
    })
  }

  test('is checked where a text, a number or a fixed value goes into it, too', () => {
    assert.notEqual(wrongOf(column(int64(), 'UInt8'))('300'), null)
    assert.notEqual(wrongOf(column(z.number(), 'UInt8'))(300), null)
    assert.notEqual(wrongOf(column(z.literal([1, 300]), 'UInt8'))(300), null)
    assert.notEqual(wrongOf(column(z.int(), 'UInt8').nullish())(300), null)
  })
})

test('a decimal with a digit that its column would cut off is refused; zeros behind the last place are not', () => {
  const wrong = wrongOf(column(decimal(20, 6), 'Decimal(20, 2)').nullable())
  for (const held of ['1', '1.2', '1.23', '1.230000', '-0.01', '1234567', 1.25, 100, null, undefined])
    assert.equal(wrong(held), null)
  for (const bent of ['1.234', '-0.001', '1.2300001', 1.239, 1e-7]) {
    assert.equal(wrong(bent), 'v: Decimal(20, 2) holds 2 digits after the point', String(bent))
  }
  const whole = wrongOf(column(z.string(), 'Decimal(5, 0)'))
  assert.deepEqual([whole('12'), whole('12.0')], [null, null])
  assert.notEqual(whole('12.5'), null)
})

describe('the elements of a column', () => {
  const deep: [string, z.ZodType, unknown, unknown, string][] = [
    ['Array', column(z.array(z.int()), 'Array(UInt8)'), [1, 255], [1, 256], 'v: '],
    ['Array in an Array', column(z.array(z.array(z.int())), 'Array(Array(UInt8))'), [[], [1]], [[], [256]], 'v: '],
    [
      'Array of nullables',
      column(z.array(z.int().nullable()), 'Array(Nullable(UInt8))'),
      [null, 1],
      [null, 256],
      'v: ',
    ],
    ['values of a Map', column(z.record(z.string(), z.int()), 'Map(String, UInt8)'), { a: 1 }, { a: 1, b: 256 }, 'v: '],
    ['keys of a Map', column(z.record(z.string(), z.int()), 'Map(UInt8, Int64)'), { 255: 1000 }, { 256: 1 }, 'v: '],
    [
      'keys and values of a Map',
      column(z.record(z.string(), z.int()), 'Map(UInt8, UInt8)'),
      { 1: 255 },
      { 1: 256 },
      'v: ',
    ],
    [
      'Tuple',
      column(z.object({ a: z.int() }), 'Tuple(b String, a UInt8)'),
      { b: 'x', a: 1 },
      { b: 'x', a: 256 },
      'v.a: ',
    ],
    [
      'Tuple with a quoted name',
      column(z.object({ 'a\\`b': z.int() }), 'Tuple(`a\\\\\\`b` UInt8)'),
      {},
      { 'a\\`b': 256 },
      'v.a\\`b: ',
    ],
    ['Tuple without names', column(z.array(z.int()), 'Tuple(String, UInt8)'), [256, 1], [1, 256], 'v.1: '],
    [
      'Nested',
      column(z.array(z.object({ a: z.int() })), 'Nested(a UInt8)'),
      [{ a: 1 }, {}],
      [{ a: 1 }, { a: 256 }],
      'v.a: ',
    ],
    [
      'Array of dates that may be null',
      z.array(z.iso.date().nullable()),
      [null, '2026-01-01'],
      [null, '1066-10-14'],
      'v: ',
    ],
    ['Array that may be missing', z.array(z.iso.date()).nullish(), null, ['1066-10-14'], 'v: '],
    ['Map that may be null', z.record(z.string(), z.iso.date()).nullable(), null, { a: '1066-10-14' }, 'v: '],
    [
      'Tuple in a Map',
      z.record(z.string(), z.object({ day: z.iso.date() })),
      {},
      { a: { day: '1066-10-14' } },
      'v.day: ',
    ],
  ]
  for (const [name, type, held, bent, path] of deep) {
    test(`are looked at: ${name}`, () => {
      const wrong = wrongOf(type)
      for (const value of [held, null, undefined, 7, 'x', {}, []])
        assert.equal(wrong(value), null, JSON.stringify(value))
      assert.ok(wrong(bent)?.startsWith(path), String(wrong(bent)))
    })
  }

  const free: [string, z.ZodType, unknown][] = [
    ['text', column(z.iso.date(), 'String'), '1066-10-14'],
    ['an Enum', column(z.enum(['a']), "Enum8('a' = 1)"), 'a'],
    ['a Variant of several types', column(z.union([z.int(), z.string()]), 'Variant(String, UInt8)'), 256],
    ['a Variant that begins with a number', column(z.union([z.int(), z.string()]), 'Variant(UInt8, String)'), 256],
    ['JSON', z.looseObject({ day: z.iso.date() }), { day: '1066-10-14' }],
    [
      'a list that may be null inside a list, since that is text',
      z.array(z.array(z.iso.date()).nullable()),
      [['1066-10-14']],
    ],
    ['a value of several types, since that is text', z.union([z.iso.date(), z.int()]), '1066-10-14'],
    ['a whole number without a column of its own', z.int(), 2 ** 53 - 1],
  ]
  for (const [name, type, value] of free)
    test(`hold whatever comes in ${name}`, () => assert.equal(wrongOf(type)(value), null))
})
