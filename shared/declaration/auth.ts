/**
 * How a source authenticates. These are descriptions only; the layer that acts on them is in the fetcher, and nothing
 * else ever sees a token.
 */

import { z } from 'zod'
import {
  type AuthChanges,
  apiKeySpec,
  basicSpec,
  bearerSpec,
  customSpec,
  type SignedRequest,
  type SigningContext,
} from './auth/fixed.ts'
import { clientCredentialsSpec, passwordSpec, refreshTokenSpec } from './auth/grants.ts'
import { jwtBearerSpec, jwtSignedSpec } from './auth/jwt.ts'
import { sessionTokenSpec } from './auth/session-token.ts'
import type { TokenUrl } from './auth/token-request.ts'
import { type SecretValue, secretsIn } from './auth/value.ts'
import type { SecretRef } from './secret.ts'

export type { AuthChanges, SignedRequest, SigningContext } from './auth/fixed.ts'
export { isSecretRef } from './auth/value.ts'

export const authSpec = z.discriminatedUnion('kind', [
  clientCredentialsSpec,
  refreshTokenSpec,
  passwordSpec,
  jwtBearerSpec,
  jwtSignedSpec,
  sessionTokenSpec,
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
export const oauth2ClientCredentials = (spec: Given<typeof clientCredentialsSpec>) => ({
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
/** OAuth 2.0 password grant (RFC 6749 section 4.3). */
export const oauth2Password = (spec: Given<typeof passwordSpec>) => ({ kind: 'oauth2-password' as const, ...spec })
/** Exchanges a self-signed JWT for an access token (RFC 7523 section 2.1), as for service accounts. */
export const jwtBearer = (spec: Given<typeof jwtBearerSpec>) => ({ kind: 'jwt-bearer' as const, ...spec })
/** A self-signed JWT as the bearer token itself. */
export const jwtSigned = (spec: Given<typeof jwtSignedSpec>) => ({ kind: 'jwt-signed' as const, ...spec })
/** A token that a login request gives, for a time or until the API refuses it. */
export const sessionToken = (spec: Given<typeof sessionTokenSpec>) => ({ kind: 'session-token' as const, ...spec })
/** A fixed token in `Authorization: Bearer` (RFC 6750); `scheme` replaces the word Bearer. */
export const bearer = (token: SecretValue, options: Omit<Given<typeof bearerSpec>, 'token'> = {}) => ({
  kind: 'bearer' as const,
  token,
  ...options,
})
/** A key in a header, the query, the body or a cookie; one in the query is redacted wherever a URL is shown. */
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
  if (auth === undefined) return []
  if (auth.kind === 'custom') return auth.query
  if (auth.kind === 'api-key') return auth.in === 'query' ? [auth.name] : []
  return 'as' in auth && auth.as?.param !== undefined ? [auth.as.param] : []
}

/** The address that gives tokens; null for credentials that no server issues. */
export function tokenUrlIn(auth: AuthSpec | undefined): TokenUrl | null {
  if (auth === undefined) return null
  if (auth.kind === 'session-token') return auth.login.url
  return 'tokenUrl' in auth ? auth.tokenUrl : null
}

const SENDS_NO_TOKEN: readonly AuthKind[] = ['api-key', 'basic', 'custom']
export const sendsBearerToken = (auth: AuthSpec | undefined): boolean =>
  auth !== undefined && !SENDS_NO_TOKEN.includes(auth.kind)

/** Every secret that a source's credentials refer to. */
export const secretRefsOf = ({
  auth,
  headers,
}: {
  auth?: AuthSpec | undefined
  headers: Readonly<Record<string, unknown>>
}): SecretRef[] => secretsIn([auth, headers]).map(({ ref }) => ref)
