import assert from 'node:assert/strict'
import { describe, test } from 'node:test'
import { decimal, z } from '#shared/index.ts'
import { annotationOf } from '#shared/schema/json-schema.ts'
import { withColumns } from '#shared/schema/learned-columns.ts'
import { fieldsOfKey, formOf, isSameForm, recordKeyForms } from '#shared/schema/record-key.ts'
import { declareOrders } from '../../fetcher/declared.ts'

const schema = z.object({
  day: z.iso.date(),
  note: z.string().nullish(),
  cost: decimal(18, 2),
  labels: z.record(z.string(), z.string()),
})
const wire = (changes: Record<string, unknown> = {}) =>
  declareOrders({ schema, primaryKey: 'record', watermark: undefined, ...changes }).wireSchema

test('a declared key has no forms, and its own fields are those of the key', () => {
  const declared = declareOrders().wireSchema
  assert.deepEqual([recordKeyForms(declared), fieldsOfKey(declared, ['id'])], [null, ['id']])
})

test('the key is a required column before the declared ones, and the annotation has its version', () => {
  const json = wire({ recordKey: ['day'] })
  assert.deepEqual(Object.keys(json.properties as object).slice(0, 2), ['_record_key', 'day'])
  assert.ok((json.required as string[]).includes('_record_key'))
  const { primaryKey, recordKey } = annotationOf(json) ?? {}
  assert.deepEqual([primaryKey, recordKey], [['_record_key'], { v: 1, fields: ['day'] }])
})

test('a schema of optional fields only has that one required field', () =>
  assert.deepEqual(wire({ schema: z.object({ note: z.string().optional() }) }).required, ['_record_key']))

test('it covers the declared fields, or the named ones; neither learned columns nor the loader’s own', () => {
  const learned = withColumns(wire({ unknownFields: 'columns' }), new Map([['colour', 'string']]))
  assert.deepEqual([...(recordKeyForms(learned)?.keys() ?? [])].sort(), ['cost', 'day', 'labels', 'note'])
  assert.deepEqual([...(recordKeyForms(wire({ recordKey: ['note', 'day'] }))?.keys() ?? [])].sort(), ['day', 'note'])
})

test('a partition key may use the covered fields that every record has', () =>
  assert.deepEqual(fieldsOfKey(wire(), ['_record_key']), ['_record_key', 'day', 'cost', 'labels']))

describe('two columns hash a value in the same form', () => {
  for (const [a, b, same] of [
    ['Int32', 'Int64', true],
    ['String', 'Nullable(String)', true],
    ['Decimal(9, 2)', 'Decimal(38, 4)', true],
    ['Tuple(a Int8)', 'Tuple(b String, a Int64)', true],
    ['Tuple(a Int8)', 'Tuple(a String)', false],
    ['Array(Int8)', 'Array(Int64)', true],
    ['Array(Int8)', 'Variant(Array(Int8))', false],
    ['Map(String, Int8)', 'Map(String, String)', false],
    ["DateTime64(3, 'UTC')", "DateTime64(6, 'UTC')", false],
    ['UUID', 'String', false],
    ['Float32', 'Float64', false],
    ['JSON', 'Nullable(JSON)', false],
    ["Enum8('a' = 1)", "Enum8('a' = 1, 'b' = 2)", true],
  ] as const) {
    test(`${a} and ${b}: ${same}`, () => assert.equal(isSameForm(formOf(a), formOf(b)), same))
  }
})
