import assert from 'node:assert/strict'
import { describe, test } from 'node:test'
import { compileSource } from '#shared/declaration/compile.ts'
import * as headrace from '#shared/index.ts'
import { credentialsPart } from '../../../services/cli/init/credentials.ts'
import type { Known } from '../../../services/cli/init/known.ts'
import { STREAM } from '../../fetcher/declared.ts'

type Given = Pick<Known, 'credentials' | 'headers'>

const held = (name: string) => ({ secret: name })

/** What source text means, with what it imports and nothing else. */
function meaning(code: string, imports: readonly string[]): unknown {
  const values = imports.map((name) => Reflect.get(headrace, name))
  return new Function(...imports, `return ${code}`)(...values)
}

/** As a source holds it, defaults included. */
const authOf = (auth: unknown): unknown =>
  compileSource(
    { name: 'shop', baseUrl: 'https://a.example', auth, streams: { orders: { ...STREAM, method: 'POST', body: {} } } },
    'shop.ts',
  ).auth

const withoutFunctions = (value: unknown): unknown => JSON.parse(JSON.stringify(value))

describe('the text of credentials means what the trial sends', () => {
  const cases: [string, Given, string[]][] = [
    ['bearer', { credentials: { kind: 'bearer', secret: 'S_TOKEN' } }, ['S_TOKEN']],
    ['another scheme', { credentials: { kind: 'bearer', secret: 'S_TOKEN', scheme: 'JWT' } }, ['S_TOKEN']],
    [
      'user and password',
      { credentials: { kind: 'basic', username: held('S_USER'), password: held('S_PASS') } },
      ['S_USER', 'S_PASS'],
    ],
    ['a key as the user', { credentials: { kind: 'basic', username: held('S_KEY'), password: '' } }, ['S_KEY']],
    ['a key in a header', { credentials: { kind: 'api-key', in: 'header', keys: { 'X-K': held('S_K') } } }, ['S_K']],
    ['a key in the query', { credentials: { kind: 'api-key', in: 'query', keys: { key: held('S_K') } } }, ['S_K']],
    ['a key in the body', { credentials: { kind: 'api-key', in: 'body', keys: { key: held('S_K') } } }, ['S_K']],
    [
      'two keys in the query',
      { credentials: { kind: 'api-key', in: 'query', keys: { key: held('S_K'), token: held('S_T') } } },
      ['S_K', 'S_T'],
    ],
    [
      'OAuth',
      {
        credentials: {
          kind: 'oauth2-client-credentials',
          ...{ tokenUrl: '/oauth/token', clientId: 'me', clientSecret: held('S_SECRET'), scope: "it's" },
        },
      },
      ['S_SECRET'],
    ],
  ]
  for (const [name, given, variables] of cases) {
    test(name, () => {
      const part = credentialsPart(given)
      assert.deepEqual(part.variables, variables)
      const written = meaning(part.authCode, part.imports)
      assert.deepEqual(withoutFunctions(authOf(written)), withoutFunctions(authOf(part.auth)))
    })
  }

  test('none, and headers: plain ones, secret ones, and the second of two keys', () => {
    assert.deepEqual(credentialsPart({}).authCode, '')
    const part = credentialsPart({
      credentials: { kind: 'api-key', in: 'header', keys: { 'X-A': held('S_A'), 'X-B': held('S_B') } },
      headers: { Accept: 'x/y', Cookie: held('S_C') },
    })
    assert.deepEqual(meaning(part.headersCode, part.imports), part.headers)
    assert.deepEqual(Object.keys(part.headers), ['Accept', 'Cookie', 'X-B'])
    assert.deepEqual(part.variables, ['S_A', 'S_C', 'S_B'])
  })
})
