/** The end of a walk that contradicts what the walk has learned of its own size. */
import assert from 'node:assert/strict'
import { describe, test } from 'node:test'
import { cursor, keyset, linkHeader, nextUrl, none, offset, pageNumber, windows } from '#shared/index.ts'
import {
  api,
  at,
  declared,
  emptiedAt,
  type Glitch,
  heldBy,
  row,
  rows,
  SIZE,
  timed,
  untimed,
  zerosAt,
} from './counting-api.ts'
import { confirmed, kept, keysOf, runOnce } from './paginators/running.ts'
import { assertStopped, type Script, walk } from './paginators/walking.ts'

const zeros = zerosAt(2)
const emptied = emptiedAt(2)

describe('an end short of the total that the walk has seen', () => {
  for (const [name, paginate, more] of declared) {
    for (const [what, glitch] of [
      ['no records and zeros', zeros],
      ['no records beside the total', emptied],
    ] as const) {
      test(`fails the run, and the next one brings the rest: ${name}, ${what}`, async (t) => {
        const stream = untimed(paginate, more)
        const ran = await runOnce(t, api(glitch), { stream })
        const stored = JSON.parse(JSON.stringify(ran.put.at(-1)?.checkpoint))
        if (ran.error === undefined) {
          // Its last page is the last one of the API all the same: nothing is lost where the watermark holds.
          assert.match(heldBy(ran)[0] ?? '', /the answer says that there are 6 pages, and page 3 has no records/)
          return
        }
        const { code, message } = ran.error as { code: string; message: string }
        assert.ok(['HR_WALK_SHORT', 'HR_NO_NEXT_PAGE'].includes(code), message)
        assert.match(
          message,
          /the walk ended (after (20|50)|at page 3).*, but the API said (60|6 pages)|says that there is more, but|page 3 is empty after 20 records, but the API said 60/,
        )
        assert.equal(stored.done, false)
        // The links of the next server name another port.
        if (stored.cursor.toString().startsWith('http')) return
        const rest = await runOnce(t, api(), { stream, plan: stored })
        const again = rest.result?.refused == null ? rest : await runOnce(t, api(), { stream })
        assert.deepEqual([again.error, new Set([...keysOf(ran), ...keysOf(again)]).size], [undefined, 60])
      })
    }

    test(`is none where the walk comes to it: ${name}`, async (t) => {
      const ran = await runOnce(t, api(), { stream: untimed(paginate, more) })
      assert.deepEqual([ran.error, ran.attention, keysOf(ran).length], [undefined, [], 60])
    })

    test(`is none where records are deleted or added meanwhile: ${name}`, async (t) => {
      for (const all of [51, 75]) {
        const ran = await runOnce(
          t,
          api((number) => (number >= 2 ? { all } : {})),
          { stream: untimed(paginate, more) },
        )
        assert.deepEqual([ran.error, ran.attention, keysOf(ran).length], [undefined, [], all])
      }
    })
  }

  test('only warns where the total is declared as inexact, and ends no walk by it', async (t) => {
    const estimate = { at: '/total', exact: false } as const
    const pages = { at: '/pages', exact: false } as const
    for (const paginate of [
      pageNumber({ totalPages: pages }),
      pageNumber({ totalRecords: estimate }),
      pageNumber({ stop: 'empty', total: estimate }),
      offset({ limit: SIZE, total: estimate }),
      cursor({ next: '/next', param: 'cursor', total: estimate }),
      keyset({ field: '/id', param: 'after', total: estimate }),
    ]) {
      const more = await walk(
        t,
        paginate,
        api(() => ({ total: 90 })),
      )
      assert.equal(more.error, undefined)
      assert.equal(more.pages.flatMap(({ records }) => records).length, 60)
      assert.match(more.pages.at(-1)?.cautions?.[0]?.says ?? '', /the walk ended .* but the API said (90|9 pages)/)
      const capped = await walk(
        t,
        paginate,
        api(() => ({ total: 20 })),
      )
      assert.deepEqual(
        [capped.error, capped.pages.flatMap(({ records }) => records).length],
        [undefined, 60],
        'a capped total ends no walk',
      )
    }
  })

  test('is compared after a restart in mid-walk too; a checkpoint that did not count yet is not held against the walk', async (t) => {
    const stream = untimed(cursor({ next: '/next', param: 'cursor', total: '/total' }))
    const whole = await runOnce(t, api(), { stream })
    const stored = JSON.parse(JSON.stringify(whole.put[3]?.checkpoint))
    assert.deepEqual(stored.size, { longest: 10, read: 40, total: 60 })
    const later =
      (glitch: Glitch): Script =>
      (asked, number) =>
        api(glitch)(asked, number + 4)
    assert.equal(
      (
        await runOnce(
          t,
          later(() => ({})),
          { stream, plan: stored },
        )
      ).error,
      undefined,
    )
    const cut: Glitch = (number) => (number === 5 ? { empty: true, total: 0 } : {})
    assertStopped(
      (await runOnce(t, later(cut), { stream, plan: stored })).error,
      'HR_WALK_SHORT',
      /after 50 records, but the API said 60/,
    )
    const { size: _, ...older } = stored
    assert.equal((await runOnce(t, later(cut), { stream, plan: older })).error, undefined)
  })

  test('on the very page that a run resumes with sends it back to its best watermark, since what was learned may be out of date', async (t) => {
    const stream = timed(cursor({ next: '/next', param: 'cursor', total: '/total' }), { sorted: true })
    const whole = await runOnce(t, api(), { stream })
    const plan = JSON.parse(JSON.stringify(whole.put[2]?.checkpoint))
    const ran = await runOnce(t, () => ({ json: { data: [], next: null, total: 0 } }), { stream, plan })
    assert.equal(ran.error, undefined)
    assert.deepEqual(
      [ran.put.length, (ran.result?.refused as { code?: string } | null)?.code, ran.result?.watermark],
      [0, 'HR_WALK_SHORT', at(29)],
    )
  })

  test('counts what an overlap or an inclusive key brings again only once', async (t) => {
    const inclusive: Script = ({ query }, number) => {
      const from = Number(query.get('after') ?? 0)
      return { json: { data: number === 3 ? [row(from)] : rows(from, Math.min(60, from + SIZE)), total: 60 } }
    }
    const byKey = keyset({
      field: '/id',
      param: 'after',
      inclusive: true,
      size: { param: 'limit', value: SIZE },
      total: '/total',
    })
    assertStopped((await walk(t, byKey, inclusive)).error, 'HR_WALK_SHORT', /after 28 records, but the API said 60/)
    const whole = await walk(t, byKey, (asked) => inclusive(asked, 0))
    assert.equal(whole.error, undefined)
    const overlapping = offset({ limit: SIZE, overlap: 5, total: { at: '/total', exact: true } })
    assert.equal((await walk(t, overlapping, api())).error, undefined)
    const stops = offset({ limit: SIZE, overlap: 5, stop: 'short' })
    const short: Glitch = (number) => ({ all: number >= 3 ? 22 : 60, header: 60 })
    assertStopped(
      (await walk(t, stops, api(short), { stream: { params: {} } })).error,
      'HR_WALK_SHORT',
      /but the API said 60/,
    )
  })

  test('is found window by window, and holds the watermark in front of that window', async (t) => {
    const paginate = windows({ to: 'until', size: '1h', pages: pageNumber({ totalPages: '/pages' }) })
    const script =
      (glitch: boolean): Script =>
      ({ query }) => {
        const all = [row(1), row(2), row(3), row(3601), row(3602), row(3603)]
        const found = all.filter(
          (each) => each.at >= String(query.get('since')) && each.at < String(query.get('until')),
        )
        const page = Number(query.get('page'))
        const isCut = glitch && page === 2 && query.get('since')?.startsWith('2026-01-01T01') === true
        return { json: isCut ? { data: [], pages: 0 } : { data: found.slice(page - 1, page), pages: found.length } }
      }
    const stream = timed(paginate, { start: at(0) })
    const plan = { startedMs: Date.UTC(2026, 0, 1, 2) }
    const ran = await runOnce(t, script(true), { stream, plan })
    assertStopped(ran.error, 'HR_WALK_SHORT', /at page 2, but the API said 3 pages/)
    assert.equal(kept(ran).at(-1), at(3600))
    const whole = await runOnce(t, script(false), { stream, plan })
    assert.deepEqual([whole.error, keysOf(whole).length, heldBy(whole)], [undefined, 6, []])
  })
})

describe('a number that is lower than what its page shows', () => {
  const counts = [
    ['pages', pageNumber({ totalPages: '/pages' })],
    ['records', pageNumber({ totalRecords: '/total' })],
    ['records, by offset', offset({ limit: SIZE, total: '/total' })],
  ] as const
  for (const [name, paginate] of counts) {
    test(`ends no walk that was told more: ${name}`, async (t) => {
      for (const total of [0, 5, 15]) {
        const ran = await runOnce(
          t,
          api((number) => (number === 2 ? { total } : {})),
          { stream: timed(paginate) },
        )
        assertStopped(ran.error, 'HR_WALK_SHORT', /but the API said (60|6 pages)/)
      }
    })

    test(`holds the watermark on the first page: ${name}`, async (t) => {
      const ran = await runOnce(
        t,
        api(() => ({ total: 0 })),
        { stream: timed(paginate) },
      )
      assert.equal(ran.error, undefined)
      assert.match(heldBy(ran)[0] ?? '', /the answer says that there are 0 /)
      assert.deepEqual(kept(ran), [null])
    })
  }
})

describe('an X-Total-Count that nobody declared', () => {
  const plain = cursor({ next: '/next', param: 'cursor' })

  test('fails the run that ends short of it, where the request asks for everything', async (t) => {
    for (const [paginate, params] of [
      [plain, {}],
      [linkHeader(), { per_page: 10, sort: 'id' }],
      [none(), { _limit: 10 }],
    ] as const) {
      const ran = await runOnce(
        t,
        api((number) => (number === 2 ? { empty: true, header: 0 } : { header: 60 })),
        { stream: untimed(paginate, { params }) },
      )
      assertStopped(ran.error, 'HR_WALK_SHORT', /after (10|20) records, but the API said 60/)
      assert.match((ran.error as { hint?: string }).hint ?? '', /ignore it: total: false in paginate/)
    }
  })

  test('holds the watermark where the request leaves something out, since the header may count all', async (t) => {
    const plan = { from: at(0), watermark: at(0), seen: at(0) }
    const ran = await runOnce(
      t,
      api(() => ({ header: 5_000 })),
      { stream: timed(plain), plan },
    )
    assert.equal(ran.error, undefined)
    assert.deepEqual([keysOf(ran).length, confirmed(ran).at(-1), kept(ran).at(-1)], [60, null, at(0)])
    assert.match(heldBy(ran)[0] ?? '', /the watermark holds: the walk ended after 60 records, but the API said 5000/)
  })

  test('may count all behind a watermark parameter of any name', async (t) => {
    const plan = { from: at(0), watermark: at(0), seen: at(0) }
    const stream = timed(plain, { param: 'start' })
    const ran = await runOnce(
      t,
      api(() => ({ header: 5_000, all: 5 })),
      { stream, plan },
    )
    assert.deepEqual([ran.error, kept(ran).at(-1)], [undefined, at(4)])
  })

  test('only warns where the page is an end of its own, so that a header that counts all holds no stream up for ever', async (t) => {
    const plan = { from: at(0), watermark: at(0), seen: at(0) }
    for (const [all, paginate] of [
      [5, plain],
      [0, plain],
      [25, plain],
      [25, linkHeader()],
    ] as const) {
      const ran = await runOnce(
        t,
        api(() => ({ header: 5_000, all })),
        { stream: timed(paginate), plan },
      )
      assert.deepEqual([ran.error, ran.attention, kept(ran).at(-1)], [undefined, [], at(Math.max(0, all - 1))])
    }
  })

  test('holds the watermark in front of a window that is empty beside it, where it counted windows before, and not where it counts all', async (t) => {
    const paginate = windows({ to: 'until', size: '1h', pages: { kind: 'none' } as const })
    const script =
      (header: number | null, emptied: string): Script =>
      ({ query }) => {
        const found = [row(1), row(2), row(3601), row(7201)].filter(
          (each) => each.at >= String(query.get('since')) && each.at < String(query.get('until')),
        )
        const isEmptied = query.get('since')?.startsWith(emptied) === true
        return { json: { data: isEmptied ? [] : found }, headers: { 'X-Total-Count': header ?? found.length } }
      }
    const stream = timed(paginate, { start: at(0) })
    const plan = { startedMs: Date.UTC(2026, 0, 1, 4) }
    const emptied = await runOnce(t, script(null, '2026-01-01T01'), { stream, plan })
    assert.match(heldBy(emptied)[0] ?? '', /after 0 records, but the API said 1; if X-Total-Count counts more/)
    assert.equal(kept(emptied).at(-1), at(3600))
    const ofAll = await runOnce(t, script(5_000, 'none'), { stream, plan })
    assert.deepEqual([ofAll.error, heldBy(ofAll)], [undefined, []])
    assert.ok((kept(ofAll).at(-1) ?? '') > at(10_800), 'past the empty window')
  })

  test('is left alone where the declaration says so, and may be declared as an estimate', async (t) => {
    const plan = { from: at(0), watermark: at(0), seen: at(0) }
    for (const total of [false, { header: 'X-Total-Count', exact: false }] as const) {
      const stream = timed(cursor({ next: '/next', param: 'cursor', total }))
      const ran = await runOnce(
        t,
        api(() => ({ header: 5_000 })),
        { stream, plan },
      )
      assert.deepEqual([ran.error, ran.attention, kept(ran).at(-1)], [undefined, [], at(59)])
    }
    const header = timed(cursor({ next: '/next', param: 'cursor', total: { header: 'X-Total-Count' } }))
    assertStopped(
      (
        await runOnce(
          t,
          api(() => ({ header: 5_000 })),
          { stream: header, plan },
        )
      ).error,
      'HR_WALK_SHORT',
      /said 5000/,
    )
  })
})

describe('a flag that promises more', () => {
  for (const [name, paginate] of [
    ['cursor', cursor({ next: '/next', param: 'cursor', hasMore: '/more' })],
    ['page number', pageNumber({ hasMore: '/more' })],
    ['offset', offset({ limit: SIZE, hasMore: '/more' })],
    ['key', keyset({ field: '/id', param: 'after', hasMore: '/more' })],
  ] as const) {
    test(`and is followed by a last page without records holds the watermark: ${name}`, async (t) => {
      const ran = await runOnce(t, api(zeros), { stream: timed(paginate) })
      assert.equal(ran.error, undefined)
      assert.match(heldBy(ran)[0] ?? '', /the page before said that there is more, and this page has no records/)
      assert.deepEqual([confirmed(ran).at(-1), kept(ran).at(-1)], [null, null])
      const whole = await runOnce(t, api(), { stream: timed(paginate) })
      assert.deepEqual([heldBy(whole), kept(whole).at(-1)], [[], at(59)])
    })
  }
})

test('a walk over everything that brings far fewer records than the last complete one is warned of', async (t) => {
  const stream = untimed(pageNumber({ stop: 'empty' }))
  const told = async (all: number, whole?: number) => {
    const ran = await runOnce(t, api(undefined, { all }), { stream, plan: { whole } })
    assert.equal(ran.error, undefined)
    assert.equal(ran.put.at(-1)?.checkpoint.whole, all)
    return ran.cautions.filter(({ about }) => about === 'fewer').map(({ says }) => says)
  }
  assert.deepEqual(await told(60), [])
  assert.deepEqual(await told(50, 60), [])
  assert.deepEqual(await told(60, 40), [])
  assert.match((await told(40, 60))[0] ?? '', /this run read 40 records, the last complete one 60/)
  assert.equal((await told(0, 3)).length, 1)
})

describe('a page of exactly the requested size without a sign of a next one', () => {
  const full: Script = () => ({ json: { data: rows(0, SIZE) } })

  test('is told, as the list may be cut; a shorter page, a sign or a total that agrees is not', async (t) => {
    const cautions = async (paginate: unknown, params: Record<string, unknown>, script: Script = full) =>
      (await walk(t, paginate, script, { stream: { params } })).pages.at(-1)?.cautions?.map(({ about }) => about)
    for (const name of [
      'limit',
      '_limit',
      'per_page',
      'page_size',
      'pageSize',
      'size',
      'first',
      'max_results',
      'page[size]',
      'perPage',
    ]) {
      assert.deepEqual(await cautions(linkHeader(), { [name]: SIZE }), ['full_page'], name)
    }
    assert.deepEqual(await cautions(none(), { limit: SIZE }), ['full_page'])
    assert.deepEqual(await cautions(nextUrl({ next: { optional: '/next' }, size: SIZE }), {}), ['full_page'])
    assert.deepEqual(await cautions(linkHeader(), {}), [])
    assert.deepEqual(await cautions(linkHeader(), { limit: SIZE + 1 }), [])
    const first: Script = () => ({ json: { data: rows(0, SIZE) }, headers: { link: '</orders>; rel="first"' } })
    assert.deepEqual(await cautions(linkHeader(), { limit: SIZE }, first), [])
    const counted: Script = () => ({ json: { data: rows(0, SIZE) }, headers: { 'x-total-count': SIZE } })
    assert.deepEqual(await cautions(linkHeader(), { limit: SIZE }, counted), [])
  })
})
