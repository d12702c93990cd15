/**
 * What a supervisor sees of both services: alive from the start, ready when they do their work, and numbers that are
 * right.
 */
import assert from 'node:assert/strict'
import type { AddressInfo } from 'node:net'
import { createServer } from 'node:net'
import { describe, test } from 'node:test'
import { ask, metric } from '../support/health.ts'
import { until } from '../support/loading.ts'
import { pipeline } from '../support/pipeline.ts'
import { type Running, start } from '../support/processes.ts'

const TEST_MS_MAX = 120_000
const RECORDS = 100
const BAD_EVERY = 10
const PAGES = 10
const WALK = {
  regions: ['eu', 'us'],
  records: RECORDS,
  badEvery: BAD_EVERY,
  tokenLifeMs: 60_000,
  stream: "every: '1h',",
}
const ORDERS = { source: 'shop', stream: 'orders' }

const isReady = async (service: Running) => (await ask(service, '/readyz')).status === 200

describe('a service', { concurrency: 2 }, () => {
  test('shows at /metrics what it has done, and /readyz says that it does it', { timeout: TEST_MS_MAX }, async (t) => {
    const p = await pipeline(t, WALK)
    const [fetcher, loader] = [p.fetcher(), p.loader()]
    await until('both are ready', async () => (await isReady(fetcher)) && (await isReady(loader)))
    for (const service of [fetcher, loader]) {
      assert.deepEqual(await ask(service, '/livez'), { status: 200, body: '{"status":"ok"}' })
      assert.deepEqual(await ask(service, '/readyz'), { status: 200, body: '{"ready":true}' })
    }
    await p.untilComplete()
    await until('all is committed', async () => (await p.commits()).every((commit) => commit?.open === 0))

    const bad = RECORDS / BAD_EVERY
    const first = { ...ORDERS, partition: '0' }
    for (const [name, labels, value] of [
      ['headrace_fetcher_records_total', first, RECORDS - bad],
      ['headrace_fetcher_records_total', ORDERS, 2 * (RECORDS - bad)],
      ['headrace_fetcher_dead_letters_total', { ...first, reason: 'invalid_type' }, bad],
      ['headrace_fetcher_pages_total', ORDERS, 2 * PAGES],
      ['headrace_fetcher_requests_total', { ...ORDERS, status: '200' }, 2 * PAGES],
      ['headrace_fetcher_token_refreshes_total', { source: 'shop' }, 1],
      ['headrace_fetcher_runs_total', { ...ORDERS, outcome: 'done' }, 2],
      ['headrace_fetcher_owned_partitions', ORDERS, 2],
      ['headrace_fetcher_request_seconds_count', ORDERS, 2 * PAGES],
      ['headrace_fetcher_retries_total', {}, null],
      ['headrace_gaps_total', {}, null],
    ] as const) {
      assert.equal(await metric(fetcher, name, labels), value, `${name} of ${JSON.stringify(labels)}`)
    }
    const watermark = Date.parse((await p.commits())[0]?.watermark ?? '') / 1000
    for (const [name, labels, value] of [
      ['headrace_loader_rows_total', { table: 'shop_orders' }, 2 * (RECORDS - bad)],
      ['headrace_loader_dead_letters_total', {}, null],
      ['headrace_loader_watermark_seconds', first, watermark],
      ['headrace_loader_in_flight_bytes', {}, 0],
      ['headrace_loader_count_mismatches_total', {}, null],
    ] as const) {
      assert.equal(await metric(loader, name, labels), value, `${name} of ${JSON.stringify(labels)}`)
    }
    for (const name of [
      'headrace_loader_commits_total',
      'headrace_loader_inserts_total',
      'headrace_loader_insert_seconds_count',
    ])
      assert.ok(((await metric(loader, name)) ?? 0) >= 1, name)
    assert.ok(((await metric(fetcher, 'headrace_fetcher_transactions_total', { outcome: 'done' })) ?? 0) >= 2)
    assert.ok(((await metric(fetcher, 'process_resident_memory_bytes')) ?? 0) > 0)
  })

  test('is alive and not ready while it starts, and says why', { timeout: TEST_MS_MAX }, async (t) => {
    const p = await pipeline(t, WALK)
    // A broker that takes the connection and never answers.
    const silent = createServer(() => undefined)
    await new Promise<void>((resolve) => silent.listen(0, '127.0.0.1', resolve))
    t.after(() => silent.close())
    const env = { ...p.env, KAFKA_BROKERS: `127.0.0.1:${(silent.address() as AddressInfo).port}` }
    for (const [name, args] of [
      ['fetcher', ['--sources', p.env.HEADRACE_DIR ?? '', 'fetch']],
      ['loader', ['load']],
    ] as const) {
      const service = start(t, name, args, env)
      assert.equal((await ask(service, '/livez')).status, 200)
      assert.deepEqual(await ask(service, '/readyz'), { status: 503, body: '{"ready":false,"reason":"starting"}' })
    }
  })

  test('that waits for its turn in the group is ready, and owns nothing', { timeout: TEST_MS_MAX }, async (t) => {
    const p = await pipeline(t, { ...WALK, regions: ['eu'] })
    const first = p.fetcher()
    await until('it owns the partition', async () => (await metric(first, 'headrace_fetcher_owned_partitions')) === 1)
    const second = p.fetcher()
    await until(
      'the other one has joined',
      async () => (await metric(second, 'headrace_fetcher_owned_partitions')) !== null,
    )
    assert.ok(await isReady(second))
    const owned = [
      await metric(first, 'headrace_fetcher_owned_partitions'),
      await metric(second, 'headrace_fetcher_owned_partitions'),
    ]
    assert.deepEqual(owned, [1, 0])
  })
})
