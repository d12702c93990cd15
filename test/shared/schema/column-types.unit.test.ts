/**
 * What a column can be altered to: the type that holds the values of both, exactly. A wrong one is never refused:
 * ClickHouse wraps what is too large for an integer and cuts what a decimal has no digits for.
 */
import assert from 'node:assert/strict'
import { describe, test } from 'node:test'
import fc from 'fast-check'
import { integerBounds, joined } from '#shared/schema/column-types.ts'
import { testSeed } from '../../support/seed.ts'

fc.configureGlobal({ seed: testSeed() })

const WIDE = [8, 16, 32, 64, 128, 256]
const integers = WIDE.flatMap((bits) => [`Int${bits}`, `UInt${bits}`])

function holds(type: string, value: bigint): boolean {
  const bounds = integerBounds(type)
  assert.ok(bounds !== null, `${type} is an integer`)
  return value >= bounds.min && value <= bounds.max
}

describe('the type of two columns', () => {
  for (const [is, wanted] of [
    ['String', 'Int32'],
    ['Int32', 'String'],
    ['Float64', 'Int64'],
    ['Decimal(10, 2)', 'Float64'],
    ['Int256', 'UInt256'],
    ['UInt256', 'Int8'],
    ['Date', 'DateTime64(3)'],
    ['UUID', 'String'],
    ['Array(Int8)', 'Array(String)'],
    ['Array(Int8)', 'Int8'],
    ['Map(String, Int8)', 'Map(Int8, Int8)'],
    ['Map(String, Int8)', 'Map(String, String)'],
    ['Map(String, Int8)', 'JSON'],
    ['Tuple(a Int8)', 'JSON'],
    ['Tuple(Int8)', 'Tuple(Int16)'],
    ['Tuple(a Int8)', 'Tuple(Int8)'],
    ['Tuple(a Int8)', 'Tuple(a String)'],
    ['Decimal(76, 0)', 'Decimal(40, 1)'],
    ['Decimal(70, 70)', 'Decimal(10, 0)'],
    ['DateTime64(3)', 'DateTime64(9)'],
    ['DateTime64(9)', 'DateTime64(3)'],
    ['DateTime64(3)', 'DateTime64(7)'],
    ["Enum8('a' = 1)", "Enum8('a' = 2)"],
    ["Enum8('a' = 1)", "Enum8('b' = 1)"],
    ["Enum8('a' = 1)", 'Int8'],
    ['LowCardinality(String)', 'Int8'],
    ['Nullable(Int8)', 'String'],
    ['Variant(Int8, String)', 'Float64'],
    ['IPv4', 'IPv6'],
    ['FixedString(4)', 'FixedString(8)'],
    ['Int8', 'Array(Int8)'],
    ['Float64', 'Variant(Int8, String)'],
    ['Map(String, Int8)', 'Map(FixedString(2), Int8)'],
    ['Array(Int8)', 'Map(Int8, Int8)'],
    ['LowCardinality(Nullable(String))', 'Nullable(Int8)'],
    ['Nullable(Int8)', 'Nullable(String)'],
    ['Int8', 'Nullable(String)'],
    ['Tuple(Int8, Int8)', 'Tuple(a Int8)'],
    ["Enum8('a b' = 1)", "Enum8('ab' = 1)"],
    ["Enum8('a', 'b')", "Enum8('a' = 1)"],
    ["Enum8('a' = 1)", "Enum8('a')"],
    ['DateTime', 'DateTime64(3)'],
    ['DateTime64(7)', 'DateTime64'],
    ['Decimal(76, 76)', 'Decimal'],
  ] as const) {
    test(`is none for ${is} and ${wanted}`, () => assert.equal(joined(is, wanted), null))
  }

  for (const [is, wanted, both] of [
    ['Int8', 'Int16', 'Int16'],
    ['Int16', 'Int8', 'Int16'],
    ['Int32', 'UInt32', 'Int64'],
    ['UInt32', 'Int32', 'Int64'],
    ['Int64', 'UInt8', 'Int64'],
    ['Int16', 'UInt8', 'Int16'],
    ['Int8', 'UInt8', 'Int16'],
    ['Int8', 'UInt128', 'Int256'],
    ['UInt8', 'UInt64', 'UInt64'],
    ['UInt64', 'UInt8', 'UInt64'],
    ['Float32', 'Float64', 'Float64'],
    ['Float64', 'Float32', 'Float64'],
    ['Float32', 'Float32', 'Float32'],
    ['Decimal(10, 2)', 'Decimal(12, 2)', 'Decimal(12, 2)'],
    ['Decimal(10, 2)', 'Decimal(10, 4)', 'Decimal(12, 4)'],
    ['Decimal(12, 4)', 'Decimal(10, 2)', 'Decimal(12, 4)'],
    ['Decimal(76, 1)', 'Decimal(75, 0)', 'Decimal(76, 1)'],
    ['DateTime64(3)', 'DateTime64(6)', 'DateTime64(6)'],
    ['DateTime64(6)', 'DateTime64(3)', 'DateTime64(6)'],
    ["DateTime64(3, 'UTC')", "DateTime64(6, 'UTC')", "DateTime64(6, 'UTC')"],
    ['String', 'UUID', 'String'],
    ['String', 'Decimal(9, 2)', 'String'],
    ['String', "Enum8('a' = 1)", 'String'],
    ['JSON', 'Tuple(a Int8)', 'JSON'],
    ['JSON', 'Map(String, Int8)', 'JSON'],
    ['Variant(Int8, String)', 'String', 'Variant(Int8, String)'],
    ['String', 'Variant(Int8, String)', 'Variant(Int8, String)'],
    ['Nullable(Int8)', 'Int8', 'Nullable(Int8)'],
    ['Int8', 'Nullable(Int16)', 'Nullable(Int16)'],
    ['Nullable(Int8)', 'Int16', 'Nullable(Int16)'],
    ['LowCardinality(String)', 'String', 'LowCardinality(String)'],
    ['String', 'LowCardinality(String)', 'String'],
    ['LowCardinality(Int8)', 'Int16', 'LowCardinality(Int16)'],
    ['LowCardinality(Nullable(String))', 'Nullable(String)', 'LowCardinality(Nullable(String))'],
    ['Array(Int8)', 'Array(Int16)', 'Array(Int16)'],
    ['Array(Nullable(Int8))', 'Array(Int8)', 'Array(Nullable(Int8))'],
    ['Map(String, Int8)', 'Map(String, Int16)', 'Map(String, Int16)'],
    ['Tuple(a Int8)', 'Tuple(a Int16, b String)', 'Tuple(a Int16, b String)'],
    ['Tuple(a Int8, b String)', 'Tuple(b String)', 'Tuple(a Int8, b String)'],
    ['Nested(a Int8)', 'Nested(a Int16)', 'Nested(a Int16)'],
    ['Tuple(`a` Int8)', 'Tuple(a Int8)', 'Tuple(`a` Int8)'],
    ['Tuple(`a b` Int8, c Int8)', 'Tuple(`a b` Int16)', 'Tuple(`a b` Int16, c Int8)'],
    ["Enum8('a' = 1)", "Enum8('b' = 2)", "Enum8('a' = 1, 'b' = 2)"],
    ["Enum8('a' = 127)", "Enum8('b' = -128)", "Enum8('a' = 127, 'b' = -128)"],
    ["Enum8('a' = 1)", "Enum16('b' = 128)", "Enum16('a' = 1, 'b' = 128)"],
    ["Enum8('a' = 1)", "Enum16('b' = -129)", "Enum16('a' = 1, 'b' = -129)"],
    ["Enum16('a' = 1)", "Enum8('b' = 2)", "Enum16('a' = 1, 'b' = 2)"],
    ["Enum8('it\\'s, (x)' = 1)", "Enum8('b' = 2)", "Enum8('it\\'s, (x)' = 1, 'b' = 2)"],
    ["Enum16('a' = 1)", "Enum8('a' = 1)", "Enum16('a' = 1)"],
    ["Enum8('a' = 1, 'b' = 2)", "Enum8('b' = 2, 'a' = 1)", "Enum8('a' = 1, 'b' = 2)"],
    ["Enum8('a' = 1)", "Enum8('b' = 127, 'c' = -128)", "Enum8('a' = 1, 'b' = 127, 'c' = -128)"],
    ['String', 'FixedString(4)', 'String'],
    ['String', 'IPv4', 'String'],
    ['String', 'IPv6', 'String'],
    ['String', "Enum16('a' = 1)", 'String'],
    ['JSON', 'Tuple(a Int8, b Tuple(c Int8))', 'JSON'],
    ['Nullable(String)', 'UUID', 'Nullable(String)'],
    ['Nullable(Int8)', 'Nullable(Int16)', 'Nullable(Int16)'],
    ['Int8', 'LowCardinality(Nullable(Int16))', 'Nullable(Int16)'],
    ['LowCardinality(String)', 'Nullable(String)', 'LowCardinality(Nullable(String))'],
    ['LowCardinality(String)', 'LowCardinality(Nullable(String))', 'LowCardinality(Nullable(String))'],
    ['Map(String, Map(String, Int8))', 'Map(String, Map(String, Int16))', 'Map(String, Map(String, Int16))'],
    ['Tuple(a Decimal(9, 2), b Int8)', 'Tuple(a Decimal(9, 2), b Int16)', 'Tuple(a Decimal(9, 2), b Int16)'],
    ['Tuple(`a` Int8)', 'Tuple(a Int16)', 'Tuple(a Int16)'],
    ['Tuple(a Int8)', 'Tuple(`a` Int16)', 'Tuple(a Int16)'],
    ['Tuple(`a b` Int8)', 'Tuple(`ab` Int8)', 'Tuple(`a b` Int8, ab Int8)'],
    ['Tuple(`a, (b` Int8, c Int8)', 'Tuple(c Int16)', 'Tuple(`a, (b` Int8, c Int16)'],
    ['Tuple(`a\\`,` Int8, c Int8)', 'Tuple(c Int16)', 'Tuple(`a\\`,` Int8, c Int16)'],
    ['Tuple(a Int8)', 'Tuple(b Int8)', 'Tuple(a Int8, b Int8)'],
    ['Nested(a Int8)', 'Tuple(b Int8)', 'Nested(a Int8, b Int8)'],
    ["DateTime64(3, 'UTC')", "DateTime64(6, 'Europe/Berlin')", "DateTime64(6, 'UTC')"],
    ["DateTime64(3, 'UTC')", "DateTime64(3, 'Europe/Berlin')", "DateTime64(3, 'UTC')"],
    ['Decimal(10)', 'Decimal(12)', 'Decimal(12, 0)'],
    ['Decimal(9, 2)', 'Decimal(12)', 'Decimal(14, 2)'],
    ['Decimal(12)', 'Decimal(9, 2)', 'Decimal(14, 2)'],
    // Alone, a Decimal has ten digits and an instant milliseconds.
    ['Decimal', 'Decimal(5, 0)', 'Decimal(10, 0)'],
    ['Decimal(5, 1)', 'Decimal', 'Decimal(11, 1)'],
    ['Decimal', 'Decimal(11, 1)', 'Decimal(11, 1)'],
    ['DateTime64(0)', 'DateTime64', 'DateTime64(3)'],
    ['DateTime64', 'DateTime64(6)', 'DateTime64(6)'],
    // As it is written, where it holds the other already.
    ['LowCardinality( String )', 'String', 'LowCardinality( String )'],
    ['Nullable( Int16 )', 'Int8', 'Nullable( Int16 )'],
    ['Array( Int16 )', 'Array(Int8)', 'Array( Int16 )'],
    ['Map( String,Int16 )', 'Map(String, Int8)', 'Map( String,Int16 )'],
    ['Tuple(`a` Int16, b  Int8)', 'Tuple(a Int8)', 'Tuple(`a` Int16, b  Int8)'],
    ['Decimal(10,2)', 'Decimal(10, 2)', 'Decimal(10,2)'],
    ['Array( Int8 )', 'Array(Int8)', 'Array( Int8 )'],
  ] as const) {
    test(`of ${is} and ${wanted} is ${both}`, () => assert.equal(joined(is, wanted), both))
  }

  test('of two integers holds the least and the largest value of both, or there is none', () => {
    fc.assert(
      fc.property(fc.constantFrom(...integers), fc.constantFrom(...integers), (is, wanted) => {
        const both = joined(is, wanted)
        const ends = [is, wanted].flatMap((type) => {
          const bounds = integerBounds(type)
          return bounds === null ? [] : [bounds.min, bounds.max]
        })
        if (both === null)
          return assert.ok(
            !integers.some((type) => ends.every((value) => holds(type, value))),
            `${is} and ${wanted} have one`,
          )
        assert.ok(ends.every((value) => holds(both, value)))
        // And is the narrowest.
        const bits = (type: string) => Number(/\d+/.exec(type)?.[0])
        const narrower = integers.filter((type) => bits(type) < bits(both) && ends.every((value) => holds(type, value)))
        assert.deepEqual(narrower, [])
      }),
      { numRuns: 300 },
    )
  })

  test('of two integers is the one by hand that every pair of bits and signs has', () => {
    for (const is of integers) {
      for (const wanted of integers) {
        const [[a, b], unsigned] = [
          [is, wanted].map((type) => Number(/\d+/.exec(type)?.[0])),
          [is, wanted].map((type) => type.startsWith('U')),
        ]
        const same = unsigned[0] === unsigned[1]
        const bits = Math.max(...[a, b].map((each = 0, at) => (same || !unsigned[at] ? each : each * 2)))
        const expected = bits > 256 ? null : `${same && unsigned[0] ? 'U' : ''}Int${bits}`
        assert.equal(joined(is, wanted), expected, `${is} and ${wanted}`)
      }
    }
  })

  test('of two decimals keeps all digits before and behind the point of both', () => {
    const decimal = fc
      .tuple(fc.integer({ min: 1, max: 76 }), fc.nat({ max: 76 }))
      .filter(([precision, scale]) => scale <= precision)
    fc.assert(
      fc.property(decimal, decimal, ([p, s], [q, r]) => {
        const both = joined(`Decimal(${p}, ${s})`, `Decimal(${q}, ${r})`)
        const [before, behind] = [Math.max(p - s, q - r), Math.max(s, r)]
        assert.equal(both, before + behind > 76 ? null : `Decimal(${before + behind}, ${behind})`)
      }),
      { numRuns: 300 },
    )
  })

  test('is the own one, as it is written, where that holds the other already', () => {
    fc.assert(
      fc.property(fc.constantFrom(...integers), fc.constantFrom(...integers), (is, wanted) => {
        const both = joined(is, wanted)
        if (both !== null) assert.equal(joined(both, wanted), both)
      }),
    )
  })
})

describe('the bounds of an integer column', () => {
  for (const type of ['String', 'Int', 'Int8x', 'Array(Int8)', 'Float64', 'XInt8', '']) {
    test(`are none for ${type === '' ? 'nothing' : type}`, () => assert.equal(integerBounds(type), null))
  }

  for (const bits of WIDE) {
    const two = 2n ** BigInt(bits)
    for (const [type, min, max] of [
      [`UInt${bits}`, 0n, two - 1n],
      [`Int${bits}`, -two / 2n, two / 2n - 1n],
      [`Nullable(Int${bits})`, -two / 2n, two / 2n - 1n],
    ] as const) {
      test(`of ${type} are exact: the value on them fits, the next one does not`, () => {
        assert.deepEqual(
          [min - 1n, min, max, max + 1n].map((value) => holds(type, value)),
          [false, true, true, false],
        )
      })
    }
  }
})
