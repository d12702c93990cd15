/**
 * A folder of declarations in which somebody is still writing: each command does its work for the others, and says what
 * is wrong.
 */
import assert from 'node:assert/strict'
import { mkdirSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { describe, type TestContext, test } from 'node:test'
import { metric } from '../support/health.ts'
import { inTurn, startServer } from '../support/http.ts'
import { until } from '../support/loading.ts'
import { type Done, run, start } from '../support/processes.ts'
import { testStack, uniquePrefix } from '../support/stack.ts'

const TEST_MS_MAX = 90_000

const declaring = (name: string, url: string) => `
import { defineSource, none, z } from 'headrace'
export default defineSource({
  name: '${name}',
  baseUrl: '${url}',
  streams: { orders: { path: '/orders', paginate: none(), records: '/data', schema: z.object({ id: z.string() }), primaryKey: ['id'] } },
})
`

type Place = { dir: string; env: Record<string, string>; headrace(...args: string[]): Promise<Done> }

async function place(t: TestContext, files: Record<string, string> = {}): Promise<Place> {
  const stack = await testStack()
  const api = await startServer(t, inTurn({ json: { data: [{ id: 'a' }, { id: 'b' }] } }))
  const dir = mkdtempSync(join(tmpdir(), 'headrace-unfinished-'))
  t.after(() => rmSync(dir, { recursive: true, force: true }))
  mkdirSync(join(dir, 'none'))
  const all = {
    'good.ts': declaring('good', api.url),
    'bad.ts':
      "import { defineSource } from 'headrace'\nexport default defineSource({\n  name: 'bad'\n  baseUrl: 1,\n})\n",
    '_helper.ts': 'export const x = 1',
    ...files,
  }
  for (const [name, text] of Object.entries(all)) writeFileSync(join(dir, name), text)
  const env = { ...stack.env({ HEADRACE_PREFIX: uniquePrefix() }), HEADRACE_SOURCES: dir, HEADRACE_LOG_FORMAT: 'json' }
  return { dir, env, headrace: (...args) => run(t, args, env) }
}

const WRONG = /bad\.ts: cannot be loaded: Expected .*, at \S*bad\.ts:4:3: baseUrl: 1,/

describe('one file that cannot be used', { concurrency: 2 }, () => {
  test('is named by fetch --once, which fetches all others and ends with 1; a stream that is named is done with 0', {
    timeout: TEST_MS_MAX,
  }, async (t) => {
    const { headrace } = await place(t)
    const all = await headrace('fetch', '--once', '--json')
    assert.equal(all.status, 1, all.stderr)
    const summary = JSON.parse(all.stdout)
    assert.equal(summary.records, 2)
    assert.match(summary.unusable[0].message, WRONG)
    assert.match(all.stderr, WRONG)
    const named = await headrace('fetch', 'good.orders', '--once')
    assert.deepEqual(
      [named.status, named.stderr.includes('bad.ts'), named.stdout.includes('bad.ts')],
      [0, false, false],
    )
    const bad = await headrace('fetch', 'bad.orders', '--once')
    assert.equal(bad.status, 1)
    assert.match(bad.stderr, WRONG)
  })

  test('does not stop the service: it says so in log and metric, and fetches the others', {
    timeout: TEST_MS_MAX,
  }, async (t) => {
    const { env } = await place(t)
    const service = start(t, 'fetcher', ['fetch'], env)
    await until(
      'the good one is fetched',
      async () => ((await metric(service, 'headrace_fetcher_records_total', { source: 'good' })) ?? 0) === 2,
    )
    const [line] = service.logged(/bad\.ts cannot be used/)
    assert.equal(line?.level, 'error')
    assert.match((line?.err as { message?: string } | undefined)?.message ?? '', WRONG)
    assert.equal(await metric(service, 'headrace_fetcher_unusable_files'), 1)
    assert.equal((await service.stop()).status, 0)
  })

  test('stops fetch with 1 where there is no other', { timeout: TEST_MS_MAX }, async (t) => {
    const { headrace } = await place(t, { 'good.ts': 'export default 1' })
    const done = await headrace('fetch', '--once')
    assert.equal(done.status, 1)
    assert.match(done.stderr, /no source can be used/)
    assert.match(done.stderr, WRONG)
    assert.match(done.stderr, /good\.ts: does not export a source/)
  })

  test('matters to check, preview and the replay of dead letters only if it is the one that is named', {
    timeout: TEST_MS_MAX,
  }, async (t) => {
    const { headrace } = await place(t)
    for (const args of [
      ['check', 'good'],
      ['preview', 'good.orders'],
      ['dead-letters', 'replay', 'good.orders', '--dry-run'],
    ]) {
      const done = await headrace(...args)
      // The replay finds no topic yet.
      assert.ok(!`${done.stdout}${done.stderr}`.includes('bad.ts'), `${args}: ${done.stderr}`)
      if (args[0] !== 'dead-letters') assert.equal(done.status, 0, `${args}: ${done.stdout}${done.stderr}`)
    }
    for (const args of [
      ['check', 'bad'],
      ['check', 'bad.orders'],
      ['preview', 'bad.orders'],
      ['dead-letters', 'replay', 'bad.orders'],
    ]) {
      const done = await headrace(...args)
      assert.equal(done.status, 1, `${args}: ${done.stderr}`)
      assert.match(`${done.stdout}${done.stderr}`, WRONG, String(args))
    }
    const json = JSON.parse((await headrace('check', 'bad', '--json')).stdout)
    assert.deepEqual([json.ok, json.steps[0].step, json.steps[0].status], [false, 'declaration', 'failed'])
  })

  test('is named by plan, which plans all others and ends with 1', { timeout: TEST_MS_MAX }, async (t) => {
    const { headrace } = await place(t)
    const done = await headrace('plan')
    assert.equal(done.status, 1, done.stderr)
    assert.match(done.stdout, WRONG)
    assert.match(done.stdout, /good\.orders → good_orders/)
    assert.equal((await headrace('plan', 'good.orders')).status, 0)
    const json = JSON.parse((await headrace('plan', '--json')).stdout)
    assert.match(json.unusable[0].message, WRONG)
  })

  test('keeps its name: init makes no second source of it', { timeout: TEST_MS_MAX }, async (t) => {
    const { headrace, dir } = await place(t)
    const flags = [
      '--dir',
      join(dir, 'none'),
      '--url',
      'https://a.example/v1/x',
      '--offline',
      '--auth',
      'none',
      '--paginate',
      'none',
      '--records',
      '/data',
      '--key',
      'id',
      '--watermark',
      'none',
    ]
    const taken = await headrace('init', 'bad', ...flags)
    assert.equal(taken.status, 2, taken.stderr)
    assert.match(taken.stderr, /a source "bad" is declared in .*bad\.ts/)
    const free = await headrace('init', 'other', ...flags)
    assert.equal(free.status, 0, free.stderr)
  })
})
