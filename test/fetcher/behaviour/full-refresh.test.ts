import assert from 'node:assert/strict'
import { describe, test } from 'node:test'
import { z } from '#shared/index.ts'
import { startApi } from '../../support/api.ts'
import { declareShop, instant, order, orderSchema, streamOf } from '../declared.ts'
import { idsOf, markersOf, ownPlace, type Place } from '../fetching.ts'

const sorted = (isSorted = true) => ({ field: 'updated_at', param: 'since', sorted: isSorted })
const orders = (count: number) => Array.from({ length: count }, (_, at) => order(`o${at}`, at))
const ALL = { full: true }
const newPages = async (place: Place, stream: Parameters<Place['entries']>[0], before: number) =>
  (await place.entries(stream)).slice(before)

/** Ends the run when the API is asked for the `number`th page: that page is still published. */
function stopsAt(api: Awaited<ReturnType<typeof startApi>>, number: number): AbortSignal {
  const stop = new AbortController()
  api.forget()
  api.script = (_, asked) => {
    if (asked === number) stop.abort()
    return undefined
  }
  return stop.signal
}

describe('a full run', () => {
  test('publishes everything from the start again, and leaves checkpoint and watermark as a regular run does', async (t) => {
    for (const isSorted of [true, false]) {
      const place = await ownPlace(t)
      const api = await startApi(t, { pageSize: 2, sorted: isSorted })
      api.put(...orders(5))
      const source = declareShop({ watermark: sorted(isSorted) }, { baseUrl: api.url })
      const stream = streamOf(source)
      await place.fetchOnce(source)
      const before = (await place.entries(stream)).length
      // Changed without a word of the field: only a full run sees it.
      api.put(order('o1', 1, 99), order('o5', 5))
      api.forget()

      const { summary } = await place.fetchOnce(source, undefined, ALL)
      assert.equal(api.log[0]?.since, null)
      const pages = await newPages(place, stream, before)
      assert.deepEqual(idsOf(pages), ['o0', 'o1', 'o2', 'o3', 'o4', 'o5'])
      assert.deepEqual([summary.records, summary.unchanged], [6, 0])
      const marks = markersOf(pages).map(({ watermark }) => watermark)
      assert.deepEqual(marks, isSorted ? [instant(4), instant(4), instant(5)] : [null, null, instant(5)])
      const checkpoint = await place.checkpoint(stream)
      assert.deepEqual([checkpoint?.done, checkpoint?.watermark, checkpoint?.full], [true, instant(5), undefined])

      api.forget()
      const next = await place.fetchOnce(source)
      assert.equal(api.log[0]?.since, instant(5).replace('Z', '.000Z'))
      assert.deepEqual([next.summary.records, next.summary.unchanged], [0, 1])
    }
  })

  test('that was interrupted goes on at its cursor, as a full one, and no marker falls behind what was confirmed', async (t) => {
    const place = await ownPlace(t)
    const api = await startApi(t, { pageSize: 2 })
    api.put(...orders(8))
    const source = declareShop({ watermark: sorted() }, { baseUrl: api.url })
    const stream = streamOf(source)
    await place.fetchOnce(source)
    const before = (await place.entries(stream)).length

    const { summary } = await place.fetchOnce(source, stopsAt(api, 2), ALL)
    assert.equal(summary.partitions['shop.orders/0']?.outcome, 'stopped')
    const halfway = await place.checkpoint(stream)
    assert.deepEqual(
      [halfway?.page, halfway?.done, halfway?.watermark, halfway?.full],
      [2, false, instant(7), { reached: instant(3) }],
    )

    // A regular run that comes in between ends the full one.
    await place.fetchOnce(source, stopsAt(api, 1))
    assert.notEqual(api.log[0]?.cursor, null)
    assert.deepEqual((await place.checkpoint(stream))?.full, { reached: instant(5) })

    api.script = undefined
    api.forget()
    await place.fetchOnce(source, undefined, ALL)
    assert.equal(api.log.length, 1)
    const pages = await newPages(place, stream, before)
    assert.deepEqual(idsOf(pages), idsOf(await place.entries(stream)).slice(0, 8))
    assert.deepEqual(
      markersOf(pages).map(({ watermark, page }) => [page, watermark]),
      [1, 2, 3, 4].map((page) => [page, instant(7)]),
    )
    assert.deepEqual((await place.checkpoint(stream))?.done, true)
  })

  test('whose cursor is refused goes on from what it has walked itself, not from the watermark before it', async (t) => {
    for (const isSorted of [true, false]) {
      const place = await ownPlace(t)
      const api = await startApi(t, { pageSize: 2 })
      api.put(...orders(8))
      const source = declareShop({ watermark: sorted(isSorted) }, { baseUrl: api.url })
      const stream = streamOf(source)
      await place.fetchOnce(source)
      const before = (await place.entries(stream)).length
      api.forget()
      api.script = (_, number) => (number === 3 ? { status: 410, json: {} } : undefined)
      await place.fetchOnce(source, undefined, ALL)
      const ids = idsOf(await newPages(place, stream, before))
      assert.deepEqual(new Set(ids).size, 8)
      assert.deepEqual(api.log[3]?.since, isSorted ? instant(3).replace('Z', '.000Z') : null)
      assert.equal((await place.checkpoint(stream))?.watermark, instant(7))
    }
  })

  test('takes the partitions from a fetcher that runs, and gives them back', async (t) => {
    const place = await ownPlace(t)
    const api = await startApi(t, { pageSize: 2 })
    const partitions = ['eu', 'us', 'as'].map((region) => ({ region }))
    const records = partitions.flatMap(({ region }) =>
      orders(3).map((each) => ({ ...each, id: `${region}-${each.id}`, region })),
    )
    api.put(...records)
    const schema = orderSchema.extend({ region: z.string() })
    const source = declareShop({ watermark: sorted(), schema, partitions, every: '200ms' }, { baseUrl: api.url })
    const stream = streamOf(source)
    const service = place.startFetcher(source)
    await service.ready
    const all = async () => (await Promise.all([0, 1, 2].map((partition) => place.entries(stream, partition)))).flat()
    await until('the service has fetched everything', async () => idsOf(await all()).length >= 9)

    const { summary } = await place.fetchOnce(
      declareShop({ watermark: sorted(), schema, partitions }, { baseUrl: api.url }),
      undefined,
      ALL,
    )
    assert.equal(summary.records, 9)
    assert.deepEqual(
      Object.values(summary.partitions).map(({ outcome }) => outcome),
      ['done', 'done', 'done'],
    )
    api.put({ ...order('late', 9), region: 'us' } as never)
    await until('the service goes on', async () => idsOf(await all()).includes('late'))
    await service.stop()
  })
})

async function until(what: string, done: () => Promise<boolean>): Promise<void> {
  const end = Date.now() + 60_000
  while (!(await done())) {
    if (Date.now() > end) throw new Error(`never: ${what}`)
    await new Promise((resolve) => setTimeout(resolve, 100))
  }
}
