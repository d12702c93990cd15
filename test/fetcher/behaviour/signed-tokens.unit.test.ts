/** Tokens that a source signs itself: JWTs exchanged for an access token, and JWTs as the token. */
import assert from 'node:assert/strict'
import { constants, generateKeyPairSync, type KeyObject, verify } from 'node:crypto'
import { describe, test } from 'node:test'
import { jwtBearer, jwtSigned, oauth2ClientCredentials } from '#shared/declaration/auth.ts'
import { secret } from '#shared/declaration/secret.ts'
import { WrongUse } from '#shared/errors.ts'
import { CredentialsRefused } from '../../../services/fetcher/http/errors.ts'
import { fastClock } from '../../support/clocks.ts'
import { type Answer, inTurn, startServer } from '../../support/http.ts'
import { CANARY, JWT, PAGE } from '../http/auth/signing.ts'
import { clientFor, failureOf, shown } from '../http/fixture.ts'

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
