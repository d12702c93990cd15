import assert from 'node:assert/strict'
import { test } from 'node:test'
import { Stopped } from '#shared/errors.ts'
import { productOf } from '../../../services/fetcher/slices/product.ts'
import { declareOrders } from '../declared.ts'

const stream = declareOrders()
const regions = [{ values: { region: 'eu' } }, { values: { region: 'us' } }]
const accounts = [1, 2, 3].map((account) => ({ values: { account }, extra: { name: `n${account}` } }))

test('a product has each combination once, with the extra of its parts', () => {
  const all = productOf(stream, [regions, accounts], 6)
  assert.equal(all.length, 6)
  assert.deepEqual(all[0], { values: { region: 'eu', account: 1 }, extra: { name: 'n1' } })
  assert.deepEqual(all[5], { values: { region: 'us', account: 3 }, extra: { name: 'n3' } })
})

test('a product of one part is that part, and one with an empty part is empty', () => {
  assert.deepEqual(productOf(stream, [regions], 2), regions)
  assert.deepEqual(productOf(stream, [regions, []], 1), [])
})

test('a product beyond its bound is an error that counts, before it is made', () => {
  const many = Array.from({ length: 100_000 }, (_, id) => ({ values: { id } }))
  assert.throws(
    () => productOf(stream, [many, regions, many], 10_000),
    (error) => {
      assert.ok(error instanceof Stopped && error.code === 'HR_PRODUCT_MAX')
      assert.match(error.message, /100000 × 2 × 100000 are 20000000000 slices, more than 10000/)
      assert.match(error.hint ?? '', /slicesMax/)
      return true
    },
  )
})

test('a value that two parts give is an error that names it', () => {
  assert.throws(
    () => productOf(stream, [regions, [{ values: { id: 1 }, extra: { region: 'x' } }]], 10),
    /gives "region"/,
  )
})

test('a combination has changed unless a part of it has not', () => {
  const [changed, same] = [true, false].map((each) => ({ values: { a: String(each) }, changed: each }))
  const all = productOf(stream, [regions.slice(0, 1), [changed, same].flatMap((each) => each ?? [])], 10)
  assert.deepEqual(
    all.map((each) => each.changed),
    [true, false],
  )
})
