/**
 * How a source authenticates. These are descriptions only; the layer that acts on them is in the fetcher, and nothing
 * else ever sees a token.
 */

import { z } from 'zod'
import {
  credentialsInField,
  jwtFields,
  schemeField,
  textOrSecret,
  tokenRequestFields,
  tokenStore,
} from './auth-fields.ts'
import { type SecretRef, secretRef } from './secret.ts'

const oauth2Spec = z.strictObject({
  kind: z.literal('oauth2-client-credentials'),
  ...tokenRequestFields,
  /** The client's id: a text or `secret('SHOP_CLIENT_ID')`. */
  clientId: textOrSecret,
  /** The client's secret: `secret('SHOP_CLIENT_SECRET')`. */
  clientSecret: secretRef,
  /** The parameter `audience` of the token request, where the API asks for it. */
  audience: z.string().optional(),
  ...credentialsInField,
  ...schemeField,
})

const refreshTokenSpec = z.strictObject({
  kind: z.literal('oauth2-refresh-token'),
  ...tokenRequestFields,
  /** The client's id: a text or `secret('SHOP_CLIENT_ID')`. */
  clientId: textOrSecret,
  /** The client's secret: `secret('SHOP_CLIENT_SECRET')`. Public clients have none. */
  clientSecret: secretRef.optional(),
  /** The first refresh token. Later ones are kept in the store; a new first token starts over. */
  refreshToken: secretRef,
  ...credentialsInField,
  ...schemeField,
  /** Where refresh tokens are kept between runs. Without it, the folder `HEADRACE_TOKENS_DIR`. */
  store: tokenStore.optional(),
})

const jwtBearerSpec = z.strictObject({
  kind: z.literal('jwt-bearer'),
  ...tokenRequestFields,
  ...jwtFields,
  /** The claim `aud`. Without it, the URL of the token endpoint. */
  audience: z.string().min(1).optional(),
})

const jwtSignedSpec = z.strictObject({
  kind: z.literal('jwt-signed'),
  ...jwtFields,
  /** The claim `aud`, such as `'https://api.shop.example'`. Without it, there is none. */
  audience: z.string().min(1).optional(),
})

const bearerSpec = z.strictObject({
  kind: z.literal('bearer'),
  /** The token: `secret('SHOP_TOKEN')`. */
  token: secretRef,
  ...schemeField,
})

const apiKeySpec = z.strictObject({
  kind: z.literal('api-key'),
  /** The key: `secret('SHOP_KEY')`. */
  key: secretRef,
  /** Where it goes: into a header, or into the query. @default 'header' */
  in: z.enum(['header', 'query']).default('header'),
  /** The name of the header or parameter. @default 'X-API-Key' */
  name: z.string().min(1).default('X-API-Key'),
})

const basicSpec = z.strictObject({
  kind: z.literal('basic'),
  /** The user name: a text or `secret('SHOP_USER')`. */
  username: z.union([secretRef, z.string()], "expected a text or secret('NAME')"),
  /** The password: `secret('SHOP_PASSWORD')`; '' for an API whose key is the user name. */
  password: z.union([secretRef, z.literal('')], "expected secret('NAME'), never the secret; '' for none"),
})

/** A request as a signature covers it: what is sent, byte for byte. Header names are in lower case. */
export type SignedRequest = {
  /** The HTTP method. */
  method: 'GET' | 'POST'
  /** The whole URL, with its query. */
  url: URL
  /** By lower-case names. */
  headers: Readonly<Record<string, string>>
  /** The text that is sent; undefined without a body. */
  body: string | undefined
}
export type SigningContext<Names extends string = string> = {
  /** The values of the declared secrets, by name. */
  secrets: Readonly<Record<Names, string>>
  /** Milliseconds since the epoch. */
  nowMs: number
  /** A number in [0, 1). */
  random(): number
}
/** What `apply` adds to a request. */
export type AuthChanges = {
  /** Headers that are set: `{ 'x-signature': '…' }`. */
  headers?: Record<string, string>
  /** Parameters that are added to the query; each is named in `query` of `customAuth`. */
  query?: Record<string, string>
}

const customSpec = z.strictObject({
  kind: z.literal('custom'),
  /** The secrets that `apply` gets, by name: `{ key: secret('SHOP_KEY') }`. */
  secrets: z.record(z.string(), secretRef).refine((secrets) => Object.keys(secrets).length > 0, 'names no secret'),
  /** The parameters that `apply` may add to the query; redacted wherever a URL is shown. @default [] */
  query: z.array(z.string().min(1)).default([]),
  /** Pure; called for every attempt. Returns the headers and parameters to add. */
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
export const bearer = (token: SecretRef, options: Omit<Given<typeof bearerSpec>, 'token'> = {}) => ({
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
  /** The secrets that `apply` gets, by name: `{ key: secret('SHOP_KEY') }`. */
  secrets: Secrets
  /** The parameters that `apply` may add to the query; redacted wherever a URL is shown. @default [] */
  query?: string[]
  /** Pure; called for every attempt. Returns the headers and parameters to add. */
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
