import assert from 'node:assert/strict'
import { describe, test } from 'node:test'
import type { Stream } from '#shared/declaration/compile.ts'
import { offset, pageNumber } from '#shared/index.ts'
import { type Api, type ApiRecord, startApi } from '../../support/api.ts'
import { type Answer, type Asked, startServer } from '../../support/http.ts'
import { asksFrom, declareShop, instant, order, streamOf } from '../declared.ts'
import { idsOf, markersOf, ownPlace, type Place } from '../fetching.ts'

const SORTED = { field: 'updated_at', param: 'since', sorted: true } as const
const UNSORTED = { field: 'updated_at', param: 'since' } as const
const orders = (count: number): ApiRecord[] => Array.from({ length: count }, (_, at) => order(`o${at}`, at))
const ids = (count: number): string[] => orders(count).map(({ id }) => id)
const DOWN = { status: 500, json: {} }

/** Ten records on five pages. Nothing is retried, so a failing page fails for good. */
async function bench(t: Parameters<typeof ownPlace>[0], watermark: object, sorted = watermark === SORTED) {
  const place = await ownPlace(t)
  const api = await startApi(t, { pageSize: 2, sorted })
  api.put(...orders(10))
  const source = declareShop({ watermark }, { baseUrl: api.url, attemptsMax: 1 })
  return { place, api, source, stream: streamOf(source) }
}

const outcomeOf = ({ summary }: Awaited<ReturnType<Place['fetchOnce']>>) => summary.partitions['shop.orders/0']?.outcome

/** Requests of a run as since and cursor, the cursor as the number of the page that it leads to. */
function asked(api: Api): string[] {
  return api.log.map(
    ({ since, cursor, ids: [first] }) =>
      `since ${since ?? 'ever'}${cursor === null ? '' : `, on to ${first ?? 'nothing'}`}`,
  )
}

describe('a run that failed on page 3 of 5', () => {
  test('of a sorted stream has the watermark of page 2, and the next one goes on at page 3', async (t) => {
    const { place, api, source, stream } = await bench(t, SORTED)
    api.script = (_, number) => (number >= 3 ? DOWN : undefined)
    const failed = await place.fetchOnce(source)
    assert.equal(outcomeOf(failed), 'failed')
    const left = await place.checkpoint(stream)
    assert.deepEqual([left?.page, left?.done, left?.watermark], [2, false, instant(3)])
    assert.deepEqual(idsOf(await place.entries(stream)), ids(4))

    api.script = undefined
    api.forget()
    assert.equal(outcomeOf(await place.fetchOnce(source)), 'done')
    assert.deepEqual(asked(api), ['since ever, on to o4', 'since ever, on to o6', 'since ever, on to o8'])
    const entries = await place.entries(stream)
    assert.deepEqual(idsOf(entries), ids(10))
    assert.deepEqual(
      markersOf(entries).map(({ run, page, last }) => [run, page, last]),
      [1, 2, 3, 4, 5].map((page) => [left?.run, page, page === 5]),
    )
    assert.equal((await place.checkpoint(stream))?.totals?.records, 10)
  })

  test('of an unsorted stream leaves the watermark where it was, and the next one goes on at page 3', async (t) => {
    const { place, api, source, stream } = await bench(t, UNSORTED)
    api.script = (_, number) => (number >= 3 ? DOWN : undefined)
    await place.fetchOnce(source)
    const left = await place.checkpoint(stream)
    assert.deepEqual([left?.page, left?.watermark, left?.seen], [2, null, instant(3)])
    assert.ok(markersOf(await place.entries(stream)).every(({ watermark }) => watermark === null))

    api.script = undefined
    api.forget()
    await place.fetchOnce(source)
    assert.equal(api.log.length, 3)
    const done = await place.checkpoint(stream)
    assert.deepEqual([done?.run, done?.watermark], [left?.run, instant(9)])
    assert.deepEqual(idsOf(await place.entries(stream)), ids(10))
  })

  test('remembers across the restart that a stream was not as sorted as it claims', async (t) => {
    const { place, api, source, stream } = await bench(t, SORTED, false)
    api.put(order('o1', 100))
    api.script = (_, number) => (number >= 3 ? DOWN : undefined)
    await place.fetchOnce(source)
    assert.equal((await place.checkpoint(stream))?.unordered, true)
    api.script = undefined
    await place.fetchOnce(source)
    const marks = markersOf(await place.entries(stream)).map(({ watermark }) => watermark)
    // Page 1 looks sorted; from page 2 on nothing is confirmed before the end.
    assert.deepEqual(marks, [instant(100), null, null, null, instant(100)])
  })

  test('sees disorder that lies exactly where it was interrupted', async (t) => {
    const { place, api, source, stream } = await bench(t, SORTED, false)
    api.put(order('o4', 1))
    api.script = (_, number) => (number >= 3 ? DOWN : undefined)
    await place.fetchOnce(source)
    assert.equal((await place.checkpoint(stream))?.unordered, undefined)
    api.script = undefined
    const { log } = await place.fetchOnce(source)
    assert.match(log.join(''), /records are not in watermark order/)
    assert.deepEqual(
      markersOf(await place.entries(stream)).map(({ watermark }) => watermark),
      [instant(1), instant(3), null, null, instant(9)],
    )
  })

  for (const status of [400, 404, 410]) {
    test(`goes on from the best watermark when the API answers ${status} to its cursor`, async (t) => {
      const { place, api, source, stream } = await bench(t, SORTED)
      api.script = (_, number) => (number >= 3 ? DOWN : undefined)
      await place.fetchOnce(source)
      api.forget()
      api.script = (_, number) => (number === 1 ? { status, json: {} } : undefined)
      assert.equal(outcomeOf(await place.fetchOnce(source)), 'done')
      assert.deepEqual(asked(api).slice(0, 3), [
        'since ever, on to nothing',
        `since ${asksFrom(3)}`,
        `since ${asksFrom(3)}, on to o5`,
      ])
      assert.deepEqual(idsOf(await place.entries(stream)), ids(10))
    })
  }

  test('asks from the best watermark when the API refuses its cursor for another reason, and fails where that is refused as well', async (t) => {
    const { place, api, source } = await bench(t, SORTED)
    api.script = (_, number) => (number >= 3 ? DOWN : undefined)
    await place.fetchOnce(source)
    api.forget()
    api.script = () => ({ status: 403, json: {} })
    assert.equal(outcomeOf(await place.fetchOnce(source)), 'failed')
    assert.deepEqual(asked(api), ['since ever, on to nothing', `since ${asksFrom(3)}`])
  })
})

describe('an API that refuses every cursor', () => {
  const expired = { status: 410, json: {} }

  test('is walked by the watermark alone, as long as that moves', async (t) => {
    const { place, api, source, stream } = await bench(t, SORTED)
    api.script = ({ cursor }) => (cursor === null ? undefined : expired)
    assert.equal(outcomeOf(await place.fetchOnce(source)), 'done')
    assert.deepEqual(idsOf(await place.entries(stream)), ids(10))
    assert.equal((await place.checkpoint(stream))?.watermark, instant(9))
  })

  test('is given up after a few walks that bring the watermark no further', async (t) => {
    const { place, api, source } = await bench(t, UNSORTED)
    api.script = ({ cursor }) => (cursor === null ? undefined : expired)
    const failed = await place.fetchOnce(source)
    assert.equal(outcomeOf(failed), 'failed')
    assert.match(failed.summary.partitions['shop.orders/0']?.error ?? '', /410/)
    assert.equal(api.log.length, 2 * 4)
  })
})

describe('a run that failed on page 3 by number, while a record of page 1 was updated', () => {
  for (const [what, paginate, place] of [
    ['a page number', pageNumber({ stop: 'empty' }), ({ query }: Asked) => (Number(query.get('page')) - 1) * 2],
    ['an offset', offset({ limit: 2, stop: 'empty' }), ({ query }: Asked) => Number(query.get('offset'))],
  ] as const) {
    test(`and moved to the end of a sorted list: the next one begins at the watermark, not at ${what}`, async (t) => {
      const at = await ownPlace(t)
      let rows = orders(8)
      let isDown = true
      const server = await startServer(t, (asked, number): Answer => {
        if (isDown && number >= 3) return DOWN
        const listed = rows.filter(({ updated_at }) => updated_at >= (asked.query.get('since') ?? ''))
        return { json: { data: listed.slice(place(asked), place(asked) + 2) } }
      })
      const source = declareShop({ watermark: SORTED, paginate }, { baseUrl: server.url, attemptsMax: 1 })
      assert.equal(outcomeOf(await at.fetchOnce(source)), 'failed')
      isDown = false
      rows = [...rows.slice(1), order('o0', 20)]
      assert.equal(outcomeOf(await at.fetchOnce(source)), 'done')
      assert.deepEqual(idsOf(await at.entries(streamOf(source))), [...ids(8), 'o0'])
    })
  }
})

test('a cursor that is too long for the checkpoint is left out, and the next run goes on from the watermark', async (t) => {
  const { place, api, source, stream } = await bench(t, SORTED)
  const long = 'x'.repeat(5_000)
  api.script = ({ cursor }) => (cursor === null ? { json: { data: orders(2), next: long } } : DOWN)
  await place.fetchOnce(source)
  const left = await place.checkpoint(stream)
  assert.deepEqual([left?.cursor, left?.done, left?.watermark], [null, false, instant(1)])
  api.forget()
  api.script = undefined
  await place.fetchOnce(source)
  assert.equal(asked(api)[0], `since ${asksFrom(1)}`)
  assert.deepEqual(idsOf(await place.entries(stream)), ids(10))
})

test('a stop lets the page in hand be published, begins no other, and the next run goes on behind it', async (t) => {
  const { place, api, source, stream } = await bench(t, SORTED)
  const stop = new AbortController()
  api.script = (_, number) => {
    if (number === 2) stop.abort()
    return undefined
  }
  const stopped = await place.fetchOnce(source, stop.signal)
  assert.equal(outcomeOf(stopped), 'stopped')
  assert.equal(api.log.length, 2)
  assert.deepEqual(idsOf(await place.entries(stream)), ids(4))
  api.script = undefined
  await place.fetchOnce(source)
  assert.deepEqual(asked(api).slice(2), ['since ever, on to o4', 'since ever, on to o6', 'since ever, on to o8'])
})

describe('what the loader has not read', () => {
  async function published(t: Parameters<typeof ownPlace>[0]) {
    const all = await bench(t, { ...SORTED, lookback: '1s' })
    all.api.script = undefined
    await all.place.fetchOnce(all.source)
    all.api.forget()
    return all
  }
  const endOf = async (place: Place, stream: Stream) => (await place.checkpoint(stream))?.offset ?? 0
  const gapsOf = async ({ metrics }: Awaited<ReturnType<Place['fetchOnce']>>) =>
    (await metrics.gaps.get()).values[0]?.value ?? 0

  test('and is still in the log costs the API nothing, wherever a tool has put the loader', async (t) => {
    const { place, api, source, stream } = await published(t)
    const resets: [number, string][] = [
      [0, 'the beginning'],
      [-2, 'earliest, as some tools store it'],
      [await endOf(place, stream), 'the end'],
    ]
    for (const [offset, name] of resets) {
      await place.kafka.resetOffsets(place.names.loaderGroup, place.topicOf(stream), new Map([[0, offset]]))
      api.forget()
      const { metrics, summary } = await place.fetchOnce(source)
      assert.equal(asked(api)[0], `since ${asksFrom(8)}`, name)
      assert.equal(summary.records, 0, name)
      assert.equal((await metrics.gaps.get()).values.length, 0, name)
    }
  })

  test('and is gone from the log is asked for again from the confirmed watermark less the lookback, once and loudly', async (t) => {
    const { place, api, source, stream } = await published(t)
    await place.load(stream, 4, instant(3))
    await place.kafka.deleteRecordsBelow(place.topicOf(stream), new Map([[0, await endOf(place, stream)]]))

    const filling = await place.fetchOnce(source)
    assert.equal(asked(api)[0], `since ${asksFrom(2)}`)
    assert.equal(await gapsOf(filling), 1)
    assert.match(filling.log.join(''), /"level":40,[^\n]*published records were lost before they were loaded/)
    assert.deepEqual(idsOf(await place.entries(stream)), ids(10).slice(2))

    // The loader has not moved, so the gap is still there: it was asked for already.
    api.forget()
    const next = await place.fetchOnce(source)
    assert.equal(asked(api)[0], `since ${asksFrom(8)}`)
    assert.equal(await gapsOf(next), 0)
  })

  test('and is gone is asked for again from the start, when nothing was ever confirmed', async (t) => {
    const { place, api, source, stream } = await published(t)
    await place.kafka.deleteRecordsBelow(place.topicOf(stream), new Map([[0, 5]]))
    const filling = await place.fetchOnce(source)
    assert.equal(asked(api)[0], 'since ever')
    assert.equal(await gapsOf(filling), 1)
    assert.deepEqual(new Set(idsOf(await place.entries(stream))), new Set(ids(10)))
  })

  test('a gap that an interrupted run had begun to fill is filled by the next one, from where that one was', async (t) => {
    const { place, api, source, stream } = await published(t)
    await place.load(stream, 4, instant(3))
    await place.kafka.deleteRecordsBelow(place.topicOf(stream), new Map([[0, await endOf(place, stream)]]))
    api.script = (_, number) => (number >= 3 ? DOWN : undefined)
    await place.fetchOnce(source)
    api.forget()
    api.script = undefined
    await place.fetchOnce(source)
    assert.equal(asked(api)[0], `since ${asksFrom(2)}, on to o6`)
    assert.deepEqual(idsOf(await place.entries(stream)), ids(10).slice(2))
  })

  test('with its topic deleted is published again into the new one, whole', async (t) => {
    const { place, api, source, stream } = await published(t)
    await place.load(stream, await endOf(place, stream), instant(9))
    await place.kafka.deleteTopic(place.topicOf(stream))
    const { log } = await place.fetchOnce(source)
    // Kafka drops a topic's committed offsets with it, and so the confirmed watermark.
    assert.equal(asked(api)[0], 'since ever')
    assert.match(log.join(''), /"level":40,[^\n]*topic is missing/)
    assert.deepEqual(idsOf(await place.entries(stream)), ids(10))
  })
})
