/**
 * A walk that would delete far more than usual deletes nothing until a person releases it, and everybody who asks is
 * told until then.
 */
import assert from 'node:assert/strict'
import { after, type TestContext, test } from 'node:test'
import { systemClock } from '#shared/clock.ts'
import { cursor, z } from '#shared/index.ts'
import { silentLog } from '#shared/log.ts'
import { createMetrics } from '#shared/metrics/metrics.ts'
import { rebuild } from '../../services/loader/rebuild/rebuild.ts'
import { needsOf } from '../../services/operator/status/needs.ts'
import { statusOf } from '../../services/operator/status/status.ts'
import { startServer } from '../support/http.ts'
import { startLoader, until } from '../support/loading.ts'
import { closeAll } from '../support/published.ts'
import { through } from '../support/through.ts'
import { assertVerified } from '../support/verified.ts'

after(closeAll)

const STREAM = 'shop.orders'
const PAGE = 20
const schema = z.object({ id: z.string(), total: z.number() })
const ids = (from: number, to: number) => Array.from({ length: to - from }, (_, index) => `id-${from + index}`)

/** A list that says nothing of its size, in pages; what it holds is set by the test. */
async function walked(t: TestContext, declared: unknown = 'full-walk') {
  let deletes = declared
  let has: string[] = []
  let failing: number | null = null
  const api = await startServer(t, ({ query }) => {
    const at = Number(query.get('cursor') ?? 0)
    if (at === failing) return { status: 500 }
    const data = has.slice(at, at + PAGE).map((id) => ({ id, total: 1 }))
    return { json: { data, next: at + PAGE < has.length ? String(at + PAGE) : null } }
  })
  const tools = await through()
  const orders = {
    path: '/orders',
    records: '/data',
    paginate: cursor({ next: '/next', param: 'cursor' }),
    schema,
    primaryKey: ['id'],
  }
  const { place } = tools
  const walk = async (how = {}) => {
    const summary = await tools.fetch(
      { name: 'shop', baseUrl: api.url, attemptsMax: 1, streams: { orders: { ...orders, deletes } } },
      how,
    )
    return summary.partitions[`${STREAM}/0`]
  }
  return {
    ...tools,
    has: (next: string[]) => {
      has = next
    },
    fail: (at: number | null) => {
      failing = at
    },
    declare: (next: unknown) => {
      deletes = next
    },
    walk,
    allowed: () => walk({ full: true, allowDeletes: true }),
    shown: async () =>
      Number((await tools.query<{ n: string }>('SELECT count() AS n FROM {db}.shop_orders FINAL'))[0]?.n),
    async withheld() {
      const [stream] = await statusOf(place.kafka, place.names, [STREAM], Date.now())
      return stream?.partitions[0]?.withheldDeletes ?? null
    },
  }
}

test('a walk that ends at 20 of 60 deletes nothing, offsets move on, and status says so over restarts until a walk is whole again', async (t) => {
  const { has, walk, load, shown, withheld, place } = await walked(t)
  has(ids(0, 60))
  await walk()
  await load()
  assert.equal(await shown(), 60)
  has(ids(0, 20))
  const cut = await walk()
  assert.deepEqual([cut?.outcome, cut?.attention?.map(({ kind }) => kind)], ['done', ['deletes_withheld']])
  const loader = startLoader(place)
  await until('the walk is settled', async () => (await withheld()) !== null)
  const metric = await loader.metrics.deletesWithheld.get()
  await loader.stop()
  assert.deepEqual(
    metric.values.map(({ value }) => value),
    [40],
  )
  assert.ok(
    loader.lines.some(
      ({ level, msg }) => level === 'warn' && msg.includes('missing 40 of 60 rows') && msg.includes('--allow-deletes'),
    ),
  )
  assert.equal(await shown(), 60)
  const { rows, of } = (await withheld()) ?? {}
  assert.deepEqual([rows, of], [40, 60])
  const needs = needsOf(await statusOf(place.kafka, place.names, [STREAM], Date.now()), Date.now())
  assert.deepEqual(
    needs.filter(({ kind }) => kind === 'deletes_withheld').map(({ what }) => /missing 40 of 60 rows/.test(what)),
    [true],
  )
  // A second one like it is not taken for usual; a loader that has just begun shows what is withheld before it has read
  // anything.
  const again = await walk()
  assert.deepEqual(
    again?.attention?.map(({ kind }) => kind),
    ['deletes_withheld'],
  )
  await load()
  const next = startLoader(place)
  await until('the metric is back', async () => (await next.metrics.deletesWithheld.get()).values[0]?.value === 40)
  await next.stop()
  assert.equal(await shown(), 60)
  has(ids(0, 58))
  const whole = await walk()
  assert.equal(whole?.attention, undefined)
  await load()
  assert.deepEqual([await shown(), await withheld()], [58, null])
  await assertVerified(place)
})

test('another list altogether deletes nothing, however long it is, nor does its second walk', async (t) => {
  const { has, walk, load, shown, withheld } = await walked(t)
  has(ids(0, 5))
  await walk()
  has(ids(1000, 1200))
  for (const _ of [1, 2]) {
    await walk()
    await load()
    assert.equal(await shown(), 205)
    assert.deepEqual([(await withheld())?.rows, (await withheld())?.of], [5, 5])
  }
})

test('an empty answer deletes nothing; released by a person it deletes all, this once', async (t) => {
  const { has, walk, allowed, load, shown, withheld, place } = await walked(t)
  has(ids(0, 30))
  await walk()
  await load()
  has([])
  const empty = await walk()
  assert.deepEqual(
    empty?.attention?.map(({ kind }) => kind),
    ['deletes_withheld'],
  )
  await load()
  assert.deepEqual([await shown(), (await withheld())?.rows], [30, 30])
  const released = await allowed()
  assert.equal(released?.attention, undefined)
  await load()
  assert.deepEqual([await shown(), await withheld()], [0, null])
  has(ids(0, 30))
  await walk()
  has(ids(0, 3))
  await walk()
  await load()
  assert.deepEqual([await shown(), (await withheld())?.rows], [30, 27], 'the permission was of that one walk')
  const given = {
    config: place.config,
    clock: systemClock,
    log: silentLog,
    metrics: createMetrics(),
    stream: STREAM,
    onlyLog: true,
  }
  const { partitions } = await rebuild({ ...given, signal: new AbortController().signal })
  assert.deepEqual([await shown(), partitions[0]?.withheld], [30, 27], 'a new table is filled by the same decisions')
})

test('a walk that was released and cut off keeps the permission when the next run completes it', async (t) => {
  const { has, fail, walk, load, shown, withheld, place, query } = await walked(t)
  has(ids(0, 60))
  await walk()
  has(ids(0, 30))
  fail(PAGE)
  assert.equal((await walk({ full: true, allowDeletes: true }))?.outcome, 'failed')
  fail(null)
  await walk()
  await load()
  assert.deepEqual([await shown(), await withheld()], [30, null])
  assert.equal((await query('SELECT 1 FROM {db}.shop_orders WHERE _deleted = 1')).length, 30)
  await assertVerified(place)
})

test('the bounds are as declared: fewer rows, a larger share, all of them; a changed declaration counts from its next walk on', async (t) => {
  const { has, walk, load, shown, withheld, declare } = await walked(t, {
    by: 'full-walk',
    shareMax: 0.5,
    rowsMin: 3,
    allowAll: true,
  })
  has(ids(0, 8))
  await walk()
  await load()
  has(ids(0, 4))
  await walk()
  await load()
  assert.deepEqual([await shown(), await withheld()], [4, null], 'half is not more than half')
  has(ids(0, 1))
  await walk()
  await load()
  assert.deepEqual([await shown(), (await withheld())?.rows], [4, 3], 'three of four')
  has(ids(100, 102))
  await walk()
  await load()
  assert.deepEqual([await shown(), (await withheld())?.rows], [6, 4], 'all of them is a share like another')
  declare({ by: 'full-walk', shareMax: 1, allowAll: true })
  await walk()
  await load()
  assert.deepEqual([await shown(), await withheld()], [2, null])
})

test('few rows are deleted whatever their share, but never all that were there', async (t) => {
  const { has, walk, load, shown, withheld } = await walked(t)
  has(['a', 'b'])
  await walk()
  await load()
  assert.deepEqual([await shown(), await withheld()], [2, null], 'the first walk has nothing to delete')
  has(['b', 'c'])
  await walk()
  await load()
  assert.equal(await shown(), 2)
  has(['d'])
  await walk()
  await load()
  assert.deepEqual([await shown(), (await withheld())?.rows], [3, 2])
})
