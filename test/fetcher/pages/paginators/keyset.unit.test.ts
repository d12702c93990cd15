import assert from 'node:assert/strict'
import { describe, test } from 'node:test'
import { keyset } from '#shared/index.ts'
import type { Asked } from '../../../support/http.ts'
import { stepping } from './stepping.ts'
import { assertStopped, recordsOf, type Script, targetsOf, walk, walkBothWays } from './walking.ts'

type Row = { id: number; at?: number }
const rows = (count: number): Row[] => Array.from({ length: count }, (_, id) => ({ id }))
/** Pages of `size` behind the key that is asked for, or from it on. */
const after =
  (
    all: readonly Row[],
    size: number,
    facts: (rest: readonly Row[]) => Record<string, unknown> = () => ({}),
    from = 1,
  ) =>
  ({ query }: Asked) => {
    const key = query.get('after')
    const rest = key === null ? all : all.filter(({ id }) => id >= Number(key) + from)
    return { json: { data: rest.slice(0, size), ...facts(rest.slice(size)) } }
  }
const byId = { field: '/id', param: 'after' }

describe('a keyset walk', () => {
  test("asks with the last record's key, and ends at an empty page", async (t) => {
    const walked = await walkBothWays(t, keyset(byId), () => after(rows(5), 2), { stream: { params: { sort: 'id' } } })
    assert.deepEqual(targetsOf(walked), [
      '/orders?sort=id',
      '/orders?sort=id&after=1',
      '/orders?sort=id&after=3',
      '/orders?sort=id&after=4',
    ])
    assert.deepEqual(recordsOf(walked), rows(5))
  })

  test('ends by a flag, without asking for an empty page (starting_after and has_more)', async (t) => {
    const script = () => after(rows(4), 2, (rest) => ({ has_more: rest.length > 0 }))
    const walked = await walkBothWays(t, keyset({ ...byId, hasMore: '/has_more' }), script)
    assert.equal(walked.requests.length, 2)
  })

  test('ends at a short page once a full one was seen, where the size is declared', async (t) => {
    const size = { param: 'limit', value: 2 }
    const walked = await walkBothWays(t, keyset({ ...byId, size }), () => after(rows(5), 2))
    assert.deepEqual(targetsOf(walked), ['/orders?limit=2', '/orders?limit=2&after=1', '/orders?limit=2&after=3'])
    assert.deepEqual(
      recordsOf(await walk(t, keyset({ ...byId, size: { param: 'limit', value: 9 } }), after(rows(5), 2))),
      rows(5),
    )
  })

  test('goes downwards where the API does (max_id)', async (t) => {
    const script: Script = ({ query }) => {
      const max = Number(query.get('max_id') ?? 99)
      return {
        json: {
          data: rows(5)
            .toReversed()
            .filter(({ id }) => id < max)
            .slice(0, 2),
        },
      }
    }
    const walked = await walkBothWays(t, keyset({ field: '/id', param: 'max_id' }), () => script)
    assert.deepEqual(targetsOf(walked), ['/orders', '/orders?max_id=3', '/orders?max_id=1', '/orders?max_id=0'])
  })

  test('takes a key from inside a record, and several keys together', async (t) => {
    const pages = [[{ meta: { at: 'x y' }, id: 7 }], []]
    const keys = [
      { field: '/meta/at', param: 'at' },
      { field: '/id', param: 'id' },
    ]
    const walked = await walkBothWays(t, keyset({ keys }), () => (_, number) => ({ json: { data: pages[number] } }))
    assert.deepEqual(targetsOf(walked), ['/orders', '/orders?at=x%20y&id=7'])
  })

  test('puts the key into a posted body (search_after), as the value that it was', async (t) => {
    const keys = [
      { field: '/sort/0', body: '/search_after/0' },
      { field: '/sort/1', body: '/search_after/1' },
    ]
    const pages = [[{ sort: [5, 'a'] }], []]
    const walked = await walkBothWays(t, keyset({ keys }), () => (_, number) => ({ json: { data: pages[number] } }), {
      stream: { method: 'POST', body: { query: { q: 'x' }, search_after: [] } },
    })
    assert.deepEqual(JSON.parse(walked.requests[1]?.body ?? ''), { query: { q: 'x' }, search_after: [5, 'a'] })
  })

  test('keeps a key that a double cannot hold', async (t) => {
    const bodies = ['{"data":[{"id":9007199254740993}]}', '{"data":[]}']
    const walked = await walkBothWays(t, keyset(byId), () => (_, number) => ({ body: bodies[number] ?? '' }))
    assert.deepEqual(targetsOf(walked), ['/orders', '/orders?after=9007199254740993'])
  })

  test('that is inclusive reads the record of the key again, and ends where nothing follows', async (t) => {
    const inclusive = keyset({ ...byId, inclusive: true, size: { param: 'limit', value: 3 } })
    for (const count of [0, 1, 2, 3, 4, 5, 8]) {
      const walked = await walkBothWays(t, inclusive, () => after(rows(count), 3, undefined, 0))
      assert.deepEqual(
        [...new Set(recordsOf(walked).map((row) => (row as Row).id))],
        rows(count).map(({ id }) => id),
        `${count} records`,
      )
    }
  })

  test('with equal keys on both sides of a page loses none where it is inclusive', async (t) => {
    const all = [1, 2, 2, 2, 3].map((at, id) => ({ id, at }))
    const script: Script = ({ query }) => ({
      json: { data: all.filter(({ at }) => at >= Number(query.get('from') ?? 0)).slice(0, 4) },
    })
    const paginate = keyset({ field: '/at', param: 'from', inclusive: true, size: { param: 'limit', value: 4 } })
    const walked = await walkBothWays(t, paginate, () => script)
    assert.deepEqual(new Set(recordsOf(walked).map((row) => (row as Row).id)), new Set([0, 1, 2, 3, 4]))
  })
})

describe('a keyset walk stops with an error', () => {
  test('at a full page of one and the same key, instead of asking for it for ever', async (t) => {
    const same = Array.from({ length: 3 }, (_, id) => ({ id, at: 5 }))
    const paginate = keyset({ field: '/at', param: 'from', inclusive: true, size: { param: 'limit', value: 3 } })
    const { error, requests } = await walk(t, paginate, () => ({ json: { data: same } }))
    assertStopped(error, 'HR_KEY_STUCK', /the page after key 5 ends with that key again \(3 records\)/)
    assert.match((error as { hint: string }).hint, /add a second one in keys/)
    assert.equal(requests.length, 2)
  })

  test('where the API ignores the key', async (t) => {
    const { error, pages } = await walk(t, keyset(byId), () => ({ json: { data: rows(2) } }))
    assertStopped(error, 'HR_KEY_STUCK', /the page after key 1 ends with that key again/)
    assert.match((error as { hint: string }).hint, /where the API expects the key/)
    assert.equal(pages.length, 1)
  })

  for (const [name, record, words] of [
    ['missing', {}, /declared at "\/id" of a record, but the last record has nothing there/],
    ['null', { id: null }, /nothing there/],
    ['an object', { id: {} }, /an object there/],
  ] as const) {
    test(`where the key of the last record is ${name}`, async (t) => {
      assertStopped((await walk(t, keyset(byId), () => ({ json: { data: [record] } }))).error, 'HR_NO_NEXT_PAGE', words)
    })
  }

  test('where the flag says that there is more, but the page has no record', async (t) => {
    const { error } = await walk(t, keyset({ ...byId, hasMore: '/more' }), () => ({ json: { data: [], more: true } }))
    assertStopped(error, 'HR_NO_NEXT_PAGE', /no record whose key could lead on/)
  })

  test('where the stored cursor is of another way of paging', async (t) => {
    assertStopped(
      (await walk(t, keyset(byId), after(rows(1), 1), { cursor: 'abc' })).error,
      'HR_NO_NEXT_PAGE',
      /stored cursor has no key/,
    )
  })
})

describe('one step of a keyset walk', () => {
  const of = (...ids: unknown[]): unknown[] => ids.map((id) => ({ id }))
  const sized = (more: Record<string, unknown> = {}) =>
    stepping(keyset({ ...byId, size: { param: 'limit', value: 3 }, ...more }))

  test('goes on from the last key of a page, whatever its length, until a full one was seen', () => {
    const plain = stepping(keyset(byId))
    assert.deepEqual(plain.next(of(1, 2), null), { cursor: { keys: [2], full: false } })
    assert.deepEqual(plain.next(of(3), { keys: [2], full: false }), { cursor: { keys: [3], full: false } })
    assert.deepEqual(plain.next([], { keys: [2], full: false }), { cursor: null })
    const { next } = sized()
    assert.deepEqual(next(of(1, 2), null), { cursor: { keys: [2], full: false } })
    assert.deepEqual(next(of(1, 2, 3), null), { cursor: { keys: [3], full: true } })
    assert.deepEqual(next(of(1, 2, 3, 4), null), { cursor: { keys: [4], full: true } })
    assert.deepEqual(next(of(4, 5), { keys: [3] }), { cursor: { keys: [5], full: false } })
    assert.deepEqual(next(of(4, 5), { keys: [3], full: true }), { cursor: null })
    assert.deepEqual(next(of(4, 5, 6), { keys: [3], full: true }), { cursor: { keys: [6], full: true } })
  })

  test('does as its flag says, whatever came, and says what it says', () => {
    const { next } = sized({ hasMore: '/more' })
    assert.deepEqual(next(of(1), { keys: [0], full: true }, { more: true }), {
      cursor: { keys: [1], full: true },
      more: true,
    })
    assert.deepEqual(next(of(1, 2, 3), null, { more: false }), { cursor: null, more: false })
    assert.deepEqual(next([], null, { more: false }), { cursor: null, more: false })
    assert.throws(() => next([], null, { more: true }), /no record whose key could lead on/)
  })

  test('takes texts, numbers and flags for keys, and nothing else', () => {
    const { next } = stepping(keyset(byId))
    for (const key of ['', 'x', 0, -1.5, false, true])
      assert.deepEqual(next(of(key), null).cursor, { keys: [key], full: false })
    for (const [key, what] of [
      [undefined, /has nothing there/],
      [null, /has nothing there/],
      [{}, /has an object there/],
      [['x'], /has an array there/],
    ] as const) {
      assert.throws(() => next(of(key), null), what)
    }
  })

  test('of several keys goes on as soon as one of them has changed', () => {
    const keys = [
      { field: '/at', param: 'at' },
      { field: '/id', param: 'id' },
    ]
    const { next, target } = stepping(keyset({ keys }))
    const from = { keys: [1, 'a'] }
    for (const [at, id] of [
      [1, 'b'],
      [2, 'a'],
    ]) {
      assert.deepEqual(next([{ at, id }], from).cursor, { keys: [at, id], full: false })
    }
    const inclusive = stepping(keyset({ keys, inclusive: true, size: { param: 'limit', value: 3 } }))
    const again = (...ids: string[]) =>
      inclusive.next(
        ids.map((id) => ({ at: 1, id })),
        { ...from, same: 2 },
      ).again
    assert.deepEqual([again('b'), again('a', 'b')], [undefined, 1])
    assert.throws(() => next([{ at: 1, id: 'a' }], from), /the page after key 1, a ends with that key again/)
    assert.equal(target(from), '/orders?at=1&id=a')
    for (const foreign of [{ keys: [1] }, { keys: [1, 2, 3] }, { keys: 'ab' }, { offset: 1 }, 'ab', 7]) {
      for (const use of [() => next([], foreign), () => target(foreign)])
        assert.throws(use, /the stored cursor has no key/)
    }
  })

  test('that is inclusive counts the records that come again: those of its key that the page before had', () => {
    const { next } = sized({ inclusive: true })
    assert.deepEqual(next(of(1, 2, 3), null), { cursor: { keys: [3], full: true, same: 1 }, repeats: 'some' })
    assert.deepEqual(next(of(1, 3, 3), null), { cursor: { keys: [3], full: true, same: 2 }, repeats: 'some' })
    assert.deepEqual(next(of(3, 3, 3), null).cursor, { keys: [3], full: true, same: 3 })
    const again = (same: number | undefined, ...ids: number[]) =>
      next(of(...ids), { keys: [3], full: true, same }).again
    assert.deepEqual([again(1, 3, 3, 4), again(2, 3, 3, 4), again(3, 3, 3, 4)], [1, 2, 2])
    assert.deepEqual(
      [again(undefined, 3, 3, 4), again(2, 4, 5, 6), again(2, 3), again(2)],
      [1, undefined, 1, undefined],
    )
    assert.equal(next(of(4, 3, 5), { keys: [3], same: 2 }).again, undefined, 'only those that it opens with')
    assert.equal(
      sized().next(of(3, 4, 5), { keys: [3], same: 2 }).again,
      undefined,
      'one that is not inclusive asks for none again',
    )
  })

  test('that is inclusive ends where it brings nothing but its key, and stops where more of that may follow', () => {
    const { next } = sized({ inclusive: true })
    assert.deepEqual(next(of(3, 3), { keys: [3], full: false, same: 2 }), { cursor: null, repeats: 'all', again: 2 })
    assert.deepEqual(next(of(3), { keys: [3], full: true, same: 1 }), { cursor: null, repeats: 'some', again: 1 })
    assert.throws(() => next(of(3, 3, 3), { keys: [3], full: true, same: 2 }), /ends with that key again \(3 records\)/)
    const flagged = sized({ inclusive: true, hasMore: '/more' })
    assert.throws(() => flagged.next(of(3), { keys: [3] }, { more: true }), /ends with that key again/)
    assert.throws(() => sized().next(of(3), { keys: [3] }), /ends with that key again/)
  })
})
