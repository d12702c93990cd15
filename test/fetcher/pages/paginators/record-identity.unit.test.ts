import assert from 'node:assert/strict'
import { test } from 'node:test'
import { markOf } from '../../../../services/fetcher/pages/paginators/record-identity.ts'
import { declareShop, streamOf } from '../../declared.ts'

const stream = streamOf(declareShop({}))

test('a record is known by its key, whatever else of it changes', () => {
  assert.equal(markOf(stream, { id: 'a', total: 1 }), markOf(stream, { total: 2, id: 'a' }))
  assert.notEqual(markOf(stream, { id: 'a' }), markOf(stream, { id: 'b' }))
})

test('one without its key is known by all of it, also where it is no object at all', () => {
  const odd = [null, 'text', 7, [], {}, { total: 1 }, { total: 2 }, true]
  assert.equal(new Set(odd.map((record) => markOf(stream, record))).size, odd.length)
  for (const record of odd) assert.equal(markOf(stream, record), markOf(stream, structuredClone(record)))
})

test('a key that an object inherits is not its own', () => {
  const inherits = streamOf(declareShop({}))
  const keyed = { ...inherits, primaryKey: ['toString'] }
  assert.notEqual(markOf(keyed, { a: 1 }), markOf(keyed, { a: 2 }))
})

test('a record that lacks a part of its key is known by all of it', () => {
  const keyed = { ...stream, primaryKey: ['region', 'id'] }
  assert.equal(markOf(keyed, { region: 'eu', id: 1, total: 1 }), markOf(keyed, { region: 'eu', id: 1, total: 2 }))
  assert.notEqual(markOf(keyed, { region: 'eu', total: 1 }), markOf(keyed, { region: 'eu', total: 2 }))
})

test('a mark that a checkpoint holds is the same in every version', () => {
  assert.equal(markOf(stream, { total: 1, id: 'a' }), 'azjUIDbazc8I')
  assert.equal(markOf(stream, null), 'K+iMpCQsdugl')
})
