/**
 * One source for each kind of credentials, against an API that wants them, with its token endpoint. The API remembers
 * each proof that was sent to it, and can refuse the first one: from then on, a file with a new secret is there.
 */
import { createHmac, generateKeyPairSync } from 'node:crypto'
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import type { TestContext } from 'node:test'
import { base64, concat } from '#shared/declaration/auth/value.ts'
import {
  type AuthKind,
  apiKey,
  basic,
  bearer,
  customAuth,
  jwtBearer,
  jwtSigned,
  oauth2ClientCredentials,
  oauth2Password,
  oauth2RefreshToken,
  sessionToken,
} from '#shared/declaration/auth.ts'
import { secret } from '#shared/declaration/secret.ts'
import { folder } from '../fetcher/http/auth/refreshing.ts'
import { clientFor, type Fixture } from '../fetcher/http/fixture.ts'
import { type Answer, type Asked, startServer, type TestServer } from '../support/http.ts'

type Kind = { source: object; obtains: boolean; stream?: object }

const { privateKey } = generateKeyPairSync('ec', { namedCurve: 'P-256' })
const PEM = String(privateKey.export({ type: 'pkcs8', format: 'pem' }))
const KEY = secret('SHOP_PROOF')
const JWT = { issuer: 'app@shop', privateKey: secret('SHOP_PEM'), algorithm: 'ES256' as const }
const CLIENT = { tokenUrl: '/token', clientId: 'app@shop', clientSecret: secret('SHOP_SECRET') }
const LOGIN = { url: '/token', json: { user: 'me', password: secret('SHOP_SECRET') } }
const POST_JSON = { method: 'POST', body: { limit: 1 } }
const POST_FORM = { method: 'POST', form: { limit: 1 } }
const OBTAINED = { obtains: true }
const FIXED = { obtains: false }

/** By kind; a kind that is sent in two ways has a line for each, and what is not an `auth` has one too. */
export const KINDS = {
  'api-key': { source: { auth: apiKey({ key: KEY }) }, ...FIXED },
  'api-key in the query': { source: { auth: apiKey({ key: KEY, in: 'query', name: 'k' }) }, ...FIXED },
  'api-key in the body': { source: { auth: apiKey({ key: KEY, in: 'body', name: 'k' }) }, stream: POST_JSON, ...FIXED },
  'api-key in the form': { source: { auth: apiKey({ key: KEY, in: 'form', name: 'k' }) }, stream: POST_FORM, ...FIXED },
  'api-key in a cookie': { source: { auth: apiKey({ key: KEY, in: 'cookie', name: 'k' }) }, ...FIXED },
  'api-key joined of parts': {
    source: { auth: apiKey({ key: concat('_shop', base64('me:', KEY)), name: 'Authorization' }) },
    ...FIXED,
  },
  basic: { source: { auth: basic({ username: 'me', password: KEY }) }, ...FIXED },
  bearer: { source: { auth: bearer(KEY) }, ...FIXED },
  custom: {
    source: {
      auth: customAuth({
        secrets: { key: KEY },
        apply: ({ url }, { secrets: { key } }) => ({
          headers: { 'x-signature': createHmac('sha256', key).update(url.pathname).digest('hex') },
        }),
      }),
    },
    ...FIXED,
  },
  'secret headers': { source: { headers: { 'X-Api-Key': KEY } }, ...FIXED },
  'jwt-signed': { source: { auth: jwtSigned(JWT) }, ...FIXED },
  'jwt-signed with a shared secret': {
    source: {
      auth: jwtSigned({ sharedSecret: secret('SHOP_SECRET'), algorithm: 'HS256', as: { header: 'X-Api-Key' } }),
    },
    ...FIXED,
  },
  'jwt-bearer': { source: { auth: jwtBearer({ ...JWT, tokenUrl: '/token' }) }, ...OBTAINED },
  'oauth2-client-credentials': { source: { auth: oauth2ClientCredentials(CLIENT) }, ...OBTAINED },
  'oauth2-refresh-token': {
    source: { auth: oauth2RefreshToken({ ...CLIENT, refreshToken: secret('SHOP_REFRESH') }) },
    ...OBTAINED,
  },
  'oauth2-password': {
    source: { auth: oauth2Password({ ...CLIENT, username: 'me@shop', password: secret('SHOP_REFRESH') }) },
    ...OBTAINED,
  },
  'a token request as JSON, its token in the body': {
    source: { auth: oauth2ClientCredentials({ ...CLIENT, sends: 'json', credentialsIn: 'body', as: { body: '/k' } }) },
    stream: POST_JSON,
    ...OBTAINED,
  },
  'a token request as a query, its token in the query': {
    source: {
      auth: oauth2ClientCredentials({ ...CLIENT, method: 'GET', credentialsIn: 'body', as: { param: 'k' } }),
    },
    ...OBTAINED,
  },
  'session-token': { source: { auth: sessionToken({ login: LOGIN, token: '/access_token' }) }, ...OBTAINED },
  'session-token in a cookie, after a login with Basic': {
    source: {
      auth: sessionToken({
        login: { url: '/token', auth: basic({ username: 'me', password: secret('SHOP_SECRET') }) },
        token: { cookie: 'session' },
        as: { cookie: 'k' },
      }),
    },
    ...OBTAINED,
  },
} satisfies Record<AuthKind, Kind> & Record<string, Kind>

export const kinds = Object.entries<Kind>(KINDS)

export type CredentialApi = Fixture & {
  server: TestServer
  /** What each request to the API proved itself with, in their order. */
  proofs(): string[]
  tokenRequests(): number
  /** Every secret of the source, and everything made of one that was sent or received. */
  secrets(): string[]
}

export type CredentialOptions = {
  /** The API's answer to the proof; `number` counts the requests to the API from 0. */
  answer?(asked: Asked, number: number): Answer | Promise<Answer>
  /** The token endpoint's refusal, in place of a token. */
  noToken?(asked: Asked): Answer
  /** Requests to the API with its first proof are refused once there are so many of them. */
  refusesFirst?: number
  source?: object
}

const PAGE: Answer = { json: { data: [{ id: '1' }], next: null } }

export async function credentialApi(
  t: TestContext,
  kind: Kind,
  options: CredentialOptions = {},
): Promise<CredentialApi> {
  const dir = mkdtempSync(join(tmpdir(), 'headrace-kinds-'))
  t.after(() => rmSync(dir, { recursive: true, force: true }))
  const keyFile = join(dir, 'key')
  const environment = { SHOP_PEM: PEM, SHOP_SECRET: 'c4nary of+the/client', SHOP_REFRESH: 'c4nary-refresh-0' }
  const keys: string[] = []
  const rotate = () => {
    keys.push(`c4nary/of the+key-${keys.length}`)
    writeFileSync(keyFile, keys.at(-1) ?? '')
  }
  rotate()
  const [tokens, pages]: [Asked[], Asked[]] = [[], []]
  const refused = Promise.withResolvers<void>()

  async function page(asked: Asked): Promise<Answer> {
    const number = pages.push(asked) - 1
    const isFirst = proofOf(asked) === proofOf(pages[0] ?? asked)
    if (options.refusesFirst === undefined || !isFirst) return (await options.answer?.(asked, number)) ?? PAGE
    if (pages.length === options.refusesFirst) {
      rotate()
      refused.resolve()
    }
    await refused.promise
    return { status: 401, json: quoted(asked) }
  }

  function token(asked: Asked): Answer {
    const number = tokens.push(asked)
    const issued = { access_token: `c4nary-access-${number}`, refresh_token: `c4nary-refresh-${number}` }
    const headers = { 'set-cookie': `session=${issued.access_token}; Path=/; HttpOnly` }
    return options.noToken?.(asked) ?? { headers, json: { ...issued, token_type: 'bearer', expires_in: 3600 } }
  }

  const server = await startServer(t, (asked) => (asked.path === '/token' ? token(asked) : page(asked)))
  const fixture = clientFor(t, server.url, {
    source: { ...kind.source, ...options.source },
    ...(kind.stream === undefined ? {} : { stream: { ...kind.stream } }),
    environment: { ...environment, SHOP_PROOF_FILE: keyFile, HEADRACE_TOKENS_DIR: folder(t) },
  })
  return {
    ...fixture,
    server,
    proofs: () => pages.map(proofOf),
    tokenRequests: () => tokens.length,
    secrets: () => [
      ...keys,
      ...Object.values(environment),
      ...tokens.flatMap((asked, number) => [`c4nary-access-${number + 1}`, ...wordsOf(asked)]),
      ...pages.flatMap(wordsOf),
    ],
  }
}

/** What an API shows of a request that it does not accept. First what proves, since an error has the beginning only. */
export const quoted = ({ target, headers, body }: Asked) => ({
  error: 'not accepted',
  with: [headers.authorization, headers['x-api-key'], headers['x-signature'], headers.cookie].filter(
    (proof) => proof !== undefined,
  ),
  body,
  target,
})

const proofOf = ({ headers, query, body }: Asked): string =>
  [
    ...[headers.authorization, headers['x-api-key'], headers['x-signature']],
    ...[query.get('k'), headers.cookie?.replace('k=', ''), keyIn(body)],
  ].find((proof) => proof != null) ?? ''

const keyIn = (body: string): string | null =>
  body.startsWith('{') ? (JSON.parse(body).k ?? null) : new URLSearchParams(body).get('k')

/** What a request proved itself with, without the scheme before it, and an assertion in its form. */
const wordsOf = (asked: Asked): string[] =>
  [proofOf(asked), new URLSearchParams(asked.body).get('assertion') ?? '']
    .map((proof) => proof.replace(/^(Bearer|Basic) /, ''))
    .filter((proof) => proof !== '')

/** More than the public beginning of a key or a JWT, and less than an excerpt leaves of it. */
const BEGINNING_CHARS = 40

/** Those whose beginning is in the text, as it is or as URLs, JSON and headers write it. */
export function secretsIn(text: string, secrets: readonly string[]): string[] {
  const forms = (value: string) => [
    value,
    encodeURIComponent(value),
    new URLSearchParams([['', value]]).toString().slice(1),
    JSON.stringify(value).slice(1, -1),
    Buffer.from(value).toString('base64'),
  ]
  return secrets.filter((each) => forms(each).some((form) => text.includes(form.slice(0, BEGINNING_CHARS))))
}
