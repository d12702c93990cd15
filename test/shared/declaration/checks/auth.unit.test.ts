/** Credentials that make no sense are refused when they are loaded, by one error with a hint. */
import assert from 'node:assert/strict'
import { describe, test } from 'node:test'
import { base64, concat } from '#shared/declaration/auth/value.ts'
import { compileSource } from '#shared/declaration/compile.ts'
import { secret, setting } from '#shared/declaration/secret.ts'
import { generator } from '#shared/index.ts'
import { declared, type Loose, mistakeIn } from '../mistakes/declared.ts'

const KEY = secret('SHOP_KEY')
const CANARY = 'c4nary'
const client = (fields: Loose = {}) => ({
  ...{ kind: 'oauth2-client-credentials', tokenUrl: '/token', clientId: 'me', clientSecret: KEY },
  ...fields,
})
const session = (login: Loose = {}, fields: Loose = {}) => ({
  ...{ kind: 'session-token', login: { url: '/login', json: { password: KEY }, ...login }, token: '/token' },
  ...fields,
})
const key = (fields: Loose) => ({ kind: 'api-key', key: KEY, ...fields })
const jwt = (fields: Loose) => ({ kind: 'jwt-signed', algorithm: 'HS256', sharedSecret: KEY, ...fields })

describe('credentials are refused', () => {
  const cases: [name: string, auth: Loose, field: string, what: RegExp, hint: RegExp, stream?: Loose][] = [
    ['in two places', client({ as: { header: 'X-A', param: 'a' } }), 'auth.as', /name the one place/, /as: \{ header/],
    ['with the scheme twice', client({ as: {}, scheme: 'A' }), 'auth.scheme', /beside as/, /scheme: '…' \}/],
    ['in a header of the connection', client({ as: { header: 'Host' } }), 'auth.as.header', /a header that/, /X-Sess/],
    ['in a cookie without a name', client({ as: { cookie: 'a b' } }), 'auth.as.cookie', /name of a cookie/, /session/],
    ['in a body that no pointer', client({ as: { body: 'a' } }), 'auth.as.body', /JSON pointer/, /\/auth\/token/],
    ['in the body of a GET', client({ as: { body: '/a' } }), 'auth.as.body', /stream orders have no JSON body/, /POST/],
    ['in the form of a GET', client({ as: { form: 'a' } }), 'auth.as.form', /stream orders have no form/, /form: \{ …/],
    [
      ...(['in the JSON of a form', key({ in: 'body', name: 'a' }), 'auth.name', /have no JSON body/, /POST/] as const),
      { method: 'POST', form: { b: 1 } },
    ],
    [
      ...(['in the form of JSON', key({ in: 'form', name: 'a' }), 'auth.name', /have no form/, /POST/] as const),
      { method: 'POST', body: { b: 1 } },
    ],
    ['in a body without a name', key({ in: 'body' }), 'auth.name', /is missing: no body/, /name: 'api_key'/],
    [
      'beside a parameter',
      key({ in: 'query', name: 'limit' }),
      'auth.name',
      /also set by params of the stream/,
      /remo/,
    ],
    [
      ...([
        'beside a header',
        key({ name: 'X-Key' }),
        'auth.name',
        /also set by headers of the stream/,
        /rem/,
      ] as const),
      { headers: { 'x-key': 'a' } },
    ],
    ['as a key that is none', key({ key: CANARY }), 'auth.key', /never the secret/, /SHOP_SECRET/],
    ['as parts without a secret', key({ key: concat('a', base64('b')) }), 'auth.key', /never the secret/, /SHOP_SEC/],
    ['with nothing secret in Basic', { kind: 'basic', username: 'a', password: '' }, 'auth.password', /empty/, /SHOP/],
    ['sent by a form of a GET', client({ method: 'GET', sends: 'form' }), 'auth.sends', /a GET has no body/, /query/],
    ['with an object in a form', client({ extra: { a: { b: 1 } } }), 'auth.extra.a', /only JSON/, /sends: 'json'/],
    [
      'with two Authorization headers',
      client({ headers: { Authorization: KEY } }),
      ...(['auth.headers', /also set by clientId/, /credentialsIn: 'body'/] as const),
    ],
    ['with one name twice', client({ names: { scope: 'client_id' } }), 'auth.names.scope', /two fields/, /rename/],
    [
      'at an address without a scheme',
      client({ tokenUrl: '//b.example/t' }),
      'auth.tokenUrl',
      /expected a path/,
      /oau/,
    ],
    ['at an address with backslashes', client({ tokenUrl: '/\\b.example' }), 'auth.tokenUrl', /expected a path/, /oau/],
    ['with a secret in the address', client({ tokenUrl: concat('/', KEY) }), 'auth.tokenUrl', /is shown/, /tokenUrl/],
    ['with a life that is none', client({ answer: { life: 'soon' } }), 'auth.answer.life', /a duration such/, /'2h'/],
    [
      'with a life in an unknown unit',
      client({ answer: { life: { at: '/a', as: 'hours' } } }),
      ...(['auth.answer.life.as', /expected seconds, .* or iso/, /epoch|life: /] as const),
    ],
    [
      'with a life of a wrong format',
      client({ answer: { life: { at: '/a', formats: ['%Q'] } } }),
      ...(['auth.answer.life.formats', /%Q/, /life: /] as const),
    ],
    ['with a misspelt place', client({ answer: { tokn: '/a' } }), 'auth.answer.tokn', /not a known/, /mean token/],
    ['with a misspelt place of the token', client({ as: { haeder: 'A' } }), 'auth.as.haeder', /not a/, /mean header/],
    ['with a login that proves nothing', session({ json: { a: CANARY } }), 'auth.login', /names no secret/, /SHOP_PAS/],
    ['with two bodies of a login', session({ form: { a: KEY } }), 'auth.login.form', /JSON body already/, /form: \{/],
    ['with a body of a GET login', session({ method: 'GET' }), 'auth.login.json', /a GET has no body/, /json: \{/],
    ['with a misspelt field of a login', session({ jsn: {} }), 'auth.login.jsn', /not a known field/, /mean|known/],
    ['without the place of a token', session({}, { token: undefined }), 'auth.token', /is missing|expected/, /cookie/],
    [
      'with a login that logs in',
      session({ auth: session() }),
      ...(['auth.login.auth.kind', /not a known kind|Invalid|expected/, /basic/] as const),
    ],
    ['without a shared secret', jwt({ sharedSecret: undefined }), 'auth.sharedSecret', /is missing: HS256/, /SHOP_SEC/],
    ['with a key of another kind', jwt({ algorithm: 'RS256' }), 'auth.sharedSecret', /with a private key/, /SHOP/],
    ['with an encoding of no secret', jwt({ secretEncoding: 'x' }), 'auth.secretEncoding', /"x", expected/, /base64/],
    ['with a claim that is made', jwt({ extraHeaders: { alg: 'a' } }), 'auth.extraHeaders.alg', /is set/, /cty/],
  ]
  for (const [name, auth, field, what, hint, stream] of cases) {
    test(name, () => {
      const error = mistakeIn(declared(stream, { auth }))
      const [, at = '', said = ''] = /^sources\/shop\.ts, field (\S+): (.*)$/.exec(error.message) ?? []
      assert.equal(at, field, error.message)
      assert.match(said, what)
      assert.match(error.hint ?? '', hint)
      assert.ok(!`${error.message}${error.hint}`.includes(CANARY))
    })
  }
})

describe('credentials are accepted', () => {
  for (const [name, auth, stream] of [
    ['in the body of a POST', client({ as: { body: '/a' } }), { method: 'POST' }],
    ['in the body of a GET that has one', key({ in: 'body', name: 'a' }), { method: 'GET', body: { b: 1 } }],
    ['in the form', key({ in: 'form', name: 'a' }), { method: 'POST', form: { b: 1 } }],
    [
      "in the body of an author's own walk",
      key({ in: 'body', name: 'a' }),
      { paginate: generator(async function* () {}) },
    ],
    ['with a nested object in JSON', client({ sends: 'json', extra: { a: { b: [1, null] } } }), {}],
    ['with a joined text in a form', client({ extra: { a: concat('b', KEY) } }), {}],
    ['with settings in the address', client({ tokenUrl: concat('https://', setting('A', 'b'), '.example/t') }), {}],
    ['with Authorization from a header', client({ credentialsIn: 'body', headers: { Authorization: KEY } }), {}],
    ['with a user name that is the key', { kind: 'basic', username: KEY, password: '' }, {}],
  ] as const) {
    test(name, () => {
      compileSource(declared(stream, { auth }), 'sources/shop.ts')
    })
  }
})
