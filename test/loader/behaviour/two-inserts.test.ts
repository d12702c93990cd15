/**
 * Two inserts of one table at once, seen by a proxy that keeps the first from being answered: the second arrives
 * meanwhile. Both have records of the same partition, so the order of their commits matters most.
 */
import assert from 'node:assert/strict'
import { after, describe, test } from 'node:test'
import { type ClickHouseProxy, clickhouseProxy, type Mishap } from '../../support/clickhouse-proxy.ts'
import { commits, count, type Loading, startLoader, until } from '../../support/loading.ts'
import {
  closeAll,
  compileStream,
  order,
  ownPlace,
  type Place,
  type Published,
  publish,
} from '../../support/published.ts'

after(closeAll)

const ROWS = 400
const REFUSAL = { code: 243, name: 'NOT_ENOUGH_SPACE' }

type Scene = {
  place: Place
  orders: Published
  others: Published
  proxy: ClickHouseProxy
  loading: Loading
  end: number
}

/** Two full batches under way, each a page of one partition. */
async function twoUnderWay(decide: (attempt: number) => Mishap): Promise<Scene> {
  const place = await ownPlace({ LOADER_BATCH_AGE_MS: '100', LOADER_BATCH_ROWS: String(ROWS) })
  let attempts = 0
  const proxy = await clickhouseProxy(place.config.clickhouse.url, (table) =>
    table === 'shop_orders' ? decide(attempts++) : 'pass',
  )
  const orders = await publish(place)
  const others = await publish(place, compileStream({ name: 'refunds' }))
  const page = (first: number) => orders.page({ records: Array.from({ length: ROWS }, (_, key) => order(first + key)) })
  const loading = startLoader(place, { ...place.config, clickhouse: { ...place.config.clickhouse, url: proxy.url } })
  await page(0)
  await until('the first insert is under way', () => proxy.inserts.length === 1)
  const end = await page(ROWS)
  await until('the second insert is under way', () => ofOrders(proxy).length >= 2)
  return { place, orders, others, proxy, loading, end }
}

const ofOrders = ({ inserts }: ClickHouseProxy) => inserts.filter(({ table }) => table === 'shop_orders')
const offsetOf = async ({ place, orders }: Scene) => (await commits(place, orders.topic))[0]?.offset ?? null
/** Behind the end may be the control record of the transaction. */
const isCommitted = async (scene: Scene, end = scene.end) => ((await offsetOf(scene)) ?? 0) >= end
const rowsOf = ({ place, orders }: Scene) => count(place, orders.table, false)

describe('two inserts of one table at once', () => {
  test('of which the second is confirmed and the first fails: nothing is committed before the first went in as well', async () => {
    const first = Promise.withResolvers<void>()
    const scene = await twoUnderWay((attempt) => (attempt === 0 ? { hold: first.promise } : 'pass'))
    await until('the second one is in the table', async () => (await rowsOf(scene)) === ROWS)
    await until('and confirmed', async () => (await outcomes(scene)).includes('confirmed'))
    await otherIsCommitted(scene)
    assert.equal(await offsetOf(scene), null)
    first.resolve()
    await until('both are committed', () => isCommitted(scene))
    await scene.loading.stop()
    assert.equal(await rowsOf(scene), 2 * ROWS, 'no row is there twice, even without FINAL')
    await closeStreams(scene)
  })

  test('at a stop: both are finished and committed before the loader leaves', async () => {
    const gate = Promise.withResolvers<void>()
    const scene = await twoUnderWay(() => ({ passAfter: gate.promise }))
    const stopped = scene.loading.stop()
    gate.resolve()
    const summary = await stopped
    assert.deepEqual([summary.rows, summary.batches], [2 * ROWS, 2])
    assert.deepEqual([await isCommitted(scene), await rowsOf(scene)], [true, 2 * ROWS])
    await closeStreams(scene)
  })

  test('at a stop in which the first is refused: the second is in the table and not committed; the next loader reads both', async () => {
    const gate = Promise.withResolvers<void>()
    const scene = await twoUnderWay((attempt) => (attempt === 1 ? { passAfter: gate.promise } : REFUSAL))
    const stopped = scene.loading.stop()
    gate.resolve()
    const summary = await stopped
    assert.deepEqual([summary.rows, summary.batches], [0, 0])
    assert.deepEqual([await offsetOf(scene), await rowsOf(scene)], [null, ROWS])
    const next = startLoader(scene.place)
    await until('the next one has committed both', () => isCommitted(scene))
    await next.stop()
    assert.equal(await count(scene.place, scene.orders.table), 2 * ROWS)
    await closeStreams(scene)
  })

  test('in a rebalance: both are finished and committed before the partition is given away', async () => {
    const gate = Promise.withResolvers<void>()
    const scene = await twoUnderWay(() => ({ passAfter: gate.promise }))
    const second = startLoader(scene.place)
    const { kafka, names } = scene.place
    await until('a second member joins', async () => (await kafka.members(names.loaderGroup)).length === 2)
    assert.equal(await offsetOf(scene), null)
    gate.resolve()
    await until('both are committed', () => isCommitted(scene))
    const end = await scene.orders.page({ records: [order(2 * ROWS)] })
    await until('loading goes on', () => isCommitted(scene, end))
    await Promise.all([scene.loading.stop(), second.stop()])
    assert.equal(await rowsOf(scene), 2 * ROWS + 1, 'nobody read anything twice')
    await closeStreams(scene)
  })
})

async function closeStreams({ orders, others }: Scene): Promise<void> {
  await orders.close()
  await others.close()
}

/** Commits follow each other, so one that was asked for before is done by then. */
async function otherIsCommitted({ place, others }: Scene): Promise<void> {
  const end = await others.page({ records: [order(0)] })
  await until('another topic is committed', async () => ((await commits(place, others.topic))[0]?.offset ?? 0) >= end)
}

async function outcomes({ loading }: Scene): Promise<unknown[]> {
  return (await loading.metrics.inserts.get()).values.map(({ labels }) => labels.outcome)
}
