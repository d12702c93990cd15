/**
 * When a batch is inserted that is not full. The age is an hour here, so only the end of a run can close one, and what
 * the test sees was not brought by time.
 */
import assert from 'node:assert/strict'
import { after, test } from 'node:test'
import { clickhouseProxy } from '../../support/clickhouse-proxy.ts'
import { commits, count, startLoader, until } from '../../support/loading.ts'
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

const HOUR_MS = 3_600_000

async function isCommitted(place: Place, { topic }: Published, end: number): Promise<boolean> {
  return ((await commits(place, topic))[0]?.offset ?? 0) >= end
}

test('the end of a run is inserted at once, with all of its pages; a page before it and a run just after it wait', async () => {
  const place = await ownPlace({ LOADER_BATCH_AGE_MS: String(HOUR_MS) })
  const proxy = await clickhouseProxy(place.config.clickhouse.url, () => 'pass')
  const [orders, refunds, returns] = [
    await publish(place),
    await publish(place, compileStream({ name: 'refunds' })),
    await publish(place, compileStream({ name: 'returns' })),
  ]
  const loading = startLoader(place, { ...place.config, clickhouse: { ...place.config.clickhouse, url: proxy.url } })
  const insertsOf = ({ table }: Published) => proxy.inserts.filter((insert) => insert.table === table).length

  await orders.page({ records: [order(1)], marker: { last: false } })
  const refundsEnd = await refunds.page({ records: [order(1)] })
  await until('a run that ended is committed', () => isCommitted(place, refunds, refundsEnd))
  assert.equal(insertsOf(orders), 0, 'a run that goes on waits')

  const ordersEnd = await orders.page({ records: [order(2)] })
  await until('the run is committed when it ends', () => isCommitted(place, orders, ordersEnd))
  assert.deepEqual([insertsOf(orders), await count(place, orders.table)], [1, 2])

  for (let run = 0; run < 5; run++) await refunds.page({ records: [order(run)] })
  const returnsEnd = await returns.page({ records: [order(1)] })
  await until('another stream is committed', () => isCommitted(place, returns, returnsEnd))
  assert.equal(insertsOf(refunds), 1, 'runs that follow closely share the next insert')
  await loading.stop()
  assert.equal(insertsOf(refunds), 2)
  assert.equal(await count(place, refunds.table), 5)
  for (const each of [orders, refunds, returns]) await each.close()
})
