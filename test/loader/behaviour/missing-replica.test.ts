/**
 * A table that one replica lacks is named as that, with the command that adds it. Two real servers are the replicas of
 * a cluster; the error about the quorum is the test's own, since only a Keeper brings it up.
 */
import assert from 'node:assert/strict'
import { after, before, describe, test } from 'node:test'
import { ClickHouseLogLevel, createClient } from '@clickhouse/client'
import { silentLog } from '#shared/log.ts'
import { planTables } from '../../../services/loader/plan.ts'
import { createTables } from '../../../services/loader/table/tables.ts'
import { clickhouseProxy } from '../../support/clickhouse-proxy.ts'
import { command, commits, count, loadAll, query, startLoader, until } from '../../support/loading.ts'
import { atEnd, closeAll, order, ownPlace, type Place, publish } from '../../support/published.ts'
import { type Shards, twoReplicas } from '../../support/shards.ts'

after(closeAll)

let on: Shards
before(async () => {
  on = await twoReplicas()
})

const TABLE = 'shop_orders'
const MISSING = 'TABLE_MISSING_ON_REPLICA'

const at = (place: Place, url: string): Place => ({
  ...place,
  config: { ...place.config, clickhouse: { ...place.config.clickhouse, url } },
})

function tablesOf({ config: { clickhouse } }: Place) {
  const client = createClient({ url: clickhouse.url, log: { level: ClickHouseLogLevel.OFF } })
  atEnd(() => client.close())
  return createTables(client, clickhouse, silentLog)
}

async function findingsOf(place: Place) {
  const plans = await planTables({ ...place, at: place.config.clickhouse, tables: tablesOf(place) }, [], [])
  return plans.flatMap(({ steps, findings }) => [...steps, ...findings])
}

const portOf = async (place: Place, url: string): Promise<number> =>
  (await query<{ port: number }>(at(place, url), 'SELECT tcpPort() AS port'))[0]?.port ?? 0

/** A stream with one row whose table stands on both replicas. */
async function loaded(overrides: Record<string, string> = {}) {
  const place = await ownPlace({ LOADER_BATCH_AGE_MS: '100', ...overrides }, on)
  const orders = await publish(place)
  await orders.page({ records: [order(0)] })
  await loadAll(place)
  assert.deepEqual(await findingsOf(place), [])
  return { place, orders }
}

test('without CLICKHOUSE_INSERT_QUORUM, plan says that one replica confirms', async () => {
  const names = async (overrides = {}) => {
    const findings = await tablesOf(await ownPlace(overrides, on)).server()
    return findings.map(({ name, message }) => [name, /confirmed by one of them/.test(message)])
  }
  assert.deepEqual(await names(), [['NO_QUORUM', true]])
  assert.deepEqual(await names({ CLICKHOUSE_INSERT_QUORUM: 'auto' }), [])
})

describe('a table that one replica lacks', () => {
  test('is a warning of plan and of the loader, with the command that adds it; rows are loaded', async () => {
    const { place, orders } = await loaded()
    const [first, second] = on.shards
    await command(at(place, second.url), `DROP TABLE {db}.${TABLE}`)
    const [found, ...others] = await findingsOf(place)
    assert.ok(found !== undefined && 'remedy' in found)
    const [has, lacks] = [await portOf(place, first.url), await portOf(place, second.url)]
    assert.deepEqual([found.name, found.severity, others], [MISSING, 'warning', []])
    assert.match(found.message, new RegExp(`^table \\w+\\.${TABLE} is missing on \\S+:${lacks} of cluster two: `))
    const [show = '', target = ''] = found.remedy.split(' | ')
    assert.match(show, new RegExp(`^clickhouse-client --host \\S+ --port ${has} --query 'SHOW CREATE TABLE .*'$`))
    assert.match(target, new RegExp(`^clickhouse-client --host \\S+ --port ${lacks}$`))

    await orders.page({ records: [order(1)] })
    const loader = startLoader(place)
    await until('the row is loaded', async () => (await count(place, TABLE)) === 2)
    await loader.stop()
    const warnings = loader.lines.filter(({ reason }) => reason === MISSING)
    assert.equal(warnings.length, 1)

    const [, statement = ''] = /--query '(.*)'$/.exec(show) ?? []
    const shown = await fetch(first.url, { method: 'POST', body: statement })
    const create = await shown.text()
    assert.match(create, /^CREATE TABLE \w+\.shop_orders UUID '/)
    await command(at(place, second.url), create)
    assert.deepEqual(await findingsOf(place), [])
    await orders.close()
  })

  test('is not created anew by a loader that meets this replica: that would be a table of its own', async () => {
    const { place, orders } = await loaded()
    const [first] = on.shards
    await command(at(place, first.url), `DROP DATABASE {db}`)
    const [found, ...others] = await findingsOf(place)
    assert.ok(found !== undefined && 'remedy' in found)
    assert.deepEqual([found.name, found.severity, others], [MISSING, 'refused', []])
    assert.match(found.message, /, nor all of them database \w+: /)
    assert.match(found.remedy, /^CREATE DATABASE IF NOT EXISTS `\w+` ON CLUSTER `two`; then clickhouse-client /)
    const [before] = await commits(place, orders.topic)
    await orders.page({ records: [order(1)] })
    const loader = startLoader(place)
    await until('the loader waits', () => loader.lines.some(({ reason }) => reason === MISSING))
    assert.deepEqual(await commits(place, orders.topic), [before])
    await loader.stop()
    await orders.close()
  })

  test('is what too few replicas for a quorum are put down to, and only then', async () => {
    const { place, orders } = await loaded({ CLICKHOUSE_INSERT_QUORUM: '2' })
    const [, second] = on.shards
    let asked = 0
    const proxy = await clickhouseProxy(place.config.clickhouse.url, (table) =>
      table === TABLE && ++asked < 4 ? { code: 285, name: 'TOO_FEW_LIVE_REPLICAS' } : 'pass',
    )
    await orders.page({ records: [order(1)] })
    const loader = startLoader(place, { ...place.config, clickhouse: { ...place.config.clickhouse, url: proxy.url } })
    await until('too few replicas', () => loader.lines.some(({ reason }) => reason === 'TOO_FEW_LIVE_REPLICAS'))
    assert.ok(!loader.lines.some(({ reason }) => reason === MISSING))
    await command(at(place, second.url), `DROP TABLE {db}.${TABLE}`)
    await until('the replica is named', () => loader.lines.some(({ msg }) => /ClickHouse said TOO_FEW/.test(msg)))
    await until('the row is loaded', async () => (await count(place, TABLE)) === 2)
    await loader.stop()
    await orders.close()
  })
})
