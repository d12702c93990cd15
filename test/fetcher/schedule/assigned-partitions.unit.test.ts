import assert from 'node:assert/strict'
import { test } from 'node:test'
import { ownedOf } from '../../../services/fetcher/schedule/assigned-partitions.ts'
import { declareOrders } from '../declared.ts'

const stream = declareOrders({ partitions: [{ region: 'a' }, { region: 'b' }] })
const streams = new Map([['t.shop.orders', stream]])

test('topics of others and partitions that the declaration does not know are passed over', () => {
  const assignment = new Map([
    ['t.shop.orders', [1, 2, 7]],
    ['t.shop.others', [0]],
  ])
  assert.deepEqual([...ownedOf(assignment, streams)], [['shop.orders/1', { stream, partition: 1 }]])
})

test('fetch partition p is partition p of the topic', () => {
  assert.deepEqual(
    [...ownedOf(new Map([['t.shop.orders', [0, 1]]]), streams).keys()],
    ['shop.orders/0', 'shop.orders/1'],
  )
})
