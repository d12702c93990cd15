/** What a page of a sorted list shows of the records before it. */
import assert from 'node:assert/strict'
import { describe, test } from 'node:test'
import type { Watermarking } from '#shared/declaration/compile.ts'
import { versionOf } from '../../../../services/fetcher/pages/paginators/record-identity.ts'
import {
  confirmableOf,
  orderAfter,
  type WalkedOrder,
} from '../../../../services/fetcher/pages/paginators/walked-order.ts'
import { declareOrders, instant, order } from '../../declared.ts'

const { watermark } = declareOrders({ watermark: { field: 'updated_at', param: 'since', sorted: true } })
const sorted = watermark as Watermarking
const ns = (second: number): bigint => BigInt(Date.parse(instant(second))) * 1_000_000n

type Options = { isFirst?: boolean; knows?: readonly string[] | null }

/** A page of records by id and second. `knows`: ids that were on the page before. */
function after(before: WalkedOrder, page: readonly [string, number | null][], options: Options = {}): WalkedOrder {
  const { isFirst = false, knows = null } = options
  return orderAfter(sorted, before, {
    records: page.map(([id, second]) => order(id, second ?? 0)),
    positions: page.map(([, second]) => (second === null ? null : ns(second))),
    isFirst,
    isKnown: knows === null ? null : (record) => knows.includes((record as { id: string }).id),
  })
}

const begun = after({}, [
  ['a', 1],
  ['b', 2],
])

describe('a page of a sorted list', () => {
  test('that is the first leads to its highest position, and to the version of its last record', () => {
    assert.deepEqual(begun, { reached: instant(2), last: versionOf(order('b', 2)) })
    const unreadable = after({}, [
      ['a', 3],
      ['b', null],
    ])
    assert.deepEqual(unreadable, { reached: instant(3), last: versionOf(order('b')) })
    assert.deepEqual(after({}, [['a', null]]), {})
    assert.equal(confirmableOf(sorted, begun), null)
  })

  test('with a record from before the reached position shows that nothing was skipped', () => {
    const next = after(begun, [
      ['x', 1],
      ['c', 5],
    ])
    assert.deepEqual(next, { reached: instant(5), last: versionOf(order('c', 5)) })
  })

  test('with a record at the reached position shows it by a known one, or else by the last one unchanged', () => {
    assert.deepEqual(after(begun, [['b', 2]], { knows: ['b'] }).mayLack, undefined)
    assert.deepEqual(after(begun, [['x', 2]], { knows: ['b'] }).mayLack, true)
    assert.deepEqual(after(begun, [['b', 2]]).mayLack, undefined)
    assert.deepEqual(after({ ...begun, last: 'another' }, [['b', 2]]).mayLack, true)
  })

  test('with later records alone shows nothing, and nothing after the reached position is confirmed', () => {
    for (const page of [[['b', 3]], [], [['b', null]]] as [string, number | null][][]) {
      const next = after(begun, page, { knows: ['b'] })
      assert.deepEqual(next, { ...begun, mayLack: true })
      assert.equal(confirmableOf(sorted, next), ns(2))
      assert.deepEqual(after(next, [['b', 1]], { knows: ['b'] }), next, 'to the end of the walk')
    }
  })

  test('that is requested from the start again can lack nothing', () => {
    assert.deepEqual(after(begun, [['b', 3]], { isFirst: true }).reached, instant(3))
  })

  test('of a lower position than before does not lower what was reached', () => {
    assert.deepEqual(after(begun, [['a', 1]]).reached, instant(2))
  })
})
