/** Refresh tokens that are handed out anew: against a real endpoint that takes each once, with real files. */
import assert from 'node:assert/strict'
import { chmodSync, mkdirSync, readdirSync, rmSync, statSync, symlinkSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { describe, test } from 'node:test'
import { secret } from '#shared/declaration/secret.ts'
import type { TokenStore } from '#shared/declaration/token-store.ts'
import { Unavailable } from '#shared/errors.ts'
import { liveSecrets } from '../../../../services/fetcher/http/auth/live-secrets.ts'
import { refreshTokenCredentials } from '../../../../services/fetcher/http/auth/oauth2-refresh-token.ts'
import { fileTokenStore } from '../../../../services/fetcher/http/auth/tokens/file-token-store.ts'
import { CredentialsRefused, PageFailed, Parked } from '../../../../services/fetcher/http/errors.ts'
import { fastClock, virtualClock } from '../../../support/clocks.ts'
import type { Answer } from '../../../support/http.ts'
import { failureOf, SECRETS, shown } from '../fixture.ts'
import { accessTokens, folder, formOf, sentTokens, stored, worker } from './refreshing.ts'
import { CANARY, FIRST, startRotating } from './token-endpoint.ts'

describe('a refresh token', () => {
  test('is sent with the client in the header, with scope and extra parameters in the body; the page gets the access token alone', async (t) => {
    const api = await startRotating(t)
    const { ask, client } = worker(t, api, { auth: { scope: 'orders', extra: { resource: 'eu' } } })
    await ask()
    assert.deepEqual(formOf(api, 0), {
      grant_type: 'refresh_token',
      refresh_token: FIRST,
      scope: 'orders',
      resource: 'eu',
    })
    const basic = Buffer.from(
      api.refreshes[0]?.headers.authorization?.slice('Basic '.length) ?? '',
      'base64',
    ).toString()
    assert.equal(basic, 'client+one:s3cret%3Aof%2Bthe+shop')
    assert.deepEqual(accessTokens(api), [`Bearer ${CANARY}-access-1`])
    assert.ok(!JSON.stringify(api.pages).includes('refresh'))
    assert.deepEqual(client.facts(), { requests: 1, retries: 0, tokenRefreshes: 1 })
  })

  test('without the secret of its client is refused before anything is asked for', async (t) => {
    const api = await startRotating(t)
    assert.throws(() => worker(t, api, { auth: { clientSecret: secret('SHOP_NO_SECRET') } }), {
      code: 'HR_SECRET_MISSING',
    })
    assert.equal(api.refreshes.length, 0)
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

  for (const answer of [
    { status: 503 },
    { status: 429, headers: { 'retry-after': '2' } },
    { body: '<html>' },
  ] satisfies Answer[]) {
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
    [
      'whose file cannot be replaced',
      (dir: string, key: string) => mkdirSync(join(dir, key, 'token.json'), { recursive: true }),
    ],
    [
      'whose folder is a link to nowhere',
      (dir: string, key: string) => symlinkSync(join(dir, 'nowhere'), join(dir, key)),
    ],
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
    const noSpace = () =>
      Promise.reject(Object.assign(new Error('ENOSPC: no space left on device, write'), { code: 'ENOSPC' }))
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
    assert.match(
      logged(),
      /"level":40.*has mode 0777: others on this machine may read or replace refresh tokens; chmod 700 \S+tokens"/,
    )
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
      write: (key, value) =>
        full && ++written > 1 ? Promise.reject(new Error(`full, at ${FIRST}`)) : files.write(key, value),
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
  assert.equal(client.redact(`${kept?.accessToken} and ${FIRST} and ${CANARY}-access-1`), '*** and *** and ***')
})

describe('what is got with a refresh token, by itself', () => {
  type Kept = { v: number; refreshToken: string; accessToken: string; givenUpMs: number | null }
  const PAGE = { method: 'GET' as const, url: new URL('http://127.0.0.1:1/orders'), headers: {}, body: undefined }
  const REFUSED = { status: 400, json: { error: 'invalid_grant', error_description: 'used: refresh-0 refresh-1' } }
  type Endpoint = (number: number) => { status?: number; json: unknown }

  /** Tokens "access-1", "access-2", … for an hour, each with a new refresh token, on a clock that stands still. */
  function holding(endpoint: Endpoint = () => ({ json: {} }), spec: object = {}) {
    const clock = virtualClock()
    const values: Record<string, string> = { SHOP_ID: 'client', SHOP_SECRET: 'a-secret', SHOP_REFRESH: 'refresh-0' }
    const kept = new Map<string, string>()
    const sent: (string | null)[] = []
    const disk = { isFull: false, isBroken: false, reads: 0, written: [] as Kept[] }
    let tokens = 0
    const store: TokenStore = {
      lock: async () => async () => undefined,
      async read(key) {
        disk.reads += 1
        if (disk.isBroken) throw new Error('broken')
        return kept.get(key) ?? null
      },
      async write(key, text) {
        if (disk.isFull) throw new Error('full')
        kept.set(key, text)
        disk.written.push(JSON.parse(text))
      },
    }
    const resolver = {
      secret: ({ name }: { name: string }) => values[name] ?? '',
      setting: ({ fallback }: { fallback: string }) => fallback,
      tokensDir: '/nowhere',
    }
    const credentials = refreshTokenCredentials(
      {
        ...{
          kind: 'oauth2-refresh-token',
          tokenUrl: '/token',
          clientId: secret('SHOP_ID'),
          clientSecret: secret('SHOP_SECRET'),
        },
        ...{ refreshToken: secret('SHOP_REFRESH'), credentialsIn: 'header', extra: {}, store },
        ...spec,
      },
      { name: 'shop', attemptsMax: 1, waitMax: 1_000, timeout: 20_000 },
      'http://127.0.0.1:1',
      {
        async ask({ body }) {
          sent.push(new URLSearchParams(body).get('refresh_token'))
          const number = sent.length
          const { status = 200, json } = endpoint(number)
          const text = {
            access_token: `access-${number}`,
            refresh_token: `refresh-${number}`,
            expires_in: 3600,
            ...(json as object),
          }
          return { status, headers: {}, text: JSON.stringify(status === 200 ? text : json), bytes: 0, notes: [] }
        },
        ...{ clock, resolver, secrets: liveSecrets({ resolver, clock }) },
        onToken() {
          tokens += 1
        },
      },
    )
    const token = async () => (await credentials.apply(PAGE, new AbortController().signal)).token
    return { clock, credentials, disk, kept, sent, token, tokens: () => tokens, values }
  }

  test('makes room in the store before it is asked for, and is counted once', async () => {
    const { clock, disk, token, tokens } = holding()
    assert.equal(await token(), 'access-1')
    assert.deepEqual(disk.written, [
      { v: 1, refreshToken: 'refresh-0', accessToken: 'none yet', givenUpMs: 0 },
      { v: 1, refreshToken: 'refresh-1', accessToken: 'access-1', givenUpMs: clock.nowMs() + 3_540_000 },
    ])
    assert.equal(tokens(), 1)
  })

  test('is used until it is given up, to the millisecond, by whoever reads it in the store too', async () => {
    const { clock, disk, sent, token } = holding()
    await token()
    const { reads } = disk
    await clock.runTo(3_539_999)
    assert.equal(await token(), 'access-1')
    assert.equal(disk.reads, reads, 'the store is not asked for what is at hand')
    await clock.runTo(3_540_000)
    assert.equal(await token(), 'access-2')
    assert.deepEqual(sent, ['refresh-0', 'refresh-1'])
    assert.deepEqual(disk.written[2], { ...disk.written[1] }, 'room is made with what is good now')
  })

  for (const [leftMs, requests] of [
    [1, 0],
    [0, 1],
  ] as const) {
    test(`that another worker has left ${leftMs} ms of is ${requests === 0 ? 'used, and not longer than that' : 'not used'}`, async () => {
      const { clock, kept, sent, token, tokens, disk } = holding()
      await token()
      const other = holding()
      const [key = ''] = kept.keys()
      const found = { v: 1, refreshToken: 'refresh-9', accessToken: 'access-9', givenUpMs: clock.nowMs() + leftMs }
      other.kept.set(key, JSON.stringify(found))
      assert.equal(await other.token(), requests === 0 ? 'access-9' : 'access-1')
      assert.equal(other.sent.length, requests)
      await other.clock.runTo(leftMs)
      await other.token()
      assert.deepEqual(other.sent, ['refresh-9'])
      assert.deepEqual([sent.length, tokens(), disk.written.length], [1, 1, 2])
    })
  }

  test('without an end is used for ever, from the store too, and a refusal alone brings another', async () => {
    const { clock, credentials, disk, kept, sent, token } = holding(() => ({ json: { expires_in: undefined } }))
    await token()
    assert.equal(disk.written.at(-1)?.givenUpMs, null)
    const [key = '', text = ''] = [...kept][0] ?? []
    const other = holding()
    other.kept.set(key, text)
    for (const each of [clock, other.clock]) await each.runTo(1e12)
    assert.deepEqual(
      [await token(), await other.token(), sent.length, other.sent.length],
      ['access-1', 'access-1', 1, 0],
    )
    assert.equal(await credentials.renew('access-1', new AbortController().signal), true)
    assert.deepEqual([await token(), sent], ['access-2', ['refresh-0', 'refresh-1']])
  })

  test('where the store has the refused token still, is asked for; where another one is there, that is taken', async () => {
    const { credentials, kept, sent, token, clock } = holding()
    await token()
    const [key = ''] = kept.keys()
    kept.set(
      key,
      JSON.stringify({ v: 1, refreshToken: 'refresh-9', accessToken: 'access-9', givenUpMs: clock.nowMs() + 9 }),
    )
    credentials.rejected('access-1')
    assert.equal(await token(), 'access-9')
    credentials.rejected('access-9')
    assert.equal(await token(), 'access-2')
    assert.deepEqual(sent, ['refresh-0', 'refresh-9'])
  })

  test('and could not be stored is stored before anything else happens, once', async () => {
    const { disk, sent, token, clock } = holding(() => {
      disk.isFull = true
      return { json: {} }
    })
    for (let attempt = 0; attempt < 2; attempt++)
      assert.match((await failureOf(token())).message, /the new refresh token cannot be stored/)
    disk.isFull = false
    assert.equal(await token(), 'access-1')
    await clock.runTo(3_540_000)
    await failureOf(token())
    assert.deepEqual(sent, ['refresh-0', 'refresh-1'])
    assert.deepEqual(
      disk.written.map(({ refreshToken }) => refreshToken),
      ['refresh-0', 'refresh-1', 'refresh-1'],
    )
  })

  test('goes by the first token that is given now: a new one has a place of its own in the store', async () => {
    const { clock, credentials, kept, sent, token, values } = holding()
    const before = await credentials.stamp()
    await token()
    values.SHOP_REFRESH = 'refresh-new'
    await clock.runTo(3_540_000)
    await token()
    assert.deepEqual([sent, kept.size], [['refresh-0', 'refresh-new'], 2])
    assert.notEqual(await credentials.stamp(), before)
  })

  test('stands for what would be used next, the client, and whether the store can be read', async () => {
    const { clock, credentials, disk, kept, token, values } = holding()
    const stamps = [await credentials.stamp()]
    await token()
    stamps.push(await credentials.stamp())
    for (const [name, value] of [
      ['SHOP_SECRET', 'another'],
      ['SHOP_ID', 'else'],
      ['SHOP_REFRESH', 'refresh-new'],
    ] as const) {
      values[name] = value
      await clock.runTo(clock.elapsedMs() + 1_000)
      stamps.push(await credentials.stamp())
    }
    disk.isBroken = true
    stamps.push(await credentials.stamp())
    disk.isBroken = false
    assert.equal(await credentials.stamp(), stamps.at(-2))
    assert.equal(new Set(stamps).size, stamps.length)
    assert.equal(kept.size, 1)
  })

  test('is refused with the variable or the place of the token that was used, whose text is shown to nobody', async () => {
    const { clock, token } = holding((number) => (number === 1 ? { json: {} } : REFUSED))
    await token()
    await clock.runTo(3_540_000)
    const later = (await failureOf(token())) as CredentialsRefused
    assert.match(
      later.hint ?? '',
      /^the refresh token in the store \(shop-[0-9a-f]{32}\), the successor of that in SHOP_REFRESH, is used up/,
    )
    assert.match(later.message, /used: \*\*\* \*\*\*/)
    const first = (await failureOf(holding(() => REFUSED).token())) as CredentialsRefused
    assert.deepEqual([first.code, first.by], ['HR_REFRESH_TOKEN_DEAD', 'token-endpoint'])
    assert.match(first.hint ?? '', /^the refresh token in SHOP_REFRESH is used up/)
  })

  for (const [name, spec, hint] of [
    [
      'a client without a secret',
      { clientSecret: undefined },
      'check SHOP_ID, scope, and whether the endpoint wants a clientSecret',
    ],
    [
      'a client that is written down',
      { clientSecret: undefined, clientId: 'me' },
      'check the client id, scope, and whether',
    ],
    [
      'credentials in the header',
      {},
      'check SHOP_ID, SHOP_SECRET, scope, and whether the endpoint wants the credentials in the body instead',
    ],
    [
      'credentials in the body',
      { credentialsIn: 'body' },
      'wants the credentials in the header instead (credentialsIn)',
    ],
  ] as const) {
    test(`of ${name} that is refused in another way says what to look at`, async () => {
      const { token } = holding(() => ({ status: 401, json: { error: 'invalid_client' } }), spec)
      const error = (await failureOf(token())) as CredentialsRefused
      assert.deepEqual([error.code, error.hint?.includes(hint)], ['HR_CREDENTIALS_REFUSED', true], error.hint)
    })
  }

  test('is quoted by no text: not the last tokens, nor the client in any form', async () => {
    const { clock, credentials, token } = holding((number) => ({ json: { refresh_token: `refresh-token-${number}` } }))
    const basic = Buffer.from('client:a-secret').toString('base64')
    assert.equal(credentials.redact(`refresh-0 ${basic}`), '*** ***', 'before the first request too')
    for (let number = 1; number <= 9; number++) {
      await token()
      await clock.runTo(number * 3_540_000)
    }
    assert.equal(
      credentials.redact(`refresh-0 refresh-token-8 refresh-token-3 access-9 a-secret ${basic}`),
      '*** *** *** *** *** ***',
    )
  })
})
