/**
 * Ways of paging on the real stack: where an interrupted run goes on, and what is said when records move under a walk.
 */
import assert from 'node:assert/strict'
import { describe, test } from 'node:test'
import { generator, none, offset, windows } from '#shared/index.ts'
import { type Answer, type Asked, startServer } from '../../support/http.ts'
import { asksFrom, declareShop, instant, order, streamOf } from '../declared.ts'
import { idsOf, markersOf, ownPlace } from '../fetching.ts'

const refused: Answer = { status: 403, json: {} }

describe('an interrupted run', () => {
  test('in windows goes on at its window, and the watermark stands at the end of the last one that was finished', async (t) => {
    const place = await ownPlace(t)
    const all = [35, 5, 95, 65].map((second) => order(`o${second}`, second))
    let broken = true
    const server = await startServer(t, ({ query }, number) => {
      const [since, until] = [query.get('since') ?? '', query.get('until') ?? '']
      if (broken && number === 2) return refused
      return { json: { data: all.filter(({ updated_at }) => updated_at >= since && updated_at < until) } }
    })
    // What came later than some minutes after the start has not settled, so that the walk is over after a few windows.
    const settle = `${Math.floor((Date.now() - Date.parse(instant(150))) / 1000)}s`
    const paginate = windows({ to: 'until', size: '30s', min: '1s', settle, pages: none() })
    const source = declareShop(
      { paginate, watermark: { field: 'updated_at', param: 'since', start: instant(0) } },
      { baseUrl: server.url },
    )
    const stream = streamOf(source)

    await place.fetchOnce(source)
    const stopped = await place.checkpoint(stream)
    assert.deepEqual([stopped?.done, stopped?.watermark, stopped?.page], [false, instant(60), 2])
    assert.deepEqual(idsOf(await place.entries(stream)), ['o5', 'o35'])

    broken = false
    const before = server.requests.length
    await place.fetchOnce(source)
    assert.equal(server.requests[before]?.query.get('since'), asksFrom(60))
    assert.deepEqual(idsOf(await place.entries(stream)), ['o5', 'o35', 'o65', 'o95'])
    const marks = markersOf(await place.entries(stream)).map(({ watermark }) => watermark)
    assert.deepEqual(marks.slice(0, 4), [30, 60, 90, 120].map(instant))
  })

  test("of an author's own walk without cursors starts again, and publishes nothing twice", async (t) => {
    const place = await ownPlace(t)
    const pages = [[order('a', 1)], [order('b', 2)], [order('c', 3)]]
    let broken = true
    const server = await startServer(t, ({ query }: Asked) => {
      const page = Number(query.get('page'))
      return broken && page === 2 ? refused : { json: { data: pages[page] } }
    })
    const paginate = generator(async function* ({ request }) {
      for (const page of pages.keys())
        yield { records: (await request<{ data: unknown[] }>({ params: { page } })).body.data }
    })
    const source = declareShop({ paginate }, { baseUrl: server.url })
    const stream = streamOf(source)
    const { summary } = await place.fetchOnce(source)
    assert.equal(summary.partitions['shop.orders/0']?.outcome, 'failed')
    assert.equal((await place.checkpoint(stream))?.done, false)

    broken = false
    await place.fetchOnce(source)
    assert.deepEqual(
      server.requests.map(({ query }) => query.get('page')),
      ['0', '1', '2', '0', '1', '2'],
    )
    assert.deepEqual(idsOf(await place.entries(stream)), ['a', 'b', 'c'])
    const last = await place.checkpoint(stream)
    assert.deepEqual([last?.done, last?.watermark], [true, instant(3)])
  })
})

test('records that move under an offset walk are gone back for, counted and said; what offsets cannot promise is said once', async (t) => {
  const place = await ownPlace(t)
  const all = Array.from({ length: 30 }, (_, second) => order(`o${second}`, second))
  let rows = all
  const server = await startServer(t, ({ query }, number) => {
    if (number === 2) rows = all.slice(9)
    const from = Number(query.get('offset'))
    return { json: { data: rows.slice(from, from + 10) } }
  })
  const source = declareShop({ paginate: offset({ limit: 10, overlap: 2 }) }, { baseUrl: server.url })
  const { log, metrics, summary } = await place.fetchOnce(source)
  assert.equal(summary.partitions['shop.orders/0']?.outcome, 'done')
  assert.deepEqual(new Set(idsOf(await place.entries(streamOf(source)))), new Set(all.map(({ id }) => id)))
  const said = (words: RegExp) => log.filter((line) => words.test(line)).length
  assert.equal(said(/records shifted by more than `overlap`/), 1)
  assert.equal(said(/up to 2 records may be deleted between two pages/), 1)
  assert.match(await metrics.registry.metrics(), /headrace_fetcher_walk_shifts_total\{[^}]*\} 1/)
})
