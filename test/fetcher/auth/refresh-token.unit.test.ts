/** Refresh tokens that are handed out anew: against a real endpoint that takes each once, with real files. */
import assert from 'node:assert/strict'
import { chmodSync, mkdirSync, readdirSync, rmSync, statSync, symlinkSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { describe, test } from 'node:test'
import { fileTokenStore } from '../../../services/fetcher/auth/token-store.ts'
import { CredentialsRefused, PageFailed, Parked } from '../../../services/fetcher/client/errors.ts'
import type { TokenStore } from '../../../shared/declare/token-store.ts'
import { Unavailable } from '../../../shared/errors.ts'
import { fastClock } from '../../support/clocks.ts'
import type { Answer } from '../../support/http.ts'
import { failureOf, SECRETS, shown } from '../client/fixture.ts'
import { accessTokens, folder, formOf, sentTokens, stored, worker } from './refreshing.ts'
import { CANARY, FIRST, startRotating } from './token-endpoint.ts'

describe('a refresh token', () => {
  test('is sent with the client in the header, with scope and extra parameters in the body; the page gets the access token alone', async (t) => {
    const api = await startRotating(t)
    const { ask, client } = worker(t, api, { auth: { scope: 'orders', extra: { resource: 'eu' } } })
    await ask()
    assert.deepEqual(formOf(api, 0), { grant_type: 'refresh_token', refresh_token: FIRST, scope: 'orders', resource: 'eu' })
    const basic = Buffer.from(api.refreshes[0]?.headers.authorization?.slice('Basic '.length) ?? '', 'base64').toString()
    assert.equal(basic, 'client+one:s3cret%3Aof%2Bthe+shop')
    assert.deepEqual(accessTokens(api), [`Bearer ${CANARY}-access-1`])
    assert.ok(!JSON.stringify(api.pages).includes('refresh'))
    assert.deepEqual(client.facts(), { requests: 1, retries: 0, tokenRefreshes: 1 })
  })

  for (const [name, auth, expected] of [
    ['in the body', { credentialsIn: 'body' }, { client_id: SECRETS.SHOP_ID, client_secret: SECRETS.SHOP_SECRET }],
    ['of a public client, which has no secret', { clientSecret: undefined }, { client_id: SECRETS.SHOP_ID }],
  ] as const) {
    test(`is sent with the credentials ${name}`, async (t) => {
      const api = await startRotating(t)
      await worker(t, api, { auth }).ask()
      assert.deepEqual(formOf(api, 0), { grant_type: 'refresh_token', refresh_token: FIRST, ...expected })
      assert.equal(api.refreshes[0]?.headers.authorization, undefined)
    })
  }

  test('of an endpoint at another origin is sent there only', async (t) => {
    const login = await startRotating(t)
    const api = await startRotating(t)
    await worker(t, api, { auth: { tokenUrl: `${login.url}/token` } }).ask()
    assert.deepEqual([login.refreshes.length, login.pages.length, api.refreshes.length, api.pages.length], [1, 0, 0, 1])
    assert.ok(!JSON.stringify(api.requests).includes(FIRST))
  })

  for (const [lifeSeconds, marginSeconds] of [
    [3600, 60],
    [300, 30],
  ] as const) {
    test(`is used again ${marginSeconds} s before the end of an access token of ${lifeSeconds} s, and not sooner`, async (t) => {
      const api = await startRotating(t, { lifeSeconds })
      const clock = fastClock({ speed: 1 })
      let aheadMs = 0
      const jumping = { ...clock, nowMs: () => clock.nowMs() + aheadMs, elapsedMs: () => clock.elapsedMs() + aheadMs }
      const { ask } = worker(t, api, { clock: jumping })
      await ask()
      aheadMs = (lifeSeconds - marginSeconds - 5) * 1000
      await ask()
      assert.equal(api.refreshes.length, 1)
      aheadMs = (lifeSeconds - marginSeconds) * 1000
      await ask()
      assert.deepEqual(sentTokens(api), [FIRST, `${CANARY}-refresh-1`])
      assert.equal(api.revoked(), false)
    })
  }

  test('that the answer does not replace stays, and is used again', async (t) => {
    const api = await startRotating(t, { rotates: false, refuses: (token) => token === `${CANARY}-access-1` })
    const { ask, dir } = worker(t, api)
    assert.equal((await ask()).status, 200)
    assert.deepEqual(sentTokens(api), [FIRST, FIRST])
    assert.equal(stored(dir)?.refreshToken, FIRST)
  })

  test('that the answer replaces is in the store before the new access token is used', async (t) => {
    const dir = folder(t)
    const seen: unknown[] = []
    const api = await startRotating(t, {
      onPage: (asked) => void seen.push([asked.headers.authorization, stored(dir)?.refreshToken]),
      refuses: (token) => token === `${CANARY}-access-1`,
    })
    await worker(t, api, { dir }).ask()
    assert.deepEqual(seen, [
      [`Bearer ${CANARY}-access-1`, `${CANARY}-refresh-1`],
      [`Bearer ${CANARY}-access-2`, `${CANARY}-refresh-2`],
    ])
  })

  test('is used once for eight requests at once', async (t) => {
    const api = await startRotating(t)
    const { ask } = worker(t, api)
    await Promise.all(Array.from({ length: 8 }, () => ask()))
    assert.deepEqual([api.refreshes.length, api.pages.length], [1, 8])
  })

  test('is used once after five 401s for the same access token', async (t) => {
    let waiting: (() => void)[] = []
    const api = await startRotating(t, {
      refuses: (token) => token === `${CANARY}-access-1`,
      onPage: ({ headers }) => {
        if (!headers.authorization?.endsWith('-1')) return
        return new Promise<void>((go) => {
          waiting.push(go)
          if (waiting.length === 5) for (const each of waiting) each()
        })
      },
    })
    const { ask } = worker(t, api)
    const pages = await Promise.all(Array.from({ length: 5 }, () => ask()))
    waiting = []
    assert.ok(pages.every(({ status }) => status === 200))
    assert.equal(api.refreshes.length, 2)
  })

  test('brings an error, with a hint, when the API refuses the new access token too', async (t) => {
    const api = await startRotating(t, { refuses: () => true })
    const { ask, logged } = worker(t, api)
    const error = await failureOf(ask())
    assert.ok(error instanceof CredentialsRefused)
    assert.match(error.hint ?? '', /authorise the application again and set SHOP_REFRESH/)
    assert.deepEqual([api.refreshes.length, api.pages.length], [2, 2])
    for (const text of [shown(error), logged()]) assert.ok(!text.includes(CANARY), text)
  })

  for (const answer of [{ status: 503 }, { status: 429, headers: { 'retry-after': '2' } }, { body: '<html>' }] satisfies Answer[]) {
    test(`is sent again to an endpoint that answers with ${JSON.stringify(answer)}`, async (t) => {
      const api = await startRotating(t, { before: (number) => (number < 3 ? answer : null) })
      assert.equal((await worker(t, api).ask()).status, 200)
      assert.deepEqual(sentTokens(api), [FIRST, FIRST, FIRST])
    })
  }

  test('is not used when the endpoint stays down, nor when it asks for a long pause', async (t) => {
    const down = await startRotating(t, { before: () => ({ status: 503 }) })
    const failed = await failureOf(worker(t, down, { source: { attemptsMax: 2 } }).ask())
    assert.ok(failed instanceof PageFailed)
    assert.deepEqual([failed.code, down.refreshes.length, down.pages.length], ['HR_TOKEN_UNAVAILABLE', 2, 0])
    const busy = await startRotating(t, { before: () => ({ status: 429, headers: { 'retry-after': '3600' } }) })
    assert.ok((await failureOf(worker(t, busy).ask())) instanceof Parked)
  })
})

describe('a refresh token that is used up', () => {
  test('is not tried again: the hint names the variable of the first one', async (t) => {
    const api = await startRotating(t)
    const { ask, logged } = worker(t, api, { first: `${CANARY}-another` })
    const error = await failureOf(ask())
    assert.ok(error instanceof CredentialsRefused)
    assert.match(error.message, /gives no token: 400 .*invalid_grant.*\*\*\* is not good/)
    assert.match(
      error.hint ?? '',
      /^the refresh token in SHOP_REFRESH is used up, expired or revoked: authorise the application again and set/,
    )
    assert.equal(api.requests.length, 1)
    for (const text of [shown(error), logged()]) assert.ok(!text.includes(CANARY), text)
  })

  test('in the store: the hint says that it is that one, and a new first token starts anew', async (t) => {
    const api = await startRotating(t)
    const dir = folder(t)
    await worker(t, api, { dir }).ask()
    const other = await startRotating(t, { before: () => ({ status: 400, json: { error: 'invalid_grant' } }) })
    // The same source, at an endpoint that has forgotten it: the origin of the store's token is not asked by mistake.
    assert.match(
      ((await failureOf(worker(t, other, { dir }).ask())) as CredentialsRefused).hint ?? '',
      /^the refresh token in SHOP_REFRESH is/,
    )
    assert.equal(formOf(other, 0).refresh_token, FIRST)

    const strict = await startRotating(t, {
      before: (number) => (number === 2 ? { status: 400, json: { error: 'invalid_grant' } } : null),
      refuses: (token) => token.endsWith('-1'),
    })
    const error = await failureOf(worker(t, strict, { dir }).ask())
    assert.ok(error instanceof CredentialsRefused)
    assert.match(
      error.hint ?? '',
      /the refresh token in the store \(shop-[0-9a-f]{32}\), the successor of that in SHOP_REFRESH, is used up/,
    )
    const later = await failureOf(worker(t, strict, { dir, first: `${CANARY}-authorised-again` }).ask())
    assert.ok(later instanceof CredentialsRefused)
    assert.equal(sentTokens(strict).at(-1), `${CANARY}-authorised-again`)
  })
})

describe('the token store', () => {
  test('is a folder that nobody else can enter, with files that nobody else can read', async (t) => {
    const dir = folder(t)
    const before = process.umask(0)
    t.after(() => void process.umask(before))
    await worker(t, await startRotating(t), { dir }).ask()
    const [key = ''] = readdirSync(dir)
    assert.match(key, /^shop-[0-9a-f]{32}$/)
    const mode = (path: string) => (statSync(path).mode & 0o777).toString(8)
    assert.deepEqual([mode(dir), mode(join(dir, key)), mode(join(dir, key, 'token.json'))], ['700', '700', '600'])
    assert.deepEqual(readdirSync(join(dir, key)), ['token.json'], 'neither a lock nor a temporary file is left')
  })

  test('closes a folder that was open, and takes away what a killed process left', async (t) => {
    const dir = folder(t)
    const files = fileTokenStore(dir, fastClock())
    mkdirSync(join(dir, 'shop-1'), { recursive: true })
    chmodSync(join(dir, 'shop-1'), 0o755)
    writeFileSync(join(dir, 'shop-1', '77-0.5.new'), FIRST)
    await files.write('shop-1', 'one')
    await files.write('shop-1', 'two')
    assert.equal(await files.read('shop-1'), 'two')
    assert.equal(statSync(join(dir, 'shop-1')).mode & 0o777, 0o700)
    assert.deepEqual(readdirSync(join(dir, 'shop-1')), ['token.json'])
  })

  test('lets a worker that starts anew go on with the access token that is still good', async (t) => {
    const api = await startRotating(t)
    const { dir, ask } = worker(t, api)
    await ask()
    const second = worker(t, api, { dir })
    await second.ask()
    assert.equal(api.refreshes.length, 1)
    assert.deepEqual(accessTokens(api), Array(2).fill(`Bearer ${CANARY}-access-1`))
    assert.equal(second.client.facts().tokenRefreshes, 0)
  })

  test('is read again under the lock: what another worker has got after a 401 is taken, and not refreshed once more', async (t) => {
    let good = '1'
    const api = await startRotating(t, { refuses: (token) => !token.endsWith(`-${good}`) })
    const one = worker(t, api)
    const two = worker(t, api, { dir: one.dir })
    await one.ask()
    await two.ask()
    good = '2'
    await one.ask()
    assert.equal((await two.ask()).status, 200)
    assert.deepEqual([api.refreshes.length, api.revoked()], [2, false])
  })

  test('that cannot be written to is told before the endpoint is asked, which would use the token up', async (t) => {
    const api = await startRotating(t)
    const dir = folder(t)
    writeFileSync(dir, 'a file, no folder')
    const error = await failureOf(worker(t, api, { dir }).ask())
    assert.ok(error instanceof Unavailable)
    assert.equal(error.code, 'HR_TOKEN_STORE')
    assert.match(error.hint ?? '', /HEADRACE_TOKENS_DIR must be a folder/)
    assert.equal(api.requests.length, 0)
  })

  for (const [name, breaks] of [
    ['whose file cannot be replaced', (dir: string, key: string) => mkdirSync(join(dir, key, 'token.json'), { recursive: true })],
    ['whose folder is a link to nowhere', (dir: string, key: string) => symlinkSync(join(dir, 'nowhere'), join(dir, key))],
  ] as const) {
    test(`${name} is told before the endpoint is asked, first and later: the token is not used up`, async (t) => {
      const api = await startRotating(t, { lifeSeconds: 1 })
      const clock = fastClock({ speed: 1000 })
      const { ask, dir } = worker(t, api, { clock })
      await ask()
      const [key = ''] = readdirSync(dir)
      rmSync(join(dir, key), { recursive: true })
      breaks(dir, key)
      const before = api.refreshes.length
      const error = await failureOf(worker(t, api, { dir, clock }).ask())
      assert.ok(error instanceof Unavailable, String(error))
      assert.equal(error.code, 'HR_TOKEN_STORE')
      assert.deepEqual([api.refreshes.length, api.revoked()], [before, false])
    })
  }

  test('on a full disk is told before the endpoint is asked, and the refresh goes on when there is room', async (t) => {
    const dir = folder(t)
    const files = fileTokenStore(dir, fastClock())
    let full = true
    const noSpace = () => Promise.reject(Object.assign(new Error('ENOSPC: no space left on device, write'), { code: 'ENOSPC' }))
    const store: TokenStore = { ...files, write: (key, value) => (full ? noSpace() : files.write(key, value)) }
    const api = await startRotating(t)
    const { ask } = worker(t, api, { auth: { store } })
    const error = await failureOf(ask())
    assert.ok(error instanceof Unavailable)
    assert.match(error.message, /cannot be written to, so the refresh token was not used: ENOSPC/)
    assert.match(error.hint ?? '', /a disk that is not full/)
    assert.deepEqual([api.refreshes.length, api.pages.length], [0, 0])
    full = false
    assert.equal((await ask()).status, 200)
    assert.deepEqual([sentTokens(api), stored(dir)?.refreshToken], [[FIRST], api.current()])
  })

  test('that was written before the token was used, by a process that then died, holds the token that is still good', async (t) => {
    const dir = folder(t)
    const files = fileTokenStore(dir, fastClock())
    const died: TokenStore = {
      ...files,
      async write(key, value) {
        await files.write(key, value)
        throw new Error('killed')
      },
    }
    const api = await startRotating(t)
    await failureOf(worker(t, api, { auth: { store: died } }).ask())
    assert.deepEqual([api.refreshes.length, stored(dir)?.refreshToken], [0, FIRST])
    assert.equal((await worker(t, api, { dir }).ask()).status, 200)
    assert.deepEqual([sentTokens(api), api.revoked()], [[FIRST], false])
  })

  test('that others can enter or read is reported with the command that closes it', async (t) => {
    const dir = folder(t)
    mkdirSync(join(dir, 'shop-1'), { recursive: true })
    writeFileSync(join(dir, 'shop-1', 'token.json'), '{}')
    chmodSync(dir, 0o777)
    chmodSync(join(dir, 'shop-1', 'token.json'), 0o644)
    const { logged } = worker(t, await startRotating(t), { dir })
    assert.match(logged(), /"level":40.*has mode 0777: others on this machine may read or replace refresh tokens; chmod 700 \S+tokens"/)
    assert.match(logged(), /token\.json has mode 0644: .*; chmod 600 \S+token\.json"/)
    chmodSync(dir, 0o700)
    chmodSync(join(dir, 'shop-1', 'token.json'), 0o600)
    assert.doesNotMatch(worker(t, await startRotating(t), { dir }).logged(), /chmod/)
  })

  test('that fails just when a new token is there: the token is kept, used by nobody, and stored at the next attempt', async (t) => {
    const dir = folder(t)
    const files = fileTokenStore(dir, fastClock())
    let full = true
    let written = 0
    const store: TokenStore = {
      ...files,
      // Full after there was room, as somebody else fills the disk.
      write: (key, value) => (full && ++written > 1 ? Promise.reject(new Error(`full, at ${FIRST}`)) : files.write(key, value)),
    }
    const api = await startRotating(t)
    const { ask, logged } = worker(t, api, { auth: { store } })
    const error = await failureOf(ask())
    assert.ok(error instanceof Unavailable)
    assert.match(error.message, /the new refresh token cannot be stored: full, at \*\*\*/)
    await failureOf(ask())
    assert.deepEqual([api.refreshes.length, api.pages.length], [1, 0])
    full = false
    assert.equal((await ask()).status, 200)
    assert.deepEqual([api.refreshes.length, stored(dir)?.refreshToken], [1, api.current()])
    for (const text of [shown(error), logged()]) assert.ok(!text.includes(CANARY), text)
  })

  test('that is damaged is told, and the first token is not used a second time', async (t) => {
    const api = await startRotating(t)
    const { ask, dir } = worker(t, api)
    await ask()
    writeFileSync(join(dir, readdirSync(dir)[0] ?? '', 'token.json'), `{"refreshToken":"${CANARY}`)
    const error = await failureOf(worker(t, api, { dir }).ask())
    assert.ok(error instanceof Unavailable)
    assert.match(error.message, /holds no refresh token that can be read/)
    assert.deepEqual([api.refreshes.length, shown(error).includes(CANARY)], [1, false])
  })

  test('gets the token of a refresh that is under way when the client is closed', async (t) => {
    let answer: () => void = () => undefined
    const api = await startRotating(t, {
      async before() {
        await new Promise<void>((go) => (answer = go))
        return null
      },
    })
    const { ask, client, dir } = worker(t, api, { clock: fastClock({ speed: 1 }) })
    const page = failureOf(ask())
    while (api.refreshes.length === 0) await new Promise((go) => setTimeout(go, 2))
    const closed = client.close()
    answer()
    await closed
    assert.match((await page).message, /the client was closed/)
    assert.equal(stored(dir)?.refreshToken, api.current())
    assert.equal(api.current(), `${CANARY}-refresh-1`)
  })
})

test('tokens are in no answer, log line or error, whatever the endpoint and the API say', async (t) => {
  const api = await startRotating(t, { refuses: (token) => /-[13]$/.test(token) })
  const { ask, logged, client, dir } = worker(t, api)
  const page = await ask()
  await ask()
  const kept = stored(dir)
  for (const text of [JSON.stringify(page), logged()]) assert.ok(!text.includes(CANARY), text)
  assert.equal(client.scrub(`${kept?.accessToken} and ${FIRST} and ${CANARY}-access-1`), '*** and *** and ***')
})
