/**
 * What a source signs itself: JWTs against a token, JWTs as the token, requests that an author's function signs, and
 * headers that are secrets.
 */
import assert from 'node:assert/strict'
import { constants, createHmac, generateKeyPairSync, type KeyObject, verify } from 'node:crypto'
import { describe, type TestContext, test } from 'node:test'
import {
  apiKey,
  bearer,
  customAuth,
  jwtBearer,
  jwtSigned,
  oauth2ClientCredentials,
  oauth2RefreshToken,
  sendsBearerToken,
} from '#shared/declaration/auth.ts'
import { nextUrl } from '#shared/declaration/paginate/paginate.ts'
import { secret } from '#shared/declaration/secret.ts'
import { DeclarationError, WrongUse } from '#shared/errors.ts'
import { CredentialsRefused, PageRefused } from '../../../services/fetcher/http/errors.ts'
import { paginatorFor } from '../../../services/fetcher/pages/paginators/paginator-for.ts'
import { fastClock } from '../../support/clocks.ts'
import { type Answer, inTurn, startServer } from '../../support/http.ts'
import { clientFor, declareSource, failureOf, SECRETS, shown } from '../http/fixture.ts'

const PAGE: Answer = { json: { data: [], next: null } }
const CANARY = 'c4nary-of-the-signing-key'
const pemOf = (key: KeyObject) => String(key.export({ type: 'pkcs8', format: 'pem' }))
const rsa = generateKeyPairSync('rsa', { modulusLength: 2048 })
const ec = generateKeyPairSync('ec', { namedCurve: 'P-256' })
const RSA = pemOf(rsa.privateKey)
const EC = pemOf(ec.privateKey)

type Claims = {
  iss: string
  sub?: string
  aud?: string
  iat: number
  exp: number
  jti?: string
  [claim: string]: unknown
}

/** Reads a JWT as a server does: signature first. */
function readJwt(text: string, key: KeyObject): { header: Record<string, unknown>; claims: Claims } {
  const [header = '', claims = '', signature = ''] = text.split('.')
  const parsed = (part: string) => JSON.parse(Buffer.from(part, 'base64url').toString())
  const { alg } = parsed(header)
  const how = {
    RS256: { key },
    PS256: { key, padding: constants.RSA_PKCS1_PSS_PADDING, saltLength: 32 },
    ES256: { key, dsaEncoding: 'ieee-p1363' as const },
  }[String(alg)]
  assert.ok(
    how !== undefined && verify('sha256', Buffer.from(`${header}.${claims}`), how, Buffer.from(signature, 'base64url')),
    `signature of ${alg}`,
  )
  return { header: parsed(header), claims: parsed(claims) }
}

const JWT = { issuer: 'app@shop', privateKey: secret('SHOP_PEM'), algorithm: 'RS256' as const }

/** A clock whose time a test moves on. */
function movable() {
  const clock = fastClock({ speed: 1 })
  let aheadMs = 0
  return {
    ...clock,
    nowMs: () => clock.nowMs() + aheadMs,
    elapsedMs: () => clock.elapsedMs() + aheadMs,
    moveOn(ms: number) {
      aheadMs += ms
    },
  }
}

describe('a JWT against an access token', () => {
  const BEARER = { ...JWT, tokenUrl: '/token' }

  for (const [algorithm, pem, key] of [
    ['RS256', RSA, rsa.publicKey],
    ['PS256', RSA, rsa.publicKey],
    ['ES256', EC, ec.publicKey],
  ] as const) {
    test(`is signed with ${algorithm}, for the endpoint, for a short time, and never twice the same`, async (t) => {
      const server = await startServer(t, ({ path, body }, number) => {
        if (path !== '/token') return number < 4 ? { status: 401 } : PAGE
        assert.equal(new URLSearchParams(body).get('grant_type'), 'urn:ietf:params:oauth:grant-type:jwt-bearer')
        return number === 0 ? { status: 503 } : { json: { access_token: `t${number}` } }
      })
      const auth = jwtBearer({
        ...BEARER,
        algorithm,
        subject: 'me@shop',
        keyId: 'k1',
        scope: 'orders',
        extraClaims: { tenant: 7 },
      })
      const { ask, clock } = clientFor(t, server.url, { source: { auth }, environment: { SHOP_PEM: pem } })
      await ask()
      const forms = server.requests.filter(({ path }) => path === '/token').map(({ body }) => new URLSearchParams(body))
      const jwts = forms.map((form) => readJwt(form.get('assertion') ?? '', key))
      assert.equal(new Set(jwts.map(({ claims }) => claims.jti)).size, 3)
      const { header, claims } = jwts[0]!
      assert.deepEqual(header, { alg: algorithm, typ: 'JWT', kid: 'k1' })
      const { iat, exp, jti, ...rest } = claims
      assert.deepEqual(rest, {
        iss: 'app@shop',
        sub: 'me@shop',
        aud: `${server.url}/token`,
        scope: 'orders',
        tenant: 7,
      })
      assert.equal(exp - iat, 600)
      assert.ok(iat * 1000 < clock.nowMs() && /^[0-9a-f]{32}$/.test(jti ?? ''))
      assert.equal(forms[0]?.get('scope'), 'orders')
      assert.equal(server.requests[0]?.headers.authorization, undefined, 'nothing else says who asks')
    })
  }

  test('goes to the token endpoint only, and neither it nor the key is in a log line or an error', async (t) => {
    const login = await startServer(t, ({ body }) => ({
      status: 400,
      json: { error: 'invalid_grant', given: new URLSearchParams(body).get('assertion') },
    }))
    const api = await startServer(t, inTurn(PAGE))
    const auth = jwtBearer({ ...BEARER, tokenUrl: `${login.url}/token`, audience: 'https://shop' })
    const { ask, logged } = clientFor(t, api.url, { source: { auth }, environment: { SHOP_PEM: RSA } })
    const error = await failureOf(ask())
    assert.ok(error instanceof CredentialsRefused)
    assert.match(
      error.hint ?? '',
      /issuer, subject, audience, scope, that SHOP_PEM is the key that the API knows, and this machine's clock/,
    )
    assert.deepEqual([login.requests.length, api.requests.length], [1, 0], 'it is not tried again')
    const assertion = new URLSearchParams(login.requests[0]?.body).get('assertion') ?? ''
    assert.equal(readJwt(assertion, rsa.publicKey).claims.aud, 'https://shop')
    for (const part of [assertion.slice(0, 30), RSA.split('\n')[1] ?? '']) {
      for (const text of [shown(error), logged()]) assert.ok(!text.includes(part), text)
    }
  })
})

describe('a JWT as the token', () => {
  test('is made once for its life, and anew a little before its end', async (t) => {
    const server = await startServer(t, inTurn(PAGE))
    const clock = movable()
    const auth = jwtSigned({
      ...JWT,
      algorithm: 'ES256',
      audience: 'appstore',
      keyId: secret('SHOP_KEY_ID'),
      life: '10m',
    })
    const { ask, client } = clientFor(t, server.url, {
      source: { auth },
      clock,
      environment: { SHOP_PEM: EC, SHOP_KEY_ID: 'k2' },
    })
    await ask()
    clock.moveOn(500_000)
    await ask()
    clock.moveOn(20_000)
    await ask()
    const tokens = server.requests.map(({ headers }) => headers.authorization?.slice('Bearer '.length) ?? '')
    assert.equal(tokens[0], tokens[1])
    assert.notEqual(tokens[1], tokens[2])
    const { header, claims } = readJwt(tokens[2] ?? '', ec.publicKey)
    assert.equal(header.kid, 'k2')
    const { iat, exp, ...rest } = claims
    assert.deepEqual([rest, exp - iat], [{ iss: 'app@shop', aud: 'appstore' }, 600])
    assert.equal(client.facts().tokenRefreshes, 0, 'nobody was asked for it')
  })

  test('that is refused is made anew once, then it is an error without the token', async (t) => {
    const server = await startServer(t, ({ headers }) => ({ status: 401, body: `no: ${headers.authorization}` }))
    const { ask, logged } = clientFor(t, server.url, {
      source: { auth: jwtSigned({ ...JWT, algorithm: 'ES256' }) },
      environment: { SHOP_PEM: EC },
    })
    const error = await failureOf(ask())
    assert.ok(error instanceof CredentialsRefused)
    assert.equal(server.requests.length, 2)
    for (const text of [shown(error), logged()]) assert.ok(!text.includes('eyJ'), text)
  })
})

describe('a private key', () => {
  const weak = pemOf(generateKeyPairSync('rsa', { modulusLength: 1024 }).privateKey)
  const otherCurve = pemOf(generateKeyPairSync('ec', { namedCurve: 'P-384' }).privateKey)
  const encrypted = String(
    ec.privateKey.export({ type: 'pkcs8', format: 'pem', cipher: 'aes-256-cbc', passphrase: 'p' }),
  )

  for (const [name, algorithm, pem, text] of [
    ['that is no PEM', 'RS256', CANARY, /SHOP_PEM holds no private key in PEM form/],
    ['that is encrypted', 'ES256', encrypted, /SHOP_PEM holds no private key in PEM form/],
    [
      'that is the public one',
      'RS256',
      String(rsa.publicKey.export({ type: 'spki', format: 'pem' })),
      /SHOP_PEM holds no private key/,
    ],
    [
      'of the wrong type',
      'RS256',
      EC,
      /SHOP_PEM holds a key of the type ec \(prime256v1\), and RS256 needs an RSA key/,
    ],
    [
      'of the wrong type for ES256',
      'ES256',
      RSA,
      /SHOP_PEM holds a key of the type rsa, and ES256 needs an EC key of the curve P-256/,
    ],
    ['of another curve', 'ES256', otherCurve, /type ec \(secp384r1\), and ES256 needs/],
    ['that is too short', 'PS256', weak, /SHOP_PEM holds an RSA key of 1024 bits/],
  ] as const) {
    test(`${name} is told by the name of its secret when the client is made, and not shown`, (t) => {
      for (const auth of [jwtBearer({ ...JWT, algorithm, tokenUrl: '/token' }), jwtSigned({ ...JWT, algorithm })]) {
        assert.throws(
          () => clientFor(t, 'http://127.0.0.1:9', { source: { auth }, environment: { SHOP_PEM: pem } }),
          (error) =>
            error instanceof WrongUse &&
            error.code === 'HR_PRIVATE_KEY' &&
            text.test(error.message) &&
            pem
              .split('\n')
              .every((line) => line.length < 20 || line.startsWith('-----') || !shown(error).includes(line)),
        )
      }
    })
  }

  test('in one line, as environment files hold it, is understood', async (t) => {
    const server = await startServer(t, inTurn(PAGE))
    const environment = { SHOP_PEM: RSA.replaceAll('\n', '\\n') }
    await clientFor(t, server.url, { source: { auth: jwtSigned(JWT) }, environment }).ask()
    readJwt(server.requests[0]?.headers.authorization?.slice('Bearer '.length) ?? '', rsa.publicKey)
  })
})

describe('a request that an author signs', () => {
  const hmac = (key: string, text: string) => createHmac('sha256', key).update(text).digest('hex')
  const signing = customAuth({
    secrets: { id: secret('SHOP_ID'), key: secret('SIGNING_KEY') },
    query: ['mac'],
    apply: ({ method, url, headers, body }, { secrets, nowMs, random }) => {
      const time = String(Math.floor(nowMs / 1000))
      const nonce = random().toString(36)
      const covered = [method, url.pathname, url.search, headers['content-type'] ?? '', time, nonce, body ?? ''].join(
        '\n',
      )
      return {
        headers: { 'X-Time': time, 'X-Nonce': nonce, Authorization: `HMAC ${secrets.id}` },
        query: { mac: hmac(secrets.key, covered) },
      }
    },
  })
  const environment = { SIGNING_KEY: CANARY }

  /** An API that checks the signature of what reached it. */
  const checking = (t: TestContext, ok: Answer = PAGE) =>
    startServer(t, ({ method, path, target, query, headers, body }) => {
      const search = target.slice(path.length).replace(/[?&]mac=[^&]*/, '')
      const covered = [
        method,
        path,
        search,
        headers['content-type'] ?? '',
        headers['x-time'],
        headers['x-nonce'],
        body,
      ].join('\n')
      const mac = query.get('mac')
      return mac === hmac(CANARY, covered) && headers.authorization === `HMAC ${SECRETS.SHOP_ID}`
        ? ok
        : { status: 403, body: `mac ${mac} is wrong` }
    })

  test('is accepted, with a body and without, and signed anew for each attempt', async (t) => {
    const get = await checking(t)
    await clientFor(t, get.url, { source: { auth: signing }, environment }).ask({ path: '/orders?a=%20b&c' })
    const post = await checking(t)
    const stream = { method: 'POST', body: { text: 'ünal', n: 1 } }
    assert.equal((await clientFor(t, post.url, { source: { auth: signing }, stream, environment }).ask()).status, 200)
    const busy = await startServer(t, inTurn({ status: 503 }, PAGE))
    await clientFor(t, busy.url, { source: { auth: signing }, environment }).ask()
    assert.equal(new Set(busy.requests.map(({ query }) => query.get('mac'))).size, 2)
  })

  test('shows neither secret nor signature: not in the answer, a log line, an error, or a link that repeats it', async (t) => {
    const server = await startServer(t, ({ path, target, query }) =>
      path === '/orders'
        ? { json: { data: [], next: `/more?page=2&mac=${query.get('mac')}` } }
        : { status: 403, body: `${target} is wrong` },
    )
    const { ask, client, stream, logged } = clientFor(t, server.url, {
      source: { auth: signing },
      stream: { paginate: nextUrl({ next: '/next' }) },
      environment,
    })
    const first = await ask()
    const { cursor } = paginatorFor(stream).next({ ...first, records: [], longest: 0, size: null }, null)
    assert.equal(cursor, `${server.url}/more?page=2`)
    const error = await failureOf(ask({ path: '/more?page=2' }))
    assert.ok(error instanceof PageRefused)
    assert.match(logged(), /\/orders\?mac=\*\*\*/)
    const macs = server.requests.map(({ query }) => query.get('mac') ?? '')
    for (const text of [shown(error), logged(), JSON.stringify(first.request)]) {
      for (const part of [CANARY, ...macs]) assert.ok(!text.includes(part), text)
    }
    assert.equal(client.redact(`signed ${macs[1]}`), 'signed ***')
  })

  test('is not signed for another origin', async (t) => {
    const api = await checking(t)
    const other = await startServer(t, inTurn(PAGE))
    const { ask } = clientFor(t, api.url, { source: { auth: signing, allowOrigins: [other.url] }, environment })
    await ask({ path: `${other.url}/orders` })
    assert.deepEqual([other.requests[0]?.target, other.requests[0]?.headers.authorization], ['/orders', undefined])
  })

  test('that is refused with 401 is not tried again; the hint names the secrets', async (t) => {
    const server = await startServer(t, inTurn({ status: 401 }))
    const error = await failureOf(clientFor(t, server.url, { source: { auth: signing }, environment }).ask())
    assert.ok(error instanceof CredentialsRefused)
    assert.match(error.hint ?? '', /SHOP_ID, SIGNING_KEY/)
    assert.equal(server.requests.length, 1)
  })

  for (const [name, apply, text] of [
    [
      'throws',
      (_: unknown, { secrets }: { secrets: { key: string } }) => {
        throw new Error(`no ${secrets.key}`)
      },
      /field auth\.apply: the function throws: no \*\*\*/,
    ],
    ['returns nothing', () => undefined, /returns no object/],
    ['returns a promise', async () => ({ headers: {} }), /returns a promise/],
    ['changes the body', () => ({ body: CANARY }), /returns "body", and only headers and query/],
    [
      'returns a header in two lines',
      () => ({ headers: { 'x-a': `${CANARY}\nb: c` } }),
      /the header x-a, which is not a valid header value/,
    ],
    [
      'returns a header of the connection',
      () => ({ headers: { Host: CANARY } }),
      /the header Host, which is set by the connection/,
    ],
    ['returns a number', () => ({ headers: { 'x-a': 1 } }), /no text for x-a in headers/],
    [
      'sets a parameter that is not declared',
      () => ({ query: { sig: CANARY } }),
      /the parameter "sig", which auth\.query does not list/,
    ],
  ] as const) {
    test(`a function that ${name} is a mistake in the declaration, told without a value and before anything is sent`, async (t) => {
      const server = await startServer(t, inTurn(PAGE))
      const auth = customAuth({ secrets: { key: secret('SIGNING_KEY') }, apply: apply as never })
      const error = await failureOf(clientFor(t, server.url, { source: { auth }, environment }).ask())
      assert.ok(error instanceof DeclarationError, shown(error))
      assert.match(error.message, text)
      assert.ok(!shown(error).includes(CANARY))
      assert.equal(server.requests.length, 0)
    })
  }
})

describe('a header that is a secret', () => {
  const headers = { 'X-Api-Version-Key': secret('VERSION_KEY'), 'X-Client': 'headrace' }
  const environment = { VERSION_KEY: CANARY }

  test('is sent beside the other credentials to the own origin, also after a redirect, and nowhere else', async (t) => {
    const other = await startServer(t, inTurn(PAGE))
    const api = await startServer(t, ({ path }) =>
      path === '/orders' ? { status: 307, headers: { location: '/v2' } } : PAGE,
    )
    const { ask, logged } = clientFor(t, api.url, {
      source: { auth: bearer(secret('SHOP_KEY')), headers, allowOrigins: [other.url] },
      environment,
    })
    const page = await ask()
    await ask({ path: `${other.url}/orders` })
    for (const asked of api.requests) {
      assert.deepEqual(
        [asked.headers['x-api-version-key'], asked.headers['x-client'], asked.headers.authorization],
        [CANARY, 'headrace', `Bearer ${SECRETS.SHOP_KEY}`],
      )
    }
    assert.equal(api.requests.length, 2)
    assert.ok(!JSON.stringify(other.requests).includes(CANARY))
    for (const text of [JSON.stringify(page), logged()]) assert.ok(!text.includes(CANARY), text)
  })

  test('that the API quotes is taken out of the error, whose hint names it', async (t) => {
    const api = await startServer(t, inTurn({ status: 401, body: `key ${CANARY}` }))
    const error = await failureOf(clientFor(t, api.url, { source: { headers }, environment }).ask())
    assert.ok(error instanceof CredentialsRefused)
    assert.match(shown(error), /key \*\*\*[\s\S]*check VERSION_KEY/)
    assert.ok(!shown(error).includes(CANARY))
  })

  test('that is not set is told by its name, when the client is made', (t) => {
    assert.throws(() => clientFor(t, 'http://127.0.0.1:9', { source: { headers } }), /VERSION_KEY is not set/)
  })
})

describe('a token endpoint', () => {
  for (const [name, answer, text] of [
    ['as a form', { body: `access_token=${CANARY}&token_type=bearer` }, /the body is not JSON, with status 200$/],
    ['under another name', { json: { accessToken: CANARY } }, /gives no token: 200 without access_token/],
    [
      'with an error',
      { json: { error: 'slow', error_description: 'wait', id_token: CANARY } },
      /gives no token: 200 slow: wait/,
    ],
  ] as const satisfies [string, Answer, RegExp][]) {
    test(`that gives its token ${name} is told, and the token is not shown`, async (t) => {
      const server = await startServer(t, inTurn(answer))
      const auth = oauth2ClientCredentials({ tokenUrl: '/token', clientId: 'a', clientSecret: secret('SHOP_SECRET') })
      const error = await failureOf(clientFor(t, server.url, { source: { auth, attemptsMax: 1 } }).ask())
      assert.match(error.message, text)
      assert.ok(!shown(error).includes(CANARY))
    })
  }
})

describe('a declaration of credentials', () => {
  const key = secret('SHOP_PEM')
  for (const [name, source, field, what, hint] of [
    [
      'a refresh token in plain text',
      { auth: refresh({ refreshToken: CANARY }) },
      'auth.refreshToken',
      /never the secret/,
      /SHOP_REFRESH_TOKEN/,
    ],
    [
      'a token endpoint of another scheme',
      { auth: refresh({ tokenUrl: 'ftp://x.example' }) },
      'auth.tokenUrl',
      /an http or https URL/,
      /oauth/,
    ],
    [
      'a password in the token endpoint',
      { auth: refresh({ tokenUrl: `https://a:${CANARY}@x.example` }) },
      'auth.tokenUrl',
      /without user name/,
      /oauth/,
    ],
    [
      'a store without a lock',
      { auth: refresh({ store: { read() {}, write() {} } }) },
      'auth.store',
      /read, write and lock/,
      /lock\(key/,
    ],
    [
      'a private key in plain text',
      { auth: jwt({ privateKey: CANARY }) },
      'auth.privateKey',
      /never the secret/,
      /SHOP_PRIVATE_KEY/,
    ],
    [
      'a shared secret as algorithm',
      { auth: jwt({ algorithm: 'HS256' }) },
      'auth.algorithm',
      /"HS256", expected RS256, PS256 or ES256/,
      /ES256/,
    ],
    ['a JWT that lives too long', { auth: jwt({ life: '2d' }) }, 'auth.life', /from 1m to 1d/, /life: '10m'/],
    ['a JWT without an issuer', { auth: jwt({ issuer: undefined }) }, 'auth.issuer', /is missing/, /issuer: /],
    [
      'a claim that is made',
      { auth: jwt({ extraClaims: { exp: 1 } }) },
      'auth.extraClaims.exp',
      /is set from/,
      /extraClaims: /,
    ],
    [
      'a function that is none',
      { auth: { kind: 'custom', secrets: { key }, apply: CANARY } },
      'auth.apply',
      /a function/,
      /apply: \(request/,
    ],
    [
      'a signature of nothing',
      { auth: { kind: 'custom', secrets: {}, apply: () => ({}) } },
      'auth.secrets',
      /names no secret/,
      /secrets: \{/,
    ],
    [
      'a secret in plain text',
      { auth: { kind: 'custom', secrets: { key: CANARY }, apply: () => ({}) } },
      'auth.secrets.key',
      /never the secret/,
      /secret\(/,
    ],
    [
      'a misspelt field',
      { auth: refresh({ refresh_token: key }) },
      'auth.refresh_token',
      /is not a known field/,
      /known fields: |did you mean/,
    ],
    [
      'a credential in a header in plain text',
      { headers: { 'X-Api-Key': CANARY } },
      'headers.X-Api-Key',
      /move it into auth/,
      /auth/,
    ],
    [
      'a secret header of the connection',
      { headers: { Host: key } },
      'headers.Host',
      /set by the connection/,
      /headers/,
    ],
  ] as const) {
    test(`with ${name} is refused when it is loaded`, () => {
      assert.throws(
        () => declareSource('https://api.shop.example', source as Record<string, unknown>),
        (error) => {
          assert.ok(error instanceof DeclarationError, String(error))
          assert.ok(error.message.startsWith(`shop.ts, field ${field}: `), error.message)
          assert.match(error.message, what)
          assert.match(error.hint ?? '', hint)
          return !shown(error).includes(CANARY)
        },
      )
    })
  }

  test('says which kinds send a token that a link may repeat', () => {
    assert.ok(sendsBearerToken(declareSource('https://x.example', { auth: jwt({}) }).auth))
    assert.ok(!sendsBearerToken(declareSource('https://x.example', { auth: apiKey({ key }) }).auth))
    assert.ok(!sendsBearerToken(undefined))
  })
})

function refresh(change: Record<string, unknown>): Record<string, unknown> {
  return { ...oauth2RefreshToken({ tokenUrl: '/t', clientId: 'a', refreshToken: secret('SHOP_REFRESH') }), ...change }
}

function jwt(change: Record<string, unknown>): Record<string, unknown> {
  return { ...jwtSigned(JWT), ...change }
}
