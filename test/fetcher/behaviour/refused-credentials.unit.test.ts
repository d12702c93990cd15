/**
 * Credentials that are refused, and those that change while the process runs: how often anybody is asked, and with
 * what.
 */
import assert from 'node:assert/strict'
import { generateKeyPairSync } from 'node:crypto'
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { describe, type TestContext, test } from 'node:test'
import {
  apiKey,
  basic,
  bearer,
  customAuth,
  jwtBearer,
  jwtSigned,
  oauth2ClientCredentials,
  oauth2RefreshToken,
} from '#shared/declaration/auth.ts'
import { secret } from '#shared/declaration/secret.ts'
import { DeclarationError, WrongUse } from '#shared/errors.ts'
import { refusalWaitMs } from '../../../services/fetcher/http/auth/refusal-wait.ts'
import { CredentialsRefused } from '../../../services/fetcher/http/errors.ts'
import { createRefusedRuns } from '../../../services/fetcher/schedule/refused-runs.ts'
import { type FastClock, fastClock } from '../../support/clocks.ts'
import { type Answer, type Asked, inTurn, startServer, type TestServer } from '../../support/http.ts'
import { CANARY, FIRST, startRotating } from '../http/auth/token-endpoint.ts'
import { clientFor, declareSource, failureOf, shown } from '../http/fixture.ts'

const PAGE: Answer = { json: { data: [], next: null } }
const OAUTH = { tokenUrl: '/token', clientId: 'me', clientSecret: secret('SHOP_SECRET') }
const tokenRequests = ({ requests }: TestServer) => requests.filter(({ path }) => path === '/token')

/** A clock whose time a test moves on. */
function movable(): FastClock & { move(ms: number): void } {
  const clock = fastClock({ speed: 1 })
  let aheadMs = 0
  return {
    ...clock,
    nowMs: () => clock.nowMs() + aheadMs,
    elapsedMs: () => clock.elapsedMs() + aheadMs,
    sleep: (ms, signal) => clock.sleep(Math.min(ms, 5_000), signal),
    move(ms) {
      aheadMs += ms
    },
  }
}

function fileOf(t: TestContext, text: string): { path: string; write(text: string): void; remove(): void } {
  const dir = mkdtempSync(join(tmpdir(), 'headrace-secret-'))
  t.after(() => rmSync(dir, { recursive: true, force: true }))
  const path = join(dir, 'secret')
  writeFileSync(path, text)
  return { path, write: (next) => writeFileSync(path, next), remove: () => rmSync(path) }
}

const tokensDir = (t: TestContext): string => {
  const dir = mkdtempSync(join(tmpdir(), 'headrace-tokens-'))
  t.after(() => rmSync(dir, { recursive: true, force: true }))
  return dir
}

describe('a refresh token that is used up, expired or revoked', () => {
  test('is asked for again with waits that double, and not at each run; the error says that a person must authorise again', async (t) => {
    const api = await startRotating(t)
    const clock = movable()
    const { ask, logged } = clientFor(t, api.url, {
      source: { auth: oauth2RefreshToken({ ...OAUTH, refreshToken: secret('SHOP_REFRESH') }) },
      environment: { SHOP_REFRESH: `${CANARY}-dead`, HEADRACE_TOKENS_DIR: tokensDir(t) },
      clock,
    })
    const asked: number[] = []
    for (let second = 0; second < 120; second++) {
      const before = api.refreshes.length
      const error = await failureOf(ask())
      assert.ok(error instanceof CredentialsRefused)
      assert.equal(error.code, 'HR_REFRESH_TOKEN_DEAD')
      assert.match(error.message, /invalid_grant.*; a person must authorise the application again/)
      assert.match(error.hint ?? '', /set SHOP_REFRESH to the new refresh token/)
      if (api.refreshes.length > before) asked.push(second)
      assert.ok(!`${shown(error)}${logged()}`.includes(CANARY))
      clock.move(1000)
    }
    assert.equal(asked.length, 3, String(asked))
    assert.deepEqual([asked[0], (asked[1] ?? 0) >= 29, (asked[2] ?? 0) >= 88], [0, true, true])
  })

  test('gives way at once to a new first token in its file', async (t) => {
    const api = await startRotating(t)
    const file = fileOf(t, `${CANARY}-dead`)
    const clock = movable()
    const { ask } = clientFor(t, api.url, {
      source: { auth: oauth2RefreshToken({ ...OAUTH, refreshToken: secret('SHOP_REFRESH') }) },
      environment: { SHOP_REFRESH_FILE: file.path, HEADRACE_TOKENS_DIR: tokensDir(t) },
      clock,
    })
    await failureOf(ask())
    await failureOf(ask())
    assert.equal(api.refreshes.length, 1)
    file.write(`${FIRST}\n`)
    clock.move(1001)
    assert.equal((await ask()).status, 200)
    assert.equal(api.refreshes.length, 2)
  })

  test('is written again by a sidecar while it is refused: the new one is used in the same run', async (t) => {
    const file = fileOf(t, `${CANARY}-dead`)
    const api = await startRotating(t, {
      before(number) {
        if (number === 1) file.write(FIRST)
        return null
      },
    })
    const { ask } = clientFor(t, api.url, {
      source: { auth: oauth2RefreshToken({ ...OAUTH, refreshToken: secret('SHOP_REFRESH') }) },
      environment: { SHOP_REFRESH_FILE: file.path, HEADRACE_TOKENS_DIR: tokensDir(t) },
      clock: movable(),
    })
    assert.equal((await ask()).status, 200)
    assert.equal(api.refreshes.length, 2)
  })
})

describe('a client that the token endpoint does not accept', () => {
  test('is left alone with waits that double, over all partitions, until its secret changes', async (t) => {
    let good = 'later'
    const server = await startServer(t, (asked) => {
      if (asked.path !== '/token') return PAGE
      const given = Buffer.from(asked.headers.authorization?.slice('Basic '.length) ?? '', 'base64').toString()
      return given === `me:${good}`
        ? { json: { access_token: 't', token_type: 'bearer' } }
        : { status: 401, json: { error: 'invalid_client' } }
    })
    const file = fileOf(t, 'first')
    const clock = movable()
    const { ask } = clientFor(t, server.url, {
      source: { auth: oauth2ClientCredentials(OAUTH) },
      environment: { SHOP_SECRET: '', SHOP_SECRET_FILE: file.path },
      clock,
    })
    for (let second = 0; second < 25; second++) {
      await Promise.all([ask(), ask(), ask()].map((page) => assert.rejects(page, CredentialsRefused)))
      clock.move(1000)
    }
    assert.equal(tokenRequests(server).length, 1)
    file.write('later')
    clock.move(1001)
    assert.equal((await ask()).status, 200)
    // Refused later for another reason: the wait begins anew.
    good = 'another'
    assert.equal(tokenRequests(server).length, 2)
  })
})

describe('after two 401s', () => {
  test('the next run does not send the refused token again: it has another one first', async (t) => {
    let number = 0
    let refuses = true
    const server = await startServer(t, (asked) => {
      if (asked.path === '/token') return { json: { access_token: `t${++number}`, token_type: 'bearer' } }
      return refuses ? { status: 401 } : PAGE
    })
    const { ask } = clientFor(t, server.url, { source: { auth: oauth2ClientCredentials(OAUTH) }, clock: movable() })
    await failureOf(ask())
    refuses = false
    await ask()
    const sent = server.requests.filter(({ path }) => path !== '/token').map(({ headers }) => headers.authorization)
    assert.deepEqual(sent, ['Bearer t1', 'Bearer t2', 'Bearer t3'])
  })
})

const pem = () =>
  String(generateKeyPairSync('rsa', { modulusLength: 2048 }).privateKey.export({ type: 'pkcs8', format: 'pem' }))
const JWT = { issuer: 'me', privateKey: secret('SHOP_SECRET'), algorithm: 'RS256' as const }

/** What of a request shows the secret: a hash of a key shows as another signature. */
const KINDS: readonly [string, Record<string, unknown>, (value: number) => string][] = [
  ['bearer', { auth: bearer(secret('SHOP_SECRET')) }, (value) => `token-${value}`],
  ['an API key in a header', { auth: apiKey({ key: secret('SHOP_SECRET') }) }, (value) => `key-${value}`],
  [
    'an API key in the query',
    { auth: apiKey({ key: secret('SHOP_SECRET'), in: 'query', name: 'k' }) },
    (value) => `key-${value}`,
  ],
  ['a password', { auth: basic({ username: 'me', password: secret('SHOP_SECRET') }) }, (value) => `word-${value}`],
  [
    'a user name',
    { auth: basic({ username: secret('SHOP_SECRET'), password: secret('SHOP_ID') }) },
    (value) => `name-${value}`,
  ],
  ['a header', { headers: { 'X-Key': secret('SHOP_SECRET') } }, (value) => `key-${value}`],
  [
    'a header beside a token',
    { auth: bearer(secret('SHOP_ID')), headers: { 'X-Key': secret('SHOP_SECRET') } },
    (value) => `key-${value}`,
  ],
  [
    'a signature',
    {
      auth: customAuth({
        secrets: { key: secret('SHOP_SECRET') },
        apply: (_, { secrets }) => ({ headers: { 'X-Sign': secrets.key } }),
      }),
    },
    (value) => `sign-${value}`,
  ],
  ['client credentials', { auth: oauth2ClientCredentials(OAUTH) }, (value) => `secret-${value}`],
  ['a signing key', { auth: jwtSigned(JWT) }, pem],
  ['a signing key against a token', { auth: jwtBearer({ ...JWT, tokenUrl: '/token' }) }, pem],
]

describe('a secret in a file that is written again', () => {
  const shownBy = ({
    target,
    headers: { authorization, 'x-api-key': key, 'x-key': other, 'x-sign': sign },
  }: Asked): string => [target, authorization, key, other, sign].join(' ')

  for (const [name, source, secretOf] of KINDS) {
    test(`is used as it is now, after a 401 in the same request, and without one a second later: ${name}`, async (t) => {
      const values = [1, 2, 3].map(secretOf) as [string, string, string]
      const file = fileOf(t, values[0])
      let refused = ''
      let tokens = 0
      const server = await startServer(t, (asked) => {
        if (asked.path === '/token')
          return { json: { access_token: `t${++tokens}`, token_type: 'bearer', expires_in: 1 } }
        return refused !== '' && shownBy(asked) === refused ? { status: 401 } : PAGE
      })
      const clock = movable()
      const { ask } = clientFor(t, server.url, {
        source,
        environment: { SHOP_SECRET: '', SHOP_SECRET_FILE: file.path },
        clock,
      })
      await ask()
      const pages = () => server.requests.filter(({ path }) => path !== '/token').map(shownBy)
      refused = pages()[0] ?? ''
      file.write(`${values[1]}\n`)
      assert.equal((await ask()).status, 200)
      const second = pages().at(-1)
      assert.notEqual(second, refused)
      file.write(values[2])
      clock.move(700_000)
      assert.equal((await ask()).status, 200)
      assert.notEqual(pages().at(-1), second)
      for (const { body } of tokenRequests(server)) assert.ok(body !== '')
    })
  }

  test('is not read for each request', async (t) => {
    const file = fileOf(t, 'token-1')
    const server = await startServer(t, inTurn(PAGE))
    const clock = movable()
    const { ask } = clientFor(t, server.url, {
      source: { auth: bearer(secret('SHOP_SECRET')) },
      environment: { SHOP_SECRET: '', SHOP_SECRET_FILE: file.path },
      clock,
    })
    await ask()
    file.write('token-2')
    await ask()
    clock.move(1001)
    await ask()
    assert.deepEqual(
      server.requests.map(({ headers }) => headers.authorization),
      ['Bearer token-1', 'Bearer token-1', 'Bearer token-2'],
    )
  })

  test('and is empty or gone for a moment leaves the last good value in use, for five minutes at most', async (t) => {
    const file = fileOf(t, 'token-1')
    const server = await startServer(t, inTurn(PAGE))
    const clock = movable()
    const { ask } = clientFor(t, server.url, {
      source: { auth: bearer(secret('SHOP_SECRET')) },
      environment: { SHOP_SECRET: '', SHOP_SECRET_FILE: file.path },
      clock,
    })
    await ask()
    file.write('')
    clock.move(2000)
    assert.equal((await ask()).status, 200)
    file.remove()
    clock.move(200_000)
    assert.equal((await ask()).status, 200)
    assert.deepEqual(new Set(server.requests.map(({ headers }) => headers.authorization)), new Set(['Bearer token-1']))
    clock.move(200_000)
    const error = await failureOf(ask())
    assert.ok(error instanceof WrongUse)
    assert.match(error.message, /SHOP_SECRET/)
    file.write('token-2')
    clock.move(2000)
    assert.equal((await ask()).status, 200)
  })

  test('and holds half a key for a moment leaves the key before in use', async (t) => {
    const [first, next] = [pem(), pem()]
    const file = fileOf(t, first)
    const server = await startServer(t, inTurn(PAGE))
    const clock = movable()
    const { ask } = clientFor(t, server.url, {
      source: { auth: jwtSigned(JWT) },
      environment: { SHOP_SECRET: '', SHOP_SECRET_FILE: file.path },
      clock,
    })
    await ask()
    file.write(next.slice(0, 300))
    clock.move(700_000)
    assert.equal((await ask()).status, 200)
    file.write(next)
    clock.move(700_000)
    assert.equal((await ask()).status, 200)
  })

  test('is taken out of texts as it is and as it was', async (t) => {
    const file = fileOf(t, 'token-1')
    const server = await startServer(t, ({ headers }) => ({
      status: 400,
      body: `${headers.authorization} and token-1`,
    }))
    const clock = movable()
    const { ask } = clientFor(t, server.url, {
      source: { auth: bearer(secret('SHOP_SECRET')) },
      environment: { SHOP_SECRET: '', SHOP_SECRET_FILE: file.path },
      clock,
    })
    await failureOf(ask())
    file.write('token-2')
    clock.move(1001)
    assert.match((await failureOf(ask())).message, /Bearer \*\*\* and \*\*\*/)
  })
})

describe('the type of a token', () => {
  const withType = (t: TestContext, type: unknown) =>
    startServer(t, ({ path }) => (path === '/token' ? { json: { access_token: 'tok-en', token_type: type } } : PAGE))

  for (const type of ['MAC', 'mac', 'DPoP', 'N_A', 'pop', 'Hawk']) {
    test(`${type} is refused: its tokens are useless without a proof; the hint says what to do`, async (t) => {
      const server = await withType(t, type)
      const { ask } = clientFor(t, server.url, { source: { auth: oauth2ClientCredentials(OAUTH) } })
      const error = await failureOf(ask())
      assert.ok(error instanceof CredentialsRefused)
      assert.match(error.message, new RegExp(`tokens of the type "${type}", which are useless without a proof`))
      assert.match(error.hint ?? '', /scheme: 'Bearer'/)
      assert.equal(server.requests.length, 1)
    })
  }

  for (const [type, noted] of [
    ['Bearer', false],
    ['bearer', false],
    [' BEARER ', false],
    [null, false],
    ['BearerToken', true],
    ['JWT', true],
    ['access_token', true],
    ['', true],
    [7, true],
  ] as const) {
    test(`${JSON.stringify(type)} is sent as Bearer, ${noted ? 'with a note' : 'and that is no news'}`, async (t) => {
      const server = await withType(t, type)
      const { ask, logged } = clientFor(t, server.url, { source: { auth: oauth2ClientCredentials(OAUTH) } })
      await ask()
      assert.equal(server.requests.at(-1)?.headers.authorization, 'Bearer tok-en')
      assert.equal(/calls its tokens .*declare it in auth: scheme/.test(logged()), noted)
    })
  }

  for (const [name, auth, expected] of [
    ['client credentials', oauth2ClientCredentials({ ...OAUTH, scheme: 'JWT' }), /^JWT tok-en$/],
    ['a JWT grant', jwtBearer({ ...JWT, tokenUrl: '/token', scheme: 'Zoho-oauthtoken' }), /^Zoho-oauthtoken tok-en$/],
    ['a JWT of one’s own', jwtSigned({ ...JWT, scheme: 'JWT' }), /^JWT ey/],
    ['a fixed token', bearer(secret('SHOP_SECRET'), { scheme: 'Token' }), /^Token -----BEGIN/],
  ] as const) {
    test(`does not matter where the word before the token is declared: ${name}`, async (t) => {
      const server = await withType(t, 'mac')
      const key = name === 'a fixed token' ? '-----BEGIN' : pem()
      await clientFor(t, server.url, { source: { auth }, environment: { SHOP_SECRET: key } }).ask()
      assert.match(server.requests.at(-1)?.headers.authorization ?? '', expected)
    })
  }

  test('a word that no header can hold is refused when the file is loaded', () => {
    const auth = bearer(secret('SHOP_SECRET'), { scheme: 'Bearer\r\nx' })
    assert.throws(
      () => declareSource('https://a.example', { auth }),
      (error) => error instanceof DeclarationError && /auth\.scheme/.test(error.message),
    )
  })
})

describe('the runs of a partition whose credentials are refused', () => {
  const refusal = new CredentialsRefused('refused')

  test('wait longer each time, up to a bound, and begin anew after a success', async () => {
    assert.deepEqual(
      [1, 2, 3, 100].map((refusals) => refusalWaitMs({ by: 'api' }, refusals)),
      [5_000, 10_000, 20_000, 900_000],
    )
    let nowMs = 0
    const runs = createRefusedRuns({ elapsedMs: () => nowMs }, async () => 'a')
    runs.ended(refusal, 'a')
    nowMs = 4_999
    assert.equal(await runs.current(), refusal)
    nowMs = 5_000
    assert.equal(await runs.current(), null)
    runs.ended(refusal, 'a')
    nowMs = 14_999
    assert.equal(await runs.current(), refusal)
    runs.ended(undefined, 'a')
    assert.equal(await runs.current(), null)
    runs.ended(refusal, 'a')
    nowMs += 5_000
    assert.equal(await runs.current(), null)
  })

  test('do not wait where the credentials have changed, nor after another error', async () => {
    let stamp = 'a'
    const runs = createRefusedRuns({ elapsedMs: () => 0 }, async () => stamp)
    runs.ended(refusal, 'a')
    assert.equal(await runs.current(), refusal)
    stamp = 'b'
    assert.equal(await runs.current(), null)
    runs.ended(new Error('another'), 'b')
    assert.equal(await runs.current(), null)
    const gone = createRefusedRuns({ elapsedMs: () => 0 }, async () => Promise.reject(new Error('the secret is gone')))
    assert.equal(await gone.stamp(), 'none')
  })
})
