import assert from 'node:assert/strict'
import { test } from 'node:test'
import { guessKey } from '../../../../services/cli/init/guess/key.ts'
import { fieldTypes } from '../../../../services/cli/init/guess/value-types.ts'

type Fields = Record<string, unknown>
const key = (records: readonly Fields[], stream = 'orders') =>
  guessKey(records, fieldTypes(records), { stream, pages: 2 })
const some = (count: number, of: (at: number) => Fields) => Array.from({ length: count }, (_, at) => of(at))

test('without a field named like an id, the key is the record, and the doubt names what is distinct', () => {
  const found = key(some(30, (at) => ({ price: at + 0.5, label: `label ${at}` })))
  assert.equal(found.fields, null)
  assert.match(found.doubt ?? '', /label; with this key a changed record is a new row/)
  assert.equal(key([]).fields, null)
})

test('an id that comes twice, is null, missing or empty in a record is not a key', () => {
  const others: [string, (at: number) => Fields][] = [
    ['twice', (at) => ({ id: at === 1 ? 0 : at, n: at })],
    ['null', (at) => ({ id: at === 1 ? null : at })],
    ['missing', (at) => (at === 1 ? { n: 1 } : { id: at })],
    ['empty', (at) => ({ id: at === 1 ? '' : `${at}` })],
    ['a fraction', (at) => ({ id: at + 0.5 })],
  ]
  for (const [name, of] of others) assert.equal(key(some(5, of)).fields, null, name)
})

test('id precedes uuid, and both precede the number and the foreign key', () => {
  const full = (at: number) => ({ customer_id: `c${at}`, number: at, order_id: `o${at}`, uuid: `u${at}`, id: at })
  assert.deepEqual(key(some(3, full)).fields, ['id'])
  assert.deepEqual(key(some(3, (at) => ({ ...full(at), id: 1 }))).fields, ['uuid'])
  assert.deepEqual(key(some(3, (at) => ({ ...full(at), id: 1, uuid: 1 }))).fields, ['order_id'])
})

test('a less certain name needs more records, and says that it is in doubt', () => {
  const of = (at: number) => ({ sku: `s${at}` })
  assert.equal(key(some(19, of)).fields, null)
  const found = key(some(20, of))
  assert.deepEqual(found.fields, ['sku'])
  assert.match(found.doubt ?? '', /"sku" is not surely the id/)
  assert.equal(found.why, 'distinct and never null in 20 records of 2 pages')
})

test('the same record on both pages does not make its id come twice', () => {
  const records = some(5, (id) => ({ id }))
  assert.deepEqual(key([...records, { id: 4 }]).fields, ['id'])
})

test('two fields together, where no one alone is distinct', () => {
  const found = key(some(40, (at) => ({ campaign_id: Math.floor(at / 8), day: `2026-01-0${(at % 8) + 1}` })))
  assert.equal(found.fields, null)
  const lines = key(some(40, (at) => ({ order_id: `o${Math.floor(at / 8)}`, line: at % 8, text: 'x' })))
  assert.deepEqual(lines.fields, ['order_id', 'line'])
  assert.match(lines.doubt ?? '', /no field alone/)
})
