/**
 * How a source authenticates. These are descriptions only; the layer that acts on them is in the fetcher, and nothing
 * else ever sees a token.
 */

import { z } from 'zod'
import { MINUTE_MS } from '../units.ts'
import { duration } from './duration.ts'
import { type SecretRef, secretRef, settingRef } from './secret.ts'
import type { TokenStore } from './token-store.ts'

const DAY_MS = 1440 * MINUTE_MS

const textOrSecret = z.union([secretRef, z.string().min(1)], "expected a text or secret('NAME')")

const TOKEN_URL = "expected a path, an http or https URL without user name and password, or setting('NAME', fallback)"
/** Absolute, or relative to the source's baseUrl. A user name in it would be shown wherever the URL is. */
const tokenUrl = z.union([z.string().min(1).refine(isTokenUrl, TOKEN_URL), settingRef], TOKEN_URL)

function isTokenUrl(text: string): boolean {
  if (!URL.canParse(text, 'https://api.example')) return false
  const { protocol, username, password } = new URL(text, 'https://api.example')
  return ['http:', 'https:'].includes(protocol) && username === '' && password === ''
}

const extra = z.record(z.string(), z.string()).default({})
/**
 * The scheme before the token in the Authorization header (RFC 9110 section 11.1), if not Bearer: JWT, Token,
 * Zoho-oauthtoken.
 */
const scheme = z
  .string()
  .regex(/^[A-Za-z0-9!#$%&'*+.^_`|~-]+$/, "expected one word, such as 'JWT'")
  .optional()
/** Where the client's own credentials go: RFC 6749 section 2.3.1 prefers the header. */
const credentialsIn = z.enum(['header', 'body']).default('header')

const oauth2Spec = z.strictObject({
  kind: z.literal('oauth2-client-credentials'),
  tokenUrl,
  clientId: textOrSecret,
  clientSecret: secretRef,
  scope: z.string().optional(),
  audience: z.string().optional(),
  credentialsIn,
  scheme,
  extra,
})

const storeFunctions = ['read', 'write', 'lock'] as const
const isTokenStore = (value: unknown): boolean =>
  typeof value === 'object' &&
  value !== null &&
  storeFunctions.every((name) => typeof Reflect.get(value, name) === 'function')

const refreshTokenSpec = z.strictObject({
  kind: z.literal('oauth2-refresh-token'),
  tokenUrl,
  clientId: textOrSecret,
  /** Public clients have none. */
  clientSecret: secretRef.optional(),
  /** The first refresh token. Later ones are kept in the store; a new first token starts over. */
  refreshToken: secretRef,
  scope: z.string().optional(),
  credentialsIn,
  scheme,
  extra,
  store: z.custom<TokenStore>(isTokenStore, 'expected an object with the functions read, write and lock').optional(),
})

const RESERVED_CLAIMS = ['iss', 'sub', 'aud', 'iat', 'exp', 'jti']

const claims = z.record(z.string(), z.json()).superRefine((given, context) => {
  for (const name of Object.keys(given)) {
    if (!RESERVED_CLAIMS.includes(name)) continue
    context.addIssue({
      code: 'custom',
      message: 'is set from issuer, subject, audience, life and the time',
      path: [name],
    })
  }
})

/** The parameters of both kinds of JWT (RFC 7519). */
const jwtFields = {
  issuer: textOrSecret,
  subject: textOrSecret.optional(),
  /** PEM. */
  privateKey: secretRef,
  algorithm: z.enum(['RS256', 'PS256', 'ES256']),
  keyId: textOrSecret.optional(),
  scheme,
  life: duration
    .refine((ms) => ms >= MINUTE_MS && ms <= DAY_MS, 'expected a duration from 1m to 1d')
    .default(10 * MINUTE_MS),
  extraClaims: claims.default({}),
}

const jwtBearerSpec = z.strictObject({
  kind: z.literal('jwt-bearer'),
  tokenUrl,
  ...jwtFields,
  /** The token endpoint's URL by default. */
  audience: z.string().min(1).optional(),
  scope: z.string().optional(),
  extra,
})

const jwtSignedSpec = z.strictObject({
  kind: z.literal('jwt-signed'),
  ...jwtFields,
  audience: z.string().min(1).optional(),
})

const bearerSpec = z.strictObject({ kind: z.literal('bearer'), token: secretRef, scheme })

const apiKeySpec = z.strictObject({
  kind: z.literal('api-key'),
  key: secretRef,
  in: z.enum(['header', 'query']).default('header'),
  name: z.string().min(1).default('X-API-Key'),
})

const basicSpec = z.strictObject({
  kind: z.literal('basic'),
  username: z.union([secretRef, z.string()], "expected a text or secret('NAME')"),
  password: secretRef,
})

/** A request as a signature covers it: what is sent, byte for byte. Header names are in lower case. */
export type SignedRequest = {
  method: 'GET' | 'POST'
  url: URL
  headers: Readonly<Record<string, string>>
  body: string | undefined
}
export type SigningContext<Names extends string = string> = {
  secrets: Readonly<Record<Names, string>>
  /** Milliseconds since the epoch. */
  nowMs: number
  /** In [0, 1). */
  random(): number
}
export type AuthChanges = { headers?: Record<string, string>; query?: Record<string, string> }

const customSpec = z.strictObject({
  kind: z.literal('custom'),
  secrets: z.record(z.string(), secretRef).refine((secrets) => Object.keys(secrets).length > 0, 'names no secret'),
  /** The parameters that `apply` may add to the query; redacted wherever a URL is shown. */
  query: z.array(z.string().min(1)).default([]),
  apply: z.custom<(request: SignedRequest, context: SigningContext) => AuthChanges>(
    (value) => typeof value === 'function',
    'expected a function that returns { headers, query }',
  ),
})

export const authSpec = z.discriminatedUnion('kind', [
  oauth2Spec,
  refreshTokenSpec,
  jwtBearerSpec,
  jwtSignedSpec,
  bearerSpec,
  apiKeySpec,
  basicSpec,
  customSpec,
])
export type AuthSpec = z.infer<typeof authSpec>
export type AuthKind = AuthSpec['kind']
export type AuthOf<Kind extends AuthKind> = AuthSpec & { kind: Kind }

type Given<T extends z.ZodType> = Omit<z.input<T>, 'kind'>

/** OAuth 2.0 client credentials grant (RFC 6749 section 4.4). */
export const oauth2ClientCredentials = (spec: Given<typeof oauth2Spec>) => ({
  kind: 'oauth2-client-credentials' as const,
  ...spec,
})
/**
 * OAuth 2.0 refresh token grant (RFC 6749 section 6): for APIs that a person has authorised once. Rotated tokens are
 * kept in a store.
 */
export const oauth2RefreshToken = (spec: Given<typeof refreshTokenSpec>) => ({
  kind: 'oauth2-refresh-token' as const,
  ...spec,
})
/** Exchanges a self-signed JWT for an access token (RFC 7523 section 2.1), as for service accounts. */
export const jwtBearer = (spec: Given<typeof jwtBearerSpec>) => ({ kind: 'jwt-bearer' as const, ...spec })
/** A self-signed JWT as the bearer token itself. */
export const jwtSigned = (spec: Given<typeof jwtSignedSpec>) => ({ kind: 'jwt-signed' as const, ...spec })
/** A fixed token in `Authorization: Bearer` (RFC 6750); `scheme` replaces the word Bearer. */
export const bearer = (token: SecretRef, options: { scheme?: string } = {}) => ({
  kind: 'bearer' as const,
  token,
  ...options,
})
/** A key in a header or in the query; keys in the query are redacted wherever a URL is shown. */
export const apiKey = (spec: Given<typeof apiKeySpec>) => ({ kind: 'api-key' as const, ...spec })
/** HTTP Basic (RFC 7617). */
export const basic = (spec: Given<typeof basicSpec>) => ({ kind: 'basic' as const, ...spec })
/**
 * Signed requests and any other scheme: `apply` is pure, and called for every attempt. What it returns is sent to the
 * source's own origin only.
 */
export const customAuth = <const Secrets extends Record<string, SecretRef>>(spec: {
  secrets: Secrets
  query?: string[]
  apply(request: SignedRequest, context: SigningContext<keyof Secrets & string>): AuthChanges
}) => ({ kind: 'custom' as const, ...spec, apply: spec.apply as AuthOf<'custom'>['apply'] })

/** Names of query parameters that hold credentials of the source. */
export function secretParams(auth: AuthSpec | undefined): readonly string[] {
  if (auth?.kind === 'api-key' && auth.in === 'query') return [auth.name]
  return auth?.kind === 'custom' ? auth.query : []
}

const SENDS_NO_TOKEN: readonly AuthKind[] = ['api-key', 'basic', 'custom']
export const sendsBearerToken = (auth: AuthSpec | undefined): boolean =>
  auth !== undefined && !SENDS_NO_TOKEN.includes(auth.kind)

/** Every secret that a source's credentials refer to. */
export function secretRefsOf({
  auth,
  headers,
}: {
  auth?: AuthSpec | undefined
  headers: Readonly<Record<string, unknown>>
}): SecretRef[] {
  const inner = auth?.kind === 'custom' ? Object.values(auth.secrets) : []
  return [...Object.values(auth ?? {}), ...inner, ...Object.values(headers)].filter(isSecretRef)
}

export const isSecretRef = (value: unknown): value is SecretRef =>
  typeof value === 'object' && value !== null && (value as Partial<SecretRef>).kind === 'secret'
