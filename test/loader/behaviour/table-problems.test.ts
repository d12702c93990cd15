import assert from 'node:assert/strict'
import { after, describe, test } from 'node:test'
import type { Config } from '#shared/config/config.ts'
import { Unavailable } from '#shared/errors.ts'
import { clickhouseProxy } from '../../support/clickhouse-proxy.ts'
import { command, commits, count, loadAll, query, startLoader, until } from '../../support/loading.ts'
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

/** A problem is noticed, put right, and loading goes on by itself; meanwhile nothing is committed, refused or lost. */
async function problem(
  wanted: RegExp,
  spoil: (place: Place, orders: Published) => Promise<void>,
  mend: (place: Place, orders: Published) => Promise<void>,
) {
  const place = await ownPlace({ LOADER_BATCH_AGE_MS: '100' })
  const orders = await publish(place)
  await orders.page({ records: [order(1)] })
  const loading = startLoader(place)
  await until('the first page is loaded', async () => (await commits(place, orders.topic))[0]?.open === 0)
  const before = (await commits(place, orders.topic))[0]?.offset
  await spoil(place, orders)
  await orders.page({ records: [order(2, 5), order(3)] })
  await until('it says what is wrong', () => loading.lines.some(({ reason }) => wanted.test(String(reason))))
  assert.equal(
    loading.lines.filter(({ reason, level }) => level === 'warn' && wanted.test(String(reason))).length,
    1,
    'one line',
  )
  assert.equal((await loading.metrics.paused.get()).values.filter(({ value }) => value === 1).length, 1)
  assert.equal((await commits(place, orders.topic))[0]?.offset, before)
  assert.equal((await orders.deadLetters()).length, 0)
  await mend(place, orders)
  await until(
    'it goes on by itself',
    async () => ((await commits(place, orders.topic))[0]?.offset ?? 0) > (before ?? 0),
    60_000,
  )
  assert.equal((await loading.metrics.paused.get()).values.filter(({ value }) => value === 1).length, 0)
  await loading.stop()
  await orders.close()
  await place.kafka.close()
  return place
}

describe('a table that is not as it should be', () => {
  test('missing: nothing is made anew in silence', async () => {
    let statement = ''
    await problem(
      /^UNKNOWN_TABLE$/,
      async (place, orders) => {
        const [row] = await query<{ statement: string }>(place, `SHOW CREATE TABLE {db}.${orders.table}`)
        statement = row?.statement ?? ''
        await command(place, `DROP TABLE {db}.${orders.table} SYNC`)
      },
      (place) => command(place, statement),
    )
  })

  test('missing since before the start, though rows of it were confirmed: said instead of loaded from the middle', async () => {
    const place = await ownPlace({ LOADER_BATCH_AGE_MS: '100' })
    const orders = await publish(place)
    await orders.page({ records: [order(1)] })
    await loadAll(place)
    await command(place, `DROP TABLE {db}.${orders.table} SYNC`)
    await orders.page({ records: [order(2)] })
    const loading = startLoader(place)
    await until('it says so', () => loading.lines.some(({ reason }) => reason === 'UNKNOWN_TABLE'))
    await loading.stop()
    await orders.close()
  })

  test('a required column dropped by hand', async () => {
    await problem(
      /^MISSING_COLUMN$/,
      (place, orders) => command(place, `ALTER TABLE {db}.${orders.table} DROP COLUMN total`),
      (place, orders) => command(place, `ALTER TABLE {db}.${orders.table} ADD COLUMN total Float64`),
    )
  })

  test('a column retyped by hand', async () => {
    await problem(
      /^COLUMN_TYPE$/,
      (place, orders) =>
        command(
          place,
          `ALTER TABLE {db}.${orders.table} MODIFY COLUMN status LowCardinality(Nullable(String)), MODIFY COLUMN total Int64`,
        ),
      (place, orders) => command(place, `ALTER TABLE {db}.${orders.table} MODIFY COLUMN total Float64`),
    )
  })

  test('an optional column dropped by hand comes back by itself, with a line in the log', async () => {
    const place = await ownPlace({ LOADER_BATCH_AGE_MS: '100' })
    const orders = await publish(place)
    await orders.page({ records: [order(1)] })
    const loading = startLoader(place)
    await until('loaded', async () => (await count(place, orders.table)) === 1)
    await command(place, `ALTER TABLE {db}.${orders.table} DROP COLUMN note`)
    await orders.page({ records: [{ ...order(2), note: 'here' }] })
    await until('loaded', async () => (await count(place, orders.table)) === 2)
    assert.ok(loading.lines.some(({ msg }) => /column note/.test(msg)))
    await loading.stop()
    await orders.close()
  })

  test('a table of another engine is refused: it would count records twice', async () => {
    const place = await ownPlace({ LOADER_BATCH_AGE_MS: '100' })
    const orders = await publish(place)
    await command(place, 'CREATE DATABASE {db}')
    await command(place, `CREATE TABLE {db}.${orders.table} (id String) ENGINE = MergeTree ORDER BY id`)
    await orders.page({ records: [order(1)] })
    const loading = startLoader(place)
    await until('it says so', () => loading.lines.some(({ reason }) => reason === 'TABLE_ENGINE'))
    await loading.stop()
    await orders.close()
  })
})

describe('a ClickHouse that takes nothing', () => {
  const withUser = (config: Config, user: string, password: string): Config => ({
    ...config,
    clickhouse: { ...config.clickhouse, user, password },
  })

  test('a wrong password at the start: a service waits, a one-shot load ends with a hint; both without a commit', async () => {
    const place = await ownPlace({ LOADER_BATCH_AGE_MS: '100' })
    const orders = await publish(place)
    await orders.page({ records: [order(1)] })
    const wrong = withUser(place.config, 'default', 'not-the-password')
    await assert.rejects(loadAll(place, wrong), (error) => {
      assert.ok(error instanceof Unavailable)
      assert.match(`${error.message} ${error.hint}`, /refuses user default.*CLICKHOUSE_PASSWORD/)
      assert.doesNotMatch(`${error.message} ${error.hint}`, /not-the-password/)
      return true
    })
    const loading = startLoader(place, wrong)
    await until('it says so', () =>
      loading.lines.some(({ level, reason }) => level === 'warn' && reason === 'REQUIRED_PASSWORD'),
    )
    assert.equal((await commits(place, orders.topic))[0] ?? null, null)
    await loading.stop()
    await orders.close()
  })

  test('a port where nobody answers: a one-shot load names it', async () => {
    const place = await ownPlace()
    const nowhere = { ...place.config, clickhouse: { ...place.config.clickhouse, url: 'http://127.0.0.1:1' } }
    await assert.rejects(
      loadAll(place, nowhere),
      (error) => error instanceof Unavailable && error.code === 'HR_CLICKHOUSE',
    )
  })

  for (const [what, code, name] of [
    ['a full disk', 243, 'NOT_ENOUGH_SPACE'],
    ['a password that was changed', 516, 'AUTHENTICATION_FAILED'],
    ['a table that is read-only', 242, 'TABLE_IS_READ_ONLY'],
  ] as const) {
    test(`${what}: the table waits, another one goes on, and it goes on by itself`, async () => {
      const place = await ownPlace({ LOADER_BATCH_AGE_MS: '100' })
      let broken = true
      const proxy = await clickhouseProxy(place.config.clickhouse.url, (table) =>
        broken && table === 'shop_orders' ? { code, name } : 'pass',
      )
      const [orders, refunds] = [await publish(place), await publish(place, compileStream({ name: 'refunds' }))]
      await orders.page({ records: [order(1), order(2)] })
      await refunds.page({ records: [order(1)] })
      const loading = startLoader(place, {
        ...place.config,
        clickhouse: { ...place.config.clickhouse, url: proxy.url },
      })
      await until('it says so', () => loading.lines.some(({ reason }) => reason === name))
      await until('the other table goes on', async () => (await count(place, refunds.table)) === 1)
      assert.equal((await commits(place, orders.topic))[0] ?? null, null)
      broken = false
      await until('it goes on', async () => (await count(place, orders.table)) === 2)
      await loading.stop()
      await orders.close()
      await refunds.close()
      await proxy.close()
    })
  }
})
