/**
 * From a request that works to what is known of its endpoint. Secrets become names of environment variables: those of
 * the Authorization header, of headers, parameters and cookies that hold a key, and of user and password.
 */
import { WrongUse } from '#shared/errors.ts'
import type { Known, KnownCredentials, KnownText } from '../known.ts'
import { isSecretField, isSecretHeader } from './secret-names.ts'
import { hasVariable, refuseVariable, type SecretVariables } from './variables.ts'

export type GivenRequest = {
  url: string
  method?: string | undefined
  headers: readonly (readonly [name: string, value: string])[]
  /** `user:password`. */
  user?: string | undefined
  body?: Readonly<Record<string, unknown>> | undefined
  form?: readonly (readonly [name: string, value: string])[] | undefined
}

/** What a browser or curl adds by itself, and what the client sets. */
const NOT_OF_THE_API = new RegExp(
  '^(host|connection|keep-alive|content-(length|type)|transfer-encoding|accept-encoding|te|trailer|upgrade.*|expect|' +
    'origin|referer|dnt|priority|pragma|cache-control|sec-.*|proxy-.*|if-.*|range)$',
  'i',
)
const BROWSER = /^mozilla\//i

/** Throws WrongUse for a request that no declaration can send. */
export function knownRequest(given: GivenRequest, secrets: SecretVariables): Known {
  const url = urlOf(given.url)
  const method = methodOf(given)
  const query = [...url.searchParams]
  const keys = query.filter(([name, value]) => isSecretField(name) || hasVariable(value))
  const params = Object.fromEntries(query.filter((pair) => !keys.includes(pair)))
  const login = loginOf(given, url)
  const wanted = given.headers.filter(([name, value]) => !isNeedless(name, value))
  const authorization = wanted.find(([name]) => /^authorization$/i.test(name))?.[1]
  const held = wanted.filter(
    ([name, value]) => !/^authorization$/i.test(name) && (isSecretHeader(name) || hasVariable(value)),
  )
  const plain = wanted.filter((pair) => !held.includes(pair) && !/^authorization$/i.test(pair[0]))
  const sent = sentParts(given)
  const { credentials, headers } = credentialsOf({ login, authorization, keys, held, sent }, secrets)
  const path = url.pathname
  return {
    baseUrl: url.origin,
    path: refuseVariable(decoded(path), 'the path'),
    ...(method === 'GET' ? {} : { method }),
    ...(Object.keys(params).length === 0 ? {} : { params }),
    ...(plain.length + Object.keys(headers).length === 0
      ? {}
      : { headers: { ...Object.fromEntries(plain), ...headers } }),
    ...(sent === null ? {} : { [sent.kind]: sent.plain }),
    ...(credentials === undefined ? {} : { credentials }),
  }
}

function urlOf(text: string): URL {
  const full = /^[a-z][a-z0-9+.-]*:\/\//i.test(text) ? text : `https://${text}`
  const url = URL.canParse(full) ? new URL(full) : null
  if (url !== null && ['http:', 'https:'].includes(url.protocol)) return url
  throw new WrongUse('HR_OPTION', 'the address is not an http or https URL', {
    hint: 'write it with its scheme, e.g. https://api.shop.example/v1/orders',
  })
}

/** A path keeps its escapes, except those of a variable's marks. */
const decoded = (path: string): string => (/%EE%80%8[01]/i.test(path) ? decodeURIComponent(path) : path)

function methodOf({ method, body, form }: GivenRequest): 'GET' | 'POST' {
  const wanted = (method ?? (body === undefined && form === undefined ? 'GET' : 'POST')).toUpperCase()
  if (wanted === 'GET' || wanted === 'POST') return wanted
  throw new WrongUse('HR_OPTION', `the method ${wanted} changes something, or returns no body`, {
    hint: 'a source reads with GET or POST',
  })
}

function isNeedless(name: string, value: string): boolean {
  if (NOT_OF_THE_API.test(name) || value === '') return true
  if (/^accept-language$/i.test(name)) return value.includes(';q=')
  if (/^accept$/i.test(name)) return value === '*/*' || value.includes('text/html') || value === 'application/json'
  return /^user-agent$/i.test(name) && BROWSER.test(value)
}

function loginOf({ user }: GivenRequest, url: URL): string | undefined {
  if (user !== undefined) return user
  if (url.username === '' && url.password === '') return undefined
  return `${decodeURIComponent(url.username)}:${decodeURIComponent(url.password)}`
}

type Held = {
  login: string | undefined
  authorization: string | undefined
  keys: readonly (readonly [string, string])[]
  held: readonly (readonly [string, string])[]
  sent: SentParts | null
}
type Credentials = { credentials: KnownCredentials | undefined; headers: Record<string, KnownText> }

/** auth takes one of them; what is left goes into secret headers. */
function credentialsOf({ login, authorization, keys, held, sent }: Held, secrets: SecretVariables): Credentials {
  const inHeaders = () => Object.fromEntries(held.map(([name, value]) => [name, secrets.of(value, name)]))
  if (keys.length > 0 || sent?.key != null) {
    if (keys.length > 0 && sent?.key != null) throw tooMany([...keys, sent.key].map(([name]) => name))
    const given = sent?.key == null ? keys : [sent.key]
    const place = sent?.key == null ? 'query' : sent.kind
    const named = Object.fromEntries(given.map(([name, value]) => [name, secrets.of(value, name)]))
    const whole = authorization ?? (login === undefined ? undefined : basicHeader(login))
    const more: Record<string, KnownText> =
      whole === undefined ? {} : { Authorization: secrets.of(whole, 'AUTHORIZATION') }
    return { credentials: { kind: 'api-key', in: place, keys: named }, headers: { ...inHeaders(), ...more } }
  }
  if (login !== undefined) return { credentials: basicOf(login, secrets), headers: inHeaders() }
  if (authorization !== undefined) return { credentials: schemeOf(authorization, secrets), headers: inHeaders() }
  if (held.length === 0) return { credentials: undefined, headers: {} }
  return { credentials: { kind: 'api-key', in: 'header', keys: inHeaders() }, headers: {} }
}

const basicHeader = (login: string): string => {
  const text = refuseVariable(login, 'the user')
  return `Basic ${Buffer.from(text, 'utf8').toString('base64')}`
}

function basicOf(login: string, secrets: SecretVariables): KnownCredentials {
  const at = login.indexOf(':')
  const [user, password] = at === -1 ? [login, ''] : [login.slice(0, at), login.slice(at + 1)]
  return {
    kind: 'basic',
    username: secrets.of(user, password === '' ? 'KEY' : 'USER'),
    password: password === '' ? '' : secrets.of(password, 'PASSWORD'),
  }
}

function schemeOf(value: string, secrets: SecretVariables): KnownCredentials {
  const [, scheme, token] = /^([A-Za-z0-9!#$%&'*+.^_`|~-]+) +(\S+)$/.exec(value.trim()) ?? []
  if (scheme === undefined || token === undefined)
    return { kind: 'api-key', in: 'header', keys: { Authorization: secrets.of(value.trim(), 'AUTHORIZATION') } }
  if (/^basic$/i.test(scheme) && !hasVariable(token)) {
    const login = Buffer.from(token, 'base64').toString('utf8')
    if (login.includes(':')) return basicOf(login, secrets)
  }
  const other = /^bearer$/i.test(scheme) ? {} : { scheme }
  return { kind: 'bearer', ...secrets.of(token, 'TOKEN'), ...other }
}

type SentParts = {
  kind: 'body' | 'form'
  plain: Record<string, unknown>
  /** The one field that is a secret. */
  key: readonly [name: string, value: string] | null
}

/** The body or form without its secret. Only outer fields can be one. */
function sentParts({ body, form }: GivenRequest): SentParts | null {
  const all = body === undefined ? form : Object.entries(body)
  if (all === undefined) return null
  const secret = ([name, value]: readonly [string, unknown]) =>
    isSecretField(name) || (typeof value === 'string' && hasVariable(value))
  const keys = all.filter(secret).map(([name, value]) => [name, String(value)] as const)
  const [key = null, ...others] = keys
  if (key !== null && others.length > 0) throw tooMany(keys.map(([name]) => name))
  const plain = Object.fromEntries(all.filter((field) => !secret(field)))
  refuseVariable(JSON.stringify(plain), 'a field inside the body')
  return { kind: body === undefined ? 'form' : 'body', plain, key }
}

const tooMany = (names: readonly string[]): WrongUse =>
  new WrongUse('HR_OPTION', `the request has more secrets than a source adds: ${names.join(', ')}`, {
    hint: 'a body or form takes one, and none beside a key in the address',
  })
