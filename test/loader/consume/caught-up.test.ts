/**
 * `load --until-caught-up` in front of what does not pass by itself: it loads the rest, says what is wrong and what to
 * do, and ends.
 */
import assert from 'node:assert/strict'
import { after, describe, test } from 'node:test'
import { Stopped } from '#shared/errors.ts'
import { clickhouseProxy } from '../../support/clickhouse-proxy.ts'
import { command, commits, count, loadAll, query, until } from '../../support/loading.ts'
import { run } from '../../support/processes.ts'
import { closeAll, compileStream, order, ownPlace, publish } from '../../support/published.ts'

after(closeAll)

describe('a one-shot load', () => {
  test('of a refused table loads the others, and ends with the refusal, its remedy and status 1; put right, it ends well', async (t) => {
    const place = await ownPlace({ LOADER_BATCH_AGE_MS: '100' })
    const [orders, refunds] = [await publish(place), await publish(place, compileStream({ name: 'refunds' }))]
    await orders.page({ records: [order(1)] })
    await loadAll(place)
    await command(place, `ALTER TABLE {db}.${orders.table} DROP COLUMN total`)
    await orders.page({ records: [order(2)] })
    await refunds.page({ records: [order(1), order(2)] })
    const ended = await run(t, ['load', '--until-caught-up'], place.env)
    assert.equal(ended.status, 1)
    assert.match(
      ended.stderr,
      /not caught up: [\w.]+\.shop\.orders: table shop_orders has no column total Float64; ALTER TABLE .* ADD COLUMN/,
    )
    assert.equal(await count(place, refunds.table), 2)
    assert.equal((await commits(place, orders.topic))[0]?.offset, 3)
    await command(place, `ALTER TABLE {db}.${orders.table} ADD COLUMN total Float64`)
    assert.equal((await run(t, ['load', '--until-caught-up'], place.env)).status, 0)
    assert.equal(await count(place, orders.table), 2)
    await orders.close()
    await refunds.close()
  })

  test('whose right to insert is taken away ends with it', async () => {
    const place = await ownPlace({ LOADER_BATCH_AGE_MS: '100' })
    const orders = await publish(place)
    await orders.page({ records: [order(1)] })
    const proxy = await clickhouseProxy(place.config.clickhouse.url, (table) =>
      table === 'shop_orders' ? { code: 497, name: 'ACCESS_DENIED' } : 'pass',
    )
    const config = { ...place.config, clickhouse: { ...place.config.clickhouse, url: proxy.url } }
    await assert.rejects(
      loadAll(place, config),
      (error) => error instanceof Stopped && /ACCESS_DENIED/.test(error.message),
    )
    await proxy.close()
    await orders.close()
  })

  test('that meets an overloaded server waits for it and ends well', async () => {
    const place = await ownPlace({ LOADER_BATCH_AGE_MS: '100' })
    const orders = await publish(place)
    await orders.page({ records: [order(1)] })
    let isBusy = true
    const proxy = await clickhouseProxy(place.config.clickhouse.url, (table) =>
      isBusy && table === 'shop_orders' ? { code: 252, name: 'TOO_MANY_PARTS' } : 'pass',
    )
    const loading = loadAll(place, { ...place.config, clickhouse: { ...place.config.clickhouse, url: proxy.url } })
    await until(
      'the table is made',
      async () =>
        (await query(place, `SELECT 1 FROM system.tables WHERE database = '{db}' AND name = '${orders.table}'`))
          .length > 0,
    )
    setTimeout(() => {
      isBusy = false
    }, 12_000)
    assert.equal((await loading).rows, 1)
    await proxy.close()
    await orders.close()
  })
})
