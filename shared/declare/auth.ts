/**
 * How a source proves who it is. These are descriptions; the layer that acts on them lives in the fetcher, and nothing else
 * ever sees a token.
 */
import { z } from 'zod'
import { type SecretRef, secretRef, textOrSetting } from './secret.ts'

const oauth2Spec = z.strictObject({
  kind: z.literal('oauth2-client-credentials'),
  /** Absolute, or relative to the source's baseUrl. */
  tokenUrl: textOrSetting,
  clientId: z.union([secretRef, z.string().min(1)], "expected a text or secret('NAME')"),
  clientSecret: secretRef,
  scope: z.string().optional(),
  audience: z.string().optional(),
  /** Where the client's own credentials go: RFC 6749 section 2.3.1 prefers the header. */
  credentialsIn: z.enum(['header', 'body']).default('header'),
  extra: z.record(z.string(), z.string()).default({}),
})

const bearerSpec = z.strictObject({ kind: z.literal('bearer'), token: secretRef })

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

export const authSpec = z.discriminatedUnion('kind', [oauth2Spec, bearerSpec, apiKeySpec, basicSpec])
export type AuthSpec = z.infer<typeof authSpec>
export type OAuth2Spec = z.infer<typeof oauth2Spec>

type Given<T extends z.ZodType> = Omit<z.input<T>, 'kind'>

/** OAuth 2.0 client credentials grant (RFC 6749 section 4.4). */
export const oauth2ClientCredentials = (spec: Given<typeof oauth2Spec>) => ({ kind: 'oauth2-client-credentials' as const, ...spec })
/** A fixed token in `Authorization: Bearer` (RFC 6750). */
export const bearer = (token: SecretRef) => ({ kind: 'bearer' as const, token })
/** A key in a header or in the query; keys in the query are redacted wherever a URL is shown. */
export const apiKey = (spec: Given<typeof apiKeySpec>) => ({ kind: 'api-key' as const, ...spec })
/** HTTP Basic (RFC 7617). */
export const basic = (spec: Given<typeof basicSpec>) => ({ kind: 'basic' as const, ...spec })
