/** Tokens that a login gives: what the login sends, where its answer has the token, and how long it is used. */
import assert from 'node:assert/strict'
import { describe, test } from 'node:test'
import { apiKey, basic, jwtSigned, sessionToken } from '#shared/declaration/auth.ts'
import { secret, setting } from '#shared/declaration/secret.ts'
import { CredentialsRefused } from '../../../services/fetcher/http/errors.ts'
import { type Answer, type Asked, startServer } from '../../support/http.ts'
import { clientFor, failureOf, shown } from '../http/fixture.ts'

const CANARY = 'c4nary-session'
const PASSWORD = secret('SHOP_SECRET')
const PLAIN = 's3cret:of+the shop'
const JSON_LOGIN = { url: '/login', json: { user: { name: setting('SHOP_USER', 'me') }, password: PASSWORD } }
const PAGE: Answer = { json: { data: [], next: null } }

type Options = {
  login?(number: number, asked: Asked): Answer
  page?(asked: Asked, number: number): Answer
  source?: object
}

async function loggingIn(t: Parameters<typeof clientFor>[0], auth: object, options: Options = {}) {
  const [logins, pages]: [Asked[], Asked[]] = [[], []]
  const server = await startServer(t, (asked) => {
    if (asked.path === '/login') {
      const number = logins.push(asked)
      return options.login?.(number, asked) ?? { json: { token: `${CANARY}-${number}`, expires: 600 } }
    }
    const number = pages.push(asked)
    return options.page?.(asked, number) ?? PAGE
  })
  return { logins, pages, server, ...clientFor(t, server.url, { source: { auth, ...options.source } }) }
}

describe('a login', () => {
  test('sends JSON with secrets and settings anywhere in it, and only its token to the API', async (t) => {
    const { ask, logins, pages } = await loggingIn(t, sessionToken({ login: JSON_LOGIN, token: '/token' }))
    await ask()
    assert.equal(logins[0]?.method, 'POST')
    assert.deepEqual(JSON.parse(logins[0]?.body ?? ''), { user: { name: 'me' }, password: PLAIN })
    assert.equal(pages[0]?.headers.authorization, `Bearer ${CANARY}-1`)
    assert.ok(!JSON.stringify(pages).includes('s3cret'))
  })

  test('sends a form, headers and parameters, with Basic credentials of its own', async (t) => {
    const auth = sessionToken({
      login: {
        url: '/login?v=1',
        form: { grant_type: 'refresh_token', refresh_token: secret('SHOP_KEY') },
        headers: { 'X-Realm': 'shop' },
        params: { tenant: 7 },
        auth: basic({ username: 'me', password: PASSWORD }),
      },
      token: '/token',
      as: { header: 'X-Session' },
    })
    const { ask, logins, pages } = await loggingIn(t, auth)
    await ask()
    const [login] = logins
    assert.equal(login?.target, '/login?v=1&tenant=7')
    assert.equal(new URLSearchParams(login?.body).get('refresh_token'), 'k3y-of-the-shop/+&')
    assert.equal(login?.headers['x-realm'], 'shop')
    assert.equal(login?.headers.authorization, `Basic ${Buffer.from(`me:${PLAIN}`).toString('base64')}`)
    assert.deepEqual([pages[0]?.headers['x-session'], pages[0]?.headers.authorization], [`${CANARY}-1`, undefined])
  })

  test('may be a GET with a key in its query, which no error shows', async (t) => {
    const login = { url: '/login', method: 'GET' as const, auth: apiKey({ key: PASSWORD, in: 'query', name: 'pw' }) }
    const auth = sessionToken({ login, token: '/token' })
    const { ask, logins, logged } = await loggingIn(t, auth, {
      login: (_, { target }) => ({ status: 403, body: `no: ${target}` }),
    })
    const error = await failureOf(ask())
    assert.ok(error instanceof CredentialsRefused)
    assert.equal(logins[0]?.query.get('pw'), PLAIN)
    assert.match(error.message, /\/login gives no token: 403 no: \/login\?pw=\*\*\*/)
    assert.match(error.hint ?? '', /^check SHOP_SECRET, and the fields that the login/)
    assert.ok(!`${shown(error)}${logged()}`.includes('s3cret'))
  })

  test('with a signed JWT signs another one after a refusal', async (t) => {
    const own = jwtSigned({ sharedSecret: PASSWORD, algorithm: 'HS256', extraClaims: { app: 'x' } })
    const { ask, logins, clock } = await loggingIn(
      t,
      sessionToken({ login: { url: '/login', auth: own }, token: '/token' }),
      { login: (number) => (number === 1 ? { status: 401 } : { json: { token: CANARY } }) },
    )
    await failureOf(ask())
    clock.skip(60_000)
    await ask()
    const sent = logins.map(({ headers }) => headers.authorization)
    assert.equal(new Set(sent).size, 2, String(sent))
  })

  test('takes the cookie that a redirect sets, and sends it to the API', async (t) => {
    const login = () => ({
      status: 302,
      headers: { location: '/home', 'set-cookie': ['lang=en', `sid=${CANARY}; Path=/; HttpOnly`] },
    })
    const auth = sessionToken({ login: JSON_LOGIN, token: { cookie: 'sid' }, as: { cookie: 'sid' } })
    const { ask, pages, client } = await loggingIn(t, auth, { login })
    await ask()
    assert.equal(pages[0]?.headers.cookie, `sid=${CANARY}`)
    assert.equal(client.redact(`who is ${CANARY}?`), 'who is ***?')
  })

  test('at another origin gets its fields there, and nothing of them goes to the API', async (t) => {
    const other = await startServer(t, () => ({ json: { token: CANARY } }))
    const login = { ...JSON_LOGIN, url: `${other.url}/session` }
    const { ask, logins, pages } = await loggingIn(t, sessionToken({ login, token: '/token' }))
    await ask()
    assert.deepEqual([logins.length, other.requests.length], [0, 1])
    assert.ok(JSON.stringify(other.requests).includes(PLAIN) && !JSON.stringify(pages).includes('s3cret'))
  })

  test('that fails for a moment is asked again, and one that lasts is an error of the login', async (t) => {
    const auth = sessionToken({ login: JSON_LOGIN, token: '/token' })
    const { ask, logins } = await loggingIn(t, auth, {
      login: (number) => (number === 1 ? { status: 503 } : { json: { token: CANARY } }),
    })
    await ask()
    assert.equal(logins.length, 2)
    const down = await loggingIn(t, auth, { login: () => ({ status: 503 }), source: { attemptsMax: 1 } })
    const error = await failureOf(down.ask())
    assert.ok('hint' in error && /that login\.url is right/.test(String(error.hint)))
  })
})

describe('the token of a login', () => {
  for (const [name, life, lives] of [
    ['for a declared time', '10m', true],
    ['for the time that the answer states', '/expires', true],
    ['until the API refuses it', undefined, false],
    ['for the time that is declared where none is stated', { at: '/none', default: '10m' }, true],
  ] as const) {
    test(`is used ${name}`, async (t) => {
      const auth = sessionToken({ login: JSON_LOGIN, token: '/token', ...(life === undefined ? {} : { life }) })
      const { ask, logins, clock } = await loggingIn(t, auth)
      await ask()
      await ask()
      assert.equal(logins.length, 1)
      clock.skip(600_000)
      await ask()
      assert.equal(logins.length, lives ? 2 : 1)
    })
  }

  test('that is refused costs one login for all who wait, and is not sent again', async (t) => {
    const auth = sessionToken({ login: JSON_LOGIN, token: '/token' })
    const { ask, logins, pages } = await loggingIn(t, auth, {
      page: ({ headers }) => (headers.authorization === `Bearer ${CANARY}-1` ? { status: 401 } : PAGE),
    })
    await ask()
    await Promise.all([ask(), ask(), ask()])
    assert.equal(logins.length, 2)
    assert.equal(pages.filter(({ headers }) => headers.authorization === `Bearer ${CANARY}-1`).length, 1)
  })

  test('in a next link is stored as a mark, and asked for with the token of now', async (t) => {
    const auth = sessionToken({ login: JSON_LOGIN, token: '/token', as: { param: 'sid' } })
    const { ask, pages, client, server } = await loggingIn(t, auth)
    await ask()
    const link = client.send.vetting?.link(new URL(`${server.url}/orders?again=${CANARY}-1`))
    assert.ok(link !== undefined && !link.href.includes(CANARY), link?.href)
    await ask({ path: link.href })
    assert.equal(pages[1]?.query.get('again'), `${CANARY}-1`)
    assert.equal(pages[1]?.query.get('sid'), `${CANARY}-1`)
  })
})
