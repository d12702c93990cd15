/**
 * A replay into a new table: what the table shows stays what it was, the old one stays beside it, and nothing is
 * exchanged that is not whole.
 */
import assert from 'node:assert/strict'
import { after, describe, test } from 'node:test'
import { systemClock } from '#shared/clock.ts'
import { z } from '#shared/index.ts'
import { silentLog } from '#shared/log.ts'
import { createMetrics } from '#shared/metrics/metrics.ts'
import { type Rebuilt, rebuild } from '../../../services/loader/rebuild/rebuild.ts'
import { command, count, loadAll, query, startLoader, until } from '../../support/loading.ts'
import { run, start } from '../../support/processes.ts'
import {
  closeAll,
  compileStream,
  order,
  orderSchema,
  ownPlace,
  type Place,
  type Published,
  publish,
} from '../../support/published.ts'
import { assertVerified } from '../../support/verified.ts'

after(closeAll)

const AT_MS = 1_790_000_000_000
const KEYS = 10
const BAD = '{"id":"bad","total":"no number","status":"open","updated_at":"2026-01-01T00:00:00Z"}'
const GONE = JSON.stringify({ ...order(3, 5), _deleted: 1 })

type Scene = { place: Place; orders: Published }

/**
 * Two versions of each key, the older one last; a deletion, what ClickHouse refuses and what is no frame; small
 * batches, so that there are many.
 */
async function scene(): Promise<Scene> {
  const place = await ownPlace({ LOADER_BATCH_AGE_MS: '100', LOADER_BATCH_ROWS: '7' })
  const orders = await publish(place, compileStream({ deleted: '/deleted' }), 2)
  for (const partition of [0, 1]) {
    const versions = (version: number) =>
      Array.from({ length: KEYS }, (_, key) => order(partition * KEYS + key, version))
    await orders.page({ partition, records: versions(2), atMs: AT_MS })
    await orders.page({ partition, records: versions(1), atMs: AT_MS + 1000 })
  }
  await orders.page({ records: [], payloads: [JSON.stringify(order(100)), BAD, GONE], atMs: AT_MS + 2000 })
  await orders.raw(0, [{ key: null, value: 'no frame' }])
  await loadAll(place)
  return { place, orders }
}

function again({ place }: Scene, more: { onlyLog?: boolean; signal?: AbortSignal } = {}): Promise<Rebuilt> {
  const given = {
    config: place.config,
    clock: systemClock,
    log: silentLog,
    metrics: createMetrics(),
    stream: 'shop.orders',
  }
  return rebuild({ ...given, signal: new AbortController().signal, onlyLog: false, ...more })
}

const shown = ({ place, orders }: Scene, table = orders.table) =>
  query(
    place,
    `SELECT id, toString(total) AS total, status, updated_at, _partition, _offset FROM {db}.${table} FINAL ORDER BY id`,
  )
const tableNames = async ({ place }: Scene): Promise<string[]> =>
  (await query<{ name: string }>(place, "SELECT name FROM system.tables WHERE database = '{db}' ORDER BY name")).map(
    ({ name }) => name,
  )
const placesOf = ({ place, orders }: Scene) => place.kafka.committed(place.names.loaderGroup, orders.topic)

describe('a replay into a new table', () => {
  test('is refused while a loader runs, by its name, and an interrupted one leaves everything as it was', async () => {
    const at = await scene()
    const before = await shown(at)
    const loader = startLoader(at.place)
    await until(
      'the loader is in the group',
      async () => (await at.place.kafka.members(at.place.names.loaderGroup)).length > 0,
    )
    await assert.rejects(again(at), { code: 'HR_KAFKA_GROUP_ACTIVE', message: /headrace at / })
    await loader.stop()
    assert.ok(!(await tableNames(at)).includes(`${at.orders.table}__new`), 'nothing was begun')
    const stopped = new AbortController()
    stopped.abort()
    await assert.rejects(again(at, { signal: stopped.signal }), { code: 'HR_INTERRUPTED' })
    assert.deepEqual(await shown(at), before)
    await at.orders.close()
  })

  test('shows the same rows in the shape of the latest schema; the old table, commits and dead letters stay, and loading goes on', async (t) => {
    const at = await scene()
    const { place, orders } = at
    const before = await shown(at)
    const committed = await placesOf(at)
    const letters = (await orders.deadLetters()).length
    assert.equal(letters, 2)
    // Of no use to a loader any more, and what a call before has left behind.
    await command(place, `ALTER TABLE {db}.${orders.table} MODIFY COLUMN total String`)
    await command(place, `CREATE TABLE {db}.${orders.table}__new (x Int8) ENGINE = Memory`)
    const schema = orderSchema.extend({ colour: z.string().optional() })
    await place.registry.register(
      place.names.subject(orders.topic),
      compileStream({ schema, deleted: '/deleted' }).wireSchema,
    )

    const done = await run(t, ['replay', 'shop.orders', '--into-new-table', '--json'], place.env)
    assert.equal(done.status, 0, done.stderr)
    const { old, partitions, kept }: Rebuilt = JSON.parse(done.stdout)
    assert.deepEqual(kept, { rows: 0, copied: true })
    assert.deepEqual(
      partitions.map(({ partition, rows, refused }) => [partition, rows, refused]),
      [
        [0, 2 * KEYS + 2, 2],
        [1, 2 * KEYS, 0],
      ],
    )
    assert.deepEqual(await shown(at), before)
    assert.deepEqual(await shown(at, old ?? ''), before)
    assert.deepEqual(await placesOf(at), committed)
    assert.equal((await orders.deadLetters()).length, letters)
    assert.deepEqual(
      await tableNames(at),
      ['headrace_dead_letters', 'headrace_pages', orders.table, old, `${orders.table}_current`].sort(),
    )
    await assertVerified(place)

    await orders.page({
      records: [],
      payloads: [JSON.stringify({ ...order(200), _extra: { x: 1 } })],
      atMs: AT_MS + 3000,
    })
    assert.equal((await loadAll(place)).rows, 1)
    const view = await query<{ n: string; type: string }>(
      place,
      `SELECT count() AS n, any(toTypeName(total)) AS type FROM {db}.${orders.table}_current WHERE colour IS NULL`,
    )
    assert.deepEqual([Number(view[0]?.n), view[0]?.type], [before.length + 1, 'Float64'])
    assert.equal(await count(place, old ?? ''), before.length)
    await orders.close()
  })

  test('keeps the rows that retention has taken from the topic, also those that beat what it still has; --only-log leaves them out', async () => {
    const at = await scene()
    const { place, orders } = at
    const before = await shown(at)
    // The newer versions of partition 1, of which the older ones are left.
    await place.kafka.deleteRecordsBelow(orders.topic, new Map([[1, KEYS + 1]]))
    const rebuilt = await again(at)
    assert.deepEqual(rebuilt.kept, { rows: KEYS, copied: true })
    assert.equal(rebuilt.partitions[1]?.from, KEYS + 1)
    assert.deepEqual(await shown(at), before)
    await assertVerified(place)

    await systemClock.sleep(1_000)
    const bare = await again(at, { onlyLog: true })
    assert.deepEqual(bare.kept, { rows: KEYS, copied: false })
    assert.notEqual(bare.old, rebuilt.old)
    const [older] = await query<{ n: string }>(
      place,
      `SELECT count() AS n FROM {db}.${orders.table} FINAL WHERE toSecond(updated_at) = 1`,
    )
    assert.equal(Number(older?.n), KEYS)
    assert.deepEqual(await shown(at, bare.old ?? ''), before)
    await orders.close()
  })

  test('that is killed leaves the old table as it was, and what it had filled is removed by the next one', async (t) => {
    const at = await scene()
    const { place, orders } = at
    await orders.page({
      partition: 1,
      records: Array.from({ length: 2_000 }, (_, key) => order(1_000 + key)),
      atMs: AT_MS + 3000,
    })
    await loadAll(place)
    const before = await shown(at)
    const slow = start(t, 'replay', ['replay', 'shop.orders', '--into-new-table'], {
      ...place.env,
      LOADER_BATCH_ROWS: '1',
    })
    await until('the new table has rows', async () => (await count(place, `${orders.table}__new`, false)) > 0)
    slow.kill('SIGKILL')
    await slow.exit
    assert.deepEqual(await shown(at), before)
    assert.ok((await tableNames(at)).includes(`${orders.table}__new`))
    const { old } = await again(at)
    assert.deepEqual(await shown(at), before)
    assert.ok(!(await tableNames(at)).includes(`${orders.table}__new`))
    assert.deepEqual(await shown(at, old ?? ''), before)
    await orders.close()
  })

  test('makes a table that is gone', async () => {
    const at = await scene()
    const before = await shown(at)
    await command(at.place, `DROP TABLE {db}.${at.orders.table}`)
    const { old } = await again(at)
    assert.equal(old, null)
    assert.deepEqual(await shown(at), before)
    await at.orders.close()
  })

  test('of a table that would refuse most rows is given up, and the old table stays', async () => {
    const at = await scene()
    const bad = Array.from({ length: 100 }, () => BAD)
    await at.orders.page({ records: [], payloads: bad, atMs: AT_MS + 4000 })
    await at.orders.refence()
    const ends = (await at.place.kafka.logRanges(at.orders.topic)).map(
      ({ high }, partition) => [partition, high] as const,
    )
    await at.place.kafka.resetOffsets(at.place.names.loaderGroup, at.orders.topic, new Map(ends))
    const before = await shown(at)
    await assert.rejects(again(at), { code: 'HR_FLOOD' })
    assert.deepEqual(await shown(at), before)
    await at.orders.close()
  })
})
