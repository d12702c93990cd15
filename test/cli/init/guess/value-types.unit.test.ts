import assert from 'node:assert/strict'
import { test } from 'node:test'
import { fieldsText, importsOf } from '../../../../services/cli/init/guess/type-text.ts'
import { fieldTypes } from '../../../../services/cli/init/guess/value-types.ts'

const text = (...records: Record<string, unknown>[]) =>
  fieldsText(fieldTypes(records), '').replaceAll(/ *\/\/.*\n?/g, '')
const whys = (...records: Record<string, unknown>[]) =>
  Object.fromEntries(fieldTypes(records).map(({ name, why }) => [name, why]))

test('a field that is always null, or of several kinds, takes anything', () => {
  assert.equal(text({ a: null }), 'a: z.unknown(),')
  assert.equal(text({ a: 1 }, { a: 'x' }, { a: {} }), 'a: z.unknown(),')
  assert.equal(whys({ a: 1 }, { a: [] }, { a: {} }).a, 'values of several kinds: number, list, object')
})

test('nulls and missing fields are counted, and wrap the type', () => {
  assert.equal(
    text({ a: 'x', b: true, c: 1 }, { a: null, c: null }, { a: 'y', b: false }),
    'a: z.string().nullable(),b: z.boolean().optional(),c: z.int().nullish(),',
  )
  assert.equal(whys({ a: 'x' }, { a: null }, {}).a, '1 text, null in 1, missing in 1')
})

test('objects stay open, and their fields are counted by the objects', () => {
  assert.equal(
    text({ o: { a: 1 } }, { o: { b: 'x' } }, { o: null }),
    'o: z.nullable(\n  z.looseObject({\n    a: z.int().optional(),    b: z.string().optional(),  }),\n),',
  )
  assert.equal(text({ o: {} }, { o: null }), 'o: z.looseObject({}).nullable(),')
})

test('objects with ever new names are maps', () => {
  const of = (from: number) => Object.fromEntries(Array.from({ length: 10 }, (_, at) => [`k${from + at}`, at]))
  assert.equal(text({ o: of(0) }, { o: of(10) }), 'o: z.record(z.string(), z.int()),')
})

test('lists have the type of all their values, also in objects', () => {
  assert.equal(text({ l: ['x'] }, { l: [] }), 'l: z.array(z.string()),')
  assert.equal(text({ l: [] }), 'l: z.array(z.unknown()),')
  assert.equal(
    text({ l: [{ a: 1 }] }, { l: null }),
    'l: z.nullable(\n  z.array(\n    z.looseObject({\n      a: z.int(),    }),\n  ),\n),',
  )
})

test('deep objects end as open ones, and a name that is no identifier is quoted', () => {
  assert.match(text({ a: { b: { c: { d: 1 } } } }), /c: z\.looseObject\(\{\}\)/)
  assert.equal(text({ 'a-b': 1 }), "'a-b': z.int(),")
})

test('a name that no column can have, or that is a path into another field, stays out', () => {
  assert.equal(text({ '': 1, a: {}, 'a.b': 1, 'c.d': 1, 'e\n': 1 }), "a: z.looseObject({}),'c.d': z.int(),")
})

test('imports are those of the types at any depth', () => {
  const types = fieldTypes([{ a: [{ at: '2026-01-01 00:00:00' }], id: [1, '1234567890123456789'] }])
  assert.deepEqual(importsOf(types), ['instant', 'int64'])
})
