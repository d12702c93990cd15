/** The grants of OAuth 2.0 that need no person while the fetcher runs. */
import { z } from 'zod'
import type { TokenStore } from '../token-store.ts'
import { audienceField, credentialsInField, textOrSecret, tokenRequestFields } from './token-request.ts'
import { secretValue } from './value.ts'

export const clientCredentialsSpec = z.strictObject({
  kind: z.literal('oauth2-client-credentials'),
  ...tokenRequestFields,
  /** The client's id: a text or `secret('SHOP_CLIENT_ID')`. */
  clientId: textOrSecret,
  /** The client's secret: `secret('SHOP_CLIENT_SECRET')`. */
  clientSecret: secretValue,
  ...audienceField,
  ...credentialsInField,
})

export const passwordSpec = z.strictObject({
  kind: z.literal('oauth2-password'),
  ...tokenRequestFields,
  /** The user name: a text or `secret('SHOP_USER')`. */
  username: textOrSecret,
  /** The password: `secret('SHOP_PASSWORD')`. */
  password: secretValue,
  /** The client's id. Some endpoints ask for no client. */
  clientId: textOrSecret.optional(),
  /** The client's secret: `secret('SHOP_CLIENT_SECRET')`. Public clients have none. */
  clientSecret: secretValue.optional(),
  ...audienceField,
  ...credentialsInField,
})

const storeFunctions = ['read', 'write', 'lock'] as const
const isTokenStore = (value: unknown): boolean =>
  typeof value === 'object' &&
  value !== null &&
  storeFunctions.every((name) => typeof Reflect.get(value, name) === 'function')

export const refreshTokenSpec = z.strictObject({
  kind: z.literal('oauth2-refresh-token'),
  ...tokenRequestFields,
  /** The client's id: a text or `secret('SHOP_CLIENT_ID')`. */
  clientId: textOrSecret,
  /** The client's secret: `secret('SHOP_CLIENT_SECRET')`. Public clients have none. */
  clientSecret: secretValue.optional(),
  /** The first refresh token. Later ones are kept in the store; a new first token starts over. */
  refreshToken: secretValue,
  ...credentialsInField,
  /** Where refresh tokens are kept between runs. Without it, the folder `HEADRACE_TOKENS_DIR`. */
  store: z.custom<TokenStore>(isTokenStore, 'expected an object with the functions read, write and lock').optional(),
})
