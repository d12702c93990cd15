/**
 * What a supervisor sees of both services: alive from the start, ready when they do their work, and numbers that are
 * right.
 */
import assert from 'node:assert/strict'
import { createServer as createHttpServer } from 'node:http'
import { type AddressInfo, connect, createServer } from 'node:net'
import { describe, test } from 'node:test'
import { ask, metric } from '../support/health.ts'
import { until } from '../support/loading.ts'
import { type Pipeline, pipeline } from '../support/pipeline.ts'
import { type Closes, type Running, start } from '../support/processes.ts'

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

const readyz = async (service: Running) => {
  const { status, body } = await ask(service, '/readyz')
  return { status, reason: String(JSON.parse(body).reason ?? '') }
}

const SERVICES = ({ env }: Pipeline) =>
  [
    ['fetcher', ['--sources', env.HEADRACE_DIR ?? '', 'fetch', 'shop.orders']],
    ['loader', ['load']],
  ] as const

/** A port at which nobody listens until `open`; then it leads to `target`. */
async function closedDoor(closes: Closes, target: string): Promise<{ port: number; open(): Promise<void> }> {
  const [host = '', targetPort] = target.split(':')
  const door = createServer((inside) => {
    const outside = connect(Number(targetPort), host)
    inside.pipe(outside).pipe(inside)
    for (const socket of [inside, outside]) socket.on('error', () => inside.destroy() && outside.destroy())
    closes.after(() => void inside.destroy())
  })
  const listen = (at: number) => new Promise<void>((resolve) => door.listen(at, '127.0.0.1', resolve))
  await listen(0)
  const { port } = door.address() as AddressInfo
  await new Promise((resolve) => door.close(resolve))
  closes.after(() => void door.close())
  return { port, open: () => listen(port) }
}

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

  test('starts before Kafka, says that it waits for it, and works when it is there', {
    timeout: TEST_MS_MAX,
  }, async (t) => {
    const p = await pipeline(t, WALK)
    const { port, open } = await closedDoor(t, p.env.KAFKA_BROKERS ?? '')
    const env = { ...p.env, KAFKA_BROKERS: `127.0.0.1:${port}` }
    const services = SERVICES(p).map(([name, args]) => start(t, name, args, env))
    for (const service of services) {
      await until('it says that Kafka is away', async () => {
        const { status, reason } = await readyz(service)
        return status === 503 && new RegExp(`Kafka is not reachable.*127\\.0\\.0\\.1:${port}`).test(reason)
      })
      assert.equal((await ask(service, '/livez')).status, 200)
      assert.equal(service.ended(), null)
    }
    await open()
    for (const service of services) await until('it is ready', () => isReady(service))
    await p.untilComplete()
    for (const service of services) assert.deepEqual(await service.stop(), { status: 0, signal: null })
  })

  test('whose registry refuses it is never ready, and says why; the same with one that is away', {
    timeout: TEST_MS_MAX,
  }, async (t) => {
    const p = await pipeline(t, WALK)
    let status = 401
    const registry = createHttpServer((_request, response) => {
      if (status === 0) response.destroy()
      else response.writeHead(status, { 'content-type': 'application/json' }).end('{"error_code":401,"message":"no"}')
    })
    await new Promise<void>((resolve) => registry.listen(0, '127.0.0.1', resolve))
    t.after(() => registry.close())
    const { port } = registry.address() as AddressInfo
    const env = { ...p.env, SCHEMA_REGISTRY_URL: `http://127.0.0.1:${port}` }
    const services = SERVICES(p).map(([name, args]) => start(t, name, args, env))
    for (const service of services) {
      const bodies: boolean[] = []
      await until('it says that the registry refuses it', async () => {
        const { status: answered, reason } = await readyz(service)
        bodies.push(answered === 200)
        return answered === 503 && /registry.*(refuses|401)/.test(reason)
      })
      assert.ok(!bodies.includes(true), 'it was not ready before')
    }
    status = 0
    for (const service of services) {
      await until('it says that the registry is away', async () => {
        const { status: answered, reason } = await readyz(service)
        return answered === 503 && /registry.*(does not answer|has not answered)/.test(reason)
      })
      assert.equal(service.ended(), null)
    }
  })

  test('that loads is ready without a topic, and loads the first one when it comes', {
    timeout: TEST_MS_MAX,
  }, async (t) => {
    const p = await pipeline(t, WALK)
    const loader = p.loader()
    await until('it is ready', () => isReady(loader))
    assert.equal(loader.logged(/no topic of records yet/).length, 1)
    p.fetcher()
    await p.untilComplete()
    assert.ok(await isReady(loader))
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
