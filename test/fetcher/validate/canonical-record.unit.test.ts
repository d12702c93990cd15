import assert from 'node:assert/strict'
import { describe, test } from 'node:test'
import { formOf } from '#shared/schema/record-key.ts'
import { canonicalFields, canonicalJson, canonicalTextOf } from '../../../services/fetcher/validate/canonical-record.ts'

const text = (column: string, value: unknown) => canonicalTextOf(formOf(column))(value)

describe('the canonical text of a value, version 1, never changes', () => {
  for (const [column, value, expected] of [
    ['String', 'a "b"\n', '"a \\"b\\"\\n"'],
    ['LowCardinality(Nullable(String))', 'x', '"x"'],
    ['String', { b: 1, a: [null, true] }, '"{\\"a\\":[null,true],\\"b\\":1}"'],
    ['String', 7, '"7"'],
    ['Int64', '007', '7'],
    ['Int64', '-0', '0'],
    ['Int64', '9223372036854775807', '9223372036854775807'],
    ['UInt32', 7, '7'],
    ['Int32', 'x', '"x"'],
    ['Float64', 1.5, '1.5'],
    ['Float64', '1.50', '1.5'],
    ['Float64', -0, '0'],
    ['Float64', 1e21, '1e+21'],
    ['Float32', 0.1, '0.10000000149011612'],
    ['Float64', 'x', '"x"'],
    ['Decimal(18, 2)', '012.30', '12.3'],
    ['Decimal(18, 2)', 12.3, '12.3'],
    ['Decimal(18, 2)', '-0.00', '0'],
    ['Decimal(18, 2)', '-0.50', '-0.5'],
    ['Decimal(18, 2)', '100', '100'],
    ['Decimal(18, 2)', 'x', '"x"'],
    ["DateTime64(6, 'UTC')", '2026-01-01T00:00:00Z', '1767225600000000000'],
    ["DateTime64(6, 'UTC')", '2026-01-01T01:00:00.0000009+01:00', '1767225600000000000'],
    ["DateTime64(6, 'UTC')", '1969-12-31T23:59:59.9999999Z', '-1000'],
    ["DateTime64(3, 'UTC')", 1_767_225_600_001, '1767225600001000000'],
    ['DateTime', '2026-01-01T00:00:00.9Z', '1767225600000000000'],
    ['DateTime64(6)', 'soon', '"soon"'],
    ['Date32', '2026-01-01', '"2026-01-01"'],
    ['UUID', '0B0E7A0E-0000-4000-8000-00000000000A', '"0b0e7a0e-0000-4000-8000-00000000000a"'],
    ['Bool', true, 'true'],
    ['Array(Nullable(Int64))', [1, null, '2'], '[1,null,2]'],
    ['Map(String, Nullable(Int64))', { b: '1', a: null }, '{"a":null,"b":1}'],
    ['Tuple(b Int64, `a c` Nullable(String), d Array(String))', { d: [], 'a c': null, b: 1 }, '{"b":1}'],
    ['JSON', { b: { c: null }, a: [{}, null, { z: 1, y: null }] }, '{"a":[null,null,{"z":1}]}'],
    ['Nested(a Int8, b String)', [{ b: 'x', a: 1 }], '[{"a":1,"b":"x"}]'],
    ['Variant(Int8, String)', { b: 1, a: null }, '{"b":1}'],
  ] as const) {
    test(`${column}: ${JSON.stringify(value)} is ${expected}`, () => assert.equal(text(column, value), expected))
  }

  test('is none where nothing is stored, and is one where the column tells empty from missing', () => {
    const empty = [
      ['String', null],
      ['String', undefined],
      ['Array(String)', []],
      ['Map(String, String)', {}],
      ['JSON', { a: { b: null } }],
    ] as const
    for (const [column, value] of empty) assert.equal(text(column, value), null)
    assert.deepEqual(
      [
        text('Variant(Array(String))', []),
        text('Variant(Map(String, String))', {}),
        text('Nullable(JSON)', {}),
        text('Nullable(JSON)', null),
      ],
      ['[]', '{}', '{}', null],
    )
  })
})

test('fields are in the order of their names, whatever order they came in; others are not in the text', () => {
  const write = canonicalFields(
    new Map([
      ['b', formOf('String')],
      ['ä', formOf('String')],
      ['B', formOf('Int64')],
    ]),
  )
  assert.equal(write({ b: 'x', other: 1, ä: 'y', B: 2 }), '{"B":2,"b":"x","ä":"y"}')
  assert.equal(write({ B: 2, ä: 'y', b: 'x' }), write({ b: 'x', other: 1, ä: 'y', B: 2 }))
  assert.equal(write({ b: null }), '{}')
})

test('a field that every object inherits is missing where a record does not have it', () => {
  assert.equal(canonicalFields(new Map([['constructor', formOf('String')]]))({}), '{}')
})

test('JSON without a column has sorted names and no null fields, and keeps nulls in lists', () => {
  assert.equal(canonicalJson({ b: [null, { d: null, c: 1 }], a: 'x' }), '{"a":"x","b":[null,{"c":1}]}')
})
