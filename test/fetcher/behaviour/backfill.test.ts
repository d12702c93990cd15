import assert from 'node:assert/strict'
import { describe, test } from 'node:test'
import { WrongUse } from '#shared/errors.ts'
import { windows, z } from '#shared/index.ts'
import { startApi } from '../../support/api.ts'
import { declareShop, instant, order, orderSchema, STREAM, streamOf } from '../declared.ts'
import { type Entry, idsOf, markersOf, ownPlace } from '../fetching.ts'

const SORTED = { field: 'updated_at', param: 'since', sorted: true }
const orders = (count: number) => Array.from({ length: count }, (_, at) => order(`o${at}`, at))
const range = (from: number, to: number, again = false) => ({ range: { from: instant(from), to: instant(to), again } })
const withMs = (second: number) => instant(second).replace('Z', '.000Z')
const named = (from: number, to: number) => Array.from({ length: to - from }, (_, at) => `o${from + at}`)
const marksOf = (entries: Entry[]) => new Set(markersOf(entries).map(({ watermark }) => watermark))

describe('a backfill', () => {
  test('publishes what lies in the range, all of it, and moves neither checkpoint nor watermark', async (t) => {
    const ways = [
      { watermark: SORTED, ends: [null] },
      { watermark: { ...SORTED, to: 'until' }, ends: [withMs(7)] },
      { watermark: { ...SORTED, sorted: false }, isSorted: false, ends: [null] },
    ]
    for (const { watermark, isSorted = true, ends } of ways) {
      const place = await ownPlace(t)
      const api = await startApi(t, { pageSize: 2, sorted: isSorted })
      api.put(...orders(12))
      const source = declareShop({ watermark: { ...watermark, lookback: '3s' } }, { baseUrl: api.url })
      const stream = streamOf(source)
      await place.fetchOnce(source)
      const [before, entries] = [await place.checkpoint(stream), await place.entries(stream)]

      api.forget()
      const { summary } = await place.fetchOnce(source, undefined, range(3, 7))
      const added = (await place.entries(stream)).slice(entries.length)
      assert.deepEqual(idsOf(added), named(3, 7))
      assert.deepEqual(marksOf(added), new Set([null]))
      assert.equal(markersOf(added).at(-1)?.last, true)
      assert.deepEqual(await place.checkpoint(stream), before)
      assert.deepEqual(api.log[0]?.since, withMs(3))
      assert.deepEqual([...new Set(api.log.map(({ values }) => values.until ?? null))], ends)
      // In order of the field it is walked up to the page that passes the end, otherwise to the API's end.
      assert.equal(api.log.length, isSorted ? (ends[0] === null ? 3 : 2) : 5)
      const { outcome, records } = summary.partitions['shop.orders/0'] ?? {}
      assert.deepEqual([outcome, records, summary.unchanged], ['done', 4, 0])

      api.forget()
      const again = await place.fetchOnce(source, undefined, range(3, 7))
      assert.deepEqual(
        [again.summary.partitions['shop.orders/0']?.already, again.summary.pages, api.log.length],
        [true, 0, 0],
      )
      await place.fetchOnce(source, undefined, range(3, 7, true))
      assert.deepEqual(idsOf((await place.entries(stream)).slice(entries.length)), [...named(3, 7), ...named(3, 7)])

      api.forget()
      await place.fetchOnce(source)
      assert.equal(api.log[0]?.since, withMs(8))
    }
  })

  test('of ranges that follow each other leaves no record out and publishes none twice, whatever the API makes of its ends', async (t) => {
    for (const [exclusive, as] of [
      [false, 'iso'],
      [true, 'iso'],
      [false, 'isoDate'],
    ] as const) {
      const place = await ownPlace(t)
      const api = await startApi(t, { pageSize: 3, exclusive })
      // Four records share each second.
      api.put(...Array.from({ length: 24 }, (_, at) => order(`o${String(at).padStart(2, '0')}`, Math.floor(at / 4))))
      const source = declareShop({ watermark: { ...SORTED, exclusive, as, to: 'until' } }, { baseUrl: api.url })
      for (const [from, to] of [
        [1, 2],
        [2, 5],
        [0, 1],
      ] as const)
        await place.fetchOnce(source, undefined, range(from, to))
      const ids = idsOf(await place.entries(streamOf(source)))
      assert.deepEqual(
        [...ids].sort(),
        Array.from({ length: 20 }, (_, at) => `o${String(at).padStart(2, '0')}`),
      )
      assert.equal(await place.checkpoint(streamOf(source)), null)
    }
  })

  test('that was interrupted goes on at its own cursor, and regular runs in between at theirs', async (t) => {
    const place = await ownPlace(t)
    const api = await startApi(t, { pageSize: 2 })
    api.put(...orders(12))
    const source = declareShop({ watermark: SORTED }, { baseUrl: api.url })
    const stream = streamOf(source)
    await place.fetchOnce(source)
    const before = (await place.entries(stream)).length
    const stop = new AbortController()
    api.forget()
    api.script = (_, number) => {
      if (number === 2) stop.abort()
      return undefined
    }
    const { summary } = await place.fetchOnce(source, stop.signal, range(0, 9))
    assert.equal(summary.partitions['shop.orders/0']?.outcome, 'stopped')
    assert.deepEqual(idsOf((await place.entries(stream)).slice(before)), named(0, 4))

    api.script = undefined
    api.put(order('new', 20))
    const regular = await place.fetchOnce(source)
    assert.deepEqual([regular.summary.records, (await place.checkpoint(stream))?.watermark], [1, instant(20)])

    api.forget()
    await place.fetchOnce(source, undefined, range(0, 9))
    assert.deepEqual(idsOf((await place.entries(stream)).slice(before)), [...named(0, 4), 'new', ...named(4, 9)])
    assert.equal(api.log.length, 3)
    assert.equal((await place.checkpoint(stream))?.watermark, instant(20))
  })

  test('whose cursor is refused goes on from what it has walked, and keeps to its range', async (t) => {
    const place = await ownPlace(t)
    const api = await startApi(t, { pageSize: 2 })
    api.put(...orders(12))
    const source = declareShop({ watermark: SORTED }, { baseUrl: api.url })
    api.script = (_, number) => (number === 3 ? { status: 410, json: {} } : undefined)
    await place.fetchOnce(source, undefined, range(2, 9))
    assert.equal(api.log[3]?.since, withMs(5))
    const ids = idsOf(await place.entries(streamOf(source)))
    assert.deepEqual([...new Set(ids)], named(2, 9))
  })

  test('of texts goes by their order, and asks from the beginning of its range', async (t) => {
    const place = await ownPlace(t)
    const codes = ['a1', 'a10', 'a2', 'b', 'Ü', 'ü']
    const records = codes.map((code) => ({ ...order(code), code }))
    const api = await startApi(t, {
      script: ({ values }) => ({
        json: { data: records.filter(({ code }) => code >= (values.after ?? '')), next: null },
      }),
    })
    const source = declareShop(
      { schema: orderSchema.extend({ code: z.string() }), watermark: { field: 'code', param: 'after', sorted: true } },
      { baseUrl: api.url },
    )
    for (const [from, to] of [
      ['a10', 'b'],
      ['b', 'ü'],
    ] as const) {
      const { summary } = await place.fetchOnce(source, undefined, { range: { from, to, again: false } })
      assert.equal(summary.partitions['shop.orders/0']?.outcome, 'done')
    }
    assert.deepEqual(idsOf(await place.entries(streamOf(source))), ['a10', 'a2', 'b', 'Ü'])
    assert.deepEqual(
      api.log.map(({ values }) => values.after),
      ['a10', 'b'],
    )
    assert.equal(await place.checkpoint(streamOf(source)), null)
  })

  test('with a page that is left out ends there as skipped, and the next try asks for that page again', async (t) => {
    const place = await ownPlace(t)
    const api = await startApi(t, { pageSize: 2 })
    api.put(...orders(12))
    const source = declareShop({ watermark: SORTED, answers: { skip: [403] } }, { baseUrl: api.url })
    const stream = streamOf(source)
    await place.fetchOnce(source)
    const [before, checkpoint] = [(await place.entries(stream)).length, await place.checkpoint(stream)]
    api.forget()
    api.script = (_, number) => (number === 2 ? { status: 403, json: {} } : undefined)
    const left = await place.fetchOnce(source, undefined, range(2, 9))
    assert.equal(left.summary.partitions['shop.orders/0']?.outcome, 'skipped')
    api.script = undefined
    await place.fetchOnce(source, undefined, range(2, 9))
    assert.deepEqual(idsOf((await place.entries(stream)).slice(before)), named(2, 9))
    assert.equal(api.log[2]?.cursor, api.log[1]?.cursor)
    assert.deepEqual(await place.checkpoint(stream), checkpoint)
  })

  test('is walked in windows where the stream is', async (t) => {
    const place = await ownPlace(t)
    const api = await startApi(t, { pageSize: 2 })
    api.put(...orders(12))
    const paginate = windows({ to: 'until', size: '2s', min: '1s', pages: STREAM.paginate })
    const source = declareShop(
      { paginate, watermark: { field: 'updated_at', param: 'since', start: instant(0) } },
      { baseUrl: api.url },
    )
    await place.fetchOnce(source, undefined, range(3, 8))
    assert.deepEqual(idsOf(await place.entries(streamOf(source))), named(3, 8))
    assert.deepEqual(
      api.log.map(({ since, values }) => [since, values.until]),
      [
        [withMs(3), withMs(5)],
        [withMs(5), withMs(7)],
        [withMs(7), withMs(8)],
      ],
    )
  })

  test('puts a refused record of the range into the dead letters, and none from beyond it', async (t) => {
    const place = await ownPlace(t)
    const api = await startApi(t, { pageSize: 20 })
    api.put(...orders(12), { ...order('bad', 4), total: 'many' }, { ...order('beyond', 9), total: 'many' })
    const source = declareShop({ watermark: SORTED }, { baseUrl: api.url })
    const { summary } = await place.fetchOnce(source, undefined, range(3, 7))
    assert.equal(summary.deadLetters, 1)
    assert.deepEqual(
      (await place.deadLetters(streamOf(source))).map(({ raw }) => JSON.parse(raw).id),
      ['bad'],
    )
  })

  test('is refused with what to do, where it cannot be asked for or is none', async (t) => {
    const place = await ownPlace(t)
    const refused = (stream: Record<string, unknown>, from: string, to: string, what: RegExp) =>
      assert.rejects(
        place.fetchOnce(declareShop(stream), undefined, { range: { from, to, again: false } }),
        (error) => {
          assert.ok(error instanceof WrongUse && error.hint !== undefined, String(error))
          assert.match(error.message, what)
          return true
        },
      )
    await refused({ watermark: undefined }, instant(0), instant(1), /shop\.orders has no watermark/)
    await refused({}, 'yesterday', instant(1), /--from yesterday: is not a value of "updated_at"/)
    await refused({}, instant(1), '2026-02-30', /--to 2026-02-30: is not a value of/)
    await refused({}, instant(1), instant(1), /is not before/)
    await refused({}, instant(1), '2999-01-01', /lies in the future/)
  })
})
