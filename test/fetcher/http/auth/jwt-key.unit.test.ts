/** Keys of JWTs: every algorithm signs what a server verifies, and a key that does not fit is refused by its name. */
import assert from 'node:assert/strict'
import { constants, createHmac, createPublicKey, generateKeyPairSync, type KeyObject, verify } from 'node:crypto'
import { describe, test } from 'node:test'
import { base64 } from '#shared/declaration/auth/value.ts'
import { jwtSigned } from '#shared/declaration/auth.ts'
import { secret, setting } from '#shared/declaration/secret.ts'
import { WrongUse } from '#shared/errors.ts'
import { type Asked, startServer } from '../../../support/http.ts'
import { clientFor, shown } from '../fixture.ts'
import { PAGE } from './signing.ts'

const SHARED = 'c4nary shared/secret+'
const pemOf = (key: KeyObject, options = {}) => String(key.export({ type: 'pkcs8', format: 'pem', ...options }))
const rsa = generateKeyPairSync('rsa', { modulusLength: 2048 })
const ecOf = (namedCurve: string) => generateKeyPairSync('ec', { namedCurve })
const CURVES = { ES256: ecOf('P-256'), ES384: ecOf('P-384'), ES512: ecOf('P-521') }

const jwtIn = ({ headers }: Pick<Asked, 'headers'>) => (headers.authorization ?? '').replace(/^\S+ /, '').split('.')
const parsed = (part = '') => JSON.parse(Buffer.from(part, 'base64url').toString())

async function sentBy(t: Parameters<typeof clientFor>[0], auth: object, environment: Record<string, string>) {
  const server = await startServer(t, () => PAGE)
  const { ask, clock } = clientFor(t, server.url, { source: { auth }, environment })
  await ask()
  return { asked: server.requests[0] as Asked, clock }
}

describe('a JWT with a shared secret', () => {
  for (const bits of [256, 384, 512]) {
    test(`is signed with HS${bits}, with its claims, headers, life and place as declared`, async (t) => {
      const auth = jwtSigned({
        algorithm: `HS${bits}` as 'HS256',
        sharedSecret: secret('SHOP_SHARED'),
        keyId: 'k1',
        audience: setting('SHOP_AUDIENCE', '/v4/admin/'),
        extraClaims: { scope: ['a'], account: setting('SHOP_ACCOUNT', '7') },
        extraHeaders: { cty: 'JWT', typ: null },
        life: '5m',
        scheme: 'Ghost',
      })
      const { asked, clock } = await sentBy(t, auth, { SHOP_SHARED: SHARED })
      assert.match(asked.headers.authorization ?? '', /^Ghost ey/)
      const [header, claims, signature] = jwtIn(asked)
      const expected = createHmac(`sha${bits}`, SHARED).update(`${header}.${claims}`).digest('base64url')
      assert.equal(signature, expected)
      assert.deepEqual(parsed(header), { alg: `HS${bits}`, kid: 'k1', cty: 'JWT' })
      const { iat, exp, ...rest } = parsed(claims)
      assert.deepEqual(rest, { aud: '/v4/admin/', scope: ['a'], account: '7' })
      assert.equal(exp - iat, 300)
      assert.ok(iat * 1000 < clock.nowMs())
    })
  }

  for (const [secretEncoding, written] of [
    ['base64', Buffer.from(SHARED).toString('base64')],
    ['base64', Buffer.from(SHARED).toString('base64url')],
    ['hex', Buffer.from(SHARED).toString('hex').toUpperCase()],
  ] as const) {
    test(`that is written ${secretEncoding} is decoded: ${written}`, async (t) => {
      const auth = jwtSigned({ algorithm: 'HS256', sharedSecret: secret('SHOP_SHARED'), secretEncoding })
      const [header, claims, signature] = jwtIn((await sentBy(t, auth, { SHOP_SHARED: written })).asked)
      assert.equal(signature, createHmac('sha256', SHARED).update(`${header}.${claims}`).digest('base64url'))
    })
  }

  test('may be the base64 text of a secret', async (t) => {
    const auth = jwtSigned({ algorithm: 'HS256', sharedSecret: base64(secret('SHOP_SHARED')) })
    const [header, claims, signature] = jwtIn((await sentBy(t, auth, { SHOP_SHARED: SHARED })).asked)
    const key = Buffer.from(SHARED).toString('base64')
    assert.equal(signature, createHmac('sha256', key).update(`${header}.${claims}`).digest('base64url'))
  })

  for (const [secretEncoding, written] of [
    ['base64', `${SHARED}!`],
    ['base64', 'c4nary%'],
    ['hex', 'c4nary-of-no-hex'],
  ] as const) {
    test(`that is not ${secretEncoding} is refused by its name and not shown: ${written}`, (t) => {
      const auth = jwtSigned({ algorithm: 'HS256', sharedSecret: secret('SHOP_SHARED'), secretEncoding })
      const environment = { SHOP_SHARED: written }
      assert.throws(
        () => clientFor(t, 'http://127.0.0.1:9', { source: { auth }, environment }),
        (error) =>
          error instanceof WrongUse &&
          error.code === 'HR_SHARED_SECRET' &&
          error.message === `shop: SHOP_SHARED is not ${secretEncoding}` &&
          !shown(error).includes(written),
      )
    })
  }
})

describe('a JWT with a private key', () => {
  for (const [algorithm, pair] of [
    ...(['RS256', 'RS384', 'RS512', 'PS256', 'PS384', 'PS512'] as const).map((name) => [name, rsa] as const),
    ...(['ES256', 'ES384', 'ES512'] as const).map((name) => [name, CURVES[name]] as const),
  ]) {
    test(`is signed with ${algorithm} as a server verifies it`, async (t) => {
      const auth = jwtSigned({ algorithm, privateKey: secret('SHOP_PEM') })
      const [header, claims, signature = ''] = jwtIn(
        (await sentBy(t, auth, { SHOP_PEM: pemOf(pair.privateKey) })).asked,
      )
      const bits = Number(algorithm.slice(2))
      const how = algorithm.startsWith('PS')
        ? { padding: constants.RSA_PKCS1_PSS_PADDING, saltLength: bits / 8 }
        : algorithm.startsWith('ES')
          ? { dsaEncoding: 'ieee-p1363' as const }
          : {}
      const key = createPublicKey(pair.privateKey)
      const covered = Buffer.from(`${header}.${claims}`)
      assert.ok(verify(`sha${bits}`, covered, { key, ...how }, Buffer.from(signature, 'base64url')))
    })
  }

  test('that is encrypted is opened with its passphrase, and refused with another', async (t) => {
    const pem = pemOf(CURVES.ES256.privateKey, { cipher: 'aes-256-cbc', passphrase: 'open' })
    const auth = jwtSigned({ algorithm: 'ES256', privateKey: secret('SHOP_PEM'), passphrase: secret('SHOP_PHRASE') })
    await sentBy(t, auth, { SHOP_PEM: pem, SHOP_PHRASE: 'open' })
    const environment = { SHOP_PEM: pem, SHOP_PHRASE: 'c4nary-other' }
    assert.throws(
      () => clientFor(t, 'http://127.0.0.1:9', { source: { auth }, environment }),
      (error) => error instanceof WrongUse && /passphrase/.test(error.hint ?? '') && !shown(error).includes('c4nary'),
    )
  })

  test('of another curve than the algorithm needs is refused', (t) => {
    const auth = jwtSigned({ algorithm: 'ES384', privateKey: secret('SHOP_PEM') })
    const environment = { SHOP_PEM: pemOf(CURVES.ES256.privateKey) }
    assert.throws(
      () => clientFor(t, 'http://127.0.0.1:9', { source: { auth }, environment }),
      /holds a key of the type ec \(prime256v1\), and ES384 needs an EC key of the curve P-384/,
    )
  })
})
