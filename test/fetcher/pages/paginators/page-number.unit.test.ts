import assert from 'node:assert/strict'
import { describe, test } from 'node:test'
import { optional, pageNumber } from '#shared/index.ts'
import type { Asked } from '../../../support/http.ts'
import { stepping } from './stepping.ts'
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
    const walked = await walkBothWays(t, pageNumber({ size, stop: 'short' }), () => table(25, 10), {
      stream: { params: { sort: 'id' } },
    })
    assert.deepEqual(
      targetsOf(walked),
      [1, 2, 3].map((page) => `/orders?sort=id&per_page=10&page=${page}`),
    )
    assert.deepEqual(recordsOf(walked), all(25))
  })

  test('has the name and the first number that are declared', async (t) => {
    const walked = await walkBothWays(t, pageNumber({ first: 0, stop: 'empty' }), () => table(15, 10, {}, 0))
    assert.deepEqual(targetsOf(walked), ['/orders?page=0', '/orders?page=1', '/orders?page=2'])
    const named = await walk(t, pageNumber({ param: 'p', totalPages: '/pages' }), () => ({
      json: { data: [1], pages: 1 },
    }))
    assert.deepEqual(targetsOf(named), ['/orders?p=1'])
  })

  test('that was stored by another way of paging stops the run', async (t) => {
    const { error } = await walk(t, pageNumber({ stop: 'empty' }), table(1, 10), { cursor: 'abc' })
    assertStopped(error, 'HR_NO_NEXT_PAGE', /stored cursor has no page number/)
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
    assertStopped(
      (await walk(t, paginate, fewer)).error,
      'HR_WALK_SHORT',
      /page 2 is empty after 2 records, but the API said 30/,
    )
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
      assertStopped(
        (await walk(t, pageNumber({ totalPages: '/pages' }), table(30, 10, facts))).error,
        'HR_NO_NEXT_PAGE',
        words,
      )
    })
  }

  test('where the API ignores the number and sends the same page again', async (t) => {
    const { error, pages } = await walk(t, pageNumber({ stop: 'empty' }), () => ({ json: { data: [1, 2] } }))
    assertStopped(error, 'HR_REPEATED_PAGE', /page 2 has the same records as page 1/)
    assert.equal(pages.length, 1)
  })
})

describe('one step of a numbered walk', () => {
  const records = (count: number) => all(count)

  test('counts pages and records, and keeps in mind that a full page was seen', () => {
    const { next } = stepping(pageNumber({ size, stop: 'short' }))
    assert.deepEqual(next(records(9), null), { cursor: { page: 2, walked: 9, full: false } })
    assert.deepEqual(next(records(10), null), { cursor: { page: 2, walked: 10, full: true } })
    assert.deepEqual(next(records(11), { page: 2, walked: 9 }), { cursor: { page: 3, walked: 20, full: true } })
    assert.deepEqual(next(records(9), { page: 3, walked: 20, full: true }), { cursor: null })
    assert.deepEqual(next(records(10), { page: 3, walked: 20, full: true }), {
      cursor: { page: 4, walked: 30, full: true },
    })
    assert.deepEqual(next([], null), { cursor: null })
    const unsized = stepping(pageNumber({ stop: 'empty' }))
    assert.deepEqual(unsized.next(records(50), null), { cursor: { page: 2, walked: 50, full: false } })
    assert.deepEqual(unsized.next(records(1), { page: 2, walked: 50, full: true }), {
      cursor: { page: 3, walked: 51, full: true },
    })
    assert.deepEqual(unsized.next([], { page: 3, walked: 51, full: false }), { cursor: null })
  })

  for (const first of [0, 1]) {
    test(`ends at the number of pages, counted from ${first}, and says which of them this one is`, () => {
      const { next } = stepping(pageNumber({ first, totalPages: '/pages' }))
      const at = (page: number) => ({ page: page + first - 1, walked: 0, full: false })
      assert.deepEqual(next([1], null, { pages: 1 }), { cursor: null, pages: { page: 1, pages: 1, exact: true } })
      assert.deepEqual(next([1], at(2), { pages: 3 }), {
        cursor: { ...at(3), walked: 1 },
        pages: { page: 2, pages: 3, exact: true },
      })
      assert.deepEqual(next([1], at(3), { pages: 3 }).cursor, null)
      assert.deepEqual(next([1], at(4), { pages: 3 }).cursor, null)
    })
  }

  test('by an estimate of the pages ends at an empty one, and says that it is an estimate', () => {
    const { next } = stepping(pageNumber({ totalPages: { at: '/pages', exact: false } }))
    assert.deepEqual(next([1], null, { pages: 1 }), {
      cursor: { page: 2, walked: 1, full: false },
      pages: { page: 1, pages: 1, exact: false },
    })
    assert.deepEqual(next([], { page: 2, walked: 1, full: false }, { pages: 1 }).cursor, null)
  })

  test('ends at the number of records and not before it; an empty page before it stops the walk', () => {
    const { next } = stepping(pageNumber({ totalRecords: '/total' }))
    const at = { page: 3, walked: 20, full: false }
    assert.deepEqual(next(records(9), at, { total: 30 }), { cursor: { page: 4, walked: 29, full: false } })
    assert.deepEqual(next(records(10), at, { total: 30 }), { cursor: null })
    assert.deepEqual(next(records(11), at, { total: 30 }), { cursor: null })
    assert.deepEqual(next([], at, { total: 20 }), { cursor: null })
    assert.deepEqual(next([], at, { total: 19 }), { cursor: null })
    assert.throws(() => next([], at, { total: 21 }), /page 3 is empty after 20 records, but the API said 21/)
    assert.throws(() => next([], null, { total: 1 }), /page 1 is empty after 0 records/)
  })

  test('does as its flag says, whatever came, and says what it says', () => {
    const { next } = stepping(pageNumber({ hasMore: '/more', size }))
    assert.deepEqual(next([], null, { more: true }), { cursor: { page: 2, walked: 0, full: false }, more: true })
    assert.deepEqual(next(records(10), null, { more: false }), { cursor: null, more: false })
  })

  test('where a flag or a total is left out that may be, ends at an empty page', () => {
    for (const declared of [
      pageNumber({ hasMore: optional('/n') }),
      pageNumber({ totalPages: optional('/n') }),
      pageNumber({ totalRecords: optional('/n') }),
    ]) {
      const { next } = stepping(declared)
      assert.deepEqual(next([1], null).cursor, { page: 2, walked: 1, full: false })
      assert.equal(next([], { page: 2, walked: 1, full: false }).cursor, null)
    }
  })

  test('asks for the page of its cursor, and for none by what is no such cursor', () => {
    const { next, target } = stepping(pageNumber({ stop: 'empty', size }))
    assert.equal(target({ page: 7, walked: 60, full: true }), '/orders?per_page=10&page=7')
    for (const foreign of [
      { page: 7 },
      { walked: 60 },
      { page: '7', walked: 60 },
      { page: 7, walked: '60' },
      7,
      'abc',
      [7, 60],
    ]) {
      for (const use of [() => next([], foreign), () => target(foreign)])
        assert.throws(use, /the stored cursor has no page number/)
    }
  })
})
