/** Token requests of any form: how they are sent, where their answers have the token, and where it is sent. */
import assert from 'node:assert/strict'
import { describe, test } from 'node:test'
import { base64, concat } from '#shared/declaration/auth/value.ts'
import { oauth2ClientCredentials, oauth2Password, oauth2RefreshToken } from '#shared/declaration/auth.ts'
import { secret, setting } from '#shared/declaration/secret.ts'
import { CredentialsRefused, PageFailed } from '../../../services/fetcher/http/errors.ts'
import { type Answer, type Asked, startServer } from '../../support/http.ts'
import { folder } from '../http/auth/refreshing.ts'
import { clientFor, failureOf, shown } from '../http/fixture.ts'

const CANARY = 'c4nary-of-the-answer'
const ID = secret('SHOP_ID')
const SECRET = secret('SHOP_SECRET')
const CLIENT = { tokenUrl: '/token', clientId: ID, clientSecret: SECRET }
const BASIC = `Basic ${Buffer.from('client+one:s3cret%3Aof%2Bthe+shop').toString('base64')}`
const PAGE: Answer = { json: { data: [], next: null } }
const TOKEN: Answer = { json: { access_token: `${CANARY}-1`, token_type: 'bearer', expires_in: 3600 } }

type Asking = { tokens: Asked[]; pages: Asked[] }

/** Asks for one page of an API whose token endpoint answers so. */
async function asking(
  t: Parameters<typeof startServer>[0] & Parameters<typeof clientFor>[0],
  auth: object,
  { answer = TOKEN, source = {}, stream = {}, pages: count = 1, environment = {} }: AskingOptions = {},
): Promise<Asking & { server: { url: string }; fixture: ReturnType<typeof clientFor> }> {
  const [tokens, pages]: [Asked[], Asked[]] = [[], []]
  const server = await startServer(t, (asked) => {
    if (asked.path !== '/token') {
      pages.push(asked)
      return PAGE
    }
    tokens.push(asked)
    return typeof answer === 'function' ? answer(tokens.length) : answer
  })
  const fixture = clientFor(t, server.url, {
    source: { auth, ...source },
    stream,
    environment: { HEADRACE_TOKENS_DIR: folder(t), SHOP_REFRESH: 'c4nary-refresh', ...environment },
  })
  for (let page = 0; page < count; page++) await fixture.ask()
  return { tokens, pages, server, fixture }
}
type AskingOptions = {
  answer?: Answer | ((number: number) => Answer)
  source?: object
  stream?: Record<string, unknown>
  pages?: number
  environment?: Record<string, string>
}

describe('a token request', () => {
  test('as JSON has its fields in a JSON body, nested ones and those of settings too', async (t) => {
    const { tokens } = await asking(
      t,
      oauth2ClientCredentials({
        ...CLIENT,
        sends: 'json',
        credentialsIn: 'body',
        extra: { account: { id: setting('SHOP_ACCOUNT', '7'), key: concat('k-', SECRET) }, count: 2 },
        headers: { 'X-Client': setting('SHOP_CLIENT', 'me') },
        params: { version: 2 },
      }),
      { environment: { SHOP_ACCOUNT: '8' } },
    )
    const [asked] = tokens
    assert.deepEqual(JSON.parse(asked?.body ?? ''), {
      grant_type: 'client_credentials',
      account: { id: '8', key: 'k-s3cret:of+the shop' },
      count: 2,
      client_id: 'client one',
      client_secret: 's3cret:of+the shop',
    })
    assert.equal(asked?.headers['content-type'], 'application/json')
    assert.equal(asked?.headers['x-client'], 'me')
    assert.equal(asked?.target, '/token?version=2')
    assert.equal(asked?.headers.authorization, undefined)
  })

  test('as a query has its fields in the URL of a GET without a body', async (t) => {
    const auth = oauth2ClientCredentials({ ...CLIENT, method: 'GET', credentialsIn: 'body', scope: 'orders' })
    const { tokens } = await asking(t, auth)
    assert.equal(tokens[0]?.method, 'GET')
    assert.equal(tokens[0]?.body, '')
    assert.deepEqual(Object.fromEntries(tokens[0]?.query ?? []), {
      grant_type: 'client_credentials',
      scope: 'orders',
      client_id: 'client one',
      client_secret: 's3cret:of+the shop',
    })
  })

  test('has the client in a Basic header unless the body is declared, and a header of its own instead', async (t) => {
    const { tokens } = await asking(t, oauth2ClientCredentials(CLIENT))
    assert.equal(tokens[0]?.headers.authorization, BASIC)
    const own = { Authorization: concat('Basic ', base64(ID, ':', SECRET)) }
    const names = { clientId: null, clientSecret: null }
    const other = await asking(t, oauth2ClientCredentials({ ...CLIENT, credentialsIn: 'body', headers: own, names }))
    const plain = Buffer.from('client one:s3cret:of+the shop').toString('base64')
    assert.equal(other.tokens[0]?.headers.authorization, `Basic ${plain}`)
    assert.equal(other.tokens[0]?.body, 'grant_type=client_credentials')
  })

  test('calls its fields by other names, omits those that are null, and joins its scopes', async (t) => {
    const { tokens } = await asking(
      t,
      oauth2ClientCredentials({
        ...CLIENT,
        credentialsIn: 'body',
        names: { grantType: null, clientId: 'app_id', clientSecret: 'app_secret', scope: 'permissions' },
        scope: ['orders', 'users'],
        scopeSeparator: ',',
        extra: { grant: 'app' },
      }),
    )
    assert.deepEqual(Object.fromEntries(new URLSearchParams(tokens[0]?.body)), {
      permissions: 'orders,users',
      grant: 'app',
      app_id: 'client one',
      app_secret: 's3cret:of+the shop',
    })
  })

  test('with a password has user name and password, and a client where one is declared', async (t) => {
    const auth = { tokenUrl: '/token', username: 'me@shop', password: SECRET, scope: 'orders' }
    const alone = await asking(t, oauth2Password(auth))
    assert.deepEqual(Object.fromEntries(new URLSearchParams(alone.tokens[0]?.body)), {
      grant_type: 'password',
      username: 'me@shop',
      password: 's3cret:of+the shop',
      scope: 'orders',
    })
    assert.equal(alone.tokens[0]?.headers.authorization, undefined)
    const { tokens } = await asking(t, oauth2Password({ ...auth, clientId: ID, clientSecret: SECRET }))
    assert.equal(tokens[0]?.headers.authorization, BASIC)
  })

  test('with a refresh token as JSON stores the successor that is at the declared place', async (t) => {
    const auth = oauth2RefreshToken({
      ...CLIENT,
      refreshToken: secret('SHOP_REFRESH'),
      sends: 'json',
      names: { refreshToken: 'refreshToken' },
      answer: { token: '/data/access', refreshToken: '/data/next', life: '1m' },
    })
    const answer = (number: number) => ({
      json: { data: { access: `${CANARY}-${number}`, next: `${CANARY}-next-${number}` } },
    })
    const { tokens, pages, fixture } = await asking(t, auth, { answer })
    fixture.clock.skip(60_000)
    await fixture.ask()
    const sent = tokens.map(({ body }) => JSON.parse(body).refreshToken)
    assert.deepEqual(sent, ['c4nary-refresh', `${CANARY}-next-1`])
    assert.deepEqual(
      pages.map(({ headers }) => headers.authorization),
      [`Bearer ${CANARY}-1`, `Bearer ${CANARY}-2`],
    )
  })
})

describe('a token', () => {
  for (const [name, fields, stream, where] of [
    ['after another scheme', { scheme: 'Token' }, {}, (a: Asked) => a.headers.authorization === `Token ${CANARY}-1`],
    ['without a scheme', { scheme: null }, {}, (a: Asked) => a.headers.authorization === `${CANARY}-1`],
    [
      'inside a scheme of any text',
      { as: { scheme: 'Token token="{token}", v=1' } },
      {},
      (a: Asked) => a.headers.authorization === `Token token="${CANARY}-1", v=1`,
    ],
    [
      'in a header of its own',
      { as: { header: 'X-Session' } },
      {},
      (a: Asked) => a.headers['x-session'] === `${CANARY}-1` && a.headers.authorization === undefined,
    ],
    [
      'in a header with a scheme',
      { as: { header: 'X-Session', scheme: 'Session' } },
      {},
      (a: Asked) => a.headers['x-session'] === `Session ${CANARY}-1`,
    ],
    ['in the query', { as: { param: 'auth_key' } }, {}, (a: Asked) => a.query.get('auth_key') === `${CANARY}-1`],
    [
      'in the JSON body, beside its other members',
      { as: { body: '/auth/token' } },
      { method: 'POST', body: { limit: 1, auth: { app: 'x' } } },
      (a: Asked) => a.body === `{"limit":1,"auth":{"app":"x","token":"${CANARY}-1"}}`,
    ],
    [
      'in a POST without a body',
      { as: { body: '/token' } },
      { method: 'POST' },
      (a: Asked) => a.body === `{"token":"${CANARY}-1"}`,
    ],
    [
      'in a form',
      { as: { form: 'token' } },
      { method: 'POST', form: { limit: 1 } },
      (a: Asked) => a.body === `limit=1&token=${CANARY}-1`,
    ],
    [
      'in a cookie',
      { as: { cookie: 'session' } },
      {},
      (a: Asked) => a.headers.cookie === `session=${CANARY}-1` && a.headers.authorization === undefined,
    ],
  ] as const) {
    test(`is sent ${name}, and is in neither the request of the answer nor a log line`, async (t) => {
      const { pages, fixture } = await asking(t, oauth2ClientCredentials({ ...CLIENT, ...fields }), { stream })
      assert.ok(where(pages[0] as Asked), JSON.stringify(pages[0]))
      const { request } = await fixture.ask()
      assert.ok(!JSON.stringify([request, fixture.logged()]).includes(CANARY))
    })
  }

  for (const [name, place, answer] of [
    ['at another place of the body', '/data/0/token', { json: { data: [{ token: `${CANARY}-1` }] } }],
    ['as a number', '/session', { json: { session: 123456789 } }],
    ['in a header', { header: 'X-Token' }, { body: 'welcome', headers: { 'x-token': `${CANARY}-1` } }],
    ['as the whole body, JSON', '', { json: `${CANARY}-1` }],
    ['as the whole body, text', '', { body: `${CANARY}-1\n`, headers: { 'content-type': 'text/plain' } }],
  ] as const satisfies [string, unknown, Answer][]) {
    test(`is found ${name}`, async (t) => {
      const auth = oauth2ClientCredentials({ ...CLIENT, answer: { token: place } })
      const { pages } = await asking(t, auth, { answer })
      assert.match(pages[0]?.headers.authorization ?? '', /^Bearer (c4nary-of-the-answer-1|123456789)$/)
    })
  }

  test('that is not at its place is an error that names the place and shows no value', async (t) => {
    for (const [place, says] of [
      ['/data/token', /gives no token: 200 without a token at "\/data\/token"/],
      [{ header: 'X-Token' }, /gives no token: 200 without the header X-Token/],
    ] as const) {
      const auth = oauth2ClientCredentials({ ...CLIENT, answer: { token: place } })
      const error = await failureOf(asking(t, auth))
      assert.ok(error instanceof CredentialsRefused)
      assert.match(error.message, says)
      assert.ok(!shown(error).includes(CANARY))
    }
  })

  test('of a type that the declared place makes irrelevant is sent there', async (t) => {
    const auth = oauth2ClientCredentials({ ...CLIENT, as: { header: 'X-Mac' } })
    const { pages } = await asking(t, auth, { answer: { json: { access_token: CANARY, token_type: 'mac' } } })
    assert.equal(pages[0]?.headers['x-mac'], CANARY)
  })

  test('and each other secret of its answer are removed from what the API quotes', async (t) => {
    const answer = { json: { access_token: CANARY, id_token: 'eyJ.the-other.one', session: { key: 'k3y-of-session' } } }
    const { fixture } = await asking(t, oauth2ClientCredentials(CLIENT), { answer })
    const text = fixture.client.redact(`no: ${CANARY}, eyJ.the-other.one, k3y-of-session and bearer`)
    assert.equal(text, 'no: ***, ***, *** and bearer')
  })
})

describe('a token endpoint', () => {
  test('at another origin gets the client where the declaration names it whole, and the page is asked without', async (t) => {
    const login = await startServer(t, () => TOKEN)
    const url = concat(setting('SHOP_LOGIN', login.url), '/', setting('SHOP_TENANT', 'acme'), '/token')
    const { pages, tokens } = await asking(t, oauth2ClientCredentials({ ...CLIENT, tokenUrl: url }))
    assert.deepEqual([tokens.length, login.requests.length, pages.length], [0, 1, 1])
    assert.equal(login.requests[0]?.path, '/acme/token')
    assert.equal(pages[0]?.headers.authorization, `Bearer ${CANARY}-1`)
  })

  test('that redirects to another origin is not followed, and the error says what to declare', async (t) => {
    const other = await startServer(t, () => TOKEN)
    const answer = { status: 307, headers: { location: `${other.url}/token?code=${CANARY}` } }
    const error = await failureOf(asking(t, oauth2ClientCredentials(CLIENT), { answer }))
    assert.ok(error instanceof CredentialsRefused)
    assert.match(error.message, /gives no token: 307, a redirect to http:\/\/127\.0\.0\.1:\d+\/token$/)
    assert.match(error.hint ?? '', /declare that address whole/)
    assert.equal(other.requests.length, 0)
  })

  test('that answers with too much is asked again, within the bounds, and never quoted', async (t) => {
    const answer = { json: { access_token: CANARY, rest: 'x'.repeat(1024 * 1024) } }
    const error = await failureOf(asking(t, oauth2ClientCredentials(CLIENT), { answer, source: { attemptsMax: 2 } }))
    assert.ok(error instanceof PageFailed)
    assert.match(error.message, /in 2 attempts; the last answer: the body is larger than 1048576 bytes$/)
    assert.ok(!shown(error).includes(CANARY))
  })
})
