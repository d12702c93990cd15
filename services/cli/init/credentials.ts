/** Known credentials and headers, as a declaration writes them and as one holds them. No part of it is a secret. */
import { apiKey, basic, bearer, customAuth, oauth2ClientCredentials, secret } from '#shared/index.ts'
import type { Known, KnownCredentials, KnownText } from './known.ts'
import { literal, property, quoted } from './source-text.ts'

export type CredentialsPart = {
  /** What defineSource takes. */
  auth: unknown
  headers: Record<string, unknown>
  /** The same as source text; "" for none. */
  authCode: string
  headersCode: string
  imports: string[]
  /** Environment variables that hold the secrets. */
  variables: string[]
}

const INDENT = '  '
type Keys = Record<string, { secret: string }>

export function credentialsPart({
  credentials,
  headers = {},
}: Pick<Known, 'credentials' | 'headers'>): CredentialsPart {
  const { inAuth, inHeaders } = split(credentials)
  const all = { ...headers, ...inHeaders }
  const given = Object.entries(all)
  const auth = inAuth === undefined ? null : authOf(inAuth)
  const code = given.map(([name, text]) => `${property(name)}: ${textCode(text)}`)
  const secrets = [
    ...variablesOf(inAuth),
    ...given.flatMap(([, text]) => (typeof text === 'string' ? [] : [text.secret])),
  ]
  return {
    auth: auth?.input,
    headers: Object.fromEntries(given.map(([name, text]) => [name, textOf(text)])),
    authCode: auth?.code ?? '',
    headersCode: code.length === 0 ? '' : listed(code),
    imports: [...(auth?.imports ?? []), ...(secrets.length > 0 ? ['secret'] : [])],
    variables: [...new Set(secrets)],
  }
}

/** auth takes one key of a header; further ones are headers. */
function split(given: KnownCredentials | undefined): { inAuth: KnownCredentials | undefined; inHeaders: Keys } {
  if (given?.kind !== 'api-key' || given.in !== 'header') return { inAuth: given, inHeaders: {} }
  const [first, ...rest] = Object.entries(given.keys)
  return {
    inAuth: first === undefined ? undefined : { ...given, keys: Object.fromEntries([first]) },
    inHeaders: Object.fromEntries(rest),
  }
}

type Part = { input: unknown; code: string; imports: string[] }

function authOf(given: KnownCredentials): Part | null {
  switch (given.kind) {
    case 'bearer': {
      const options = given.scheme === undefined ? '' : `, { scheme: ${quoted(given.scheme)} }`
      const input = bearer(secret(given.secret), given.scheme === undefined ? {} : { scheme: given.scheme })
      return { input, code: `bearer(${secretCode(given)}${options})`, imports: ['bearer'] }
    }
    case 'basic': {
      const password = given.password === '' ? ('' as const) : secret(given.password.secret)
      const code = `basic({ username: ${textCode(given.username)}, password: ${textCode(given.password)} })`
      return { input: basic({ username: textOf(given.username), password }), code, imports: ['basic'] }
    }
    case 'api-key':
      return keyOf(given.in, given.keys)
    case 'oauth2-client-credentials': {
      const { tokenUrl, clientId, clientSecret, scope } = given
      const more = scope === undefined ? {} : { scope }
      const input = oauth2ClientCredentials({
        tokenUrl,
        clientId: textOf(clientId),
        clientSecret: secret(clientSecret.secret),
        ...more,
      })
      const fields = [
        `tokenUrl: ${quoted(tokenUrl)}`,
        `clientId: ${textCode(clientId)}`,
        `clientSecret: ${secretCode(clientSecret)}`,
        ...(scope === undefined ? [] : [`scope: ${quoted(scope)}`]),
      ]
      return { input, code: `oauth2ClientCredentials(${listed(fields)})`, imports: ['oauth2ClientCredentials'] }
    }
  }
}

function keyOf(place: (KnownCredentials & { kind: 'api-key' })['in'], keys: Keys): Part | null {
  const [first, ...rest] = Object.entries(keys)
  if (first === undefined) return null
  const [name, held] = first
  if (rest.length === 0) {
    const where = place === 'header' ? `name: ${quoted(name)}` : `in: '${place}', name: ${quoted(name)}`
    return {
      input: apiKey({ key: secret(held.secret), in: place, name }),
      code: `apiKey({ key: ${secretCode(held)}, ${where} })`,
      imports: ['apiKey'],
    }
  }
  const names = Object.keys(keys)
  const input = customAuth({
    secrets: Object.fromEntries(Object.entries(keys).map(([each, { secret: variable }]) => [each, secret(variable)])),
    query: names,
    apply: (_request, { secrets }) => ({ query: { ...secrets } }),
  })
  const code = [
    'customAuth({',
    `    secrets: ${listed(
      Object.entries(keys).map(([each, of]) => `${property(each)}: ${secretCode(of)}`),
      '    ',
    )},`,
    `    query: ${literal(names, '    ')},`,
    '    apply: (_request, { secrets }) => ({ query: { ...secrets } }),',
    '  })',
  ].join('\n')
  return { input, code, imports: ['customAuth'] }
}

const textOf = (text: KnownText) => (typeof text === 'string' ? text : secret(text.secret))
const textCode = (text: KnownText): string => (typeof text === 'string' ? quoted(text) : secretCode(text))
const secretCode = ({ secret: variable }: { secret: string }): string => `secret(${quoted(variable)})`

const SHORT_MAX = 90
function listed(fields: readonly string[], indent = INDENT): string {
  const short = `{ ${fields.join(', ')} }`
  if (short.length <= SHORT_MAX) return short
  return `{\n${fields.map((field) => `${indent}  ${field},`).join('\n')}\n${indent}}`
}

function variablesOf(given: KnownCredentials | undefined): string[] {
  if (given === undefined) return []
  if (given.kind === 'bearer') return [given.secret]
  if (given.kind === 'api-key') return Object.values(given.keys).map(({ secret: variable }) => variable)
  const texts = given.kind === 'basic' ? [given.username, given.password] : [given.clientId, given.clientSecret]
  return texts.flatMap((text) => (typeof text === 'string' ? [] : [text.secret]))
}
