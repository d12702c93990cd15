import assert from 'node:assert/strict'
import { describe, test } from 'node:test'
import { findRecords } from '../../../../services/cli/init/openapi/find-records.ts'
import { createProblems } from '../../../../services/cli/init/openapi/problems.ts'
import { resolverOf } from '../../../../services/cli/init/openapi/references.ts'

const problems = createProblems()
const object = (properties: object) => ({ type: 'object', properties })
const record = object({ id: { type: 'string' } })
const list = { type: 'array', items: record }
const schemas = { Order: record, Wrapped: { allOf: [{ $ref: '#/components/schemas/Order' }] } }
const tools = { resolve: resolverOf({ components: { schemas } }, problems), problems }

const pointer = (schema: unknown, { word = 'orders', isOne = false } = {}) =>
  findRecords(schema, tools, { word, isOne })?.pointer ?? null

describe('a list of records is found', () => {
  test('as the whole response', () => {
    assert.equal(pointer(list), '')
    assert.equal(pointer({ type: 'array', items: { $ref: '#/components/schemas/Wrapped' } }), '')
    assert.equal(pointer({ type: 'array', items: { oneOf: [record, record] } }), '')
    assert.equal(pointer(list, { isOne: true }), '')
  })

  test('in an object around it, at any name, or deeper', () => {
    assert.equal(pointer(object({ count: { type: 'integer' }, whatever: list })), '/whatever')
    assert.equal(pointer(object({ data: object({ items: list }) })), '/data/items')
    assert.equal(pointer(object({ 'a/b': list })), '/a~1b')
    assert.equal(pointer({ allOf: [object({ total: { type: 'integer' } }), object({ rows: list })] }), '/rows')
    assert.equal(pointer({ oneOf: [object({ data: list }), object({ error: { type: 'string' } })] }), '/data')
  })

  test('beside lists of other things, by its name', () => {
    assert.equal(pointer(object({ errors: list, orders: list })), '/orders')
    assert.equal(pointer(object({ customers: list, orders: list })), '/orders')
    assert.equal(
      findRecords(object({ customers: list, orders: list }), tools, { word: 'orders', isOne: false })?.isOnly,
      false,
    )
    assert.equal(pointer(object({ customers: list, drivers: list })), null)
  })
})

test('lists of a thing are not a list of things', () => {
  assert.equal(pointer(object({ id: { type: 'string' }, lines: list })), null)
  assert.equal(pointer(object({ data: object({ id: { type: 'string' }, lines: list }) })), null)
  assert.equal(pointer(object({ lines: list }), { isOne: true }), null)
  const fields = Object.fromEntries(Array.from({ length: 20 }, (_, index) => [`f${index}`, { type: 'string' }]))
  assert.equal(pointer(object({ ...fields, lines: list })), null)
})

test('lists of texts, and responses of other kinds, are none', () => {
  for (const schema of [
    {},
    true,
    null,
    { type: 'string' },
    { type: 'array', items: { type: 'string' } },
    { type: 'array' },
    object({ tags: { type: 'array', items: { type: 'string' } } }),
    object({ errors: list }),
  ])
    assert.equal(pointer(schema), null, JSON.stringify(schema))
})
