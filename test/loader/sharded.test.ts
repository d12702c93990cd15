/**
 * A stream over two shards: two real servers, with rows spread by their key through a real Distributed table. The statements ON CLUSTER are carried
 * out by the test, and the Replicated engine is replaced by the plain one.
 */
import assert from 'node:assert/strict'
import { after, before, describe, test } from 'node:test'
import { ClickHouseLogLevel, createClient } from '@clickhouse/client'
import { planTables } from '../../services/loader/plan.ts'
import { createTables } from '../../services/loader/table.ts'
import { silentLog } from '../../shared/log.ts'
import { count, loadAll, query } from '../support/loading.ts'
import { atEnd, closeAll, compileStream, order, ownPlace, type Place, publish } from '../support/published.ts'
import { type Shards, twoShards } from '../support/shards.ts'
import { assertVerified } from '../support/verified.ts'

after(closeAll)

const KEYS = 40

let on: Shards
before(async () => {
  on = await twoShards()
})

async function ask<T>({ config }: Place, url: string, sql: string): Promise<T[]> {
  const client = createClient({ url, log: { level: ClickHouseLogLevel.OFF } })
  try {
    const result = await client.query({ query: sql.replaceAll('{db}', config.clickhouse.database), format: 'JSONEachRow' })
    return await result.json<T>()
  } finally {
    await client.close()
  }
}

const idsAt = async (place: Place, url: string, table: string): Promise<string[]> =>
  (await ask<{ id: string }>(place, url, `SELECT DISTINCT id FROM {db}.${table} ORDER BY id`)).map(({ id }) => id)

function tablesOf({ config: { clickhouse } }: Place) {
  const client = createClient({ url: clickhouse.url, log: { level: ClickHouseLogLevel.OFF } })
  atEnd(() => client.close())
  return createTables(client, clickhouse, silentLog)
}

const plan = (place: Place) => planTables({ ...place, at: place.config.clickhouse, tables: tablesOf(place) }, [], [])

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
    await query(place, 'SELECT 1')
    await orders.close()
  })
})
