import assert from 'node:assert/strict'
import { existsSync, mkdtempSync, readdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join, resolve } from 'node:path'
import { describe, type TestContext, test } from 'node:test'
import { startServer } from '../../support/http.ts'
import { type Done, run } from '../../support/processes.ts'
import { BY_CURSOR, BY_LINK, BY_OFFSET, BY_PAGE, BY_POST, BY_URL, listed, ORDERS, PATH } from './listed.ts'

const ROOT = resolve(import.meta.dirname, '..', '..', '..')
const REQUESTS_MAX = 20

function ownFolder(t: TestContext): string {
  const dir = mkdtempSync(join(tmpdir(), 'headrace-init-test-'))
  t.after(() => rmSync(dir, { recursive: true, force: true }))
  return dir
}

const shop = (dir: string): string => readFileSync(join(dir, 'shop.ts'), 'utf8')

async function previewed(t: TestContext, dir: string): Promise<Done> {
  return run(t, ['--sources', dir, 'preview', 'shop.orders', '--pages', '10', '--records', '1000', '--json'], {})
}

const idsOf = ({ stdout }: Done): string[] => JSON.parse(stdout).records.map(({ id }: { id: string }) => id)

describe('an address alone becomes a declaration that runs without an edit', () => {
  const cases = [
    ['a Link header', BY_LINK, '', /paginate: linkHeader\(\),/],
    ['a cursor in the body', BY_CURSOR, '', /paginate: cursor\(\{ next: '\/nextPageToken', param: 'pageToken' \}\),/],
    ['the URL of the next page', BY_URL, '', /paginate: nextUrl\(\{ next: '\/next' \}\),/],
    ['page numbers', BY_PAGE, '', /paginate: pageNumber\(\{ totalPages: '\/pagination\/total_pages' \}\),/],
    ['offsets and a total', BY_OFFSET, '?limit=50', /paginate: offset\(\{ limit: 50, total: '\/total' \}\),/],
  ] as const
  for (const [name, script, query, paginate] of cases) {
    test(name, async (t) => {
      const server = await listed(t, script)
      const dir = ownFolder(t)
      const made = await run(t, ['init', 'shop', '--url', `${server.url}${PATH}${query}`, '--dir', dir], {})
      assert.equal(made.status, 0, made.stderr)
      assert.ok(server.requests.length <= REQUESTS_MAX)
      const text = shop(dir)
      assert.match(text, paginate)
      assert.match(text, /guessed: the header ratelimit-policy\..*\n {2}quota: \{ requests: 6000, per: '60s' \},/)
      assert.match(text, /\/\/ guessed: distinct and never null in 100 records of 2 pages\n {6}primaryKey: \['id'\],/)
      assert.match(text, /status: z\.enum\(\['open', 'paid', 'shipped'\]\), \/\/ guessed: /)
      assert.match(text, /note: z\.string\(\)\.nullable\(\), \/\/ guessed: .*null in 20/)
      assert.match(text, /coupon: z\.string\(\)\.optional\(\), \/\/ guessed: .*missing in 75/)
      assert.match(text, /Guessed for a watermark: updated_at, /)

      const checked = await run(t, ['--sources', dir, 'check', 'shop'], {})
      assert.equal(checked.status, 0, checked.stdout)
      const all = await previewed(t, dir)
      assert.equal(all.status, 0, all.stdout.slice(0, 2000))
      assert.deepEqual(
        idsOf(all),
        ORDERS.map(({ id }) => id),
      )
    })
  }
})

test('what two pages cannot say is a question that check names with file and field, and nothing runs', async (t) => {
  const server = await listed(t, BY_POST)
  const dir = ownFolder(t)
  const curl = `curl -sS ${server.url}${PATH} --json '{"query": "all"}'`
  const made = await run(t, ['init', 'shop', '--from-curl', curl, '--dir', dir], {})
  assert.equal(made.status, 3, made.stderr)
  const question = /stream orders, field paginate: .*the response has a cursor at \/paging\/next\/after, and none of /
  assert.match(made.stdout, question)
  assert.match(shop(dir), /paginate: todo\(\n/)
  assert.deepEqual(readdirSync(dir), ['shop.ts'])

  const checked = await run(t, ['--sources', dir, 'check', 'shop'], {})
  assert.equal(checked.status, 1)
  assert.match(checked.stdout, /✗ declaration .*shop\.ts, stream orders, field paginate: to decide: the response has/)
  assert.match(checked.stdout, /change: replace todo\(…\) there with the answer/)
  assert.equal((await previewed(t, dir)).status, 1)

  const answered = shop(dir)
    .replace(
      /paginate: todo\([\s\S]*?\),\n {6}(?=\/\/)/,
      "paginate: cursor({ next: '/paging/next/after', body: '/position/resume' }),\n      ",
    )
    .replace('todo, ', 'cursor, ')
  writeFileSync(join(dir, 'shop.ts'), answered)
  assert.equal((await run(t, ['--sources', dir, 'check', 'shop'], {})).status, 0)
})

test('the written files are formatted, and the test with the recorded pages passes', async (t) => {
  const server = await listed(t, BY_CURSOR)
  const dir = ownFolder(t)
  assert.equal((await run(t, ['init', 'shop', '--url', `${server.url}${PATH}`, '--dir', dir], {})).status, 0)
  assert.deepEqual(readdirSync(dir).sort(), ['shop.orders.recording.json', 'shop.test.ts', 'shop.ts'])
  const { $schema: _, ...settings } = JSON.parse(readFileSync(join(ROOT, 'biome.json'), 'utf8'))
  writeFileSync(join(dir, 'biome.json'), `${JSON.stringify({ ...settings, root: true, files: {} }, null, 2)}\n`)
  const biome = join(ROOT, 'node_modules', '@biomejs', 'biome', 'bin', 'biome')
  const formatted = await node(t, [biome, 'check', 'shop.ts', 'shop.test.ts'], dir)
  assert.equal(formatted.status, 0, formatted.text)
  const register = join(ROOT, 'services', 'fetcher', 'authoring', 'recording', 'register.ts')
  const ran = await node(t, ['--import', register, '--test', '--test-isolation=none', 'shop.test.ts'], dir)
  assert.equal(ran.status, 0, ran.text)
})

test('secrets of a curl command line become variables, and their values are in no file and no output', async (t) => {
  const [token, key] = ['tok-4711-very-secret', 'key-0815-very-secret']
  const server = await startServer(t, ({ headers, query }) => {
    if (headers.authorization !== `Bearer ${token}` || headers['x-tenant-key'] !== key)
      return { status: 401, json: { error: `unknown token ${headers.authorization}` } }
    const page = Number(query.get('page') ?? 1)
    // An API that repeats a key in its records.
    const echoed = ORDERS.slice((page - 1) * 50, page * 50).map((order) => ({ ...order, key }))
    return { json: { items: echoed, page, total_pages: 3 } }
  })
  const dir = ownFolder(t)
  const curl = `curl '${server.url}${PATH}?region=eu' \\
    -H "Authorization: Bearer ${token}" -H 'X-Tenant-Key: ${key}' -H 'accept: application/json' --compressed`
  const made = await run(t, ['init', 'shop', '--from-curl', curl, '--dir', dir], {})
  assert.equal(made.status, 0, made.stderr)
  assert.match(made.stdout, /export SHOP_TOKEN=…\n {2}export SHOP_X_TENANT_KEY=…/)
  assert.match(
    shop(dir),
    /auth: bearer\(secret\('SHOP_TOKEN'\)\),\n {2}headers: \{ 'X-Tenant-Key': secret\('SHOP_X_TENANT_KEY'\) \},/,
  )
  assert.match(shop(dir), /params: \{ region: 'eu' \},/)
  const written = readdirSync(dir).map((file) => readFileSync(join(dir, file), 'utf8'))
  for (const text of [...written, made.stdout, made.stderr]) {
    assert.ok(!text.includes(token) && !text.includes(key))
  }
  const env = { SHOP_TOKEN: token, SHOP_X_TENANT_KEY: key }
  const checked = await run(t, ['--sources', dir, 'check', 'shop'], env)
  assert.equal(checked.status, 0, checked.stdout)
})

describe('nothing is written', () => {
  test('where the API cannot be reached: the hint names the way without it', async (t) => {
    const dir = ownFolder(t)
    // Nobody listens on port 1.
    const ended = await run(t, ['init', 'shop', '--url', `http://127.0.0.1:1${PATH}`, '--dir', dir], {})
    assert.equal(ended.status, 1)
    assert.match(ended.stderr, /failed 3 times; .*\n\s*hint: check the address, or .*: --offline/)
    assert.ok(!existsSync(join(dir, 'shop.ts')))
  })

  test('where the API refuses the credentials, or has no records', async (t) => {
    const server = await startServer(t, ({ headers }) =>
      headers['x-key'] === 'right' ? { json: { data: [] } } : { status: 401, json: { error: 'who are you' } },
    )
    const dir = ownFolder(t)
    const ask = (key: string) =>
      run(t, ['init', 'shop', '--url', `${server.url}${PATH}`, '--header', 'X-Key: $SHOP_KEY', '--dir', dir], {
        SHOP_KEY: key,
      })
    const refused = await ask('wrong-key-0815')
    assert.equal(refused.status, 1)
    assert.match(refused.stderr, /was refused with 401/)
    assert.ok(!refused.stderr.includes('wrong-key-0815'))
    const empty = await ask('right')
    assert.match(empty.stderr, /the response has no records at "\/data": nothing can be guessed from it/)
    assert.ok(!existsSync(join(dir, 'shop.ts')))
  })

  test('for a variable that is not set, an unknown option of curl, or a request that a source cannot send', async (t) => {
    const dir = ownFolder(t)
    const wrong: [string[], RegExp][] = [
      [['--url', 'http://127.0.0.1:1/v1/orders', '--header', 'X-Key: $SHOP_KEY'], /SHOP_KEY is not set, or empty/],
      [['--from-curl', 'curl --frobnicate https://a.example/b'], /the option --frobnicate of curl is not known here/],
      [['--from-curl', 'curl -X DELETE https://a.example/b'], /the method DELETE changes something/],
      [['--from-curl', 'curl -F a=b https://a.example/b'], /--form sends multipart|-F sends multipart/],
      [['--from-curl', 'curl https://a.example/b', '--url', 'https://a.example/b'], /name one request each/],
    ]
    for (const [args, words] of wrong) {
      const { status, stderr } = await run(t, ['init', 'shop', ...args, '--dir', dir], {})
      assert.equal(status, 2, stderr)
      assert.match(stderr, words)
    }
    assert.deepEqual(readdirSync(dir), [])
  })
})

async function node(t: TestContext, args: readonly string[], cwd: string): Promise<{ status: number; text: string }> {
  const { spawnSync } = await import('node:child_process')
  const { NODE_TEST_CONTEXT: _, ...env } = process.env
  const { status, stdout, stderr } = spawnSync(process.execPath, args, { cwd, env, encoding: 'utf8' })
  t.diagnostic(args.join(' '))
  return { status: status ?? -1, text: stdout + stderr }
}
