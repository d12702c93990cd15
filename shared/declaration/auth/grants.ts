/** The grants of OAuth 2.0 that need no person while the fetcher runs. */
import { z } from 'zod'
import type { TokenStore } from '../token-store.ts'
import { credentialsIn, textOrSecret, tokenRequestFields } from './token-request.ts'
import { secretValue } from './value.ts'

export const clientCredentialsSpec = z.strictObject({
  kind: z.literal('oauth2-client-credentials'),
  ...tokenRequestFields,
  clientId: textOrSecret,
  clientSecret: secretValue,
  audience: z.string().optional(),
  credentialsIn,
})

export const passwordSpec = z.strictObject({
  kind: z.literal('oauth2-password'),
  ...tokenRequestFields,
  username: textOrSecret,
  password: secretValue,
  /** Some endpoints ask for no client. */
  clientId: textOrSecret.optional(),
  /** Public clients have none. */
  clientSecret: secretValue.optional(),
  audience: z.string().optional(),
  credentialsIn,
})

const storeFunctions = ['read', 'write', 'lock'] as const
const isTokenStore = (value: unknown): boolean =>
  typeof value === 'object' &&
  value !== null &&
  storeFunctions.every((name) => typeof Reflect.get(value, name) === 'function')

export const refreshTokenSpec = z.strictObject({
  kind: z.literal('oauth2-refresh-token'),
  ...tokenRequestFields,
  clientId: textOrSecret,
  /** Public clients have none. */
  clientSecret: secretValue.optional(),
  /** The first refresh token. Later ones are kept in the store; a new first token starts over. */
  refreshToken: secretValue,
  credentialsIn,
  store: z.custom<TokenStore>(isTokenStore, 'expected an object with the functions read, write and lock').optional(),
})
