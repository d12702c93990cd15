import assert from 'node:assert/strict'
import { test } from 'node:test'
import { identityOf, versionOf } from '../../../../services/fetcher/pages/paginators/record-identity.ts'
import { declareShop, streamOf } from '../../declared.ts'

const stream = streamOf(declareShop({}))

test('a record is known by its key, whatever else of it changes', () => {
  assert.equal(identityOf(stream, { id: 'a', total: 1 }), identityOf(stream, { total: 2, id: 'a' }))
  assert.notEqual(identityOf(stream, { id: 'a' }), identityOf(stream, { id: 'b' }))
})

test('a version of it is known by all of it', () => {
  assert.equal(versionOf({ id: 'a', total: 1 }), versionOf({ id: 'a', total: 1 }))
  assert.notEqual(versionOf({ id: 'a', total: 1 }), versionOf({ id: 'a', total: 2 }))
})

test('one without its key is known by all of it, also where it is no object at all', () => {
  const odd = [null, 'text', 7, [], {}, { total: 1 }, { total: 2 }, true]
  assert.equal(new Set(odd.map((record) => identityOf(stream, record))).size, odd.length)
  for (const record of odd) assert.equal(identityOf(stream, record), identityOf(stream, structuredClone(record)))
})

test('a key that an object inherits is not its own', () => {
  const inherits = streamOf(declareShop({}))
  const keyed = { ...inherits, primaryKey: ['toString'] }
  assert.notEqual(identityOf(keyed, { a: 1 }), identityOf(keyed, { a: 2 }))
})

test('a record that lacks a part of its key is known by all of it', () => {
  const keyed = { ...stream, primaryKey: ['region', 'id'] }
  assert.equal(
    identityOf(keyed, { region: 'eu', id: 1, total: 1 }),
    identityOf(keyed, { region: 'eu', id: 1, total: 2 }),
  )
  assert.notEqual(identityOf(keyed, { region: 'eu', total: 1 }), identityOf(keyed, { region: 'eu', total: 2 }))
})

test('a mark that a checkpoint holds is the same in every version', () => {
  assert.equal(identityOf(stream, { total: 1, id: 'a' }), 'azjUIDbazc8I')
  assert.equal(identityOf(stream, null), 'K+iMpCQsdugl')
})
