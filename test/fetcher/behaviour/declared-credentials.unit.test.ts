/** Credentials in a declaration: mistakes in them are refused when it is loaded, without a value. */
import assert from 'node:assert/strict'
import { describe, test } from 'node:test'
import { apiKey, jwtBearer, jwtSigned, oauth2RefreshToken, sendsBearerToken } from '#shared/declaration/auth.ts'
import { secret } from '#shared/declaration/secret.ts'
import { DeclarationError } from '#shared/errors.ts'
import { CANARY, JWT } from '../http/auth/signing.ts'
import { declareSource, shown } from '../http/fixture.ts'

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
      'an algorithm that signs nothing',
      { auth: jwt({ algorithm: 'none' }) },
      'auth.algorithm',
      /"none", expected RS256, .* or HS512/,
      /ES256/,
    ],
    [
      'a private key for an algorithm of shared secrets',
      { auth: jwt({ algorithm: 'HS256' }) },
      'auth.privateKey',
      /HS256 signs with a shared secret, not with a private key/,
      /SHOP_PRIVATE_KEY/,
    ],
    ['a JWT that lives too long', { auth: jwt({ life: '2d' }) }, 'auth.life', /from 1m to 1d/, /life: '10m'/],
    [
      'a JWT without an issuer',
      { auth: { ...jwtBearer({ ...JWT, tokenUrl: '/t' }), issuer: undefined } },
      'auth.issuer',
      /is missing/,
      /issuer: /,
    ],
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
