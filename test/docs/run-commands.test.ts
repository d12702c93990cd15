/**
 * Commands of the pages, run as they stand there: by a shell, in a person's repository, on the test stack. Only names
 * that the pages make up are replaced: the address of an API, a folder, a run, a place. A command that is new in a page
 * has to be added to one of the lists below.
 */
import assert from 'node:assert/strict'
import { spawn } from 'node:child_process'
import { once } from 'node:events'
import { chmod, mkdir, mkdtemp, readdir, rm, symlink, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { after, before, describe, type TestContext, test } from 'node:test'
import { createdManifest } from '../../services/cli/create/manifest.ts'
import { SHOP_2_0 } from '../cli/init/openapi/documents.ts'
import { type Api, startApi } from '../support/api.ts'
import { startServer, type TestServer } from '../support/http.ts'
import { environmentWith } from '../support/package.ts'
import { declarationOf } from '../support/pipeline.ts'
import { testStack, uniquePrefix } from '../support/stack.ts'
import { commandsOf, copied } from './page-commands.ts'
import { ROOT } from './typescript-program.ts'

const RUN_MS_MAX = 60_000
const STOP_MS_MAX = 30_000
const ASK_AGAIN_MS = 50
const COPIES_MAX = 3

const SHOWN = { id: 'a', status: 'open', total: 1, created_at: '2026-01-01T00:00:00Z' }

const RUN: string[] = []

type Step = {
  /** As a page has it. */
  command: string
  status?: number
  says?: RegExp
  /** Made-up names, and what takes their place. */
  names?: () => Record<string, string> | Promise<Record<string, string>>
  /** What has to be so before it. */
  given?: () => Promise<void>
  /** A service: it is stopped when this is true. */
  until?: (ended: Ended) => boolean
}

let dir = ''
let env: Record<string, string> = {}
let api: Api
let documents: TestServer
const closers: (() => unknown)[] = []
const closes = { after: (close: () => unknown) => void closers.push(close) } as TestContext

before(async () => {
  dir = await mkdtemp(join(tmpdir(), 'headrace-pages-'))
  api = await startApi(closes)
  documents = await startServer(closes, ({ path }) => ({
    json: path.endsWith('.json') ? shopDocument() : { data: [SHOWN], meta: { next_cursor: null } },
  }))
  await mkdir(join(dir, 'node_modules', '.bin'), { recursive: true })
  await mkdir(join(dir, 'sources'))
  const { scripts } = createdManifest('pages', { dependency: '0', node: '>=22' })
  await writeFile(join(dir, 'package.json'), JSON.stringify({ name: 'pages', type: 'module', scripts }))
  await symlink(ROOT, join(dir, 'node_modules', 'headrace'))
  const bin = join(dir, 'node_modules', '.bin', 'headrace')
  await writeFile(bin, `#!/bin/sh\nexec "${process.execPath}" "${join(ROOT, 'services', 'cli.ts')}" "$@"\n`)
  await chmod(bin, 0o755)
  const prefix = uniquePrefix()
  const { PATH: _, ...stack } = (await testStack()).env({
    ...{ HEADRACE_PREFIX: prefix, CLICKHOUSE_DATABASE: prefix, HEADRACE_SOURCES: 'sources' },
    ...{ SHOP_KEY: 'k3y-of-the-shop', SHOP_TOKEN: 't0ken-of-the-shop', LOADER_BATCH_AGE_MS: '100' },
  })
  env = environmentWith(process.execPath, stack)
})
after(async () => {
  for (const close of closers.reverse()) await close()
  await rm(dir, { recursive: true, force: true })
})

/** In place of the host that the document names. */
const shopDocument = () => ({ ...SHOP_2_0, host: new URL(documents.url).host, schemes: ['http'] })

type Ended = { status: number | null; stdout: string; output: string }

/** The whole group is stopped, since npx and a shell stand before the command. */
async function ranInShell(line: string, until?: Step['until']): Promise<Ended> {
  const child = spawn('bash', ['-c', line], { cwd: dir, env, detached: true, stdio: ['ignore', 'pipe', 'pipe'] })
  const ended: Ended = { status: null, stdout: '', output: '' }
  child.stdout.setEncoding('utf8').on('data', (text: string) => {
    ended.stdout += text
    ended.output += text
  })
  child.stderr.setEncoding('utf8').on('data', (text: string) => {
    ended.output += text
  })
  const signal = (name: NodeJS.Signals) => process.kill(-(child.pid ?? 0), name)
  const late = setTimeout(() => signal('SIGKILL'), RUN_MS_MAX + STOP_MS_MAX)
  const look = setInterval(() => {
    if (until?.(ended) !== true) return
    clearInterval(look)
    signal('SIGTERM')
  }, ASK_AGAIN_MS)
  const [status] = await once(child, 'close')
  clearTimeout(late)
  clearInterval(look)
  return { ...ended, status }
}

async function json<T>(command: string): Promise<T> {
  const { stdout, output } = await ranInShell(`npx headrace ${command} --json`)
  assert.ok(stdout.startsWith('{'), output)
  return JSON.parse(stdout)
}

async function noSource(): Promise<void> {
  for (const file of await readdir(join(dir, 'sources'))) await rm(join(dir, 'sources', file))
}

const declared = (options: Parameters<typeof declarationOf>[1] = {}) =>
  writeFile(join(dir, 'sources', 'shop.ts'), declarationOf(api.url, options))

async function worked(line: string, status = 0): Promise<Ended> {
  const ended = await ranInShell(line)
  assert.equal(ended.status, status, ended.output)
  return ended
}

function put(from: number, total: (number: number) => unknown): void {
  for (let number = from; number < from + COPIES_MAX; number++) {
    const updated_at = new Date(Date.UTC(2026, 0, 2, number)).toISOString()
    api.put({ id: `o${number}`, region: 'eu', total: total(number), updated_at })
  }
}

const inApi = () => ({ 'https://api.shop.example': api.url })

describe('a new source, as the pages begin one', () => {
  const given = async () => {
    await noSource()
    put(0, (number) => number)
  }
  const url = "'https://api.shop.example/v1/orders?limit=100'"
  const curl = 'curl -H "Authorization: Bearer $SHOP_TOKEN" https://api.shop.example/v1/orders'
  const inDocuments = () => ({
    'https://api.shop.example': documents.url,
    'https://eu.api.shop.example': documents.url,
  })
  // The document does not say how its second list is paged.
  const undecided = { status: 3, says: /To decide, before it can run:/ }
  runAll([
    { command: 'npx headrace init shop --url https://api.shop.example/v1/orders', given, names: inApi },
    { command: `npx headrace init shop --url ${url} --header 'X-Api-Key: $SHOP_KEY'`, given, names: inApi },
    { command: `npx headrace init shop --from-curl '${curl}'`, given, names: inApi },
    { command: 'npx headrace init shop --offline --url https://api.shop.example/v1/orders --auth bearer', given },
    {
      command: 'npx headrace init shop --openapi https://api.shop.example/openapi.json',
      names: inDocuments,
      given: noSource,
      ...undecided,
    },
    {
      command: "npx headrace init shop --openapi shop.yaml --only '/orders*' --url https://eu.api.shop.example/v1",
      names: inDocuments,
      ...undecided,
      given: async () => {
        await noSource()
        await writeFile(join(dir, 'shop.yaml'), JSON.stringify(shopDocument()))
      },
    },
  ])
})

describe('a query that ClickHouse refuses', () => {
  const NO_DATABASE = 'a database that no loader has made'
  const database = () => env.CLICKHOUSE_DATABASE ?? ''
  const cases: [string, () => string, () => RegExp][] = [
    [
      'a database that no loader has made',
      () => 'SELECT 1 FROM orders',
      () => /hint: the loader creates it: .* load$/m,
    ],
    [
      'an unknown table',
      () => 'SELECT 1 FROM system.nowhere',
      () => new RegExp(`hint: see the tables of ${database()}: .* query "SHOW TABLES"`),
    ],
    ['no SQL', () => 'SELEC 1', () => /SYNTAX_ERROR/],
  ]
  for (const [name, sql, says] of cases) {
    test(`${name}: the hint is about that`, async () => {
      if (name !== NO_DATABASE)
        await worked(`curl -sSf -d 'CREATE DATABASE IF NOT EXISTS ${database()}' $CLICKHOUSE_URL`)
      const ended = await ranInShell(`npx headrace query "${sql()}"`)
      assert.equal(ended.status, 1, ended.output)
      assert.match(ended.output, says())
      assert.doesNotMatch(ended.output, /needs to read/, 'that would be about rights')
    })
  }
})

describe('a stream, as the pages run it', () => {
  const place = async () => {
    const { letters } = await json<{ letters: { partition: number; offset: number }[] }>(
      'dead-letters list shop.orders',
    )
    return { '0:1500': `${letters[0]?.partition}:${letters[0]?.offset}` }
  }
  const run = async () => {
    type Status = { streams: { partitions: { checkpoint: { run: string } | null }[] }[] }
    const { streams } = await json<Status>('status shop.orders')
    return { '4f0c…': streams[0]?.partitions[0]?.checkpoint?.run ?? '' }
  }
  const inPlace = () => ({ '/srv/warehouse': dir })
  const recorded = 'shop.orders.recording.json'
  runAll([
    {
      command: 'npx headrace check shop',
      given: async () => {
        await noSource()
        await declared()
      },
    },
    { command: 'npx headrace preview shop.orders' },
    { command: `npm run headrace -- preview shop.orders --pages 5 --record ${recorded}` },
    { command: 'npx headrace plan' },
    {
      command:
        'cd /srv/warehouse || exit; flock -n .fetch.lock npx headrace fetch shop.orders --once; ' +
        'npx headrace load --until-caught-up',
      names: inPlace,
    },
    { command: 'npx headrace fetch --once' },
    { command: 'npx headrace fetch shop.orders --full' },
    { command: 'npx headrace fetch shop.orders --from 2026-01-01 --to 2026-02-01' },
    { command: 'npx headrace fetch', given: async () => api.forget(), until: () => api.log.length > 1 },
    { command: 'npx headrace load --until-caught-up' },
    { command: 'npx headrace load', until: ({ output }) => output.includes('loader') },
    {
      command: 'npx headrace query "SELECT count() FROM quakes_earthquakes FINAL"',
      names: () => ({ quakes_earthquakes: 'shop_orders' }),
      says: /1 row/,
    },
    { command: 'npx headrace status' },
    { command: 'npx headrace status --check' },
    { command: 'npx headrace release shop' },
    { command: 'npx headrace replay shop.orders --from beginning --dry-run' },
    { command: 'npx headrace replay shop.orders --from beginning' },
    { command: 'npx headrace replay shop.orders --from 2026-01-31T00:00:00Z' },
    { command: 'npx headrace replay shop.orders --run 4f0c…', names: run },
    {
      command: 'npx headrace replay shop.orders --into-new-table',
      given: async () => void (await worked('npx headrace load --until-caught-up')),
      says: /is loaded into a new shop_orders/,
    },
    { command: 'npx headrace verify shop.orders' },
    {
      command: 'npx headrace dead-letters list shop.orders',
      given: async () => {
        put(10, () => 'many')
        await worked('npx headrace fetch --once', 3)
      },
      says: new RegExp(`${COPIES_MAX} open dead letters`),
    },
    { command: 'npx headrace dead-letters show shop.orders --at 0:1500', names: place, says: /many/ },
    { command: 'npx headrace dead-letters replay shop.orders --dry-run', status: 3 },
    { command: 'npx headrace dead-letters replay shop.orders', status: 3 },
    // It asks first, and nobody is there.
    { command: 'npx headrace dead-letters drop shop.orders --reason too_big', status: 2, says: /add --yes/ },
    {
      command: 'npx headrace fetch shop.orders --allow-deletes',
      given: async () => {
        await declared({ watermark: false, stream: "deletes: 'full-walk'," })
        // Under this name the stream has a watermark, and another kind of stream would be refused.
        env.HEADRACE_PREFIX = uniquePrefix()
      },
      status: 3,
    },
  ])
})

/** Run by other tests, which need what they change. */
const ELSEWHERE: Readonly<Record<string, readonly string[]>> = {
  'test/bin/package.test.ts': [
    'npx --yes --package ./headrace-0.1.0.tgz headrace create my-warehouse',
    'npm install',
    'npm test',
    'npx headrace sample-api',
    'npx headrace stack up',
    'npx headrace check quakes',
    'npx headrace preview quakes.earthquakes',
    'npx headrace fetch quakes.earthquakes --once',
    'npx headrace query "SELECT place, magnitude FROM quakes_earthquakes FINAL ORDER BY magnitude DESC LIMIT 5"',
  ],
  'test/scenarios/demo.test.ts': ['npm run demo'],
  'test/stack/commands.test.ts': ['npx headrace stack down'],
}
/** These run the tests, or the checks before them; an image needs packages of Debian; a mail goes to a person. */
const NOT_RUN: readonly RegExp[] = [/^npm (test|run (test:unit|check|fix|image)\b)/, / \|\| mail -s /]

test('every command of Headrace in a page is run by a test', () => {
  const elsewhere = Object.values(ELSEWHERE).flat()
  const lines = commandsOf()
    .filter(({ line, words }) => ['npx', 'npm', 'flock'].includes(words[0] ?? '') && !line.startsWith('docker'))
    .map(({ line }) => copied(line))
  const missing = lines.filter(
    (line) => !RUN.includes(line) && !elsewhere.includes(line) && !NOT_RUN.some((pattern) => pattern.test(line)),
  )
  assert.deepEqual([...new Set(missing)], [])
  assert.deepEqual(
    [...RUN, ...elsewhere].filter((line) => !lines.includes(line)),
    [],
    'no page has it any more',
  )
})

function runAll(steps: readonly Step[]): void {
  for (const { command, status = 0, says = /./, names, given, until } of steps) {
    RUN.push(command)
    test(command, async () => {
      await given?.()
      const replaced = Object.entries((await names?.()) ?? {})
      const line = replaced.reduce((text, [from, to]) => text.replaceAll(from, to), command)
      const ended = await ranInShell(line, until)
      if (until === undefined) assert.equal(ended.status, status, ended.output)
      assert.match(ended.output, says)
      assert.doesNotMatch(ended.output, /^\s+at .+:\d+:\d+\)?$/m, 'no stack trace')
    })
  }
}
