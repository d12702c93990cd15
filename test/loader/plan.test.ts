/** `headrace plan`: what the loader would do and what it would refuse, and that nothing is done by asking. */
import assert from 'node:assert/strict'
import { after, describe, test } from 'node:test'
import { ClickHouseLogLevel, createClient } from '@clickhouse/client'
import { readConfig } from '#shared/config/config.ts'
import { z } from '#shared/index.ts'
import { silentLog } from '#shared/log.ts'
import { planTables, type StreamPlan } from '../../services/loader/plan.ts'
import { createTables } from '../../services/loader/table/tables.ts'
import { command, loadAll, query } from '../support/loading.ts'
import { pipeline } from '../support/pipeline.ts'
import {
  atEnd,
  closeAll,
  compileStream,
  order,
  orderSchema,
  ownPlace,
  type Place,
  publish,
} from '../support/published.ts'

after(closeAll)

async function plan(place: Place, declared = [compileStream()], labels: string[] = []): Promise<StreamPlan[]> {
  const at = place.config.clickhouse
  const client = createClient({
    url: at.url,
    username: at.user,
    password: at.password,
    log: { level: ClickHouseLogLevel.OFF },
  })
  atEnd(() => client.close())
  const { kafka, registry, names } = place
  return planTables({ kafka, registry, names, at, tables: createTables(client, at, silentLog) }, declared, labels)
}

const whats = (plans: StreamPlan[]) => plans.flatMap(({ steps }) => steps.map(({ what }) => what))
const refusals = (plans: StreamPlan[]) =>
  plans.flatMap(({ findings }) => findings.filter(({ severity }) => severity === 'refused').map(({ name }) => name))

describe('a plan', () => {
  test('of a stream that is only declared shows the table as it would be made, and makes nothing', async () => {
    const place = await ownPlace()
    const [orders] = await plan(place)
    assert.deepEqual([orders?.stream, orders?.table, orders?.by], ['shop.orders', 'shop_orders', 'declared'])
    assert.deepEqual(whats(await plan(place)), ['table', 'view shop_orders_current'])
    assert.match(orders?.steps[0]?.statement ?? '', /^CREATE TABLE IF NOT EXISTS .*ReplacingMergeTree/s)
    assert.equal((await query(place, `SELECT 1 FROM system.databases WHERE name = '{db}'`)).length, 0)
  })

  test('of a table that is as it should be is empty', async () => {
    const place = await ownPlace()
    const orders = await publish(place)
    await orders.page({ records: [order(1)] })
    await loadAll(place)
    assert.deepEqual(await plan(place, []), [
      { stream: 'shop.orders', table: 'shop_orders', by: 'registered', schema: [], steps: [], findings: [] },
    ])
    await orders.close()
  })

  test('tells what the loader adds from what it refuses, each with the statement that a person runs', async () => {
    const place = await ownPlace()
    const orders = await publish(place)
    await orders.page({ records: [order(1)] })
    await loadAll(place)
    await command(place, `ALTER TABLE {db}.shop_orders DROP COLUMN total`)
    await command(place, `DROP VIEW {db}.shop_orders_current`)
    const wider = compileStream({ schema: orderSchema.extend({ coupon: z.string().optional() }) })
    const [found] = await plan(place, [wider])
    assert.equal(found?.by, 'declared')
    assert.deepEqual(found?.schema, [{ path: 'coupon', change: 'new', additive: true }])
    assert.deepEqual(whats([found]), ['column coupon Nullable(String)', 'view shop_orders_current'])
    assert.deepEqual(refusals([found]), ['MISSING_COLUMN'])
    await command(place, found.findings[0]?.remedy ?? '')
    for (const { statement } of found.steps) await command(place, statement)
    const after = await plan(place, [wider])
    assert.deepEqual(refusals(after), [])
    await orders.close()
  })

  test('of a declaration that the registry would refuse says so, and goes by what is registered', async () => {
    const place = await ownPlace()
    const orders = await publish(place)
    const [found] = await plan(place, [compileStream({ schema: orderSchema.omit({ note: true }) })])
    assert.deepEqual([found?.by, refusals([found as StreamPlan])], ['registered', ['SCHEMA_REFUSED']])
    await orders.close()
  })

  test('of a table that is gone after rows of it were confirmed does not make it anew', async () => {
    const place = await ownPlace()
    const orders = await publish(place)
    await orders.page({ records: [order(1)] })
    await loadAll(place)
    await command(place, `DROP TABLE {db}.shop_orders SYNC`)
    const found = await plan(place)
    assert.deepEqual([whats(found), refusals(found)], [[], ['UNKNOWN_TABLE']])
    await orders.close()
  })
})

describe('the command', () => {
  test('ends with 0 when only the loader has something to do, with 3 when a person has, with 2 for a stream that nobody knows', async (t) => {
    const p = await pipeline(t, { records: 5 })
    const first = await p.run('plan', 'shop.orders')
    assert.equal(first.status, 0, first.stderr)
    assert.match(
      first.stdout,
      /^shop\.orders → shop_orders \(by the declared schema\): changed by the loader\n {2}\+ table\n {6}CREATE TABLE/,
    )
    await p.fetchOnce()
    await p.loadAll()
    assert.match((await p.run('plan', 'shop.orders')).stdout, /nothing to do/)
    const place = { config: readConfig(p.env) } as Place
    await command(place, 'ALTER TABLE {db}.shop_orders DROP COLUMN total')
    const refused = await p.run('plan', 'shop.orders', '--json')
    assert.equal(refused.status, 3)
    assert.match(refused.stdout, /MISSING_COLUMN.*ALTER TABLE/)
    const unknown = await p.run('plan', 'shop.nothing')
    assert.equal(unknown.status, 2)
    assert.match(unknown.stderr, /unknown stream "shop\.nothing"[\s\S]*shop\.orders/)
  })
})
