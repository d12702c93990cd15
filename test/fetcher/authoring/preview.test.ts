import assert from 'node:assert/strict'
import { readFileSync, writeFileSync } from 'node:fs'
import type { AddressInfo } from 'node:net'
import { createServer } from 'node:net'
import { join } from 'node:path'
import { describe, type TestContext, test } from 'node:test'
import { type Environment, resolverFor } from '#shared/config/config.ts'
import type { Source } from '#shared/declaration/compile.ts'
import { loadSources } from '#shared/declaration/load-sources.ts'
import { WrongUse } from '#shared/errors.ts'
import { bearer, offset, secret, z } from '#shared/index.ts'
import { silentLog } from '#shared/log.ts'
import { namesFor } from '#shared/names.ts'
import { describePreview } from '../../../services/cli/preview/describe.ts'
import { type Preview, previewStream } from '../../../services/fetcher/authoring/preview.ts'
import { createSeenRecords } from '../../../services/fetcher/deduplicate/seen-records.ts'
import type { PublishedPage } from '../../../services/fetcher/publish/page-publisher.ts'
import { runModeOf } from '../../../services/fetcher/resume/run-mode.ts'
import { run } from '../../../services/fetcher/run.ts'
import { startSampleApi } from '../../../services/sample-api/sample-api.ts'
import { fastClock } from '../../support/clocks.ts'
import { type Answer, type Asked, startServer } from '../../support/http.ts'
import { run as runCommand } from '../../support/processes.ts'
import { declareShop, order, streamOf } from '../declared.ts'
import { apiFor, ownFolder, PATIENT, twoPages } from './authoring.ts'

type Part = Record<string, unknown>
type Options = { partition?: number; pages?: number; records?: number; environment?: Environment }

function preview(source: Source, { partition = 0, pages = 2, records = 10, environment = {} }: Options = {}) {
  return previewStream({
    stream: streamOf(source),
    partition,
    pages,
    records,
    clock: fastClock(),
    log: silentLog,
    resolver: resolverFor(environment),
    signal: new AbortController().signal,
  })
}

async function shopAt(t: TestContext, script: (asked: Asked) => Answer, stream: Part = {}, source: Part = {}) {
  const server = await startServer(t, script)
  return { server, shop: declareShop(stream, { baseUrl: server.url, ...PATIENT, ...source }) }
}

const oddPages = (asked: Asked): Answer =>
  asked.query.has('cursor')
    ? { json: { data: [{ ...order('3', 3), colour: 'red' }], next: null } }
    : { json: { data: [order('1', 1), { ...order('2', 2), total: 'much' }], next: 'b' } }

describe('what goes wrong is told with the field, the request and the answer', () => {
  const failures: [string, (asked: Asked) => Answer, Part, RegExp, string, RegExp | null][] = [
    [
      'an answer without records',
      () => ({ json: { error: 'none today', data: 'x' } }),
      {},
      /no array of records at "\/data"/,
      'records',
      /none today/,
    ],
    ['a cycle', () => ({ json: { data: [], next: 'b' } }), {}, /names the same next page/, 'paginate', /"next":"b"/],
    ['a refusal', () => ({ status: 404, json: { error: 'no such thing' } }), {}, /404: .*no such thing/, 'path', null],
    [
      'a source that fails',
      () => ({ status: 503, body: 'out of order' }),
      {},
      /failed 3 times.*out of order/,
      'baseUrl',
      null,
    ],
  ]
  for (const [name, script, stream, message, field, answer] of failures) {
    test(name, async (t) => {
      const { shop } = await shopAt(t, script, stream)
      const { error } = (await preview(shop)).preview
      assert.match(error?.message ?? '', message)
      assert.equal(error?.field, field)
      assert.ok((error?.hint ?? '') !== '')
      if (answer === null) return assert.equal(error?.answer, undefined)
      assert.match(error?.answer ?? '', answer)
      assert.match(error?.request ?? '', /^GET http:\S+\/orders/)
    })
  }

  test('a page that fails behind others leaves what they brought', async (t) => {
    const { shop } = await shopAt(t, (asked) =>
      asked.query.has('cursor') ? { status: 400, json: {} } : oddPages(asked),
    )
    const { preview: shown, recording } = await preview(shop)
    assert.equal(shown.error?.code, 'HR_PAGE_REFUSED')
    assert.deepEqual([shown.pages, shown.counts.records, shown.counts.deadLetters], [1, 1, 1])
    assert.deepEqual(
      shown.requests.map(({ status, error }) => [status, error]),
      [
        [200, undefined],
        [400, 'HR_PAGE_REFUSED'],
      ],
    )
    assert.equal(recording?.exchanges.length, 1)
  })

  test('a number that is none is a wrong use, and nothing is asked', async (t) => {
    const { shop, server } = await shopAt(t, twoPages)
    for (const options of [
      { partition: 1 },
      { partition: 0.5 },
      { pages: 0 },
      { pages: Number.NaN },
      { records: -1 },
    ]) {
      await assert.rejects(preview(shop, options), WrongUse)
    }
    assert.equal(server.requests.length, 0)
  })

  test('a missing secret is told by its name', async (t) => {
    const { shop } = await shopAt(t, twoPages, {}, { auth: bearer(secret('SHOP_KEY')) })
    const { preview: shown, error } = await preview(shop)
    assert.ok(error instanceof WrongUse)
    assert.match(shown.error?.message ?? '', /SHOP_KEY is not set/)
    assert.equal(shown.error?.field, 'auth')
  })
})

describe('a preview', () => {
  test('shows a record that is nested too deep as the dead letter that a run makes of it, and what is nested less as the record', async (t) => {
    const levels = (count: number) => `${'{"a":['.repeat(count)}0${']}'.repeat(count)}`
    const bodies = [60_000, 1_000].map(
      (count, at) => `{"id":"${at}","total":1,"updated_at":"2026-01-01T00:00:00Z","odd":${levels(count)}}`,
    )
    const { shop } = await shopAt(t, () => ({
      body: `{"data":[${bodies.join(',')}],"next":null,"more":${levels(50_000)}}`,
    }))
    const { preview: shown, recording, error } = await preview(shop)
    assert.equal(error, null)
    assert.deepEqual([shown.counts.records, shown.counts.deadLetters], [1, 1])
    assert.match(shown.deadLetters[0]?.raw ?? '', /^\{"id":"0".*"odd":\{"a":\[\{"a":/)
    assert.equal(recording?.exchanges.length, 1)
    assert.match(describePreview(streamOf(shop), shown, 200), /1 record/)
  })

  test('shows records, dead letters and drift, and the requests made', async (t) => {
    const { shop } = await shopAt(t, oddPages)
    const { preview: shown } = await preview(shop)
    assert.deepEqual(shown.records, [order('1', 1), { ...order('3', 3), _extra: { colour: 'red' } }])
    assert.deepEqual(shown.drift, { colour: 'string' })
    assert.equal(shown.watermark, '2026-01-01T00:00:03Z')
    const [letter] = shown.deadLetters
    assert.match(letter?.issues ?? '', /^total: /)
    assert.deepEqual(JSON.parse(letter?.raw ?? ''), { ...order('2', 2), total: 'much' })
    assert.deepEqual(
      shown.requests.map(({ method, url, status, attempts }) => [method, new URL(url).search, status, attempts]),
      [
        ['GET', '', 200, 1],
        ['GET', '?cursor=b', 200, 1],
      ],
    )
    assert.ok(shown.requests.every(({ bytes, ms }) => bytes > 0 && ms >= 0))
  })

  test('counts attempts that failed, and asks for no more pages than it is told', async (t) => {
    let asked = 0
    const { shop, server } = await shopAt(t, (request) =>
      ++asked === 1 ? { status: 503, json: {} } : twoPages(request),
    )
    const { preview: shown } = await preview(shop, { pages: 1, records: 1 })
    assert.equal(shown.requests[0]?.attempts, 2)
    assert.equal(server.requests.length, 2)
    assert.deepEqual([shown.pages, shown.more, shown.counts.records, shown.records.length], [1, true, 2, 1])
  })

  test('asks for the partition that is named', async (t) => {
    const { shop, server } = await shopAt(t, () => ({ json: { data: [] } }), {
      partitions: [{ region: 'eu' }, { region: 'us' }],
    })
    await preview(shop, { partition: 1 })
    assert.equal(server.requests[0]?.query.get('region'), 'us')
  })

  test('says where a run would stop, and still shows what it found', async (t) => {
    const data = Array.from({ length: 6 }, (_, index) => ({ ...order(String(index)), total: 'much' }))
    const { shop } = await shopAt(t, () => ({ json: { data } }))
    const { preview: shown } = await preview(shop)
    assert.equal(shown.wouldStop?.code, 'HR_API_CHANGED')
    assert.equal(shown.counts.deadLetters, 6)
  })

  test('has the very records that a run would publish', async (t) => {
    const client = { clientId: 'demo', clientSecret: 'not-for-everybody' }
    const api = await startSampleApi({ ...client, limit: { requests: 10_000, perMs: 1000 }, sharedLimitAt: 0 })
    t.after(() => api.close())
    const environment = {
      SAMPLE_API_URL: api.url,
      SAMPLE_API_CLIENT_ID: client.clientId,
      SAMPLE_API_CLIENT_SECRET: client.clientSecret,
    }
    const quakes = (await loadSources([])).find(({ name }) => name === 'quakes')
    assert.ok(quakes !== undefined)
    const source = { ...quakes, timeout: 3_600_000, quota: [] }
    const stream = { ...streamOf(source), source }

    const published: PublishedPage[] = []
    const { baseUrl, send } = apiFor(t, source, environment)
    const { signal } = new AbortController()
    await run(
      { run: 'r', startedMs: 0, page: 0, from: null, cursor: null, watermark: null, seen: null },
      {
        stream,
        partition: 0,
        baseUrl,
        send,
        outlet: { put: async (page) => void published.push(page), flush: async () => undefined },
        mode: runModeOf({}, stream, namesFor('test')),
        seenRecords: createSeenRecords(100_000),
        stop: { soft: signal, hard: signal },
        onPage: () => undefined,
        attend: () => undefined,
      },
    )
    const { preview: shown } = await preview(
      { ...source, streams: [stream] },
      { pages: 100, records: 10_000, environment },
    )
    assert.deepEqual(
      shown.records,
      published.flatMap(({ records }) => records.map(({ payload }) => JSON.parse(payload))),
    )
    assert.deepEqual(
      shown.deadLetters.map(({ raw }) => JSON.parse(raw)),
      published.flatMap(({ rejected }) => rejected.map(({ raw }) => JSON.parse(raw))),
    )
    assert.ok(shown.counts.deadLetters > 0)
    assert.equal(shown.watermark, published.at(-1)?.checkpoint.seen)
  })
})

describe('the table', () => {
  const stream = streamOf(
    declareShop({
      schema: z.object({
        total: z.number(),
        id: z.string(),
        updated_at: z.iso.datetime(),
        note: z.string().optional(),
      }),
    }),
  )
  const shown = (records: Part[], more: Partial<Preview> = {}): Preview => ({
    stream: 'shop.orders',
    partition: 0,
    share: null,
    slices: null,
    pages: 1,
    more: false,
    counts: { records: records.length, deadLetters: 0, drift: 0, leftOut: 0, unchanged: 0 },
    records,
    deadLetters: [],
    drift: {},
    watermark: null,
    requests: [],
    warnings: [],
    wouldStop: null,
    error: null,
    ...more,
  })

  test('has a column for each field, the key and the watermark first', () => {
    const lines = describePreview(stream, shown([{ ...order('1', 1), note: 'n' }]), 200).split('\n')
    assert.match(lines[2] ?? '', /^│ id +│ updated_at +│ total +│ note +│$/)
    assert.match(lines[3] ?? '', /^│ 1 +│ 2026-01-01T00:00:01Z +│ 1 +│ n +│$/)
  })

  test('is never wider than the terminal, and names what it leaves out', () => {
    const records = [
      { ...order('x'.repeat(500), 1), note: 'ü'.repeat(90) },
      { ...order('2', 2), note: 'short' },
    ]
    for (const width of [32, 40, 60, 80, 100, 140]) {
      const text = describePreview(stream, shown(records), width)
      const rows = text.split('\n').filter((line) => /^[┌│└]/.test(line))
      assert.ok(rows.length > 0 && rows.every((row) => [...row].length <= width), `width ${width}\n${text}`)
    }
    assert.match(describePreview(stream, shown(records), 60), /columns that do not fit: total, note/)
  })

  test('obeys nothing that an API writes into its values', () => {
    const nasty = 'a\u001b[2J\u0007\r\nb\u009b31m'
    const record = { ...order('1'), note: nasty }
    const letters = [{ page: 1, reason: 'invalid_type', issues: nasty, raw: nasty }]
    const text = describePreview(stream, shown([record], { deadLetters: letters, drift: { [nasty]: 'string' } }), 120)
    assert.doesNotMatch(text.replaceAll('\n', ''), /\p{Cc}/u)
  })
})

describe('the command', () => {
  /** Servers that nobody may connect to. */
  async function untouched(t: TestContext) {
    let connections = 0
    const server = createServer((socket) => {
      connections += 1
      socket.destroy()
    })
    await new Promise<void>((ready) => server.listen(0, '127.0.0.1', ready))
    t.after(() => server.close())
    const { port } = server.address() as AddressInfo
    const environment = {
      KAFKA_BROKERS: `127.0.0.1:${port}`,
      SCHEMA_REGISTRY_URL: `http://127.0.0.1:${port}`,
      CLICKHOUSE_URL: `http://127.0.0.1:${port}`,
    }
    return { environment, connections: () => connections }
  }

  async function declaredShop(t: TestContext, script: (asked: Asked) => Answer) {
    const server = await startServer(t, script)
    const dir = ownFolder(t)
    const declaration = `import { cursor, defineSource, z } from 'headrace'
export default defineSource({
  name: 'shop', baseUrl: '${server.url}',
  streams: { orders: {
    path: '/orders', records: '/data', paginate: cursor({ next: '/next', param: 'cursor' }), primaryKey: ['id'],
    schema: z.object({ id: z.string(), total: z.number(), updated_at: z.iso.datetime({ offset: true }) }),
    watermark: { field: 'updated_at', param: 'since' },
  } },
})`
    writeFileSync(join(dir, 'shop.ts'), declaration)
    return { dir, server }
  }

  test('shows and records, connects to none of the other servers, and ends with 3 for dead letters or drift', async (t) => {
    const { dir } = await declaredShop(t, oddPages)
    const others = await untouched(t)
    const file = join(dir, 'shop.orders.recording.json')
    const { status, stdout, stderr } = await runCommand(
      t,
      ['--sources', dir, 'preview', 'shop.orders', '--record', file],
      others.environment,
    )
    assert.equal(status, 3, stderr)
    assert.match(stdout, /^shop\.orders\/0: 2 records, 1 dead letter on 2 pages, up to 2026-01-01T00:00:03Z\n/)
    assert.match(stdout, /page 1, invalid_type: total: /)
    assert.match(stdout, /colour: string, kept in _extra/)
    assert.match(stdout, /200 {2}GET http:\S+\/orders\?cursor=b {2}1 attempt, \d+ bytes, \d+ ms/)
    assert.match(stderr, /2 exchanges recorded in /)
    assert.equal(JSON.parse(readFileSync(file, 'utf8')).exchanges.length, 2)
    assert.equal(others.connections(), 0)
  })

  test('prints one object with --json, and ends with 0 or 1', async (t) => {
    const { dir } = await declaredShop(t, (asked) =>
      asked.query.has('cursor') ? { status: 404, json: {} } : twoPages(asked),
    )
    const command = (...args: string[]) => runCommand(t, ['--sources', dir, 'preview', ...args], {})
    const [done, failed] = await Promise.all([
      command('shop.orders', '--json', '--pages', '1'),
      command('shop.orders', '--json'),
    ])
    assert.equal(done.status, 0, done.stderr)
    assert.equal(JSON.parse(done.stdout).counts.records, 2)
    assert.equal(failed.status, 1)
    assert.equal(JSON.parse(failed.stdout).error.code, 'HR_PAGE_REFUSED')
  })

  test('check ticks as it goes, ends with 0 or 1, and has one object with --json', async (t) => {
    const { dir } = await declaredShop(t, (asked) => ({
      json: { data: asked.query.has('since') ? [order('3', 3)] : [order('1', 1), order('3', 3)], next: null },
    }))
    const others = await untouched(t)
    const broken = ownFolder(t)
    writeFileSync(
      join(broken, 'store.ts'),
      "import { defineSource } from 'headrace'\nexport default defineSource({ name: 'store' })",
    )
    const command = (...args: string[]) => runCommand(t, args, others.environment)
    const [good, bad] = await Promise.all([
      command('--sources', dir, 'check', 'shop'),
      command('--sources', broken, 'check', 'store', '--json'),
    ])
    assert.equal(good.status, 0, good.stdout)
    assert.match(good.stdout, /✓ declaration .*shop\.ts, orders\n {2}– secrets .*\nshop\.orders\n {2}✓ address /)
    assert.match(good.stdout, /nothing to change, 2 requests made\n$/)
    assert.equal(bad.status, 1)
    const { ok, steps } = JSON.parse(bad.stdout)
    assert.deepEqual([ok, steps[0].step, steps[0].status], [false, 'declaration', 'failed'])
    assert.match(steps[0].says, /store\.ts, field baseUrl: is missing/)
    assert.match(steps[0].advice, /^add baseUrl: /)
    assert.equal(others.connections(), 0)
  })
})

test('an overlap that comes again is not shown as a second record', async (t) => {
  const script = ({ query }: Asked): Answer => ({
    json: { data: query.get('offset') === '1' ? [order('2'), order('3')] : [order('1'), order('2')] },
  })
  const { shop } = await shopAt(t, script, { paginate: offset({ limit: 2, overlap: 1 }) })
  const { preview: shown } = await preview(shop)
  assert.deepEqual(
    shown.records.map(({ id }) => id),
    ['1', '2', '3'],
  )
  assert.equal(shown.counts.unchanged, 1)
})
