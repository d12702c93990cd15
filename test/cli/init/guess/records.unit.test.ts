import assert from 'node:assert/strict'
import { test } from 'node:test'
import { findRecords, recordsAt } from '../../../../services/cli/init/guess/records.ts'

const objects = (count: number) => Array.from({ length: count }, (_, id) => ({ id }))
const at = (body: unknown, name = 'orders') => findRecords(body, name)?.pointer ?? null

test('a response without an array of objects has no records', () => {
  assert.equal(at({ error: 'no such endpoint', codes: [1, 2], names: ['a'] }), null)
  assert.equal(at(null), null)
  assert.equal(recordsAt({ data: {} }, '/data'), null)
})

test('the array at the root, else the largest array of objects, wherever it lies', () => {
  assert.equal(at(objects(2)), '')
  assert.equal(at({ meta: { pages: [{ id: 1 }] }, result: { list: objects(3) } }), '/result/list')
  assert.equal(at({ 'a/b': objects(2) }), '/a~1b')
})

test('of arrays of one size, the one named as the endpoint, then one of a usual name; links and errors come last', () => {
  assert.equal(at({ data: objects(2), orders: objects(2) }), '/orders')
  assert.equal(at({ users: objects(2), items: objects(2) }), '/items')
  assert.equal(at({ links: objects(9), things: objects(1) }), '/things')
  assert.equal(at({ links: objects(3) }), '/links')
})

test('an only array is found empty', () => {
  assert.equal(at({ data: [], total: 0 }), '/data')
  assert.equal(at({ data: [], more: [] }), null)
})
