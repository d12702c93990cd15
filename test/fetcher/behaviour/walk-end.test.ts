/** The end of a walk on the real stack: a page that is wrong once, and the runs after it. */
import assert from 'node:assert/strict'
import { describe, test } from 'node:test'
import { cursor, linkHeader, none, pageNumber, windows } from '#shared/index.ts'
import { type Answer, startServer } from '../../support/http.ts'
import { declareShop, instant, order, streamOf } from '../declared.ts'
import { idsOf, markersOf, ownPlace, type Place } from '../fetching.ts'

const ORDERS = Array.from({ length: 60 }, (_, index) => order(`o${index + 10}`, index))
const IDS = ORDERS.map(({ id }) => id)
const PAGE = 10
const outcomeOf = ({ summary }: Awaited<ReturnType<Place['fetchOnce']>>) => summary.partitions['shop.orders/0']
const warnings = (log: readonly string[], words: RegExp): number =>
  log
    .map((line) => JSON.parse(line) as { level: number; msg: string })
    .filter(({ level, msg }) => level === 40 && words.test(msg)).length

describe('a page that is wrong for a while', () => {
  for (const [name, wrong, firstPages] of [
    ['an error with status 200', { error: 'token expired' }, 6],
    ['the array under another name', { records: [], pages: 6 }, 6],
    ['an empty list and zeros', { data: [], pages: 0 }, 6],
    ['an empty list and zeros, after the list has grown', { data: [], pages: 0 }, 2],
  ] as const) {
    test(`fails the run and moves nothing; the runs after it bring everything: ${name}`, async (t) => {
      const place = await ownPlace(t)
      let isBroken = true
      const server = await startServer(t, ({ query }): Answer => {
        const page = Number(query.get('page'))
        if (isBroken && page === 3) return { json: wrong }
        const pages = page === 1 ? firstPages : 6
        return { json: { data: ORDERS.slice((page - 1) * PAGE, page * PAGE), pages } }
      })
      const source = declareShop({ paginate: pageNumber({ totalPages: '/pages' }) }, { baseUrl: server.url })
      const stream = streamOf(source)
      for (let run = 0; run < 2; run++) {
        assert.equal(outcomeOf(await place.fetchOnce(source))?.outcome, 'failed')
        const { done, watermark } = (await place.checkpoint(stream)) ?? {}
        assert.deepEqual([done, watermark], [false, null])
      }
      isBroken = false
      await place.fetchOnce(source)
      const last = await place.fetchOnce(source)
      assert.equal(outcomeOf(last)?.outcome, 'done')
      assert.deepEqual(new Set(idsOf(await place.entries(stream))), new Set(IDS))
      assert.equal((await place.checkpoint(stream))?.watermark, instant(59))
    })
  }

  test('holds the watermark of a whole walk in windows where the cursor is left out, says so once, and the next run moves it', async (t) => {
    const place = await ownPlace(t)
    let isBroken = true
    const server = await startServer(t, ({ query }): Answer => {
      const [since, until] = [query.get('since') ?? '', query.get('until') ?? '']
      const found = ORDERS.filter(({ updated_at }) => updated_at >= since && updated_at < until)
      const from = Number(query.get('cursor') ?? 0)
      const next = from + PAGE < found.length ? String(from + PAGE) : null
      const isCut = isBroken && from === 0 && found[0]?.id === 'o30'
      return { json: { data: found.slice(from, from + PAGE), ...(isCut ? {} : { next }) } }
    })
    const settle = `${Math.floor((Date.now() - Date.parse(instant(80))) / 1000)}s`
    const paginate = windows({
      to: 'until',
      size: '20s',
      min: '1s',
      settle,
      pages: cursor({ next: '/next', param: 'cursor' }),
    })
    const watermark = { field: 'updated_at', param: 'since', start: instant(0) }
    const source = declareShop({ paginate, watermark }, { baseUrl: server.url })
    const stream = streamOf(source)
    const held = await place.fetchOnce(source)
    assert.equal(outcomeOf(held)?.outcome, 'done')
    assert.match(outcomeOf(held)?.attention?.[0]?.message ?? '', /the watermark holds: the answer has no next cursor/)
    assert.equal(warnings(held.log, /the watermark holds/), 1)
    assert.equal((await place.checkpoint(stream))?.watermark, instant(20))
    assert.equal(markersOf(await place.entries(stream)).at(-1)?.watermark, null)
    assert.equal(new Set(idsOf(await place.entries(stream))).size, 50)

    isBroken = false
    const whole = await place.fetchOnce(source)
    assert.deepEqual([outcomeOf(whole)?.outcome, outcomeOf(whole)?.attention], ['done', undefined])
    assert.deepEqual(new Set(idsOf(await place.entries(stream))), new Set(IDS))
    assert.ok(((await place.checkpoint(stream))?.watermark ?? '') >= instant(60))
  })
})

test('a total that was true before most records were deleted stops no stream for good', async (t) => {
  const place = await ownPlace(t)
  let all = ORDERS
  const server = await startServer(t, ({ query }): Answer => {
    const page = Number(query.get('page'))
    const data = all.slice((page - 1) * PAGE, page * PAGE)
    if (page === 2) all = ORDERS.slice(0, 5)
    return { json: { data, pages: data.length === 0 ? 0 : Math.ceil(all.length / PAGE) } }
  })
  const source = declareShop({ paginate: pageNumber({ totalPages: '/pages' }) }, { baseUrl: server.url })
  const outcomes: unknown[] = []
  for (let run = 0; run < 2; run++) outcomes.push(outcomeOf(await place.fetchOnce(source))?.outcome)
  assert.equal(outcomes.at(-1), 'done')
  assert.equal((await place.checkpoint(streamOf(source)))?.done, true)
})

test('far fewer records than the last complete walk brought are warned of, also by another process', async (t) => {
  const place = await ownPlace(t)
  let all = ORDERS
  const server = await startServer(t, () => ({ json: { data: all } }))
  const source = declareShop({ paginate: none(), watermark: undefined }, { baseUrl: server.url })
  const told: number[] = []
  for (const count of [60, 55, 20, 20]) {
    all = ORDERS.slice(0, count)
    const fetched = await place.fetchOnce(source)
    assert.equal(outcomeOf(fetched)?.outcome, 'done')
    told.push(warnings(fetched.log, /the last complete one/))
  }
  assert.deepEqual(told, [0, 0, 1, 0])
})

test('a page of exactly the requested size without a sign of a next one is warned of in each run, once', async (t) => {
  const place = await ownPlace(t)
  const server = await startServer(t, () => ({ json: { data: ORDERS.slice(0, PAGE) } }))
  const source = declareShop({ paginate: linkHeader(), params: { _limit: PAGE } }, { baseUrl: server.url })
  for (let run = 0; run < 2; run++) {
    const fetched = await place.fetchOnce(source)
    assert.equal(outcomeOf(fetched)?.outcome, 'done')
    assert.equal(warnings(fetched.log, /exactly the requested 10 records/), 1)
  }
})
