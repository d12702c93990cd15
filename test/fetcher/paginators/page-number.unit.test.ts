import assert from 'node:assert/strict'
import { describe, test } from 'node:test'
import { pageNumber } from '../../../shared/index.ts'
import type { Asked } from '../../support/http.ts'
import { assertStopped, recordsOf, type Script, targetsOf, walk, walkBothWays } from './walking.ts'

const all = (total: number): number[] => Array.from({ length: total }, (_, id) => id)

/** `total` records in pages of `size`, or of `cap` where that is less; `facts` stand beside the records. */
const table =
  (total: number, size: number, facts: Record<string, unknown> = {}, first = 1) =>
  ({ query }: Asked) => {
    const from = (Number(query.get('page')) - first) * size
    return { json: { data: all(total).slice(from, from + size), ...facts } }
  }
const size = { param: 'per_page', value: 10 }

describe('a page number', () => {
  test('is sent from the first request on, beside the size and the other parameters', async (t) => {
    const walked = await walkBothWays(t, pageNumber({ size, stop: 'short' }), () => table(25, 10), { stream: { params: { sort: 'id' } } })
    assert.deepEqual(
      targetsOf(walked),
      [1, 2, 3].map((page) => `/orders?sort=id&per_page=10&page=${page}`),
    )
    assert.deepEqual(recordsOf(walked), all(25))
  })

  test('has the name and the first number that are declared', async (t) => {
    const walked = await walkBothWays(t, pageNumber({ first: 0, stop: 'empty' }), () => table(15, 10, {}, 0))
    assert.deepEqual(targetsOf(walked), ['/orders?page=0', '/orders?page=1', '/orders?page=2'])
    const named = await walk(t, pageNumber({ param: 'p', totalPages: '/pages' }), () => ({ json: { data: [1], pages: 1 } }))
    assert.deepEqual(targetsOf(named), ['/orders?p=1'])
  })

  test('that was stored by another way of paging stops the run', async (t) => {
    const { error } = await walk(t, pageNumber({ stop: 'empty' }), table(1, 10), { cursor: 'abc' })
    assertStopped(error, 'HR_NO_NEXT_PAGE', /stored cursor is no number of a page/)
  })
})

describe('a numbered walk ends', () => {
  test('at an empty page', async (t) => {
    assert.deepEqual(recordsOf(await walkBothWays(t, pageNumber({ stop: 'empty' }), () => table(20, 10))), all(20))
  })

  test('at a short page once a full one was seen, so that a size which the API caps in silence loses nothing', async (t) => {
    assert.equal((await walk(t, pageNumber({ size, stop: 'short' }), table(25, 10))).requests.length, 3)
    assert.deepEqual(recordsOf(await walkBothWays(t, pageNumber({ size, stop: 'short' }), () => table(12, 5))), all(12))
  })

  for (const total of [3, '3', ' 3 ']) {
    test(`at the number of pages that the API says: ${JSON.stringify(total)}`, async (t) => {
      const walked = await walkBothWays(t, pageNumber({ totalPages: '/pages' }), () => table(30, 10, { pages: total }))
      assert.equal(walked.requests.length, 3)
    })
  }

  for (const total of [30, '30']) {
    test(`at the number of records that the API says: ${JSON.stringify(total)}`, async (t) => {
      const walked = await walkBothWays(t, pageNumber({ totalRecords: '/total' }), () => table(30, 10, { total }))
      assert.equal(walked.requests.length, 3)
    })
  }

  test('at a total of 0, after the first page', async (t) => {
    for (const paginate of [pageNumber({ totalPages: '/n' }), pageNumber({ totalRecords: '/n' })]) {
      assert.equal((await walk(t, paginate, table(0, 10, { n: 0 }))).requests.length, 1)
    }
  })

  test('by the total of the newest answer, not of the first', async (t) => {
    const walked = await walk(t, pageNumber({ totalRecords: '/total' }), (asked, number) =>
      table(30, 10, { total: number === 0 ? 20 : 30 })(asked),
    )
    assert.deepEqual(recordsOf(walked), all(30))
  })

  test('by a total of records although the API caps the size, and although it leaves some records out', async (t) => {
    const paginate = pageNumber({ size, totalRecords: '/total' })
    assert.deepEqual(recordsOf(await walk(t, paginate, table(12, 5, { total: 12 }))), all(12))
    const fewer: Script = ({ query }) => ({ json: { data: query.get('page') === '1' ? [1, 2] : [], total: 30 } })
    const estimate = pageNumber({ size, totalRecords: { at: '/total', exact: false } })
    const filtered = await walk(t, estimate, fewer)
    assert.equal(filtered.error, undefined)
    assert.equal(filtered.requests.length, 2)
    assert.match(filtered.pages.at(-1)?.cautions?.[0]?.says ?? '', /ended after 2 records, but the API said 30/)
    assertStopped((await walk(t, paginate, fewer)).error, 'HR_WALK_SHORT', /page 2 is empty after 2 records, but the API said 30/)
  })

  test('where a flag says that there is no more', async (t) => {
    const walked = await walkBothWays(t, pageNumber({ hasMore: '/more' }), () => (_, number) => ({
      json: { data: [number], more: number < 2 },
    }))
    assert.equal(walked.requests.length, 3)
  })
})

describe('a numbered walk stops with an error', () => {
  for (const [name, facts, words] of [
    ['missing', {}, /totalPages is declared at "\/pages", but the answer has nothing there/],
    ['null', { pages: null }, /no number there/],
    ['a text that is no number', { pages: 'many' }, /no number there/],
    ['negative', { pages: -1 }, /no number there/],
    ['a fraction', { pages: 1.5 }, /no number there/],
  ] as const) {
    test(`where the declared total is ${name}`, async (t) => {
      assertStopped((await walk(t, pageNumber({ totalPages: '/pages' }), table(30, 10, facts))).error, 'HR_NO_NEXT_PAGE', words)
    })
  }

  test('where the API ignores the number and sends the same page again', async (t) => {
    const { error, pages } = await walk(t, pageNumber({ stop: 'empty' }), () => ({ json: { data: [1, 2] } }))
    assertStopped(error, 'HR_REPEATED_PAGE', /page 2 has the same records as page 1/)
    assert.equal(pages.length, 1)
  })
})
