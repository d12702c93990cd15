import assert from 'node:assert/strict'
import { spawnSync } from 'node:child_process'
import { existsSync, mkdtempSync, readdirSync, readFileSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join, resolve } from 'node:path'
import { describe, type TestContext, test } from 'node:test'
import { stringify } from 'yaml'
import { type Answer, type Asked, startServer, type TestServer } from '../../../support/http.ts'
import { type Done, run } from '../../../support/processes.ts'
import { jsonResponse, SHOP_3_0 } from './documents.ts'

const ROOT = resolve(import.meta.dirname, '..', '..', '..', '..')
const KEY = 'k-0123456789abcdef'
const PAGE = 20
const ORDERS = Array.from({ length: 45 }, (_, index) => ({
  id: `o${index}`,
  status: index % 2 === 0 ? 'paid' : 'open',
  total: index % 5 === 0 ? null : index / 4,
  created_at: new Date(Date.UTC(2026, 0, 1 + index)).toISOString(),
  lines: [{ sku: `s${index}` }],
}))
const REGIONS = [
  { code: 'eu', name: 'Europe' },
  { code: 'us', name: 'America' },
]

/** Of the server itself, with a list of two short pages more, and with parts that are wrong. */
const DOCUMENT = {
  ...SHOP_3_0,
  servers: [{ url: '/v1' }],
  paths: {
    ...SHOP_3_0.paths,
    '/regions': {
      get: {
        operationId: 'listRegions',
        parameters: [{ name: 'page', in: 'query', schema: { type: 'integer' } }],
        responses: {
          200: jsonResponse({
            properties: { regions: { type: 'array', items: { $ref: '#/components/schemas/Region' } } },
          }),
        },
      },
    },
    '/broken': { get: { operationId: 'broken' } },
  },
  components: {
    ...SHOP_3_0.components,
    schemas: {
      ...SHOP_3_0.components.schemas,
      Region: { type: 'object', properties: { code: { type: 'str' }, name: { type: 'string' } } },
    },
  },
}

function answer({ path, query, headers }: Asked): Answer {
  if (path === '/openapi.yaml') return { body: stringify(DOCUMENT), headers: { 'content-type': 'application/yaml' } }
  if (path === '/docs') return { body: '<!doctype html><title>Docs</title>', headers: { 'content-type': 'text/html' } }
  if (headers['x-shop-key'] !== KEY) return { status: 401, json: { error: 'no key' } }
  const at = Number(query.get('cursor') ?? 0)
  const next = at + PAGE < ORDERS.length ? String(at + PAGE) : null
  if (path === '/v1/orders') return { json: { data: ORDERS.slice(at, at + PAGE), meta: { next_cursor: next } } }
  if (path === '/v1/regions') return { json: { regions: Number(query.get('page') ?? 1) === 1 ? REGIONS : [] } }
  const order = /^\/v1\/orders\/(o\d+)\/notes$/.exec(path)?.[1]
  // The first order has none.
  if (order !== undefined) return { json: order === 'o0' ? [] : [{ text: `of ${order}`, answers: [] }] }
  return { status: 404, json: { error: 'unknown' } }
}

function ownFolder(t: TestContext): string {
  const dir = mkdtempSync(join(tmpdir(), 'headrace-openapi-test-'))
  t.after(() => rmSync(dir, { recursive: true, force: true }))
  return dir
}

type Where = { t: TestContext; server: TestServer; dir: string }

async function where(t: TestContext): Promise<Where> {
  return { t, server: await startServer(t, answer), dir: join(ownFolder(t), 'sources') }
}

const init = (
  { t, server, dir }: Where,
  args: readonly string[] = [],
  env = { SHOP_KEY: KEY },
  path = '/openapi.yaml',
) => run(t, ['init', 'shop', '--openapi', `${server.url}${path}`, '--dir', dir, ...args], env)

const previewed = async ({ t, dir }: Where, stream: string): Promise<{ records: unknown[] } & Done> => {
  const args = ['--sources', dir, 'preview', stream, '--pages', '9', '--records', '99', '--json']
  const done = await run(t, args, { SHOP_KEY: KEY })
  return { ...done, records: JSON.parse(done.stdout).records }
}

describe('a document with its API becomes a source that runs without an edit', () => {
  test('each list is asked, check and preview find nothing to change, and its test passes', async (t) => {
    const at = await where(t)
    const made = await init(at)
    assert.equal(made.status, 0, made.stderr)
    assert.match(made.stdout, /openapi\.yaml: Shop \(OpenAPI 3\.0\), 5 GET operations, 3 lists\n/)
    assert.match(
      made.stdout,
      /Wrong in the document:\n {2}GET \/broken: has no responses\n {2}.*"str" is not a type; read as string\n/,
    )
    assert.match(made.stdout, /orders \(\/orders\): 40 records on 2 pages, cursor, key id\n/)

    const text = readFileSync(join(at.dir, 'shop.ts'), 'utf8')
    assert.ok(!`${made.stdout}${made.stderr}${text}`.includes(KEY))
    assert.match(text, /auth: apiKey\(\{ key: secret\('SHOP_KEY'\), name: 'X-Shop-Key' \}\),/)
    assert.match(text, /paginate: cursor\(\{ next: '\/meta\/next_cursor', param: 'cursor' \}\),/)
    assert.match(text, /total: z\.number\(\)\.nullish\(\), \/\/ guessed: described, and .*null in 8/)
    assert.match(text, /paginate: pageNumber\(\{ stop: 'empty' \}\),\n {6}records: '\/regions',/)
    assert.match(text, /partitions: parent\(\{ stream: 'orders', over: 8, values: \{ id: '\/id' \} \}\),/)
    assert.match(text, /envelope: \{ order_id: '\{id\}' \},/)

    const checked = await run(t, ['--sources', at.dir, 'check', 'shop'], { SHOP_KEY: KEY })
    assert.equal(checked.status, 0, checked.stdout)
    assert.match(checked.stdout, /nothing to change/)
    const orders = await previewed(at, 'shop.orders')
    assert.equal(orders.status, 0, orders.stdout.slice(0, 2000))
    assert.equal(orders.records.length, ORDERS.length)
    const notes = await previewed(at, 'shop.notes')
    assert.equal(notes.status, 0, notes.stdout.slice(0, 2000))
    assert.match(notes.stdout, /"order_id":"o\d+"/)

    const register = join(ROOT, 'services', 'fetcher', 'authoring', 'recording', 'register.ts')
    const requests = at.server.requests.length
    const ran = spawnSync(process.execPath, ['--import', register, '--test', join(at.dir, 'shop.test.ts')], {
      encoding: 'utf8',
      env: { ...process.env, NODE_TEST_CONTEXT: undefined },
    })
    assert.equal(ran.status, 0, ran.stdout)
    assert.match(ran.stdout, /pass 2\n/)
    assert.equal(at.server.requests.length, requests)
  })

  test('--only chooses lists, and --json says the same', async (t) => {
    const at = await where(t)
    const made = await init(at, ['--only', 'listRegions', '--json'])
    assert.equal(made.status, 0, made.stderr)
    const { files, streams, counts, problems } = JSON.parse(made.stdout)
    assert.deepEqual(streams, [{ stream: 'regions', path: '/regions', asked: true, reason: null }])
    assert.deepEqual(counts, { gets: 5, lists: 3, meant: 1 })
    assert.equal(problems.length, 2)
    assert.deepEqual(files.map((file: string) => file.slice(at.dir.length + 1)).sort(), readdirSync(at.dir).sort())
  })
})

test('without the key, the document alone is written, and check names what is to decide', async (t) => {
  const at = await where(t)
  const made = await init(at, [], {} as { SHOP_KEY: string })
  assert.equal(made.status, 3, made.stderr)
  assert.match(made.stdout, /orders \(\/orders\): from the document alone: SHOP_KEY is not set, or empty\n/)
  assert.match(made.stdout, /regions .*: from the document alone: not asked: SHOP_KEY is not set, or empty\n/)
  assert.deepEqual(readdirSync(at.dir), ['shop.ts'])
  assert.equal(at.server.requests.length, 1)
  const checked = await run(t, ['--sources', at.dir, 'check', 'shop'], {})
  assert.equal(checked.status, 1)
  assert.match(
    checked.stdout,
    /stream notes, field paginate: to decide: the document does not say how \/orders\/\{id\}\/notes/,
  )
})

test('an API that refuses the key is asked once', async (t) => {
  const at = await where(t)
  const made = await init(at, [], { SHOP_KEY: 'wrong-0123456789' })
  assert.equal(made.status, 3, made.stderr)
  assert.match(made.stdout, /regions .*: from the document alone: not asked: /)
  assert.ok(at.server.requests.filter(({ path }) => path.startsWith('/v1/')).length <= 2)
})

test('what is wrong use is one error, and nothing is written', async (t) => {
  const at = await where(t)
  const cases = [
    [await init(at, [], undefined, '/docs'), /\/docs is not an OpenAPI or Swagger document: it is a page of HTML/],
    [await init(at, [], undefined, '/v1/nothing'), /\/v1\/nothing responds with 401/],
    [await init(at, ['--only', 'nothing*']), /--only "nothing\*" means none of the 3 lists/],
    [await init(at, ['--path', '/orders']), /--path is of one list, and --openapi of all lists of a document/],
    [await run(t, ['init', 'shop', '--only', 'x', '--dir', at.dir], {}), /--only chooses lists of a document/],
  ] as const
  for (const [done, message] of cases) {
    assert.equal(done.status, 2, done.stdout)
    assert.match(done.stderr, message)
    assert.match(done.stderr, /hint: /)
  }
  assert.ok(!existsSync(at.dir))
})
