/**
 * Credentials stay where they belong. APIs that repeat them in error bodies, next links and records' neighbourhood meet
 * services that log everything; then all that came out anywhere is searched for each credential, in each form that it
 * can take.
 */
import assert from 'node:assert/strict'
import { mkdtemp, rm, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { test } from 'node:test'
import { type Answer, type Asked, startServer } from '../support/http.ts'
import { query } from '../support/loading.ts'
import { run } from '../support/processes.ts'
import { closeAll, ownPlace } from '../support/published.ts'

const TEST_MS_MAX = 120_000
const PAGES = 4

/** With what URLs, forms, JSON and headers write in other ways. */
const CANARY = {
  SHOP_SECRET: 'canary-oauth/+&="é',
  SHOP_KEY: 'canary-key/+&="é',
  SHOP_PASSWORD: 'canary-basic/+&="é',
  SHOP_BEARER: 'canary-bearer-0123456789abcdef',
}
const TOKEN = 'canary-token-0123456789abcdef'
const SESSION = 'canary-session-0123456789abcdef'
const USER = 'somebody'

function formsOf(secret: string): string[] {
  const form = new URLSearchParams({ x: secret }).toString().slice(2)
  const basic = [USER, 'client'].flatMap((user) =>
    [secret, encodeURIComponent(secret)].map((text) => Buffer.from(`${user}:${text}`).toString('base64')),
  )
  return [
    secret,
    encodeURIComponent(secret),
    form,
    JSON.stringify(secret).slice(1, -1),
    Buffer.from(secret).toString('base64'),
    ...basic,
  ]
}

const FORBIDDEN = [...Object.values(CANARY), TOKEN, SESSION].flatMap(formsOf)

/** Fails often, repeats in each answer what it was asked with, and never gives what it should on the first try. */
function tellTale(): (asked: Asked) => Answer {
  const asks = new Map<string, number>()
  return (asked): Answer => {
    const told = {
      told: { ...asked.headers, target: asked.target, query: Object.fromEntries(asked.query), body: asked.body },
    }
    const count = (asks.get(asked.target) ?? 0) + 1
    asks.set(asked.target, count)
    if (asked.path === '/oauth/token')
      return count === 1
        ? { status: 503, headers: { 'retry-after': '1' }, json: told }
        : { json: { access_token: TOKEN, expires_in: 3600, ...told } }
    if (asked.path === '/login') return { json: told, headers: { 'x-token': SESSION } }
    if (asked.path === '/refused') return { status: 403, json: told }
    const page = Number(asked.query.get('page') ?? 1)
    if (page === 2 && count === 1) return { status: 503, headers: { 'retry-after': '1' }, json: told }
    const next = new URL(asked.target, 'http://x')
    next.searchParams.set('page', String(page + 1))
    // Under a name that says nothing, and inside a link of its own.
    const credential =
      asked.headers['x-api-key'] ?? asked.headers.authorization?.replace(/^\w+ /, '') ?? asked.query.get('sid') ?? ''
    next.searchParams.set('session', credential)
    next.searchParams.set('back', `https://shop.example/?s=${encodeURIComponent(credential)}&n=1`)
    const data = [0, 1, 2].map((index) => ({
      ...{ id: `${asked.path}-${page}-${index}`, total: index === 2 && page === 2 ? 'many' : index },
      updated_at: new Date(Date.UTC(2020, 0, 1) + page * 1000).toISOString(),
    }))
    return { json: { data, next: page < PAGES ? `${next.pathname}${next.search}` : null, ...told } }
  }
}

const declaration = (
  url: string,
) => `import { apiKey, basic, bearer, defineSource, jwtSigned, nextUrl, oauth2ClientCredentials, secret, sessionToken, z } from 'headrace'
const stream = (path) => ({
  path, records: '/data', paginate: nextUrl({ next: '/next' }), primaryKey: ['id'],
  schema: z.object({ id: z.string(), total: z.int(), updated_at: z.iso.datetime() }),
  watermark: { field: 'updated_at', param: 'since', sorted: true },
})
export default defineSource({ name: 'NAME', baseUrl: '${url}', attemptsMax: 3, auth: AUTH, streams: { orders: stream('/orders'), refused: stream('/refused') } })
`

const SOURCES = {
  byoauth:
    "oauth2ClientCredentials({ tokenUrl: '/oauth/token', clientId: 'client', clientSecret: secret('SHOP_SECRET') })",
  byoauthbody:
    "oauth2ClientCredentials({ tokenUrl: '/oauth/token', clientId: 'client', clientSecret: secret('SHOP_SECRET'), credentialsIn: 'body' })",
  byjson:
    "oauth2ClientCredentials({ tokenUrl: '/oauth/token', clientId: 'client', clientSecret: secret('SHOP_SECRET'), credentialsIn: 'body', sends: 'json', as: { header: 'X-Api-Key' } })",
  bysession:
    "sessionToken({ login: { url: '/login', json: { user: 'me', password: secret('SHOP_PASSWORD') } }, token: { header: 'X-Token' }, as: { param: 'sid' } })",
  byshared: "jwtSigned({ algorithm: 'HS256', sharedSecret: secret('SHOP_SECRET'), scheme: 'JWT' })",
  bykey: "apiKey({ key: secret('SHOP_KEY'), in: 'query', name: 'sig' })",
  bykeyheader: "apiKey({ key: secret('SHOP_KEY') })",
  bybasic: `basic({ username: '${USER}', password: secret('SHOP_PASSWORD') })`,
  bybearer: "bearer(secret('SHOP_BEARER'))",
}

test('no credential is in a log, an output, a topic, a checkpoint or a table, whatever the API repeats', {
  timeout: TEST_MS_MAX,
}, async (t) => {
  t.after(closeAll)
  const place = await ownPlace({ HEADRACE_LOG_FORMAT: 'json', HEADRACE_LOG_LEVEL: 'trace' })
  const dir = await mkdtemp(join(tmpdir(), 'headrace-secrets-'))
  t.after(() => rm(dir, { recursive: true, force: true }))
  const asked: string[] = []
  for (const [name, auth] of Object.entries(SOURCES)) {
    const answer = tellTale()
    const server = await startServer(t, (request) => {
      asked.push(JSON.stringify(request.headers) + decodeURIComponent(request.target) + request.body)
      return answer(request)
    })
    await writeFile(join(dir, `${name}.ts`), declaration(server.url).replace('NAME', name).replace('AUTH', auth))
  }
  const env = { ...place.env, HEADRACE_DIR: dir, ...CANARY }
  const found = new Map<string, string>()
  const keep = (where: string, what: string) => found.set(where, (found.get(where) ?? '') + what)

  for (const command of [
    ['fetch', '--once', '--json'],
    ['load', '--until-caught-up', '--json'],
    ['status', '--json'],
    ['status'],
    ['replay', 'bykey.orders', '--from', 'beginning', '--dry-run'],
    ['fetch', '--once'],
  ]) {
    const { stdout, stderr } = await run(t, ['--sources', dir, ...command], env)
    keep(`output of ${command.join(' ')}`, stdout)
    keep(`log of ${command.join(' ')}`, stderr)
  }
  for (const topic of (await place.kafka.topics()).filter((name) => name.startsWith(`${place.prefix}.`))) {
    for (const [partition, { low, high }] of (await place.kafka.logRanges(topic)).entries()) {
      for await (const { key, value, headers } of place.kafka.readPartition(topic, partition, low, high)) {
        keep(`topic ${topic}`, `${key} ${value} ${Object.entries(headers ?? {}).map(String)}\n`)
      }
    }
    const { fetcherGroup, loaderGroup, lettersGroup, skippedGroup } = place.names
    for (const group of [fetcherGroup, loaderGroup, lettersGroup, skippedGroup(fetcherGroup)])
      keep(`offsets of ${group}`, JSON.stringify(await place.kafka.committed(group, topic)))
  }
  for (const { name } of await query<{ name: string }>(place, "SELECT name FROM system.tables WHERE database = '{db}'"))
    keep(`table ${name}`, JSON.stringify(await query(place, `SELECT * FROM {db}.${name}`)))

  for (const [where, text] of found) {
    for (const secret of FORBIDDEN)
      assert.ok(!text.includes(secret), `${where} holds a credential, as ${secret}:\n${around(text, secret)}`)
  }
  // What would make all this pass for nothing.
  for (const secret of [...Object.values(CANARY), TOKEN, SESSION]) {
    const isThere = (text: string) =>
      formsOf(secret).some((form) => text.includes(form) || text.includes(JSON.stringify(form).slice(1, -1)))
    assert.ok(asked.some(isThere), `${secret} was sent`)
  }
  for (const name of Object.keys(SOURCES)) {
    const [{ rows } = { rows: '0' }] = await query<{ rows: string }>(
      place,
      `SELECT count() AS rows FROM {db}.${name}_orders FINAL`,
    )
    assert.equal(Number(rows), 3 * PAGES - 1, `${name} was loaded`)
    assert.match(found.get(`topic ${place.prefix}.${name}.orders.dead-letters`) ?? '', /headrace-url/)
    assert.match(
      found.get('table headrace_dead_letters') ?? '',
      new RegExp(`"topic":"[^"]*${name}\\.orders`),
      `${name} has letters in the ledger`,
    )
  }
  const walks = asked.filter((line) => line.includes('session='))
  assert.ok(walks.length >= Object.keys(SOURCES).length, 'next links with a credential were asked for')
  for (const secret of [CANARY.SHOP_BEARER, CANARY.SHOP_KEY, SESSION]) {
    assert.ok(
      walks.some((line) => line.includes(`session=${secret}`)),
      `${secret} came back into its link`,
    )
  }
})

const around = (text: string, secret: string): string =>
  text.slice(Math.max(0, text.indexOf(secret) - 300), text.indexOf(secret) + 100)
