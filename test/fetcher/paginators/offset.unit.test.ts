/** Offsets: what ends the walk, and what becomes of records that move while it goes on. */
import assert from 'node:assert/strict'
import { describe, test } from 'node:test'
import { offset } from '../../../shared/index.ts'
import type { Asked } from '../../support/http.ts'
import { between, randomFrom } from '../../support/random.ts'
import { testSeed } from '../../support/seed.ts'
import { assertStopped, once, recordsOf, type Script, walk, walkBothWays } from './walking.ts'

const all = (total: number): number[] => Array.from({ length: total }, (_, id) => id)
const pageOf = (rows: readonly number[], { query }: Asked) => {
  const from = Number(query.get('offset'))
  return rows.slice(from, from + Number(query.get('limit')))
}
const offsetsOf = (requests: readonly Asked[]): number[] => requests.map(({ query }) => Number(query.get('offset')))
const shiftsOf = (walked: Awaited<ReturnType<typeof walk>>): number => walked.pages.filter(({ shifted }) => shifted === true).length

/** Before request `at` (from 0) some rows go. */
const deleting =
  (total: number, changes: Record<number, (rows: number[]) => number[]>): (() => Script) =>
  () => {
    let rows = all(total)
    return (asked, number) => {
      rows = changes[number]?.(rows) ?? rows
      return { json: { data: pageOf(rows, asked) } }
    }
  }

describe('an offset walk ends', () => {
  const table = (total: number, facts: Record<string, unknown>) => () => (asked: Asked) => ({
    json: { data: pageOf(all(total), asked), ...facts },
  })

  for (const total of [20, '20']) {
    test(`at the declared total: ${JSON.stringify(total)}, without asking for an empty page`, async (t) => {
      const walked = await walkBothWays(t, offset({ limit: 10, total: '/total' }), table(20, { total }))
      assert.deepEqual(recordsOf(walked), all(20))
      assert.equal(walked.requests.length, 2)
    })
  }

  test('at the declared total, also with an overlap and from 1 on', async (t) => {
    const walked = await walkBothWays(t, offset({ limit: 10, overlap: 3, total: '/total' }), table(25, { total: 25 }))
    assert.deepEqual(once(recordsOf(walked)), all(25))
    const fromOne: Script = ({ query }) => ({
      json: { data: all(20).slice(Number(query.get('offset')) - 1, Number(query.get('offset')) + 9), total: 20 },
    })
    assert.equal((await walk(t, offset({ limit: 10, first: 1, total: '/total' }), fromOne)).requests.length, 2)
  })

  test('at an empty page and not at a short one, where that is declared', async (t) => {
    const walked = await walkBothWays(t, offset({ limit: 10, stop: 'empty' }), table(25, {}))
    assert.deepEqual(offsetsOf(walked.requests), [0, 10, 20, 25])
  })

  test('by a flag', async (t) => {
    const walked = await walkBothWays(t, offset({ limit: 10, hasMore: '/more' }), () => (asked, number) => ({
      json: { data: pageOf(all(20), asked), more: number === 0 },
    }))
    assert.equal(walked.requests.length, 2)
  })
})

describe('a page of one record', () => {
  test('is asked for again with an overlap, so that a record which takes its place is not passed over', async (t) => {
    let rows = [0]
    const script: Script = (asked, number) => {
      // The only record moves to the end, behind two new ones: offset 1 would be the second of them.
      if (number === 1) rows = [1, 2, 0]
      return { json: { data: pageOf(rows, asked) } }
    }
    const walked = await walk(t, offset({ limit: 3, overlap: 1 }), script)
    assert.deepEqual(once(recordsOf(walked)).sort(), [0, 1, 2])
  })

  test('ends the walk when it comes again alone', async (t) => {
    const walked = await walk(t, offset({ limit: 3, overlap: 1 }), () => ({ json: { data: [{ id: 0 }] } }))
    assert.equal(walked.error, undefined)
    assert.equal(walked.requests.length, 2)
  })
})

describe('an offset walk stops with an error', () => {
  for (const [name, facts] of [
    ['missing', {}],
    ['no number', { total: 'all' }],
  ] as const) {
    test(`where the declared total is ${name}`, async (t) => {
      const { error } = await walk(t, offset({ limit: 10, total: '/total' }), (asked) => ({
        json: { data: pageOf(all(20), asked), ...facts },
      }))
      assertStopped(error, 'HR_NO_NEXT_PAGE', /total is declared at "\/total", but the answer has no/)
    })
  }

  test('where a page is empty, but the total says that there is more: an end there would be a guess', async (t) => {
    const { error } = await walk(t, offset({ limit: 10, total: '/total' }), (asked) => ({
      json: { data: pageOf(all(10), asked), total: 30 },
    }))
    assertStopped(error, 'HR_NO_NEXT_PAGE', /there is more, but the page at offset 10 is empty/)
  })

  test('where the API ignores the offset, also with an overlap', async (t) => {
    for (const overlap of [0, 3]) {
      const { error, requests } = await walk(t, offset({ limit: 10, overlap }), () => ({ json: { data: all(10) } }))
      assertStopped(error, 'HR_REPEATED_PAGE', /page 2 has the same records as page 1/)
      assert.equal(requests.length, 2)
    }
  })
})

describe('an offset walk with an overlap', () => {
  test('takes as much again at each page, and notices nothing where nothing moves', async (t) => {
    const walked = await walkBothWays(t, offset({ limit: 10, overlap: 3 }), deleting(31, {}))
    assert.deepEqual(offsetsOf(walked.requests), [0, 7, 14, 21, 28])
    assert.deepEqual(once(recordsOf(walked)), all(31))
    assert.equal(shiftsOf(walked), 0)
  })

  test('loses no record when as many are deleted between two pages as it overlaps', async (t) => {
    for (const gone of [1, 2, 3]) {
      const walked = await walkBothWays(
        t,
        offset({ limit: 10, overlap: 3 }),
        deleting(40, { 1: (rows) => rows.slice(gone), 3: (rows) => rows.slice(gone) }),
      )
      assert.deepEqual(once(recordsOf(walked)), all(40), `${gone} deleted`)
    }
  })

  test('notices that more were deleted, says so once, and goes back until it meets known records', async (t) => {
    const walked = await walkBothWays(t, offset({ limit: 10, overlap: 2 }), deleting(40, { 2: (rows) => rows.slice(7) }))
    assert.deepEqual(once(recordsOf(walked)), all(40))
    assert.equal(shiftsOf(walked), 1)
    assert.deepEqual(offsetsOf(walked.requests).slice(0, 6), [0, 8, 16, 14, 10, 18])
  })

  test('goes back from an empty page too, where what it came for has moved in front of it', async (t) => {
    const walked = await walkBothWays(t, offset({ limit: 10, overlap: 2 }), deleting(22, { 2: (rows) => rows.slice(8) }))
    assert.deepEqual(once(recordsOf(walked)), all(22))
  })

  test('does not go back for ever where all that it knew is gone', async (t) => {
    const walked = await walk(t, offset({ limit: 10, overlap: 1 }), deleting(500, { 10: () => all(1000).slice(600, 800) })())
    assert.equal(walked.error, undefined)
    assert.equal(shiftsOf(walked), 1)
    assert.ok(walked.requests.length < 40, String(walked.requests.length))
  })

  test('reads records again that are pushed back by insertions, and neither loses one nor goes back', async (t) => {
    for (const count of [3, 10]) {
      const inserted = Array.from({ length: count }, (_, index) => 900 + index)
      const walked = await walkBothWays(t, offset({ limit: 10, overlap: 2 }), deleting(30, { 1: (rows) => [...inserted, ...rows] }))
      assert.deepEqual(
        once(recordsOf(walked)).filter((id) => id < 900),
        all(30),
      )
      assert.equal(shiftsOf(walked), 0)
    }
  })

  test('knows a record again by its primary key, though it has changed', async (t) => {
    const walked = await walk(t, offset({ limit: 3, overlap: 1 }), (asked, number) => ({
      json: { data: pageOf(all(8), asked).map((id) => ({ id: String(id), seen: number })) },
    }))
    assert.equal(shiftsOf(walked), 0)
    assert.equal(walked.requests.length, 4)
  })

  test('loses no record under any deletions of at most the overlap between two pages', async (t) => {
    const seed = testSeed()
    const random = randomFrom(seed)
    for (let round = 0; round < 20; round++) {
      const overlap = between(random, 1, 4)
      const limit = overlap + between(random, 1, 8)
      const rows = all(between(random, 20, 80))
      const walked = await walk(t, offset({ limit, overlap }), (asked, number) => {
        for (let gone = number === 0 ? 0 : between(random, 0, overlap); gone > 0; gone--) rows.splice(between(random, 0, rows.length), 1)
        return { json: { data: pageOf(rows, asked) } }
      })
      const seen = new Set(recordsOf(walked))
      const missed = rows.filter((id) => !seen.has(id))
      assert.deepEqual([walked.error, missed], [undefined, []], `round ${round}: limit ${limit}, overlap ${overlap}, seed ${seed}`)
    }
  })
})
