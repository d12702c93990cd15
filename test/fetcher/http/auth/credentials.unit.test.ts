/**
 * Where credentials go, and that they go nowhere else. Real servers: the API, its token endpoint, and another host in a
 * next link.
 */
import assert from 'node:assert/strict'
import { describe, test } from 'node:test'
import { apiKey, basic, bearer, oauth2ClientCredentials } from '#shared/declaration/auth.ts'
import { nextUrl } from '#shared/declaration/paginate/paginate.ts'
import { secret, setting } from '#shared/declaration/secret.ts'
import { Stopped, WrongUse } from '#shared/errors.ts'
import { CredentialsRefused, PageFailed, PageRefused, Parked } from '../../../../services/fetcher/http/errors.ts'
import { paginatorFor } from '../../../../services/fetcher/pages/paginators/paginator-for.ts'
import { fastClock } from '../../../support/clocks.ts'
import { type Answer, type Asked, inTurn, startServer } from '../../../support/http.ts'
import { idleClock } from '../../../support/idle-clock.ts'
import { clientFor, failureOf, SECRETS, shown } from '../fixture.ts'

const PAGE: Answer = { json: { data: [], next: null } }
const KEY = SECRETS.SHOP_KEY

const OAUTH = { tokenUrl: '/token', clientId: secret('SHOP_ID'), clientSecret: secret('SHOP_SECRET') }
const isToken = ({ path }: Asked) => path === '/token'

/** An API with its token endpoint: tokens t1, t2, … that are good until `refuse` says otherwise. */
function oauthScript(
  options: {
    life?: unknown
    refuse?: (token: string, asked: Asked) => boolean
    token?: (number: number) => Answer | null
  } = {},
) {
  let tokens = 0
  return (asked: Asked): Answer => {
    if (isToken(asked)) {
      tokens += 1
      const scripted = options.token?.(tokens) ?? null
      if (scripted !== null) return scripted
      const life = 'life' in options ? options.life : 3600
      return {
        json: { access_token: `t${tokens}`, token_type: 'Bearer', ...(life === undefined ? {} : { expires_in: life }) },
      }
    }
    const token = asked.headers.authorization?.slice('Bearer '.length) ?? ''
    return options.refuse?.(token, asked) === true ? { status: 401, body: `token ${token} is not good` } : PAGE
  }
}

const count = (requests: readonly Asked[], which: (asked: Asked) => boolean): number => requests.filter(which).length

describe('fixed credentials', () => {
  test('a bearer token goes into the Authorization header', async (t) => {
    const server = await startServer(t, inTurn(PAGE))
    await clientFor(t, server.url, { source: { auth: bearer(secret('SHOP_KEY')) } }).ask()
    assert.equal(server.requests[0]?.headers.authorization, `Bearer ${KEY}`)
  })

  test('user name and password go into a Basic header', async (t) => {
    const server = await startServer(t, inTurn(PAGE))
    await clientFor(t, server.url, {
      source: { auth: basic({ username: 'ünal', password: secret('SHOP_SECRET') }) },
    }).ask()
    assert.equal(
      server.requests[0]?.headers.authorization,
      `Basic ${Buffer.from(`ünal:${SECRETS.SHOP_SECRET}`).toString('base64')}`,
    )
  })

  test('an API key goes into the header that is declared', async (t) => {
    const server = await startServer(t, inTurn(PAGE))
    await clientFor(t, server.url, { source: { auth: apiKey({ key: secret('SHOP_KEY'), name: 'X-Shop-Key' }) } }).ask()
    assert.equal(server.requests[0]?.headers['x-shop-key'], KEY)
  })

  test('an API key in the query is sent, and is in neither the answer, a log line, nor an error', async (t) => {
    const server = await startServer(t, inTurn(PAGE, { status: 404 }))
    const { ask, logged } = clientFor(t, server.url, {
      source: { auth: apiKey({ key: secret('SHOP_KEY'), in: 'query', name: 'sk' }) },
    })
    const page = await ask({ path: '/orders?sk=old&a=%20b' })
    assert.deepEqual(server.requests[0]?.query.getAll('sk'), [KEY])
    assert.match(server.requests[0]?.target ?? '', /^\/orders\?a=%20b&sk=/, 'the other parameters stay byte for byte')
    const error = await failureOf(ask())
    for (const text of [JSON.stringify(page), logged(), shown(error)]) {
      assert.ok(!text.includes(KEY) && !text.includes(encodeURIComponent(KEY)), text)
    }
    assert.match(logged(), /sk=\*\*\*/)
  })

  test('a next link that repeats the API key is kept without it, and asked with it', async (t) => {
    const server = await startServer(t, (asked) =>
      asked.query.has('page') ? PAGE : { json: { data: [], next: `/orders?page=2&sk=${encodeURIComponent(KEY)}` } },
    )
    const { ask, client, stream } = clientFor(t, server.url, {
      source: { auth: apiKey({ key: secret('SHOP_KEY'), in: 'query', name: 'sk' }) },
      stream: { paginate: nextUrl({ next: '/next' }) },
    })
    const first = await ask()
    const paginator = paginatorFor(stream)
    const { cursor } = paginator.next(
      { ...first, records: [], positions: () => [], apiMs: 0, longest: 0, size: null },
      null,
    )
    assert.equal(cursor, `${server.url}/orders?page=2`)
    await client.send(paginator.at(first.request, cursor), {
      signal: new AbortController().signal,
      stream: stream.label,
    })
    assert.deepEqual(server.requests[1]?.query.getAll('sk'), [KEY])
  })

  for (const [name, auth] of [
    ['a bearer token', bearer(secret('SHOP_KEY'))],
    ['an API key', apiKey({ key: secret('SHOP_KEY'), in: 'query', name: 'sk' })],
  ] as const) {
    test(`${name} that is refused with 401 is not tried again; the hint names its variable, and no text holds it`, async (t) => {
      const server = await startServer(
        t,
        inTurn({ status: 401, body: `"${KEY}" (${encodeURIComponent(KEY)}) is not known here` }),
      )
      const { ask, logged } = clientFor(t, server.url, { source: { auth } })
      const error = await failureOf(ask())
      assert.ok(error instanceof CredentialsRefused)
      assert.match(error.hint ?? '', /SHOP_KEY/)
      assert.match(error.message, /"\*\*\*" \(\*\*\*\) is not known here/)
      assert.equal(server.requests.length, 1)
      for (const text of [shown(error), logged()])
        assert.ok(!text.includes(KEY) && !text.includes(encodeURIComponent(KEY)))
    })
  }

  test('a key that the API quotes in a refusal or in a broken page is taken out of the error', async (t) => {
    for (const answer of [{ status: 400, body: `bad key ${KEY}` }, { body: `<html>${KEY}</html>` }]) {
      const server = await startServer(t, inTurn(answer))
      const error = await failureOf(
        clientFor(t, server.url, { source: { auth: bearer(secret('SHOP_KEY')), attemptsMax: 1 } }).ask(),
      )
      assert.ok(!shown(error).includes(KEY), error.message)
      assert.match(error.message, /\*\*\*/)
    }
  })

  test('a 401 without declared credentials says so', async (t) => {
    const server = await startServer(t, inTurn({ status: 401 }))
    const error = await failureOf(clientFor(t, server.url).ask())
    assert.ok(error instanceof CredentialsRefused)
    assert.match(error.hint ?? '', /declares no auth/)
  })

  test('a secret that is not set is told by its name, when the client is made', async (t) => {
    assert.throws(
      () => clientFor(t, 'http://127.0.0.1:9', { source: { auth: bearer(secret('SHOP_MISSING')) } }),
      (error) => error instanceof WrongUse && /SHOP_MISSING is not set/.test(error.message),
    )
  })

  for (const [url, text] of [
    ['http://me:hunter22@127.0.0.1:9', /SHOP_URL contains a user name or a password/],
    ['http://127.0.0.1:9/?token=hunter22', /SHOP_URL has a query or a fragment/],
    ['127.0.0.1:9', /SHOP_URL is "127\.0\.0\.1:9", no http or https URL/],
  ] as const) {
    test(`an address of the environment that is not one of an API is refused, and no secret in it shown: ${text.source}`, async (t) => {
      const source = { baseUrl: setting('SHOP_URL', 'http://127.0.0.1:9') }
      assert.throws(
        () => clientFor(t, '', { source, environment: { SHOP_URL: url } }),
        (error) => error instanceof WrongUse && text.test(error.message) && !shown(error).includes('hunter22'),
      )
    })
  }
})

describe('other origins', () => {
  test('are refused before anything is sent', async (t) => {
    const api = await startServer(t, inTurn(PAGE))
    const other = await startServer(t, inTurn(PAGE))
    const { ask } = clientFor(t, api.url, { source: { auth: bearer(secret('SHOP_KEY')) } })
    const error = await failureOf(ask({ path: `${other.url}/orders?page=2` }))
    assert.ok(error instanceof Stopped)
    assert.equal(error.code, 'HR_ORIGIN_REFUSED')
    assert.match(error.hint ?? '', /add it to allowOrigins/)
    assert.equal(other.requests.length, 0)
  })

  for (const [name, auth] of [
    ['a bearer token', bearer(secret('SHOP_KEY'))],
    ['a key in the query', apiKey({ key: secret('SHOP_KEY'), in: 'query', name: 'sk' })],
    ['a key in a header', apiKey({ key: secret('SHOP_KEY') })],
    ['OAuth 2.0', oauth2ClientCredentials(OAUTH)],
  ] as const) {
    test(`that are allowed are asked without credentials and without the declared headers: ${name}`, async (t) => {
      const api = await startServer(t, oauthScript())
      const other = await startServer(t, inTurn(PAGE))
      const { ask } = clientFor(t, api.url, {
        source: {
          auth,
          allowOrigins: [other.url],
          headers: { 'X-Shop-Session': 'abc', Accept: 'application/hal+json' },
        },
      })
      const page = await ask({ path: `${other.url}/orders?page=2` })
      assert.equal(page.status, 200)
      const [asked] = other.requests
      assert.equal(asked?.target, '/orders?page=2')
      assert.equal(asked?.headers.accept, 'application/hal+json')
      assert.deepEqual(
        Object.keys(asked?.headers ?? {}).filter((header) => /auth|key|session|cookie/.test(header)),
        [],
      )
      assert.equal(api.requests.length, 0)
    })
  }

  test('in a redirect are refused, also when they are allowed in links', async (t) => {
    const other = await startServer(t, inTurn(PAGE))
    const api = await startServer(t, inTurn({ status: 302, headers: { location: `${other.url}/orders?token=abc` } }))
    const { ask } = clientFor(t, api.url, { source: { auth: bearer(secret('SHOP_KEY')), allowOrigins: [other.url] } })
    const error = await failureOf(ask())
    assert.ok(error instanceof PageRefused)
    assert.match(error.message, /is redirected \(302\) to http:\/\/127\.0\.0\.1:\d+\/orders\?token=\*\*\*/)
    assert.equal(other.requests.length, 0)
  })
})

describe('redirects inside the origin', () => {
  test('are followed with credentials, and links resolve against the last URL', async (t) => {
    const server = await startServer(t, ({ path }) =>
      path === '/orders' ? { status: 308, headers: { location: '/v2/orders?a=1' } } : PAGE,
    )
    const { ask } = clientFor(t, server.url, { source: { auth: bearer(secret('SHOP_KEY')) } })
    const page = await ask()
    assert.equal(page.request.url.href, `${server.url}/v2/orders?a=1`)
    assert.equal(page.attempts, 2)
    assert.equal(server.requests[1]?.headers.authorization, `Bearer ${KEY}`)
  })

  test('end after three', async (t) => {
    const server = await startServer(t, inTurn({ status: 302, headers: { location: '/orders' } }))
    const error = await failureOf(clientFor(t, server.url).ask())
    assert.ok(error instanceof PageRefused)
    assert.equal(server.requests.length, 4)
  })

  test('that would turn a POST into a GET are refused; those that keep it are followed', async (t) => {
    const stream = { method: 'POST', body: { q: 'x' } }
    const changing = await startServer(t, inTurn({ status: 303, headers: { location: '/other' } }))
    assert.ok((await failureOf(clientFor(t, changing.url, { stream }).ask())) instanceof PageRefused)
    const keeping = await startServer(t, inTurn({ status: 307, headers: { location: '/other' } }, PAGE))
    await clientFor(t, keeping.url, { stream }).ask()
    assert.deepEqual(
      keeping.requests.map(({ method, body }) => [method, body]),
      Array(2).fill(['POST', '{"q":"x"}']),
    )
  })

  test('to nowhere are told', async (t) => {
    const server = await startServer(t, inTurn({ status: 302 }))
    assert.match((await failureOf(clientFor(t, server.url).ask())).message, /redirected \(302\) to nowhere/)
  })
})

describe('OAuth 2.0 client credentials', () => {
  test('in the header: form-encoded, with scope, audience and extra parameters in the body', async (t) => {
    const server = await startServer(t, oauthScript())
    const auth = oauth2ClientCredentials({
      ...OAUTH,
      scope: 'orders read',
      audience: 'https://shop',
      extra: { resource: 'eu' },
    })
    const { ask, client } = clientFor(t, server.url, { source: { auth } })
    await ask()
    const [token, page] = server.requests
    assert.equal(token?.method, 'POST')
    assert.equal(token?.headers['content-type'], 'application/x-www-form-urlencoded')
    const basicText = Buffer.from(token?.headers.authorization?.slice('Basic '.length) ?? '', 'base64').toString()
    assert.equal(basicText, 'client+one:s3cret%3Aof%2Bthe+shop')
    assert.deepEqual(Object.fromEntries(new URLSearchParams(token?.body)), {
      grant_type: 'client_credentials',
      scope: 'orders read',
      audience: 'https://shop',
      resource: 'eu',
    })
    assert.equal(page?.headers.authorization, 'Bearer t1')
    assert.deepEqual(client.facts(), { requests: 1, retries: 0, tokenRefreshes: 1 })
  })

  test('in the body, at another origin that gets nothing else', async (t) => {
    const login = await startServer(t, oauthScript())
    const api = await startServer(t, inTurn(PAGE))
    const auth = oauth2ClientCredentials({ ...OAUTH, tokenUrl: `${login.url}/token`, credentialsIn: 'body' })
    await clientFor(t, api.url, { source: { auth } }).ask()
    const form = new URLSearchParams(login.requests[0]?.body)
    assert.deepEqual([form.get('client_id'), form.get('client_secret')], [SECRETS.SHOP_ID, SECRETS.SHOP_SECRET])
    assert.equal(login.requests[0]?.headers.authorization, undefined)
    assert.equal(api.requests[0]?.headers.authorization, 'Bearer t1')
  })

  test('eight requests at once take one token request', async (t) => {
    const server = await startServer(t, oauthScript())
    const { ask } = clientFor(t, server.url, { source: { auth: oauth2ClientCredentials(OAUTH) } })
    await Promise.all(Array.from({ length: 8 }, () => ask()))
    assert.equal(count(server.requests, isToken), 1)
    assert.equal(server.requests.length, 9)
  })

  for (const [life, margin] of [
    [3600, 60],
    [300, 30],
    ['300', 30],
  ] as const) {
    test(`a token of ${JSON.stringify(life)} seconds is good until ${margin} s before its end, and renewed from then on`, async (t) => {
      const server = await startServer(t, oauthScript({ life }))
      const clock = fastClock({ speed: 1 })
      let ahead = 0
      const jumping = { ...clock, elapsedMs: () => clock.elapsedMs() + ahead }
      const { ask } = clientFor(t, server.url, { source: { auth: oauth2ClientCredentials(OAUTH) }, clock: jumping })
      await ask()
      ahead = (Number(life) - margin - 5) * 1000
      await ask()
      assert.equal(count(server.requests, isToken), 1)
      ahead = (Number(life) - margin) * 1000
      await ask()
      assert.equal(count(server.requests, isToken), 2)
      assert.equal(server.requests.at(-1)?.headers.authorization, 'Bearer t2')
    })
  }

  for (const life of [undefined, 0, -1, 'soon', null]) {
    test(`expires_in ${JSON.stringify(life) ?? 'missing'} works, and the token is renewed on a 401`, async (t) => {
      let good = 't1'
      const server = await startServer(t, oauthScript({ life, refuse: (token) => token !== good }))
      const { ask } = clientFor(t, server.url, { source: { auth: oauth2ClientCredentials(OAUTH) } })
      await ask()
      await ask()
      assert.equal(count(server.requests, isToken), 1)
      good = 't2'
      const page = await ask()
      assert.deepEqual([page.status, page.attempts, page.retries], [200, 2, 0])
      assert.equal(count(server.requests, isToken), 2)
    })
  }

  test('five 401s at once for the same token take one renewal', async (t) => {
    let pending: (() => void)[] = []
    const script = oauthScript()
    const server = await startServer(t, async (asked) => {
      if (isToken(asked) || asked.headers.authorization !== 'Bearer t1') return script(asked)
      // All five are refused together, so that none of them knows of the renewal of another.
      await new Promise<void>((resolve) => {
        pending.push(resolve)
        if (pending.length === 5) for (const go of pending.splice(0)) go()
      })
      return { status: 401 }
    })
    const { ask } = clientFor(t, server.url, { source: { auth: oauth2ClientCredentials(OAUTH) } })
    const pages = await Promise.all(Array.from({ length: 5 }, () => ask()))
    pending = []
    assert.ok(pages.every(({ status }) => status === 200))
    assert.equal(count(server.requests, isToken), 2)
  })

  test('a 401 that comes late, for a token that was renewed meanwhile, takes the new one and asks for no third', async (t) => {
    let letGo: () => void = () => undefined
    const server = await startServer(t, async (asked, number) => {
      if (isToken(asked)) return { json: { access_token: `t${number === 0 ? 1 : 2}`, expires_in: 3600 } }
      if (asked.headers.authorization !== 'Bearer t1') return PAGE
      if (asked.path === '/slow') await new Promise<void>((resolve) => (letGo = resolve))
      return { status: 401 }
    })
    const { ask } = clientFor(t, server.url, {
      source: { auth: oauth2ClientCredentials(OAUTH) },
      clock: fastClock({ speed: 1 }),
    })
    const slow = ask({ path: '/slow' })
    while (count(server.requests, ({ path }) => path === '/slow') === 0)
      await new Promise((resolve) => setTimeout(resolve, 2))
    await ask()
    letGo()
    assert.equal((await slow).status, 200)
    assert.equal(count(server.requests, isToken), 2)
  })

  test('a new token that is refused too is an error, with a hint and without the token', async (t) => {
    const server = await startServer(t, oauthScript({ refuse: () => true }))
    const { ask, logged } = clientFor(t, server.url, { source: { auth: oauth2ClientCredentials(OAUTH) } })
    const error = await failureOf(ask())
    assert.ok(error instanceof CredentialsRefused)
    assert.match(error.hint ?? '', /SHOP_ID, SHOP_SECRET/)
    assert.equal(count(server.requests, isToken), 2)
    assert.equal(server.requests.length, 4)
    for (const text of [shown(error), logged()]) assert.ok(!text.includes(SECRETS.SHOP_SECRET))
  })

  for (const answer of [
    { status: 503 },
    { status: 429, headers: { 'retry-after': '2' } },
    { body: '<html>' },
    { take: (_, socket) => socket.destroy() },
  ] satisfies Answer[]) {
    test(`a token endpoint that answers with ${JSON.stringify(answer)} is asked again`, async (t) => {
      const server = await startServer(t, oauthScript({ token: (number) => (number < 3 ? answer : null) }))
      const { ask, client } = clientFor(t, server.url, { source: { auth: oauth2ClientCredentials(OAUTH) } })
      assert.equal((await ask()).status, 200)
      assert.equal(count(server.requests, isToken), 3)
      assert.equal(client.facts().tokenRefreshes, 1)
    })
  }

  test('a token endpoint that stays down ends after the declared attempts, and the page is not asked for', async (t) => {
    const server = await startServer(t, oauthScript({ token: () => ({ status: 503, body: 'login is down' }) }))
    const error = await failureOf(
      clientFor(t, server.url, { source: { auth: oauth2ClientCredentials(OAUTH), attemptsMax: 3 } }).ask(),
    )
    assert.ok(error instanceof PageFailed)
    assert.equal(error.code, 'HR_TOKEN_UNAVAILABLE')
    assert.match(error.message, /no token from http:\S+\/token in 3 attempts; the last answer: 503 login is down/)
    assert.equal(server.requests.length, 3)
  })

  test('a token endpoint that asks for a long pause parks the partition', async (t) => {
    const server = await startServer(
      t,
      oauthScript({ token: () => ({ status: 429, headers: { 'retry-after': '3600' } }) }),
    )
    assert.ok(
      (await failureOf(clientFor(t, server.url, { source: { auth: oauth2ClientCredentials(OAUTH) } }).ask())) instanceof
        Parked,
    )
    assert.equal(server.requests.length, 1)
  })

  for (const [name, answer] of [
    ['invalid_client', { status: 401, json: { error: 'invalid_client' } }],
    [
      'invalid_grant',
      { status: 400, json: { error: 'invalid_grant', error_description: `secret ${SECRETS.SHOP_SECRET} is revoked` } },
    ],
    ['an error with status 200', { json: { error: 'bad_verification_code' } }],
    ['a redirect', { status: 302, headers: { location: '/elsewhere' } }],
    ['another kind of token', { json: { access_token: 'x', token_type: 'MAC' } }],
  ] as const satisfies [string, Answer][]) {
    test(`${name} is not tried again and says what to check`, async (t) => {
      const server = await startServer(t, oauthScript({ token: () => answer }))
      const { ask } = clientFor(t, server.url, { source: { auth: oauth2ClientCredentials(OAUTH) } })
      const error = await failureOf(ask())
      assert.ok(error instanceof CredentialsRefused)
      assert.equal(server.requests.length, 1)
      assert.ok(!shown(error).includes(SECRETS.SHOP_SECRET), error.message)
    })
  }

  test('whoever stops waiting for a token leaves the request to the others', async (t) => {
    let answerToken: () => void = () => undefined
    const script = oauthScript()
    const server = await startServer(t, async (asked) => {
      if (isToken(asked)) await new Promise<void>((resolve) => (answerToken = resolve))
      return script(asked)
    })
    const { ask } = clientFor(t, server.url, {
      source: { auth: oauth2ClientCredentials(OAUTH) },
      clock: fastClock({ speed: 1 }),
    })
    const cancel = new AbortController()
    const cancelled = ask({ signal: cancel.signal })
    const other = ask()
    while (server.requests.length === 0) await new Promise((resolve) => setTimeout(resolve, 2))
    cancel.abort(new Error('enough'))
    await assert.rejects(cancelled, /enough/)
    answerToken()
    assert.equal((await other).status, 200)
    assert.equal(count(server.requests, isToken), 1)
  })

  test('a token request does not spend the quota of the API', async (t) => {
    const clock = idleClock({ startMs: 0, random: () => 0.5 })
    t.after(() => clock.close())
    const answer = oauthScript()
    const askedAtMs: number[] = []
    const server = await startServer(t, (asked) => {
      askedAtMs.push(clock.elapsedMs())
      return answer(asked)
    })
    const { ask } = clientFor(t, server.url, {
      source: { auth: oauth2ClientCredentials(OAUTH), quota: { requests: 1, per: '60s' } },
      clock: { ...clock, slept: [], skip: () => assert.fail('time moves by runTo') },
    })
    const page = ask()
    await clock.runTo(70_000)
    assert.equal((await page).status, 200)
    const [tokenAtMs, pageAtMs = 0] = askedAtMs
    assert.equal(tokenAtMs, 0)
    assert.ok(pageAtMs > 30_000, 'the page waited, the token did not')
  })
})
