import assert from 'node:assert/strict'
import { describe, test } from 'node:test'
import { setTimeout as sleep } from 'node:timers/promises'
import { startApi } from '../../support/api.ts'
import { declareShop, order, streamOf } from '../declared.ts'
import { idsOf, markersOf, ownPlace } from '../fetching.ts'

const MINUTE_MS = 60_000
const NOW_MS = Date.now()
const minutesAgo = (minutes: number): string => new Date(NOW_MS - minutes * MINUTE_MS).toISOString()
const at = (id: string, minutes: number) => ({ ...order(id), updated_at: minutesAgo(minutes) })
const byTime = (text: string | null | undefined) => Date.parse(text ?? '')

describe('records that are given time to settle', () => {
  test('are published at once, but the watermark stays behind them, and those that come late among them are found', async (t) => {
    for (const sorted of [true, false]) {
      const place = await ownPlace(t)
      const api = await startApi(t, { pageSize: 2 })
      api.put(at('old', 60), at('b', 50), at('c', 4), at('d', 2))
      const source = declareShop(
        { watermark: { field: 'updated_at', param: 'since', sorted, settle: '30m' } },
        { baseUrl: api.url },
      )
      const stream = streamOf(source)
      await place.fetchOnce(source)
      const entries = await place.entries(stream)
      assert.deepEqual(idsOf(entries), ['old', 'b', 'c', 'd'])
      // Behind the start of the run by thirty minutes; later than that only by what the run itself took.
      const reached = (await place.checkpoint(stream))?.watermark
      assert.ok(
        byTime(reached) >= byTime(minutesAgo(50)) && byTime(reached) <= byTime(minutesAgo(0)) - 29 * MINUTE_MS,
        String(reached),
      )
      assert.equal(markersOf(entries).at(-1)?.watermark, reached)

      api.forget()
      api.put(at('late', 3))
      const { summary } = await place.fetchOnce(source)
      assert.equal(api.log[0]?.since, new Date(byTime(reached)).toISOString())
      assert.deepEqual(idsOf(await place.entries(stream)).slice(4), ['late'])
      assert.equal(summary.unchanged, 2)
    }
  })

  test('are not asked for where the API takes an end', async (t) => {
    const place = await ownPlace(t)
    const api = await startApi(t, { pageSize: 2 })
    api.put(at('old', 60), at('b', 50), at('c', 45), at('d', 4))
    const watermark = { field: 'updated_at', param: 'since', sorted: true, settle: '30m', to: 'until' }
    const source = declareShop({ watermark }, { baseUrl: api.url })
    const stream = streamOf(source)
    await place.fetchOnce(source)
    assert.deepEqual(idsOf(await place.entries(stream)), ['old', 'b', 'c'])
    const checkpoint = await place.checkpoint(stream)
    assert.equal(byTime(checkpoint?.watermark), byTime(minutesAgo(45)))
    const ends = new Set(api.log.map(({ values }) => values.until))
    assert.deepEqual([...ends], [new Date((checkpoint?.startedMs ?? 0) - 30 * MINUTE_MS).toISOString()])
  })
})

describe('records that come late within the lookback', () => {
  test('are found by the next run, also when they come behind a sorted walk that goes on for longer than the lookback', async (t) => {
    const place = await ownPlace(t)
    const api = await startApi(t, { pageSize: 2 })
    const begunMs = Date.now()
    const after = (id: string, ms: number) => ({ ...order(id), updated_at: new Date(begunMs + ms).toISOString() })
    api.put(at('old', 60), at('older', 59), after('a', 200), after('b', 210), after('c', 220))
    api.script = async (_, number) => {
      if (number !== 3) return undefined
      // Longer than the lookback, and than the second by which an API's date is known.
      await sleep(2_500)
      api.put(after('late', 100), { ...order('new'), updated_at: new Date().toISOString() })
      return undefined
    }
    const source = declareShop(
      { watermark: { field: 'updated_at', param: 'since', sorted: true, lookback: '200ms' } },
      { baseUrl: api.url },
    )
    const stream = streamOf(source)
    await place.fetchOnce(source)
    assert.deepEqual(idsOf(await place.entries(stream)), ['old', 'older', 'a', 'b', 'c', 'new'])
    await place.fetchOnce(source)
    assert.deepEqual(idsOf(await place.entries(stream)).slice(6), ['late'])
  })
})
