import assert from 'node:assert/strict'
import { describe, test } from 'node:test'
import { linkHeader } from '#shared/index.ts'
import type { PageRequest } from '../../../services/fetcher/http/messages.ts'
import { isCounted } from '../../../services/fetcher/pages/counted-pages.ts'
import { answerTo, onwardsFrom } from '../../../services/fetcher/pages/follow-watermark.ts'
import { declareOrders, instant } from '../declared.ts'

const stream = declareOrders({
  paginate: linkHeader(),
  watermark: { field: 'updated_at', param: 'since', sorted: true },
})
const request = (target: string, body?: unknown): PageRequest => ({
  method: 'GET',
  url: new URL(target, 'http://x'),
  headers: {},
  body,
})
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
    assert.ok(
      isCounted(paged, request('/o', { q: 'a', at: { page: 1 } }), request('/o', { q: 'a', at: { page: 2 } }), RECORDS),
    )
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
  assert.ok(watermark)
  const at = (second: number) => new Date(Date.parse(instant(second))).toISOString()
  const positions = (seconds: readonly (number | null)[]) =>
    seconds.map((second) => (second === null ? null : BigInt(Date.parse(instant(second))) * 1_000_000n))
  const onwards = (seconds: readonly (number | null)[], asked: number | null = null) =>
    onwardsFrom(watermark, positions(seconds), asked === null ? null : at(asked))
  const records = (seconds: readonly number[], from = 0) =>
    seconds.map((second, index) => ({ id: `r${from + index}`, updated_at: instant(second) }))

  test('is nowhere for a page of one position, of none, in no order, or that ends where it was asked for', () => {
    for (const seconds of [[5, 5, 5], [], [5], [null, null], [5, null], [3, 9, 4], [3, null, 9, null, 4]])
      assert.deepEqual(onwards(seconds), [])
    assert.deepEqual(onwards([3, 5], 5), [])
  })

  test('is the last position but one, so that equal records that are left out are seen all the same', () => {
    assert.deepEqual(onwards([1, 2, 3, 4, 5, 6, 7, 8]), [{ since: at(7), again: 2, isWide: true }])
  })

  test('is the last position where more than a quarter of the page would come again, and the one before if that proves nothing', () => {
    assert.deepEqual(onwards([1, 2, 3, 4]), [
      { since: at(4), again: 1, isWide: false },
      { since: at(3), again: 2, isWide: true },
    ])
    assert.deepEqual(onwards([1, 2, 3, 4, 5, 6, 7, 7, 7, 8]), [
      { since: at(8), again: 1, isWide: false },
      { since: at(7), again: 4, isWide: true },
    ])
  })

  test('is the last position alone where the one before was asked for', () => {
    assert.deepEqual(onwards([7, 7, 7, 7, 7, 7, 7, 8], 7), [{ since: at(8), again: 1, isWide: false }])
  })

  test('counts what comes again in raw records: those that were refused or left out come again too', () => {
    assert.deepEqual(onwards([1, 2, 3, 4, 5, 6, 7, 8, null, 9, null, null]), [
      { since: at(9), again: 4, isWide: false },
      { since: at(8), again: 5, isWide: true },
    ])
    assert.deepEqual(onwards([0, 1, 2, 3, 4, 5, 6, null, 7, 8, 9, 9]), [{ since: at(8), again: 3, isWide: true }])
    // A refused one in front of the position may have the same.
    assert.deepEqual(onwards([...Array(20).keys(), null, 20, null, 21, null]), [
      { since: at(20), again: 5, isWide: true },
    ])
  })

  describe('an answer', () => {
    const seconds = [1, 2, 3, 4, 5, 6, 7, 8]
    const before = { records: records(seconds), raw: positions(seconds), positions: positions(seconds) }
    /** A page of records at these seconds, numbered from `first`. */
    const page = (of: number[], first: number) => ({ records: records(of, first), raw: positions(of) })
    const wide = { since: at(7), again: 2, isWide: true }
    const narrow = { since: at(8), again: 1, isWide: false }

    test('proves nothing where nothing came', () =>
      assert.equal(answerTo(stream, before, wide, page([], 0)), 'unproven'))

    test('that begins with an earlier record of the page is one that ignores the position', () => {
      assert.equal(answerTo(stream, before, wide, before), 'ignored')
      assert.equal(answerTo(stream, before, wide, page([6], 5)), 'ignored')
    })

    test('that begins with an earlier record that has moved meanwhile is as it was asked', () => {
      assert.equal(answerTo(stream, before, wide, page([9], 5)), 'followed')
    })

    test('that begins with one of those that were to come again, or with a new one, is as it was asked', () => {
      assert.equal(answerTo(stream, before, wide, page([7], 6)), 'followed')
      assert.equal(answerTo(stream, before, wide, page([9], 8)), 'followed')
      assert.equal(answerTo(stream, before, narrow, page([8, 9], 7)), 'followed')
    })

    test('without any record of the one position proves nothing, also where a refused record comes again', () => {
      assert.equal(answerTo(stream, before, narrow, page([9, 10], 8)), 'unproven')
      const elsewhere = page([9, 10], 7)
      assert.equal(answerTo(stream, before, narrow, elsewhere), 'unproven', 'it was updated, and came for that')
      assert.equal(answerTo(stream, before, narrow, { ...elsewhere, raw: [null, null] }), 'followed')
      const refused = { ...before, positions: positions([1, 2, 3, 4, 5, 6, 7, null]) }
      assert.equal(answerTo(stream, refused, { since: at(7), again: 2, isWide: false }, page([8], 7)), 'unproven')
    })
  })
})
