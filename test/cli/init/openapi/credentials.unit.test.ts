import assert from 'node:assert/strict'
import { describe, test } from 'node:test'
import { credentialsOf } from '../../../../services/cli/init/openapi/credentials.ts'
import { createProblems } from '../../../../services/cli/init/openapi/problems.ts'
import { resolverOf } from '../../../../services/cli/init/openapi/references.ts'

const key = { type: 'apiKey', in: 'header', name: 'X-Key' }
const bearer = { type: 'http', scheme: 'bearer' }

/** `common`: what the document wants of all operations; `own`: what single ones want. */
function found(securitySchemes: object, common: unknown = undefined, own: readonly unknown[] = [undefined]) {
  const problems = createProblems()
  const root = { components: { securitySchemes }, ...(common === undefined ? {} : { security: common }) }
  const result = credentialsOf(root, own, { name: 'my-shop', resolve: resolverOf(root, problems), problems })
  return { ...result, lines: problems.lines() }
}

describe('each kind of scheme', () => {
  const kinds = [
    [key, { kind: 'api-key', in: 'header', keys: { 'X-Key': { secret: 'MY_SHOP_KEY' } } }],
    [
      { ...key, in: 'query', name: 'k' },
      { kind: 'api-key', in: 'query', keys: { k: { secret: 'MY_SHOP_KEY' } } },
    ],
    [bearer, { kind: 'bearer', secret: 'MY_SHOP_TOKEN' }],
    [
      { type: 'http', scheme: 'Token' },
      { kind: 'bearer', secret: 'MY_SHOP_TOKEN', scheme: 'Token' },
    ],
    [
      { type: 'http', scheme: 'Basic' },
      { kind: 'basic', username: { secret: 'MY_SHOP_USER' }, password: { secret: 'MY_SHOP_PASSWORD' } },
    ],
    [
      { type: 'oauth2', flows: { clientCredentials: { tokenUrl: 'https://id.example/token', scopes: {} } } },
      {
        kind: 'oauth2-client-credentials',
        tokenUrl: 'https://id.example/token',
        clientId: { secret: 'MY_SHOP_CLIENT_ID' },
        clientSecret: { secret: 'MY_SHOP_CLIENT_SECRET' },
      },
    ],
  ] as const
  for (const [scheme, credentials] of kinds) {
    test(JSON.stringify(scheme).slice(0, 70), () => {
      assert.deepEqual(found({ a: scheme }, [{ a: [] }]), { credentials, headers: {}, doubts: [], lines: [] })
    })
  }

  test('a token that a person begins, and one in the header Authorization, are doubts', () => {
    const code = { type: 'oauth2', flows: { authorizationCode: { tokenUrl: 'https://id.example/t' } } }
    const person = found({ a: code }, [{ a: [] }])
    assert.deepEqual(person.credentials, { kind: 'bearer', secret: 'MY_SHOP_TOKEN' })
    assert.match(person.doubts[0] ?? '', /OAuth 2\.0 \(authorizationCode\).*oauth2RefreshToken renews it/)
    const authorization = { ...key, name: 'Authorization', description: 'Send "Token <key>"' }
    const token = found({ a: authorization }, [{ a: [] }])
    assert.deepEqual(token.credentials, { kind: 'bearer', secret: 'MY_SHOP_TOKEN', scheme: 'Token' })
    assert.match(token.doubts[0] ?? '', /first word is Token is a guess/)
  })

  test('what a run cannot send is a doubt, and nothing is declared', () => {
    for (const scheme of [{ type: 'http', scheme: 'digest' }, { type: 'mutualTLS' }, { ...key, in: 'cookie' }]) {
      const { credentials, doubts } = found({ a: scheme }, [{ a: [] }])
      assert.equal(credentials, null)
      assert.match(doubts[0] ?? '', /^"a" is .*: declare /)
    }
  })
})

describe('of several', () => {
  test('those that most operations take', () => {
    const { credentials } = found({ key, bearer }, [{ key: [] }], [undefined, [{ bearer: [] }], [{ bearer: [] }]])
    assert.equal(credentials?.kind, 'bearer')
  })

  test('the one that needs no person, and a doubt that names the others', () => {
    const code = { type: 'oauth2', flows: { implicit: {} } }
    const { credentials, doubts } = found({ code, key }, [{ code: [] }, { key: [] }])
    assert.equal(credentials?.kind, 'api-key')
    assert.deepEqual(doubts, ['the API also takes these credentials instead: code'])
  })

  test('keys that go together', () => {
    const app = { ...key, name: 'X-App-Id' }
    assert.deepEqual(found({ key, app }, [{ key: [], app: [] }]).credentials, {
      kind: 'api-key',
      in: 'header',
      keys: { 'X-App-Id': { secret: 'MY_SHOP_APP_ID' }, 'X-Key': { secret: 'MY_SHOP_KEY' } },
    })
    const both = found({ key, bearer }, [{ key: [], bearer: [] }])
    assert.equal(both.credentials?.kind, 'bearer')
    assert.deepEqual(both.headers, { 'X-Key': { secret: 'MY_SHOP_KEY' } })
    const lost = found({ key, other: { ...key, in: 'query', name: 'k' } }, [{ key: [], other: [] }])
    assert.match(lost.doubts[0] ?? '', /wants "other" too/)
  })
})

test('a document that says nothing, or nothing that fits', () => {
  assert.equal(found({}).credentials, null)
  const unsaid = found({ key })
  assert.equal(unsaid.credentials?.kind, 'api-key')
  assert.match(unsaid.doubts[0] ?? '', /does not say which requests need them/)
  assert.equal(found({ key }, []).credentials, null)
  assert.deepEqual(found({}, [{ gone: [] }]).lines, ['security: names "gone", which securitySchemes does not have'])
  assert.match(found({ a: { type: 'magic' }, b: {} }).lines.join(), /"magic" is not a type.*has no type/)
})
