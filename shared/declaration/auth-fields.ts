/** Fields that several kinds of credentials have. */
import { z } from 'zod'
import { MINUTE_MS } from '../units.ts'
import { duration } from './duration.ts'
import { secretRef, settingRef } from './secret.ts'
import type { TokenStore } from './token-store.ts'

const DAY_MS = 1440 * MINUTE_MS

export const textOrSecret = z.union([secretRef, z.string().min(1)], "expected a text or secret('NAME')")

const TOKEN_URL = "expected a path, an http or https URL without user name and password, or setting('NAME', fallback)"
/** Absolute, or relative to the source's baseUrl. A user name in it would be shown wherever the URL is. */
const tokenUrl = z.union([z.string().min(1).refine(isTokenUrl, TOKEN_URL), settingRef], TOKEN_URL)

function isTokenUrl(text: string): boolean {
  if (!URL.canParse(text, 'https://api.example')) return false
  const { protocol, username, password } = new URL(text, 'https://api.example')
  return ['http:', 'https:'].includes(protocol) && username === '' && password === ''
}

/** The word before the token in the Authorization header: RFC 9110 section 11.1. */
export const schemeField = {
  /** The word before the token in the header Authorization: `'JWT'`, `'Token'`. Without it, `Bearer`. */
  scheme: z
    .string()
    .regex(/^[A-Za-z0-9!#$%&'*+.^_`|~-]+$/, "expected one word, such as 'JWT'")
    .optional(),
}

/** Of kinds that get a token from a token endpoint. */
export const tokenRequestFields = {
  /** The token endpoint: `'/oauth/token'` below `baseUrl`, a whole URL, or `setting('NAME', fallback)`. */
  tokenUrl,
  /** The scopes that are requested, as the API writes them: `'orders.read users.read'`. */
  scope: z.string().optional(),
  /** More parameters of the token request: `{ resource: 'https://api.shop.example' }`. @default {} */
  extra: z.record(z.string(), z.string()).default({}),
}

/** Where the client's own credentials go: RFC 6749 section 2.3.1 prefers the header. */
export const credentialsInField = {
  /** Where the client's id and secret go in the token request: `'header'` (Basic) or `'body'`. @default 'header' */
  credentialsIn: z.enum(['header', 'body']).default('header'),
}

const storeFunctions = ['read', 'write', 'lock'] as const
const isTokenStore = (value: unknown): boolean =>
  typeof value === 'object' &&
  value !== null &&
  storeFunctions.every((name) => typeof Reflect.get(value, name) === 'function')

export const tokenStore = z.custom<TokenStore>(
  isTokenStore,
  'expected an object with the functions read, write and lock',
)

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
export const jwtFields = {
  /** The claim `iss`: the client id, or the e-mail address of the service account. */
  issuer: textOrSecret,
  /** The claim `sub`: the user on whose behalf the client asks. Without it, there is none. */
  subject: textOrSecret.optional(),
  /** The key that signs, as PEM: `secret('SHOP_PRIVATE_KEY')`. */
  privateKey: secretRef,
  /** How the JWT is signed (RFC 7518). */
  algorithm: z.enum(['RS256', 'PS256', 'ES256']),
  /** The header `kid`, where the API asks for it. */
  keyId: textOrSecret.optional(),
  ...schemeField,
  /** How long a JWT is valid, from `'1m'` to `'1d'`. @default '10m' */
  life: duration
    .refine((ms) => ms >= MINUTE_MS && ms <= DAY_MS, 'expected a duration from 1m to 1d')
    .default(10 * MINUTE_MS),
  /** More claims of the JWT: `{ account: '42' }`. @default {} */
  extraClaims: claims.default({}),
}
