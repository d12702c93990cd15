/** Offsets: what ends the walk, and what becomes of records that move while it goes on. */
import assert from 'node:assert/strict'
import { describe, test } from 'node:test'
import { offset, z } from '#shared/index.ts'
import type { Asked } from '../../../support/http.ts'
import { between, randomFrom } from '../../../support/random.ts'
import { testSeed } from '../../../support/seed.ts'
import { confirmed, runOnce } from './running.ts'
import { stepping } from './stepping.ts'
import { assertStopped, once, recordsOf, type Script, walk, walkBothWays } from './walking.ts'

const all = (total: number): number[] => Array.from({ length: total }, (_, id) => id)
const pageOf = (rows: readonly number[], { query }: Asked) => {
  const from = Number(query.get('offset'))
  return rows.slice(from, from + Number(query.get('limit')))
}
const offsetsOf = (requests: readonly Asked[]): number[] => requests.map(({ query }) => Number(query.get('offset')))
const shiftsOf = (walked: Awaited<ReturnType<typeof walk>>): number =>
  walked.pages.filter(({ shifted }) => shifted === true).length

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
    const walked = await walkBothWays(
      t,
      offset({ limit: 10, overlap: 2 }),
      deleting(40, { 2: (rows) => rows.slice(7) }),
    )
    assert.deepEqual(once(recordsOf(walked)), all(40))
    assert.equal(shiftsOf(walked), 1)
    assert.deepEqual(offsetsOf(walked.requests).slice(0, 6), [0, 8, 16, 14, 10, 18])
  })

  test('goes back from an empty page too, where what it came for has moved in front of it', async (t) => {
    const walked = await walkBothWays(
      t,
      offset({ limit: 10, overlap: 2 }),
      deleting(22, { 2: (rows) => rows.slice(8) }),
    )
    assert.deepEqual(once(recordsOf(walked)), all(22))
  })

  test('does not go back for ever where all that it knew is gone', async (t) => {
    const walked = await walk(
      t,
      offset({ limit: 10, overlap: 1 }),
      deleting(500, { 10: () => all(1000).slice(600, 800) })(),
    )
    assert.equal(walked.error, undefined)
    assert.equal(shiftsOf(walked), 1)
    assert.ok(walked.requests.length < 40, String(walked.requests.length))
  })

  test('reads records again that are pushed back by insertions, and neither loses one nor goes back', async (t) => {
    for (const count of [3, 10]) {
      const inserted = Array.from({ length: count }, (_, index) => 900 + index)
      const walked = await walkBothWays(
        t,
        offset({ limit: 10, overlap: 2 }),
        deleting(30, { 1: (rows) => [...inserted, ...rows] }),
      )
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
        for (let gone = number === 0 ? 0 : between(random, 0, overlap); gone > 0; gone--)
          rows.splice(between(random, 0, rows.length), 1)
        return { json: { data: pageOf(rows, asked) } }
      })
      const seen = new Set(recordsOf(walked))
      const missed = rows.filter((id) => !seen.has(id))
      assert.deepEqual(
        [walked.error, missed],
        [undefined, []],
        `round ${round}: limit ${limit}, overlap ${overlap}, seed ${seed}`,
      )
    }
  })
})

describe('one step of an offset walk', () => {
  const ids = (from: number, count: number): number[] => all(from + count).slice(from)
  const plain = stepping(offset({ limit: 10 }))
  const overlapping = stepping(offset({ limit: 10, overlap: 3 }))
  /** Where a walk stands behind ten records, with their marks. */
  const behindTen = { offset: 7, full: true, end: 10, marks: overlapping.marks(0, 7, 8, 9), back: 0 }
  const start = { offset: 0, full: false, end: 0, marks: [], back: 0 }

  test('without an overlap moves on by what came, and never says that a page repeats anything', () => {
    const steps = [10, 4, 1].map((count) => plain.next(ids(0, count), null))
    assert.deepEqual(steps, [
      { cursor: { offset: 10, full: true, end: 10, marks: [], back: 0 } },
      { cursor: { offset: 4, full: false, end: 4, marks: [], back: 0 } },
      { cursor: { offset: 1, full: false, end: 1, marks: [], back: 0 } },
    ])
    const next = { offset: 20, full: true, end: 20, marks: [], back: 0 }
    assert.deepEqual(plain.next(ids(20, 10), next), { cursor: { ...next, offset: 30, end: 30 } })
    for (const count of [9, 1, 0]) assert.deepEqual(plain.next(ids(20, count), next), { cursor: null })
    assert.deepEqual(plain.next([], null), { cursor: null })
  })

  test('goes on from a cursor of an earlier version, which has an offset and nothing else', () => {
    assert.deepEqual(plain.next(ids(20, 4), { offset: 20 }), {
      cursor: { offset: 24, full: false, end: 24, marks: [], back: 0 },
    })
    assert.equal(plain.target({ offset: 20 }), '/orders?limit=10&offset=20')
    for (const foreign of ['abc', { offset: '20' }, { page: 2 }, 7, [20]]) {
      for (const use of [() => plain.next([], foreign), () => plain.target(foreign)])
        assert.throws(use, /the stored cursor has no offset/)
    }
  })

  test('with an overlap moves on by what came less the overlap, and remembers what has to come again', () => {
    assert.deepEqual(overlapping.next(ids(0, 10), null), { cursor: behindTen, repeats: 'some' })
    // Three of the ten come again.
    assert.deepEqual(overlapping.next(ids(7, 10), behindTen), {
      cursor: { offset: 14, full: true, end: 17, marks: overlapping.marks(7, 14, 15, 16), back: 0 },
      repeats: 'some',
      again: 3,
    })
    // A page that is shorter than the overlap: all but one of its records are asked for again.
    assert.deepEqual(overlapping.next(ids(0, 3), null), {
      cursor: { offset: 1, full: false, end: 3, marks: overlapping.marks(0, 1, 2), back: 0 },
      repeats: 'all',
    })
    assert.deepEqual(overlapping.next(ids(0, 4), null).repeats, 'some')
    assert.deepEqual(overlapping.next(ids(0, 1), null).cursor, {
      offset: 0,
      full: false,
      end: 1,
      marks: overlapping.marks(0, 0),
      back: 0,
    })
  })

  test('remembers no more of a wide overlap than the checkpoint has room for', () => {
    const wide = stepping(offset({ limit: 20, overlap: 12 }))
    assert.deepEqual((wide.next(ids(0, 20), null).cursor as typeof behindTen).marks, wide.marks(0, ...ids(12, 8)))
  })

  for (const [name, paginate, facts] of [
    ['a flag', offset({ limit: 10, overlap: 3, hasMore: '/more' }), { more: true }],
    ['a total', offset({ limit: 10, overlap: 3, total: '/total' }), { total: 30 }],
  ] as const) {
    test(`behind a page of one record asks for nothing again where ${name} says that there is more: a page without a new one would be an error`, () => {
      const { next, marks } = stepping(paginate)
      const { cursor } = next([0], null, facts)
      assert.deepEqual(cursor, { offset: 1, full: false, end: 1, marks: [], back: 0 })
      assert.deepEqual(next(ids(0, 2), null, facts).cursor, {
        offset: 1,
        full: false,
        end: 2,
        marks: marks(0, 1),
        back: 0,
      })
      assert.throws(() => next([], cursor, facts), /says that there is more, but the page at offset 1 is empty/)
    })
  }

  test('by a total that is an estimate asks again as one without a total does', () => {
    const { next, marks } = stepping(offset({ limit: 10, overlap: 3, total: { at: '/total', exact: false } }))
    assert.deepEqual(next([0], null, { total: 30 }).cursor, {
      offset: 0,
      full: false,
      end: 1,
      marks: marks(0, 0),
      back: 0,
    })
  })

  test('ends at the total of records and no earlier, counted from the first offset', () => {
    for (const first of [0, 1, 5]) {
      const { next } = stepping(offset({ limit: 10, first, total: '/total' }))
      const at = { offset: first + 10, full: true, end: first + 10, marks: [], back: 0 }
      assert.notEqual(next(ids(10, 9), at, { total: 20 }).cursor, null)
      assert.equal(next(ids(10, 10), at, { total: 20 }).cursor, null)
      assert.equal(next(ids(10, 11), at, { total: 20 }).cursor, null)
    }
  })

  test('ends by its flag whatever came, and says what the flag says', () => {
    const { next } = stepping(offset({ limit: 10, hasMore: '/more' }))
    assert.deepEqual(next(ids(0, 10), null, { more: false }), { cursor: null, more: false })
    assert.deepEqual(next([], null, { more: false }), { cursor: null, more: false })
    const { cursor, more } = next(ids(0, 2), null, { more: true })
    assert.deepEqual([cursor, more], [{ offset: 2, full: false, end: 2, marks: [], back: 0 }, true])
  })

  test('ends where no more came than what was asked for again, and not where a longer page ends with that', () => {
    const again = (records: readonly number[]) => overlapping.next(records, { ...behindTen, full: false })
    assert.deepEqual(again([7, 8, 9]), { cursor: null, repeats: 'all', again: 3 })
    assert.deepEqual(again([9]), { cursor: null, repeats: 'all', again: 1 })
    assert.notEqual(again([7, 8, 10]).cursor, null, 'the last one is new')
    assert.notEqual(again([6, 7, 8, 9]).cursor, null, 'an API that ignores the offset')
    assert.equal(overlapping.next([7, 8, 9, 10], behindTen).cursor, null, 'short, behind a full page')
  })

  test('goes back where nothing of what had to come again is on the page: twice as far each time', () => {
    let at = { ...behindTen, offset: 200, end: 203 }
    for (const [step, offset] of [197, 191, 179, 155, 107, 11].entries()) {
      const { cursor, ...said } = overlapping.next(ids(500, 10), at)
      assert.deepEqual(cursor, { ...at, offset, end: 210, back: step + 1 })
      assert.deepEqual(said, { repeats: step === 0 ? 'some' : 'all', again: step === 0 ? 3 : 10, shifted: step === 0 })
      at = cursor as typeof at
    }
    // Six times: what it knew is gone, and the walk goes on from there.
    const { cursor, ...said } = overlapping.next(ids(500, 10), at)
    assert.deepEqual(cursor, {
      offset: 18,
      full: true,
      end: 210,
      marks: overlapping.marks(500, 507, 508, 509),
      back: 0,
    })
    assert.deepEqual(said, { repeats: 'all', again: 10 })
  })

  test('goes back from a cursor that does not say how often it has', () => {
    const { offset: at, full, end, marks } = behindTen
    const { cursor, shifted } = overlapping.next(ids(50, 10), { offset: at, full, end, marks })
    assert.deepEqual([cursor, shifted], [{ ...behindTen, offset: 4, end: 17, back: 1 }, true])
  })

  test('goes back no further than the first offset, and from there not at all', () => {
    for (const first of [0, 1]) {
      const { next, marks } = stepping(offset({ limit: 10, overlap: 3, first }))
      const at = { offset: first + 2, full: true, end: first + 5, marks: marks(0, 2, 3, 4), back: 0 }
      const back = next(ids(50, 10), at)
      assert.deepEqual(back.cursor, { ...at, offset: first, end: first + 12, back: 1 })
      const on = next(ids(50, 10), back.cursor)
      assert.deepEqual(on.cursor, {
        offset: first + 7,
        full: true,
        end: first + 12,
        marks: marks(50, 57, 58, 59),
        back: 0,
      })
      assert.equal(on.shifted, undefined)
    }
  })

  test('behind a step back may hold nothing but records of earlier pages, until it has met what it knew and passed it', () => {
    const back = { ...behindTen, offset: 4, back: 1, end: 17 }
    assert.deepEqual(overlapping.next(ids(4, 10), back), {
      cursor: { offset: 11, full: true, end: 17, marks: overlapping.marks(4, 11, 12, 13), back: 0 },
      repeats: 'all',
      again: 10,
    })
    // From here on it opens with no more than the overlap.
    assert.equal(overlapping.next(ids(13, 10), { ...back, offset: 13, marks: overlapping.marks(13) }).repeats, 'all')
    assert.equal(overlapping.next(ids(14, 10), { ...back, offset: 14, marks: overlapping.marks(14) }).repeats, 'some')
  })

  test('from the start says nothing of records that come again', () => {
    assert.deepEqual(overlapping.next(ids(0, 10), start), overlapping.next(ids(0, 10), null))
  })
})

describe('a run by offsets over a stream that is declared as sorted', () => {
  const at = (day: number): string => `2026-01-0${day}T00:00:00Z`
  const row = (id: number, day: number) => ({ id: String(id), at: at(day) })
  const stream = {
    schema: z.object({ id: z.string(), at: z.iso.datetime() }),
    watermark: { field: 'at', param: 'since', sorted: true },
  }

  test('believes that no longer where a page begins before the end of the one before it: the watermark waits for the end of the run', async (t) => {
    const pages = [[row(1, 1), row(2, 5)], [row(3, 3), row(4, 6)], []]
    const ran = await runOnce(t, (_, number) => ({ json: { data: pages[number] } }), {
      stream: { ...stream, paginate: offset({ limit: 2 }) },
    })
    assert.equal(ran.error, undefined)
    assert.deepEqual(confirmed(ran), [at(5), null, at(6)])
  })

  test('takes what it asked for again for no disorder', async (t) => {
    const rows = [row(1, 1), row(2, 2), row(3, 3), row(4, 4), row(5, 5)]
    const ran = await runOnce(
      t,
      ({ query }) => ({ json: { data: rows.slice(Number(query.get('offset')), Number(query.get('offset')) + 3) } }),
      { stream: { ...stream, paginate: offset({ limit: 3, overlap: 2 }) } },
    )
    assert.deepEqual(confirmed(ran), [at(3), at(4), at(5), at(5)])
  })
})
