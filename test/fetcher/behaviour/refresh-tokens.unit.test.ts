/** Refresh tokens that are replaced at each use: against a real endpoint that takes each once. */
import assert from 'node:assert/strict'
import { describe, test } from 'node:test'
import { secret } from '#shared/declaration/secret.ts'
import { CredentialsRefused, PageFailed, Parked } from '../../../services/fetcher/http/errors.ts'
import { fastClock } from '../../support/clocks.ts'
import type { Answer } from '../../support/http.ts'
import { accessTokens, folder, formOf, sentTokens, stored, worker } from '../http/auth/refreshing.ts'
import { CANARY, FIRST, startRotating } from '../http/auth/token-endpoint.ts'
import { failureOf, SECRETS, shown } from '../http/fixture.ts'

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

test('tokens are in no answer, log line or error, whatever the endpoint and the API say', async (t) => {
  const api = await startRotating(t, { refuses: (token) => /-[13]$/.test(token) })
  const { ask, logged, client, dir } = worker(t, api)
  const page = await ask()
  await ask()
  const kept = stored(dir)
  for (const text of [JSON.stringify(page), logged()]) assert.ok(!text.includes(CANARY), text)
  assert.equal(client.redact(`${kept?.accessToken} and ${FIRST} and ${CANARY}-access-1`), '*** and *** and ***')
})
