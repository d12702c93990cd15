/** One security scheme of a document, as credentials that a run can send. */
import { isTokenUrl } from '#shared/declaration/auth/token-request.ts'
import type { KnownCredentials } from '../known.ts'
import type { Problems } from './problems.ts'
import { at, isTree, textAt, treeAt } from './tree.ts'

type Variable = (what: string) => string

export type Scheme = {
  name: string
  /** A key goes into a header or a parameter of its own, beside others. */
  kind: 'key' | 'other'
  /** Of a key. */
  in: 'header' | 'query'
  at: string
  /** The lower, the better for a run without a person. */
  rank: number
  doubt: string | null
  /** Null where a run has no such credentials. */
  credentials(variable: Variable): KnownCredentials | null
}

const KEY_HEADER = 0
const BEARER = 1
const CLIENT = 2
const BASIC = 3
const KEY_QUERY = 4
const TOKEN_OF_A_PERSON = 6
/** A run cannot use it as it is. */
export const UNUSABLE = 9

const bearerOf =
  (scheme?: string): Scheme['credentials'] =>
  (variable) => ({ kind: 'bearer', secret: variable('TOKEN'), ...(scheme === undefined ? {} : { scheme }) })

const NONE: Omit<Scheme, 'name'> = {
  kind: 'other',
  in: 'header',
  at: '',
  rank: UNUSABLE,
  doubt: null,
  credentials: () => null,
}

export function schemeOf(name: string, given: unknown, problems: Problems): Scheme {
  const type = textAt(given, 'type')?.toLowerCase()
  switch (type) {
    case 'apikey':
      return keyScheme(name, given, problems)
    case 'http':
      return httpScheme(name, given)
    case 'basic':
      return httpScheme(name, { scheme: 'basic' })
    case 'bearer':
      return httpScheme(name, { scheme: 'bearer' })
    case 'oauth2':
      return oauthScheme(name, given)
    case 'openidconnect':
      return {
        ...NONE,
        name,
        rank: TOKEN_OF_A_PERSON,
        credentials: bearerOf(),
        doubt: tokenDoubt(name, 'OpenID Connect'),
      }
    case 'mutualtls':
      return { ...NONE, name, doubt: `"${name}" is a client certificate: declare tls` }
    default:
      problems.report(`securitySchemes.${name}`, type === undefined ? 'has no type' : `"${type}" is not a type`)
      return { ...NONE, name, doubt: `"${name}" is not readable: declare auth by hand` }
  }
}

function keyScheme(name: string, given: unknown, problems: Problems): Scheme {
  const place = textAt(given, 'in')?.toLowerCase()
  const key = textAt(given, 'name')
  if (key === null || (place !== 'header' && place !== 'query')) {
    if (place === 'cookie')
      return { ...NONE, name, doubt: `"${name}" is a cookie: declare headers: { Cookie: secret('NAME') }` }
    problems.report(`securitySchemes.${name}`, 'names no place for its key')
    return { ...NONE, name, doubt: `"${name}" is not readable: declare auth by hand` }
  }
  const isAuthorization = place === 'header' && key.toLowerCase() === 'authorization'
  if (!isAuthorization)
    return { ...NONE, name, kind: 'key', in: place, at: key, rank: place === 'header' ? KEY_HEADER : KEY_QUERY }
  // Swagger 2.0 has no other way to declare a token.
  const word = /\b(bearer|token|jwt|basic)\b\s*[\s:"'`<{[]/i.exec(textAt(given, 'description') ?? name)?.[1]
  const known = word === undefined || /bearer/i.test(word) ? undefined : word
  return {
    ...NONE,
    name,
    rank: BEARER,
    credentials: bearerOf(known),
    doubt: `"${name}" is a whole header Authorization; that its first word is ${known ?? 'Bearer'} is a guess`,
  }
}

function httpScheme(name: string, given: unknown): Scheme {
  const scheme = textAt(given, 'scheme') ?? ''
  switch (scheme.toLowerCase()) {
    case 'bearer':
      return { ...NONE, name, rank: BEARER, credentials: bearerOf() }
    case 'basic':
      return {
        ...NONE,
        name,
        rank: BASIC,
        credentials: (variable) => ({
          kind: 'basic',
          username: { secret: variable('USER') },
          password: { secret: variable('PASSWORD') },
        }),
      }
    case 'token':
    case 'jwt':
      return { ...NONE, name, rank: BEARER, credentials: bearerOf(scheme) }
    default:
      return { ...NONE, name, doubt: `"${name}" is HTTP authentication of the kind "${scheme}": declare customAuth` }
  }
}

function oauthScheme(name: string, given: unknown): Scheme {
  const flows = treeAt(given, 'flows')
  const flow = at(flows, 'clientCredentials')
  const tokenUrl = textAt(flow, 'tokenUrl')
  if (!isTree(flow) || tokenUrl === null || !isTokenUrl(tokenUrl)) {
    const kinds = Object.keys(flows).join(', ')
    return {
      ...NONE,
      name,
      rank: TOKEN_OF_A_PERSON,
      credentials: bearerOf(),
      doubt: tokenDoubt(name, `OAuth 2.0 (${kinds})`),
    }
  }
  const scopes = Object.keys(treeAt(flow, 'scopes'))
  return {
    ...NONE,
    name,
    rank: CLIENT,
    credentials: (variable) => ({
      kind: 'oauth2-client-credentials',
      tokenUrl,
      clientId: { secret: variable('CLIENT_ID') },
      clientSecret: { secret: variable('CLIENT_SECRET') },
    }),
    doubt:
      scopes.length === 0
        ? null
        : `"${name}" has scopes; add scope if the token needs any: ${scopes.slice(0, 5).join(' ')}`,
  }
}

const tokenDoubt = (name: string, kind: string): string =>
  `"${name}" is ${kind}, which a person begins: a token in auth lasts until it expires; oauth2RefreshToken renews it`
