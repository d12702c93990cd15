import assert from 'node:assert/strict'
import { test } from 'node:test'
import fc from 'fast-check'
import { NAME_PATTERN } from '#shared/names.ts'
import { streamNames } from '../../../../services/cli/init/openapi/stream-names.ts'

test('a stream is named by the last word of its path', () => {
  assert.deepEqual(streamNames(['/v1/orders', '/api/v2/customers/{id}/lineItems', '/Accounts.json', '/{id}', '/x.y']), [
    'orders',
    'line_items',
    'accounts',
    'records',
    'x_y',
  ])
})

test('where two end alike, the words before tell them apart', () => {
  assert.deepEqual(streamNames(['/orders', '/customers/{id}/orders', '/shops/orders', '/v2/orders']), [
    'orders',
    'customers_orders',
    'shops_orders',
    'orders_2',
  ])
})

test('whatever the paths are, the names are valid and different', () => {
  const words = fc.array(fc.string({ maxLength: 8 }), { maxLength: 4 })
  const path = fc.oneof(
    words.map((each) => each.join('/')),
    fc.constantFrom('/orders', '/a/orders', '/v1/orders', '/{x}'),
  )
  fc.assert(
    fc.property(fc.array(path, { maxLength: 20 }), (paths) => {
      const names = streamNames(paths)
      assert.equal(new Set(names).size, paths.length)
      for (const name of names) assert.match(name, NAME_PATTERN)
    }),
  )
})
