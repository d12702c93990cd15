/**
 * While a fault lasts, exit status, `status`, its --json and --check, /readyz and the metrics tell, also after a
 * restart of the services; when it is over, they are green again by themselves.
 */
import assert from 'node:assert/strict'
import { mkdtemp, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { describe, test } from 'node:test'
import { setTimeout } from 'node:timers/promises'
import { readConfig } from '#shared/config/config.ts'
import { UNREADY_AFTER_MS } from '#shared/health.ts'
import type { Need } from '../../services/operator/status/needs.ts'
import type { StreamStatus } from '../../services/operator/status/status.ts'
import { ask, metric } from '../support/health.ts'
import { startServer } from '../support/http.ts'
import { startKafkaProxy } from '../support/kafka-proxy.ts'
import { command, until } from '../support/loading.ts'
import { type Pipeline, pipeline } from '../support/pipeline.ts'
import { type Running, start } from '../support/processes.ts'
import { testStack } from '../support/stack.ts'

const TEST_MS_MAX = 180_000
const ORDERS = { source: 'shop', stream: 'orders' }
const FIRST = { ...ORDERS, partition: '0' }

async function look(
  p: Pipeline,
): Promise<{ streams: StreamStatus[]; needs: Need[]; check: { status: number | null; stdout: string } }> {
  const [json, check] = [await p.run('status', '--json'), await p.run('status', '--check')]
  assert.equal(json.status, 0, json.stderr)
  return { ...JSON.parse(json.stdout), check }
}
const kindsOf = (needs: readonly Need[]) => [...new Set(needs.map(({ kind }) => kind))]
const isGreen = async (p: Pipeline) => (await p.run('status', '--check')).status === 0
const bodyOf = async (service: Running) => {
  const { status, body } = await ask(service, '/readyz')
  return { status, ...JSON.parse(body) }
}

describe('a fault that lasts', { concurrency: 2 }, () => {
  test('in an API is told by exit status, status, readiness and metrics, also after a restart', {
    timeout: TEST_MS_MAX,
  }, async (t) => {
    const p = await pipeline(t, { regions: ['eu', 'us'], records: 20, stream: "every: '500ms'," })
    await p.fetchOnce()
    assert.ok(await isGreen(p))
    p.api.refuse = ({ region }) => (region === 'us' ? 401 : undefined)
    for (let time = 0; time < 2; time++) assert.equal((await p.run('fetch', 'shop.orders', '--once')).status, 1)

    const red = await look(p)
    const [eu, us] = red.streams[0]?.partitions ?? []
    assert.deepEqual([eu?.attempt?.outcome, eu?.attempt?.failingSince, eu?.attempt?.failures], ['done', null, 0])
    assert.deepEqual([us?.attempt?.outcome, us?.attempt?.failures, us?.attempt?.next], ['failed', 2, null])
    assert.match(us?.attempt?.message ?? '', /\b401\b/)
    assert.match(us?.attempt?.code ?? '', /^HR_/)
    const [since, success] = [us?.attempt?.failingSince ?? '', us?.attempt?.lastSuccess ?? '']
    assert.ok(success < since && since < (us?.attempt?.at ?? ''), `${success} ${since}`)
    assert.deepEqual([kindsOf(red.needs), red.needs[0]?.partition, red.needs[0]?.since], [['failing'], 1, since])
    assert.equal(red.check.status, 1)
    assert.match(red.check.stdout, /^shop\.orders\/1: the last 2 attempts failed: .*401.*, since 20.*\. To do: .*\n$/)
    assert.match((await p.run('status')).stdout, /! shop\.orders\/1: the last 2 attempts failed/)

    const fetcher = p.fetcher()
    await until('it has failed once more', async () => ((await bodyOf(fetcher)).failing?.[0]?.failures ?? 0) > 2)
    const ready = await bodyOf(fetcher)
    assert.deepEqual([ready.status, ready.ready, ready.failing.length], [200, true, 1])
    assert.deepEqual([ready.failing[0].partition, ready.failing[0].failingSince], ['shop.orders/1', since])
    assert.equal(await metric(fetcher, 'headrace_fetcher_failing_since_seconds', FIRST), 0)
    const usLabels = { ...ORDERS, partition: '1' }
    assert.equal(await metric(fetcher, 'headrace_fetcher_failing_since_seconds', usLabels), Date.parse(since) / 1000)
    assert.equal(await metric(fetcher, 'headrace_fetcher_last_success_seconds', usLabels), Date.parse(success) / 1000)

    p.api.refuse = null
    await until('all is green', () => isGreen(p))
    assert.deepEqual(await bodyOf(fetcher), { status: 200, ready: true })
    assert.equal(await metric(fetcher, 'headrace_fetcher_failing_since_seconds', usLabels), 0)
    assert.equal((await fetcher.stop()).status, 0)
    assert.equal((await look(p)).streams[0]?.partitions[1]?.attempt?.lastSuccess !== success, true)
  })

  test('in one stream before its first request is told, and the other streams run', {
    timeout: TEST_MS_MAX,
  }, async (t) => {
    const other = `items: {
      path: '/orders', records: '/data', paginate: none(),
      schema: z.object({ id: z.string(), region: z.string(), total: z.int(), updated_at: z.string() }), primaryKey: ['id'], every: '1s',
    },`
    const p = await pipeline(t, { records: 5, pageSize: 10, streams: other, stream: "every: '1h'," })
    assert.equal((await p.run('fetch', '--once')).status, 0)
    await p.declare({ streams: other.replace('region: z.string()', 'region: z.int()') })
    const once = await p.run('fetch', '--once', '--json')
    assert.equal(once.status, 1, once.stderr)
    const { partitions } = JSON.parse(once.stdout)
    assert.deepEqual([partitions['shop.orders/0'].outcome, partitions['shop.items/0'].outcome], ['done', 'failed'])
    const red = await look(p)
    assert.deepEqual(
      red.needs.map(({ stream, kind }) => [stream, kind]),
      [['shop.items', 'failing']],
    )
    assert.match(red.needs[0]?.what ?? '', /HR_SCHEMA_REFUSED/)
    await p.declare({ streams: other })
    assert.equal((await p.run('fetch', '--once')).status, 0)
    assert.ok(await isGreen(p))
  })

  test('in a table is told with its reason and since when, also after a restart of the loader', {
    timeout: TEST_MS_MAX,
  }, async (t) => {
    const p = await pipeline(t, { records: 20, stream: "every: '1h'," })
    const place = { config: readConfig(p.env) } as Parameters<typeof command>[0]
    await command(place, 'CREATE DATABASE IF NOT EXISTS {db}')
    await command(place, 'CREATE TABLE {db}.shop_orders (id Int64) ENGINE = MergeTree ORDER BY id')
    await p.fetchOnce()
    const loader = p.loader()
    await until('the stall is stored', async () => (await look(p)).needs.length > 0)
    const red = await look(p)
    assert.deepEqual(
      [red.check.status, kindsOf(red.needs), red.needs.length, red.needs[0]?.partition],
      [1, ['stalled'], 1, null],
    )
    const stalled = red.streams[0]?.partitions[0]?.stalled
    assert.ok(Math.abs(Date.parse(stalled?.since ?? '') - Date.now()) < TEST_MS_MAX)
    assert.match(stalled?.message ?? '', /shop_orders/)
    const ready = await bodyOf(loader)
    assert.deepEqual(
      [ready.status, ready.ready, ready.stalled.length, ready.stalled[0].stream],
      [200, true, 1, 'shop.orders'],
    )
    assert.equal(
      await metric(loader, 'headrace_loader_stalled_since_seconds', ORDERS),
      Date.parse(stalled?.since ?? '') / 1000,
    )
    assert.equal((await loader.stop()).status, 0)
    assert.equal((await look(p)).needs[0]?.kind, 'stalled')

    const again = p.loader()
    await until('it waits again', async () => again.logged('shop.orders waits').length > 0)
    assert.deepEqual((await look(p)).streams[0]?.partitions[0]?.stalled, stalled)
    assert.equal(
      await metric(again, 'headrace_loader_stalled_since_seconds', ORDERS),
      Date.parse(stalled?.since ?? '') / 1000,
    )
    await command(place, 'DROP TABLE {db}.shop_orders SYNC')
    await p.untilComplete()
    await until('all is green', () => isGreen(p))
    assert.equal(await metric(again, 'headrace_loader_stalled_since_seconds', ORDERS), 0)
    assert.deepEqual(await bodyOf(again), { status: 200, ready: true })
    assert.equal((await again.stop()).status, 0)
  })

  test('of a pause that the API asked for is kept over a restart, and a person can end it, also for a running service', {
    timeout: TEST_MS_MAX,
  }, async (t) => {
    let isClosed = true
    const api = await startServer(t, () =>
      isClosed ? { status: 429, headers: { 'retry-after': String(31 * 86_400) }, json: {} } : { json: [{ id: '1' }] },
    )
    const declaration = () => `import { defineSource, none, z } from 'headrace'
export default defineSource({ name: 'shop', baseUrl: '${api.url}', streams: {
  orders: { path: '/orders', records: '', paginate: none(), schema: z.object({ id: z.string() }), primaryKey: ['id'], every: '1s' },
  items: { path: '/items', records: '', paginate: none(), schema: z.object({ id: z.string() }), primaryKey: ['id'], every: '1s' },
} })`
    const p = await pipeline(t, { declaration })
    assert.equal((await p.run('fetch', 'shop.orders', '--once')).status, 1)
    assert.equal(api.requests.length, 1)
    const red = await look(p)
    assert.deepEqual(
      [red.check.status, red.needs.map(({ kind, stream }) => [kind, stream])],
      [1, [['parked', 'shop.orders']]],
    )
    const until31 = Date.parse(red.streams[0]?.partitions[0]?.attempt?.parkedUntil ?? '')
    assert.ok(until31 > Date.now() + 30 * 86_400_000)

    // Neither a run once more, nor the source's other stream, nor a backfill of everything asks earlier.
    for (const args of [['shop.orders', '--once'], ['--once'], ['shop.orders', '--full']]) {
      const done = await p.run('fetch', ...args, '--json')
      assert.equal(done.status, 1, done.stderr)
      assert.equal(JSON.parse(done.stdout).partitions['shop.orders/0'].outcome, 'parked')
    }
    assert.equal(api.requests.length, 1)

    const fetcher = p.fetcher('shop.items')
    await until('both are parked', async () => (await bodyOf(fetcher)).failing?.length === 2)
    assert.equal(await metric(fetcher, 'headrace_fetcher_parked_until_seconds', FIRST), until31 / 1000)
    isClosed = false
    const released = await p.run('release', 'shop.orders', '--json')
    assert.deepEqual(
      JSON.parse(released.stdout).released.map(({ stream }: { stream: string }) => stream),
      ['shop.items', 'shop.orders'],
    )
    await until('all is green', () => isGreen(p))
    assert.deepEqual([...new Set(api.requests.slice(1).map(({ path }) => path))].sort(), ['/items', '/orders'])
    assert.equal((await fetcher.stop()).status, 0)

    // The next pause is a new one; a release holds for the next process as well.
    isClosed = true
    assert.equal((await p.run('fetch', 'shop.orders', '--once')).status, 1)
    const asked = api.requests.length
    isClosed = false
    assert.equal((await p.run('fetch', 'shop.orders', '--once')).status, 1)
    assert.equal(api.requests.length, asked)
    assert.match((await p.run('release', 'shop')).stdout, /shop\.orders\/0: released, was parked until 20/)
    assert.match((await p.run('release', 'shop')).stdout, /No partition of shop is parked/)
    assert.equal((await p.run('fetch', 'shop.orders', '--once')).status, 0)
    assert.equal((await p.run('release', 'nobody')).status, 2)
  })

  test('that is none: fields that are kept or dropped end with 0 and one info line for the stream', {
    timeout: TEST_MS_MAX,
  }, async (t) => {
    const schema = 'schema: z.object({ id: z.string() }),'
    const orders = `orders: { path: '/orders', records: '/data', paginate: cursor({ next: '/next', param: 'cursor' }), ${schema} primaryKey: ['id'],
      partitions: [{ region: 'eu' }, { region: 'us' }], unknownFields: 'drop', every: '1s' }`
    const declaration = (url: string) => `import { cursor, defineSource, z } from 'headrace'
export default defineSource({ name: 'shop', baseUrl: '${url}', streams: { ${orders} } })`
    const p = await pipeline(t, { regions: ['eu', 'us'], records: 30, declaration })
    const first = await p.run('fetch', 'shop.orders', '--once')
    assert.equal(first.status, 0, first.stderr)
    assert.equal(first.stderr.match(/the API sends fields/g)?.length, 1, first.stderr)
    assert.match(
      first.stderr,
      /"level":"info".*"region: string, a text .*","total: number, .*","updated_at: string, .*".*the API sends fields/,
    )
    const second = await p.run('fetch', 'shop.orders', '--once')
    assert.deepEqual([second.status, second.stderr.includes('the API sends fields')], [0, false])
    assert.ok(await isGreen(p))

    await p.declare({ declaration: (url) => declaration(url).replace("'drop'", "'reject'") })
    p.api.put({ id: 'eu-new', region: 'eu', total: 1, updated_at: '2030-01-01T00:00:00Z' })
    const rejected = await p.run('fetch', 'shop.orders', '--once', '--full')
    assert.notEqual(rejected.status, 0)
  })

  test('in the secret of one source is told, the others run, and a service goes on by itself', {
    timeout: TEST_MS_MAX,
  }, async (t) => {
    const key = join(await mkdtemp(join(tmpdir(), 'headrace-key-')), 'key')
    const p = await pipeline(t, { records: 5, stream: "every: '1h',", env: { BANK_KEY_FILE: key } })
    const bank = `import { bearer, defineSource, none, secret, z } from 'headrace'
export default defineSource({ name: 'bank', baseUrl: '${p.api.url}', auth: bearer(secret('BANK_KEY')), streams: {
  accounts: { path: '/regions', records: '/data', paginate: none(), schema: z.object({ id: z.string() }), primaryKey: ['id'], every: '1h' },
} })`
    await writeFile(join(p.env.HEADRACE_DIR ?? '', 'bank.ts'), bank)
    const once = await p.run('fetch', '--once', '--json')
    assert.equal(once.status, 1, once.stderr)
    const { partitions } = JSON.parse(once.stdout)
    assert.deepEqual([partitions['shop.orders/0'].outcome, partitions['bank.accounts/0'].outcome], ['done', 'failed'])
    const red = await look(p)
    assert.deepEqual(
      red.needs.map(({ stream, kind }) => [stream, kind]),
      [['bank.accounts', 'failing']],
    )
    const fetcher = p.fetcher('bank.accounts')
    await until('it is ready and says what fails', async () => {
      const { status, failing } = await bodyOf(fetcher)
      return status === 200 && failing?.[0]?.partition === 'bank.accounts/0'
    })
    await writeFile(key, 'k3y')
    await until('all is green', () => isGreen(p))
    assert.deepEqual(await bodyOf(fetcher), { status: 200, ready: true })
    assert.equal((await fetcher.stop()).status, 0)
  })

  test('in one share of a partition is told', { timeout: TEST_MS_MAX }, async (t) => {
    const found = `discover({ over: 1, values: async ({ request }) =>
      (await request({ path: '/regions' })).body.data.map(({ id }) => ({ region: id })) })`
    const p = await pipeline(t, { regions: ['eu', 'us'], records: 10, partitions: found, stream: "every: '1h'," })
    p.api.refuse = ({ region }) => (region === 'us' ? 403 : undefined)
    assert.equal((await p.run('fetch', 'shop.orders', '--once')).status, 1)
    const red = await look(p)
    assert.deepEqual([red.check.status, kindsOf(red.needs)], [1, ['failing']])
    assert.match(red.needs[0]?.what ?? '', /1 of 2 slices failed.*HR_SHARES_FAILED/)
    p.api.refuse = null
    await p.fetchOnce()
    assert.ok(await isGreen(p))
  })

  test('between a worker and Kafka makes it unready after a bounded time, and ready again when it is over', {
    timeout: TEST_MS_MAX,
  }, async (t) => {
    const stack = await testStack()
    const proxy = await startKafkaProxy(t, stack.env({}).KAFKA_BROKERS ?? '', () => 'pass')
    const p = await pipeline(t, { records: 5, stream: "every: '1h'," })
    await p.fetchOnce()
    await p.loadAll()
    const env = { ...p.env, KAFKA_BROKERS: proxy.brokers }
    const services = [
      start(t, 'fetcher', ['--sources', p.env.HEADRACE_DIR ?? '', 'fetch', 'shop.orders'], env),
      start(t, 'loader', ['load'], env),
    ]
    for (const service of services)
      await until(`${service.name} is ready`, async () => (await bodyOf(service)).status === 200)
    proxy.cut()
    await setTimeout(UNREADY_AFTER_MS / 2)
    for (const service of services)
      assert.equal((await bodyOf(service)).status, 200, `${service.name}: what passes soon is no reason`)
    for (const service of services) {
      await until(`${service.name} is not ready`, async () => (await bodyOf(service)).status === 503)
      assert.match((await bodyOf(service)).reason, /Kafka/)
      assert.equal((await ask(service, '/livez')).status, 200)
    }
    proxy.mend()
    for (const service of services)
      await until(`${service.name} is ready again`, async () => (await bodyOf(service)).status === 200)
  })
})
