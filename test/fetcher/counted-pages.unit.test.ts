import assert from 'node:assert/strict'
import { describe, test } from 'node:test'
import type { PageRequest } from '../../services/fetcher/client/send.ts'
import { isCounted } from '../../services/fetcher/pages/counted-pages.ts'
import { onwardFrom } from '../../services/fetcher/pages/follow-watermark.ts'
import { linkHeader } from '../../shared/index.ts'
import { declareOrders, instant } from './declared.ts'

const stream = declareOrders({ paginate: linkHeader(), watermark: { field: 'updated_at', param: 'since', sorted: true } })
const request = (target: string, body?: unknown): PageRequest => ({ method: 'GET', url: new URL(target, 'http://x'), headers: {}, body })
const RECORDS = Array.from({ length: 100 }, (_, at) => ({ id: `k${at}`, n: { seq: 4000 + at } }))
const counted = (asked: string, next: string, records: readonly unknown[] = RECORDS) =>
  isCounted(stream, request(asked), request(next), records)

describe('a next page is named by a counter', () => {
  for (const [asked, next] of [
    ['/o', '/o?page=2'],
    ['/o?limit=100&since=a', '/o?limit=100&since=a&page=2'],
    ['/o?limit=100&since=a%20b', '/o?since=a+b&sort=asc&limit=100&page=2'],
    ['/o?page=2', '/o?page=3'],
    ['/o?offset=100', '/o?offset=200'],
    ['/o?startIndex=1', '/o?startIndex=101'],
    ['/o?x=1', '/o?x=2'],
    ['/o?from=0', '/o?from=100'],
    ['/o/7', '/o/8'],
    ['/o', '/o/page/2'],
  ] as const) {
    test(`${asked} → ${next}`, () => assert.ok(counted(asked, next)))
  }

  test('in the JSON body', () => {
    const paged = declareOrders({ paginate: { ...linkHeader() } })
    assert.ok(isCounted(paged, request('/o', { q: 'a', at: { page: 1 } }), request('/o', { q: 'a', at: { page: 2 } }), RECORDS))
  })
})

describe('a next page is named by something else', () => {
  for (const [asked, next] of [
    ['/o', '/o?cursor=2'],
    ['/o?after=100', '/o?after=200'],
    ['/o?since_id=1', '/o?since_id=2'],
    ['/o?q=10', '/o?q=4099'],
    ['/o?q=1', '/o?q=9'],
    ['/o?page=3', '/o?page=2'],
    ['/o?page=2', '/o?page=2'],
    ['/o?page=1', '/o?page=2&after=Y3Vyc29y'],
    ['/o?page=1&token=a', '/o?page=2&token=b'],
    ['/o', '/o?t=1764460000'],
    ['/o', '/p'],
    ['/o?page=1', 'http://y/o?page=2'],
  ] as const) {
    test(`${asked} → ${next}`, () => assert.ok(!counted(asked, next)))
  }
})

describe('from where a walk goes on by the watermark', () => {
  const { watermark } = stream
  const positions = (seconds: readonly number[]) => seconds.map((second) => BigInt(Date.parse(instant(second))) * 1_000_000n)
  const onward = (seconds: readonly number[], asked: number | null = null) =>
    watermark === null
      ? null
      : onwardFrom(watermark, positions(seconds), asked === null ? null : new Date(Date.parse(instant(asked))).toISOString())
  const at = (second: number) => new Date(Date.parse(instant(second))).toISOString()

  test('is nowhere for a page of one position, of none, in no order, or that ends where it was asked for', () => {
    for (const seconds of [[5, 5, 5], [], [5], [3, 9, 4]]) assert.equal(onward(seconds), null)
    assert.equal(onward([3, 5], 5), null)
  })

  test('is the last position but one, so that equal records that are left out are seen all the same', () => {
    assert.deepEqual(onward([1, 2, 3, 4, 5, 6, 7, 8]), { since: at(7), again: 2, isWide: true })
  })

  test('is the last position where more than a quarter of the page would come again, or the one before was asked for', () => {
    assert.deepEqual(onward([1, 2, 3, 4]), { since: at(4), again: 1, isWide: false })
    assert.deepEqual(onward([1, 2, 3, 4, 5, 6, 7, 7, 7, 8]), { since: at(8), again: 1, isWide: false })
    assert.deepEqual(onward([7, 7, 7, 7, 7, 7, 7, 8], 7), { since: at(8), again: 1, isWide: false })
  })
})
