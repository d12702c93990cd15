/** An end that is short of what the API said last, in a list that has grown since the walk began. */
import assert from 'node:assert/strict'
import { describe, test } from 'node:test'
import { cursor, keyset, offset, pageNumber, windows } from '#shared/index.ts'
import { checkpointText, parseCheckpoint } from '#shared/progress/offset-metadata.ts'
import {
  api,
  at,
  declared,
  emptiedAt,
  type Glitch,
  heldBy,
  type Moment,
  row,
  rows,
  SIZE,
  timed,
  untimed,
  zerosAt,
} from './counting-api.ts'
import { kept, keysOf, type Ran, runOnce } from './paginators/running.ts'
import { assertStopped, type Script } from './paginators/walking.ts'

const FIRST_TOTAL = 15
/** The first answer knows 15 records, all later ones 60. */
const grown =
  (glitch: Glitch = () => ({})): Glitch =>
  (number) => ({ ...(number === 0 ? { all: FIRST_TOTAL } : {}), ...glitch(number) })
const SHORT =
  /the walk ended (after 40 records, but the API said 60|at a page without records, but the page before counted 2 more)/
const BY_NUMBER = declared.filter(([name]) => name.startsWith('page number') || name === 'offset')
const OTHERS = declared.filter(([, paginate]) => !BY_NUMBER.some(([, other]) => other === paginate))

/** As Kafka keeps it. */
function storedOf({ put }: Ran, page: number) {
  const last = put.at(page)?.checkpoint
  assert.ok(last !== undefined)
  const stored = parseCheckpoint(checkpointText(last))
  assert.ok(stored !== null)
  return stored
}

describe('a page of no records and zeros, after the list has grown', () => {
  for (const [name, paginate, more] of declared) {
    test(`fails the run, and the next one brings the rest: ${name}`, async (t) => {
      const stream = untimed(paginate, more)
      const ran = await runOnce(t, api(grown(zerosAt(4))), { stream })
      assertStopped(ran.error, 'HR_WALK_SHORT', SHORT)
      const plan = storedOf(ran, -1)
      assert.deepEqual([plan.done, keysOf(ran).length], [false, 40])
      // The links of the next server name another port.
      if (String(plan.cursor).startsWith('http')) return
      const rest = await runOnce(t, api(), { stream, plan })
      assert.deepEqual([rest.error, new Set([...keysOf(ran), ...keysOf(rest)]).size], [undefined, 60])
    })

    test(`fails a run that was interrupted before it too: ${name}`, async (t) => {
      const stream = untimed(paginate, more)
      const plan = storedOf(await runOnce(t, api(grown()), { stream }), 2)
      if (String(plan.cursor).startsWith('http')) return
      const later: Script = (asked, number) => api(grown(zerosAt(4)))(asked, number + 3)
      assertStopped((await runOnce(t, later, { stream, plan })).error, 'HR_WALK_SHORT', SHORT)
      // As its first page: what was learned may be out of date, so the walk starts again.
      const first: Script = (asked, number) => api(grown(zerosAt(3)))(asked, number + 3)
      const again = await runOnce(t, first, { stream, plan })
      assert.deepEqual([again.error, again.put.length], [undefined, 0])
      assert.equal((again.result?.refused as { code?: string } | null)?.code, 'HR_WALK_SHORT')
    })

    test(`is no end on the last page either: ${name}`, async (t) => {
      for (const growth of [grown, (glitch: Glitch) => glitch]) {
        const ran = await runOnce(t, api(growth(zerosAt(5))), { stream: untimed(paginate, more) })
        assertStopped(ran.error, 'HR_WALK_SHORT', /after 50 records, but the API said 60|counted 1 more/)
      }
    })

    test(`is none where the walk comes to the last number: ${name}`, async (t) => {
      const ran = await runOnce(t, api(grown()), { stream: untimed(paginate, more) })
      assert.deepEqual([ran.error, ran.attention, keysOf(ran).length], [undefined, [], 60])
    })

    test(`is none where the records of the last page were deleted, and the number says so: ${name}`, async (t) => {
      for (const growth of [grown, (glitch: Glitch) => glitch]) {
        const shrunk = growth((number) => (number === 5 ? { all: 50 } : {}))
        const ran = await runOnce(t, api(shrunk), { stream: untimed(paginate, more) })
        assert.deepEqual([ran.error, keysOf(ran).length], [undefined, 50])
        // A flag of the page before it says more, and is no number.
        assert.equal(ran.attention.length, name === 'GraphQL' || name.endsWith('flag') ? 1 : 0)
      }
    })
  }

  test('only warns where the number is an estimate', async (t) => {
    const estimate = { at: '/total', exact: false } as const
    for (const [paginate, says] of [
      [pageNumber({ totalPages: { at: '/pages', exact: false } }), /counted 2 more/],
      [pageNumber({ stop: 'empty', total: estimate }), /but the API said 60/],
      [cursor({ next: '/next', param: 'cursor', total: estimate }), /but the API said 60/],
    ] as const) {
      const ran = await runOnce(t, api(grown(zerosAt(4))), { stream: untimed(paginate) })
      assert.deepEqual([ran.error, ran.attention], [undefined, []])
      assert.match(ran.cautions.map((caution) => caution.says).join(), says)
    }
  })

  test('holds the watermark where nobody declared the header, and the request leaves something out', async (t) => {
    const header = (number: number): Partial<Moment> =>
      number === 4 ? { empty: true, header: 0 } : { header: number === 0 ? FIRST_TOTAL : 60 }
    const plain = cursor({ next: '/next', param: 'cursor' })
    const plan = { from: at(0), watermark: at(0), seen: at(0) }
    const ran = await runOnce(t, api(header), { stream: timed(plain), plan })
    assert.deepEqual([ran.error, kept(ran).at(-1)], [undefined, at(0)])
    assert.match(heldBy(ran)[0] ?? '', /after 40 records, but the API said 60; if X-Total-Count counts more/)
    const unfiltered = await runOnce(t, api(header), { stream: untimed(plain) })
    assertStopped(unfiltered.error, 'HR_WALK_SHORT', /after 40 records, but the API said 60/)
  })

  test('fails in the middle of a window', async (t) => {
    const all = Array.from({ length: 6 }, (_, index) => row(3601 + index))
    for (const paginate of [pageNumber({ totalPages: '/pages' }), pageNumber({ totalRecords: '/total' })]) {
      const script: Script = ({ query }) => {
        const found = all.filter(
          (each) => each.at >= String(query.get('since')) && each.at < String(query.get('until')),
        )
        const page = Number(query.get('page'))
        if (page === 4) return { json: { data: [], pages: 0, total: 0 } }
        const total = page === 1 ? Math.min(found.length, 2) : found.length
        return { json: { data: found.slice(page - 1, page), pages: total, total } }
      }
      const walked = windows({ to: 'until', size: '1h', pages: paginate })
      const plan = { startedMs: Date.UTC(2026, 0, 1, 3) }
      const ran = await runOnce(t, script, { stream: timed(walked, { start: at(0) }), plan })
      assertStopped(ran.error, 'HR_WALK_SHORT', /after 3 records, but the API said 6|before counted 3 more/)
      assert.equal(kept(ran).at(-1), at(3600))
    }
  })
})

describe('a page of no records after the list has grown, in a walk by number', () => {
  for (const [name, paginate, more] of BY_NUMBER) {
    test(`is no end beside the number itself: ${name}`, async (t) => {
      const ran = await runOnce(t, api(grown(emptiedAt(4))), { stream: untimed(paginate, more) })
      if (ran.error === undefined) {
        assert.match(heldBy(ran)[0] ?? '', /there are 6 pages, and page 5 has no records/)
        return
      }
      const { code, message } = ran.error as { code: string; message: string }
      assert.ok(['HR_WALK_SHORT', 'HR_NO_NEXT_PAGE'].includes(code), message)
      assert.match(message, /after 40 records, but the API said 60|says that there is more, but the page at offset 40/)
    })
  }

  test('is no end where its status says that it has no body, or the number is omitted', async (t) => {
    for (const [paginate, answer] of [
      [pageNumber({ totalPages: '/pages' }), { status: 204 }],
      [pageNumber({ totalRecords: '/total' }), { status: 204 }],
      [offset({ limit: SIZE, total: '/total' }), { status: 204 }],
      [pageNumber({ totalPages: { optional: '/pages' } }), { json: { data: [] } }],
      [pageNumber({ totalRecords: { optional: '/total' } }), { json: { data: [] } }],
      [offset({ limit: SIZE, total: { optional: '/total' } }), { json: { data: [] } }],
    ] as const) {
      const script: Script = (asked, number) => (number === 4 ? answer : api(grown())(asked, number))
      assertStopped((await runOnce(t, script, { stream: untimed(paginate) })).error, 'HR_WALK_SHORT', SHORT)
    }
  })

  test('is the end of one that is told by an empty page, whatever was added to its last page meanwhile', async (t) => {
    const script: Script = ({ query }) => {
      const page = Number(query.get('page'))
      const all = page === 1 ? 12 : page === 2 ? 14 : 18
      return { json: { data: rows((page - 1) * SIZE, Math.min(page * SIZE, all)), total: all } }
    }
    const ran = await runOnce(t, script, { stream: untimed(pageNumber({ stop: 'empty', total: '/total' })) })
    assert.deepEqual([ran.error, ran.attention, keysOf(ran).length], [undefined, [], 14])
  })
})

test('what is added behind any other walk is not for it to read: an empty page beside the number is its end', async (t) => {
  assert.equal(OTHERS.length, 5)
  const script: Script = ({ query }, number) => {
    const from = Number(query.get('after') ?? query.get('cursor') ?? -1) + 1
    const data = rows(from, Math.min(20, from + SIZE))
    return { json: { data, total: 20 + number * 2, next: data.length === 0 ? null : String(from + SIZE - 1) } }
  }
  for (const paginate of [
    keyset({ field: '/id', param: 'after', total: '/total' }),
    cursor({ next: '/next', param: 'cursor', total: '/total' }),
  ]) {
    const ran = await runOnce(t, script, { stream: untimed(paginate) })
    assert.deepEqual([ran.error, ran.attention, keysOf(ran).length], [undefined, [], 20])
  }
})
