import assert from 'node:assert/strict'
import { describe, test } from 'node:test'
import { setTimeout } from 'node:timers/promises'
import { oauth2ClientCredentials, secret } from '#shared/index.ts'
import { type ApiRecord, startApi } from '../support/api.ts'
import { asksFrom, declareShop, instant, order, streamOf } from './declared.ts'
import { idsOf, markersOf, ownPlace } from './fetching.ts'

const SORTED = { field: 'updated_at', param: 'since', sorted: true } as const
const orders = (count: number): ApiRecord[] => Array.from({ length: count }, (_, at) => order(`o${at}`, at))
const bad = (id: string, second: number): ApiRecord => ({ ...order(id, second), total: 'many' })

describe('a run', () => {
  test('stops in front of a page that does not fit the schema, publishes nothing of it, and goes on there when it fits again', async (t) => {
    const place = await ownPlace(t)
    const api = await startApi(t, { pageSize: 5 })
    api.put(...orders(15))
    const source = declareShop({ watermark: SORTED }, { baseUrl: api.url })
    const stream = streamOf(source)
    const changed = { data: Array.from({ length: 5 }, (_, at) => bad(`o${at}`, at)), next: 'on' }
    api.script = (_, number) => (number === 2 ? { json: changed } : undefined)

    const { summary } = await place.fetchOnce(source)
    assert.equal(summary.partitions['shop.orders/0']?.outcome, 'failed')
    assert.match(summary.partitions['shop.orders/0']?.error ?? '', /5 of 10 records of this run do not fit the schema/)
    assert.deepEqual(idsOf(await place.entries(stream)), ['o0', 'o1', 'o2', 'o3', 'o4'])
    assert.deepEqual(await place.deadLetters(stream), [])
    assert.equal((await place.checkpoint(stream))?.page, 1)

    api.script = undefined
    const again = await place.fetchOnce(source)
    assert.equal(again.summary.partitions['shop.orders/0']?.outcome, 'done')
    assert.equal(idsOf(await place.entries(stream)).length, 15)
  })

  test('publishes each page with its marker behind it, dead letters apart, and a checkpoint behind the last marker', async (t) => {
    const place = await ownPlace(t)
    const api = await startApi(t, { pageSize: 3, tokenSeconds: 3600 })
    api.put(...orders(8), bad('o4', 4))
    const auth = oauth2ClientCredentials({
      tokenUrl: '/oauth/token',
      clientId: secret('API_CLIENT'),
      clientSecret: secret('API_SECRET'),
    })
    const source = declareShop({ watermark: SORTED, params: { token: 'in-the-url' } }, { baseUrl: api.url, auth })
    const stream = streamOf(source)

    const { summary } = await place.fetchOnce(source)
    assert.deepEqual(summary.partitions, {
      'shop.orders/0': { outcome: 'done', watermark: instant(7), pages: 3, records: 7 },
    })
    const { pages, records, deadLetters, unchanged, requests, retries, tokenRefreshes } = summary
    assert.deepEqual([pages, records, deadLetters, unchanged, requests, retries, tokenRefreshes], [3, 7, 1, 0, 3, 0, 1])

    const entries = await place.entries(stream)
    assert.deepEqual(
      entries.map(({ key, marker }) => key ?? `page ${marker?.page}`),
      ['o0', 'o1', 'o2', 'page 1', 'o3', 'o5', 'page 2', 'o6', 'o7', 'page 3'],
    )
    assert.deepEqual(
      markersOf(entries).map((marker) => [marker.records, marker.deadLetters, marker.watermark, marker.last]),
      [
        [3, 0, instant(2), false],
        [2, 1, instant(5), false],
        [2, 0, instant(7), true],
      ],
    )
    const [letter, ...others] = await place.deadLetters(stream)
    assert.deepEqual(others, [])
    const { run } = markersOf(entries)[0] ?? {}
    assert.deepEqual(
      { ...letter, url: letter?.url?.replace(/cursor=[^&]+/, 'cursor=…') },
      {
        ...{
          stage: 'validate',
          reason: 'invalid_type',
          issues: 'total: Invalid input: expected number, received string',
        },
        ...{ run, page: 2, url: `${api.url}/orders?token=***&cursor=…`, raw: JSON.stringify(bad('o4', 4)) },
      },
    )
    const checkpoint = await place.checkpoint(stream)
    assert.equal(checkpoint?.offset, (entries.at(-1)?.offset ?? 0) + 1)
    assert.deepEqual(
      [checkpoint?.run, checkpoint?.page, checkpoint?.done, checkpoint?.cursor, checkpoint?.watermark],
      [run, 3, true, null, instant(7)],
    )
  })

  test('after another asks from the watermark on, publishes what changed and nothing else, and commits the checkpoint anew', async (t) => {
    const place = await ownPlace(t)
    const api = await startApi(t, { pageSize: 3 })
    api.put(...orders(8), bad('bad', 7))
    const source = declareShop({ watermark: { ...SORTED, lookback: '2s' } }, { baseUrl: api.url })
    const stream = streamOf(source)
    await place.fetchOnce(source)
    const first = await place.entries(stream)
    const before = await place.checkpoint(stream)

    api.forget()
    const quiet = await place.fetchOnce(source)
    assert.deepEqual(
      api.log.map(({ since, cursor }) => [since, cursor === null]),
      [
        [asksFrom(5), true],
        [asksFrom(5), false],
      ],
    )
    assert.deepEqual([quiet.summary.records, quiet.summary.deadLetters, quiet.summary.unchanged], [0, 0, 4])
    const after = await place.checkpoint(stream)
    assert.equal(after?.watermark, before?.watermark)
    assert.notEqual(after?.run, before?.run)
    assert.ok((after?.offset ?? 0) > (before?.offset ?? 0))
    assert.equal((await place.deadLetters(stream)).length, 1)

    // One changes, one becomes visible late, one is new; another bad one too.
    api.put(order('o6', 6, 99), order('late', 6), order('new', 20), bad('bad-2', 21))
    const busy = await place.fetchOnce(source)
    const published = (await place.entries(stream)).slice(first.length)
    assert.deepEqual(idsOf(published), ['late', 'o6', 'new'])
    assert.equal(busy.summary.deadLetters, 1)
    assert.equal((await place.checkpoint(stream))?.watermark, instant(20))
  })

  test('of a new process excuses a reject as often as its dead letters say, and stops at a page of more', async (t) => {
    const place = await ownPlace(t)
    const api = await startApi(t, { pageSize: 100 })
    const source = declareShop({ watermark: SORTED }, { baseUrl: api.url })
    const stream = streamOf(source)
    const page = (data: unknown[]) => () => ({ json: { data, next: null } })
    const nulls = (count: number): unknown[] => Array.from({ length: count }, () => null)
    api.script = page([...orders(50), ...nulls(10)])
    await place.fetchOnce(source)
    assert.deepEqual(
      (await place.deadLetters(stream)).map(({ raw, times }) => [raw, times]),
      [['null', 10]],
    )
    api.script = page(nulls(10))
    const quiet = await place.fetchOnce(source)
    assert.equal(quiet.summary.partitions['shop.orders/0']?.outcome, 'done')
    api.script = page(nulls(500))
    const { summary } = await place.fetchOnce(source)
    assert.match(
      summary.partitions['shop.orders/0']?.error ?? '',
      /490 of 490 records of this run do not fit the schema/,
    )
    assert.equal((await place.deadLetters(stream)).length, 1)
  })

  test('loses none and doubles none of the records with equal times, across pages and runs', async (t) => {
    for (const exclusive of [false, true]) {
      const place = await ownPlace(t)
      const api = await startApi(t, { pageSize: 2, exclusive })
      const equal = (ids: string) => [...ids].map((id) => order(id, 5))
      api.put(...equal('abcde'))
      const source = declareShop({ watermark: { ...SORTED, exclusive } }, { baseUrl: api.url })
      const stream = streamOf(source)
      await place.fetchOnce(source)
      api.put(...equal('fgh'), order('i', 6))
      await place.fetchOnce(source)
      assert.deepEqual(idsOf(await place.entries(stream)), [...'abcdefghi'])
    }
  })

  test('finds what changed behind its back while it walked an unsorted stream', async (t) => {
    const place = await ownPlace(t)
    const api = await startApi(t, { pageSize: 2, sorted: false })
    const now = () => new Date().toISOString()
    api.put(...orders(6))
    const source = declareShop({}, { baseUrl: api.url })
    const stream = streamOf(source)
    // o0 is on a page that is past when it changes; o5, still to come, changes later: its time must not become the
    // watermark.
    api.script = async (_, number) => {
      if (number === 2) api.put({ ...order('o0', 0, 2), updated_at: now() })
      if (number !== 3) return undefined
      // Past the second that the Date of the last page stands for.
      await setTimeout(1_100)
      api.put({ ...order('o5', 0, 2), updated_at: now() })
      return undefined
    }
    await place.fetchOnce(source)
    assert.equal((await place.entries(stream)).filter(({ key }) => key === 'o0').length, 1)
    api.script = undefined
    await place.fetchOnce(source)
    const versions = (await place.entries(stream)).filter(({ key }) => key === 'o0').map(({ record }) => record?.total)
    assert.deepEqual(versions, [1, 2])
  })

  test('is not led into the future by a record that is there already', async (t) => {
    const place = await ownPlace(t)
    const api = await startApi(t)
    api.put(order('now', 0), { ...order('future', 0), updated_at: '2199-01-01T00:00:00Z' })
    const source = declareShop({ watermark: SORTED }, { baseUrl: api.url })
    const stream = streamOf(source)
    await place.fetchOnce(source)
    const { watermark } = (await place.checkpoint(stream)) ?? {}
    assert.ok(Date.parse(watermark ?? '') <= Date.now(), `the watermark is ${watermark}`)
    api.put({ ...order('later', 0), updated_at: new Date().toISOString() })
    await place.fetchOnce(source)
    assert.deepEqual(idsOf(await place.entries(stream)), ['now', 'future', 'later'])
  })

  test('moves each partition by its own watermark', async (t) => {
    const place = await ownPlace(t)
    const api = await startApi(t)
    api.put({ ...order('a', 3), region: 'eu' }, { ...order('b', 9), region: 'us' })
    const partitions = [{ region: 'eu' }, { region: 'us' }]
    const source = declareShop({ watermark: SORTED, partitions, unknownFields: 'drop' }, { baseUrl: api.url })
    const stream = streamOf(source)
    const { summary } = await place.fetchOnce(source)
    assert.equal(summary.partitions['shop.orders/0']?.watermark, instant(3))
    assert.equal(summary.partitions['shop.orders/1']?.watermark, instant(9))
    api.forget()
    await place.fetchOnce(source)
    const asked = api.log.map(({ since, values }) => [values.region, since]).sort()
    assert.deepEqual(asked, [
      ['eu', asksFrom(3)],
      ['us', asksFrom(9)],
    ])
    assert.deepEqual(idsOf(await place.entries(stream, 1)), ['b'])
  })

  test('without a watermark field asks for everything each time and publishes what changed', async (t) => {
    const place = await ownPlace(t)
    const api = await startApi(t, { pageSize: 2 })
    api.put(...orders(3))
    const source = declareShop({ watermark: undefined }, { baseUrl: api.url })
    const stream = streamOf(source)
    await place.fetchOnce(source)
    api.put(order('o1', 1, 5))
    await place.fetchOnce(source)
    assert.ok(api.log.every(({ since }) => since === null))
    assert.deepEqual(idsOf(await place.entries(stream)), ['o0', 'o1', 'o2', 'o1'])
    api.put(order('o1', 1, 1))
    await place.fetchOnce(source)
    assert.deepEqual(idsOf(await place.entries(stream)).at(-1), 'o1')
  })
})
