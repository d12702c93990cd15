/**
 * A stream over two shards: two real servers, with rows spread by their key through a real Distributed table. The
 * statements ON CLUSTER are carried out by the test, and the Replicated engine is replaced by the plain one.
 */
import assert from 'node:assert/strict'
import { after, before, describe, test } from 'node:test'
import { ClickHouseLogLevel, createClient } from '@clickhouse/client'
import { systemClock } from '#shared/clock.ts'
import { none, z } from '#shared/index.ts'
import { silentLog } from '#shared/log.ts'
import { createMetrics } from '#shared/metrics/metrics.ts'
import { planTables, type StreamPlan } from '../../../services/loader/plan.ts'
import { type Rebuilt, rebuild } from '../../../services/loader/rebuild/rebuild.ts'
import { createTables } from '../../../services/loader/table/tables.ts'
import { command, commits, count, loadAll, query, startLoader, until } from '../../support/loading.ts'
import { start } from '../../support/processes.ts'
import {
  atEnd,
  closeAll,
  compileStream,
  order,
  orderSchema,
  ownPlace,
  type Place,
  publish,
} from '../../support/published.ts'
import { type Shards, twoShards } from '../../support/shards.ts'
import { assertVerified } from '../../support/verified.ts'

after(closeAll)

const KEYS = 40
const KILLED_ROWS = 1_000

let on: Shards
before(async () => {
  on = await twoShards()
})

/** The same place, asked at one server. */
const at = (place: Place, url: string): Place => ({
  ...place,
  config: { ...place.config, clickhouse: { ...place.config.clickhouse, url } },
})

const ask = <T>(place: Place, url: string, sql: string): Promise<T[]> => query<T>(at(place, url), sql)

const idsAt = async (place: Place, url: string, table: string): Promise<string[]> =>
  (await ask<{ id: string }>(place, url, `SELECT DISTINCT id FROM {db}.${table} ORDER BY id`)).map(({ id }) => id)

function tablesOf({ config: { clickhouse } }: Place) {
  const client = createClient({ url: clickhouse.url, log: { level: ClickHouseLogLevel.OFF } })
  atEnd(() => client.close())
  return createTables(client, clickhouse, silentLog)
}

const plan = (place: Place) => planTables({ ...place, at: place.config.clickhouse, tables: tablesOf(place) }, [], [])

const refusals = ({ findings }: StreamPlan) =>
  findings.filter(({ severity }) => severity === 'refused').map(({ name }) => name)

const shown = (place: Place, table: string) =>
  query(
    place,
    `SELECT id, toString(total) AS total, status, updated_at, _partition, _offset FROM {db}.${table} FINAL ORDER BY id`,
  )

function again({ config }: Place): Promise<Rebuilt> {
  const given = {
    config,
    clock: systemClock,
    log: silentLog,
    metrics: createMetrics(),
    stream: 'shop.orders',
    onlyLog: false,
  }
  return rebuild({ ...given, signal: new AbortController().signal })
}

describe('a stream over two shards', () => {
  test('has all versions of a key on one of them, shows the newest, and every place of it agrees with the topic', async () => {
    const place = await ownPlace({}, on)
    const orders = await publish(place, compileStream({ deleted: '/deleted' }))
    const [first, second] = on.shards
    await orders.page({ records: Array.from({ length: KEYS }, (_, key) => order(key, 2)) })
    await orders.page({ records: Array.from({ length: KEYS }, (_, key) => order(key, 1)) })
    await orders.page({ records: [], payloads: [JSON.stringify({ ...order(7, 3), _deleted: 1 })] })
    assert.equal((await loadAll(place)).rows, 2 * KEYS + 1)
    const local = `${orders.table}_local`
    const [here, there] = [await idsAt(place, first.url, local), await idsAt(place, second.url, local)]
    assert.ok(here.length > 0 && there.length > 0, 'each shard has some')
    assert.deepEqual([here.length + there.length, new Set([...here, ...there]).size], [KEYS, KEYS])
    for (const { url } of on.shards) {
      const shown = await ask<{ n: string; v: string }>(
        place,
        url,
        `SELECT count() AS n, uniqExact(toSecond(updated_at)) AS v FROM {db}.${orders.table}_current`,
      )
      assert.deepEqual(
        shown.map(({ n, v }) => [Number(n), Number(v)]),
        [[KEYS - 1, 1]],
        'the view is the same at both',
      )
    }
    assert.equal(await count(place, 'headrace_pages'), 3)
    await assertVerified(place)
    assert.deepEqual(
      (await plan(place)).map(({ steps, findings }) => [steps, findings]),
      [[[], []]],
    )
    assert.deepEqual(await tablesOf(place).server(), [])
    const stats = await tablesOf(place).dataParts(orders.table)
    assert.ok(
      stats !== null && stats.most > 0 && stats.delayAt > stats.most,
      'parts are counted behind the Distributed table',
    )
    await orders.close()
  })

  test('waits for a shard that cannot take its rows, and counts what the other one had already once', async () => {
    const place = await ownPlace({ LOADER_BATCH_AGE_MS: '100' }, on)
    const orders = await publish(place)
    const [first, second] = on.shards
    const local = `{db}.${orders.table}_local`
    const stored = async () =>
      Number((await ask<{ n: string }>(place, first.url, `SELECT count() AS n FROM ${local}`))[0]?.n ?? 0)
    await orders.page({ records: [order(0)] })
    const loader = startLoader(place)
    const committed = async () => (await commits(place, orders.topic))[0]?.offset ?? 0
    await until('the first page is committed', async () => (await committed()) > 0)
    const mark = await committed()
    const before = await stored()

    const limit = (parts: number) =>
      command(
        at(place, second.url),
        `ALTER TABLE ${local} MODIFY SETTING parts_to_throw_insert = ${parts}, parts_to_delay_insert = ${parts}`,
      )
    const waitsFor = (name: string) =>
      until(`the loader waits for ${name}`, () => loader.lines.some(({ reason }) => reason === name))
    await command(
      at(place, second.url),
      `INSERT INTO ${local} (id, total, status, updated_at) VALUES ('other', 1, 'open', '2026-01-01T00:00:00Z')`,
    )
    await limit(1)
    await orders.page({ records: Array.from({ length: KEYS }, (_, key) => order(key, 1)) })
    await waitsFor('TOO_MANY_PARTS')
    await until('the other shard has its rows', async () => (await stored()) > before)
    const partly = await stored()
    await second.stop()
    await waitsFor('ALL_CONNECTION_TRIES_FAILED')
    assert.equal(await committed(), mark, 'nothing is committed')

    await second.start()
    await limit(1_000)
    await until('all is committed', async () => (await committed()) > mark)
    await loader.stop()
    assert.equal(await stored(), partly, 'repetitions are dropped')
    assert.equal(await count(place, orders.table, false), KEYS + 2)
    await command(at(place, second.url), `ALTER TABLE ${local} DELETE WHERE id = 'other' SETTINGS mutations_sync = 1`)
    await assertVerified(place)
    await orders.close()
  })

  test('has every row once after loaders that were killed', async (t) => {
    const place = await ownPlace({ LOADER_BATCH_AGE_MS: '20', LOADER_BATCH_ROWS: '25' }, on)
    const orders = await publish(place, compileStream(), 2)
    for (const partition of [0, 1]) {
      const records = Array.from({ length: KILLED_ROWS }, (_, key) => order(partition * KILLED_ROWS + key))
      await orders.page({ partition, records })
    }
    for (const [round, rows] of [KILLED_ROWS / 4, KILLED_ROWS].entries()) {
      const loader = start(t, `load ${round}`, ['load'], { ...place.env, KAFKA_SESSION_TIMEOUT_MS: '6000' })
      await until(`${rows} rows are there`, async () => (await count(place, orders.table)) >= rows)
      loader.kill('SIGKILL')
      await loader.exit
    }
    await loadAll(place)
    assert.equal(await count(place, orders.table), 2 * KILLED_ROWS)
    await assertVerified(place)
    await orders.close()
  })

  test('lets a row that one shard refuses go to the dead letters, and no other', async () => {
    const place = await ownPlace({}, on)
    const orders = await publish(place)
    await orders.page({ records: [order(0)] })
    await loadAll(place)
    for (const { url } of on.shards) {
      await command(at(place, url), `ALTER TABLE {db}.${orders.table}_local ADD CONSTRAINT cheap CHECK total < 1000`)
    }
    const dear = [5, 11, 17, 31]
    const records = Array.from({ length: KEYS }, (_, key) => ({
      ...order(key, 1),
      total: dear.includes(key) ? 5_000 : key,
    }))
    await orders.page({ records })
    assert.deepEqual((({ rows, deadLetters }) => [rows, deadLetters])(await loadAll(place)), [
      KEYS - dear.length,
      dear.length,
    ])
    const refused = (await orders.deadLetters()).map(({ value }) => JSON.parse(value?.toString() ?? '').id)
    assert.deepEqual(refused.sort(), dear.map((key) => `order-${key}`).sort())
    await assertVerified(place)
    await orders.close()
  })

  test('gets new columns and wider ones, in front of the shards and behind', async () => {
    const place = await ownPlace({}, on)
    const orders = await publish(place, compileStream({ schema: orderSchema.extend({ pieces: z.int32() }) }))
    await orders.page({ records: [{ ...order(1), pieces: 3 }] })
    await loadAll(place)
    const wider = compileStream({
      schema: orderSchema.extend({ pieces: z.int(), coupon: z.string().optional().describe('for less') }),
    })
    const { id: schemaId } = await place.registry.register(place.names.subject(orders.topic), wider.wireSchema)
    const steps =
      (await plan(place))[0]?.steps.map(({ statement }) => /ALTER TABLE `\w+`\.`(\w+)`/.exec(statement)?.[1]) ?? []
    assert.deepEqual(
      steps,
      [...Array(2).fill(`${orders.table}_local`), ...Array(2).fill(orders.table), undefined],
      'rows first',
    )
    await orders.page({
      schemaId,
      records: Array.from({ length: KEYS }, (_, key) => ({ ...order(key), pieces: 2 ** 40, coupon: `c${key}` })),
    })
    await loadAll(place)
    for (const { url } of on.shards) {
      const shown = await ask<{ n: string; type: string; most: string }>(
        place,
        url,
        `SELECT uniqExact(coupon) AS n, any(toTypeName(pieces)) AS type, max(pieces) AS most FROM {db}.${orders.table}_current`,
      )
      assert.deepEqual(
        shown.map(({ n, type, most }) => [Number(n), type, Number(most)]),
        [[KEYS, 'Int64', 2 ** 40]],
      )
      const comments = await ask<{ table: string }>(
        place,
        url,
        "SELECT table FROM system.columns WHERE database = '{db}' AND comment = 'for less' ORDER BY table",
      )
      assert.deepEqual(
        comments.map(({ table }) => table),
        [orders.table, `${orders.table}_local`],
      )
    }
    await assertVerified(place)
    await orders.close()
  })

  test('is marked where a complete walk did not bring a row, on each shard', async () => {
    const place = await ownPlace({}, on)
    const stream = compileStream({
      paginate: none(),
      schema: z.object({ id: z.string() }),
      watermark: undefined,
      deletes: 'full-walk',
    })
    const { page, table, close } = await publish(place, stream)
    const ids = async () => {
      await loadAll(place)
      return (await query<{ id: string }>(place, `SELECT id FROM {db}.${table} FINAL ORDER BY id`))
        .map(({ id }) => id)
        .join('')
    }
    const letters = [...'abcdefgh'].map((id) => ({ id }))
    const from = await page({ records: letters, atMs: 4_999 })
    assert.equal(await ids(), 'abcdefgh')
    await page({ records: letters.slice(0, 2), atMs: 9_000, marker: { complete: { from, startedMs: 5_000 } } })
    const loader = startLoader(place)
    await until('rows are marked', () => loader.lines.some(({ msg }) => msg.includes('marked deleted')))
    await loader.stop()
    const marked = await loader.metrics.markedDeleted.get()
    assert.deepEqual([await ids(), marked.values.map(({ value }) => value)], ['ab', [letters.length - 2]])
    await close()
  })
})

describe('a table that cannot be over the shards', () => {
  test('is refused when it is of one shard, and comes to all of them by a replay into a new table', async () => {
    const place = await ownPlace({}, on)
    const orders = await publish(place)
    const records = Array.from({ length: KEYS }, (_, key) => order(key, key % 3))
    await orders.page({ records })
    const one = { ...place, config: { ...place.config, clickhouse: { ...place.config.clickhouse, sharded: false } } }
    await loadAll(one)
    assert.deepEqual(
      (await tablesOf(one).server()).map(({ name }) => name),
      ['SHARDS'],
    )
    const before = await shown(place, orders.table)
    await again(one)
    assert.deepEqual(await shown(one, orders.table), before)
    await systemClock.sleep(1_000)
    assert.deepEqual((await plan(place)).flatMap(refusals), ['TABLE_NOT_SHARDED'])
    const { old } = await again(place)
    assert.deepEqual(await shown(place, orders.table), before)
    assert.equal(await count(place, old ?? ''), KEYS)
    assert.deepEqual(
      (await plan(place)).map(({ steps, findings }) => [steps, findings]),
      [[[], []]],
    )
    assert.deepEqual((await plan(one)).flatMap(refusals), ['TABLE_SHARDED'])

    await systemClock.sleep(1_000)
    await place.kafka.deleteRecordsBelow(orders.topic, new Map([[0, 5]]))
    for (const { url } of on.shards)
      await command(at(place, url), `CREATE TABLE {db}.${orders.table}__new_local (x Int8) ENGINE = Memory`)
    const rebuilt = await again(place)
    assert.deepEqual(rebuilt.kept, { rows: 5, copied: true })
    assert.deepEqual(await shown(place, orders.table), before)
    assert.deepEqual(await shown(place, rebuilt.old ?? ''), before)
    for (const { url } of on.shards) {
      const tables = await ask<{ name: string }>(
        place,
        url,
        "SELECT name FROM system.tables WHERE database = '{db}' AND name LIKE '%new%'",
      )
      assert.deepEqual(tables, [])
    }
    await orders.page({ records: [order(KEYS)] })
    await loadAll(place)
    assert.equal(await count(place, orders.table), KEYS + 1)
    await assertVerified(place)
    await orders.close()
  })

  test('is refused when it spreads rows by something else, or stands in front of other rows', async () => {
    const place = await ownPlace({}, on)
    const orders = await publish(place)
    await orders.page({ records: [order(1)] })
    await loadAll(place)
    const distributed = (over: string, comment = '') =>
      command(
        place,
        `CREATE OR REPLACE TABLE {db}.${orders.table} AS {db}.${orders.table}_local ENGINE = Distributed(${over}) COMMENT '${comment}'`,
      )
    await distributed(`two, {db}, ${orders.table}_local, rand()`)
    assert.deepEqual((await plan(place)).flatMap(refusals), ['SHARDING_KEY'])
    await distributed(`two, {db}, ${orders.table}_local`)
    assert.deepEqual((await plan(place)).flatMap(refusals), ['SHARDING_KEY'])
    await distributed(`two, default, ${orders.table}_local, cityHash64(id)`)
    const [found] = await plan(place)
    assert.deepEqual(refusals(found as StreamPlan), ['SHARDS_ELSEWHERE'])
    await distributed(`two, {db}, ${orders.table}_local, cityHash64(id)`, 'Headrace: spread over shards of weight 1')
    assert.deepEqual((await plan(place)).flatMap(refusals), ['SHARDS_CHANGED'])
    await again(place)
    assert.deepEqual(
      (await plan(place)).map(({ steps, findings }) => [steps, findings]),
      [[[], []]],
    )
    await distributed(`two, {db}, ${orders.table}_local, sipHash64(id)`)
    assert.deepEqual((await plan(place)).flatMap(refusals), [], 'any function of the key will do')
    await orders.close()
  })
})
