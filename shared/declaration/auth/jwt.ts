/** JSON Web Tokens that a source signs itself (RFC 7519), with a private key or a shared secret (RFC 7518). */
import { z } from 'zod'
import { DAY_MS, MINUTE_MS } from '../../units.ts'
import { duration } from '../duration.ts'
import { secretRef } from '../secret.ts'
import { credentialPlaceField, schemeField, textOrSecret, tokenRequestFields } from './token-request.ts'
import { jsonFields, secretValue } from './value.ts'

const RESERVED_CLAIMS = ['iss', 'sub', 'aud', 'iat', 'exp', 'jti']
const RESERVED_HEADERS = ['alg', 'kid']

const without = (reserved: readonly string[], message: string) =>
  jsonFields.superRefine((given, context) => {
    for (const name of Object.keys(given))
      if (reserved.includes(name)) context.addIssue({ code: 'custom', message, path: [name] })
  })

export const JWT_ALGORITHMS = [
  ...(['RS256', 'RS384', 'RS512', 'PS256', 'PS384', 'PS512'] as const),
  ...(['ES256', 'ES384', 'ES512', 'HS256', 'HS384', 'HS512'] as const),
] as const
export type JwtAlgorithm = (typeof JWT_ALGORITHMS)[number]
export const isShared = (algorithm: JwtAlgorithm): boolean => algorithm.startsWith('HS')

const jwtFields = {
  /** The claim `sub`: the user on whose behalf the client asks. Without it, there is none. */
  subject: textOrSecret.optional(),
  /** The key that signs with RS, PS and ES, as PEM: `secret('SHOP_PRIVATE_KEY')`. */
  privateKey: secretRef.optional(),
  /** Of an encrypted private key: `secret('SHOP_PASSPHRASE')`. */
  passphrase: secretRef.optional(),
  /** The secret that signs with HS: `secret('SHOP_SECRET')`. */
  sharedSecret: secretValue.optional(),
  /** How the shared secret is written: `'text'`, `'base64'` or `'hex'`. Its bytes are the key. @default 'text' */
  secretEncoding: z.enum(['text', 'base64', 'hex']).default('text'),
  /** How the JWT is signed (RFC 7518): `'RS256'`, `'ES256'`, `'HS256'` or another. */
  algorithm: z.enum(JWT_ALGORITHMS),
  /** The header `kid`, where the API asks for it. */
  keyId: textOrSecret.optional(),
  /** How long a JWT is valid, from `'1m'` to `'1d'`. @default '10m' */
  life: duration
    .refine((ms) => ms >= MINUTE_MS && ms <= DAY_MS, 'expected a duration from 1m to 1d')
    .default(10 * MINUTE_MS),
  /** The claim `aud`. Without it, there is none; in a token request, it is the URL of the token endpoint. */
  audience: textOrSecret.optional(),
  /** More claims of the JWT: `{ account: setting('SHOP_ACCOUNT', '42') }`. @default {} */
  extraClaims: without(RESERVED_CLAIMS, 'is set from issuer, subject, audience, life and the time').default({}),
  /** More headers of the JWT, not of the request: `{ cty: 'JWT' }`. `typ: null` omits `typ`. @default {} */
  extraHeaders: without(RESERVED_HEADERS, 'is set from algorithm and keyId').default({}),
}

type KeyFields = {
  algorithm: JwtAlgorithm
  privateKey?: unknown
  passphrase?: unknown
  sharedSecret?: unknown
  secretEncoding: string
}

/** Each algorithm has one kind of key. */
function checkKey(spec: KeyFields, context: z.RefinementCtx): void {
  const { algorithm, privateKey, passphrase, sharedSecret, secretEncoding } = spec
  const refuse = (field: string, message: string) =>
    context.addIssue({ code: 'custom', message, path: [field], params: { rule: true } })
  if (isShared(algorithm)) {
    if (privateKey !== undefined)
      refuse('privateKey', `${algorithm} signs with a shared secret, not with a private key`)
    else if (sharedSecret === undefined) refuse('sharedSecret', `is missing: ${algorithm} signs with a shared secret`)
    else if (passphrase !== undefined) refuse('passphrase', 'is that of a private key, and there is none')
  } else {
    if (sharedSecret !== undefined) refuse('sharedSecret', `${algorithm} signs with a private key, not with a secret`)
    else if (privateKey === undefined) refuse('privateKey', 'is missing')
    else if (secretEncoding !== 'text') refuse('secretEncoding', 'is that of a shared secret, and there is none')
  }
}

export const jwtBearerSpec = z
  .strictObject({
    kind: z.literal('jwt-bearer'),
    ...tokenRequestFields,
    ...jwtFields,
    /** The claim `iss`: the client id, or the e-mail address of the service account. */
    issuer: textOrSecret,
  })
  .superRefine(checkKey)

export const jwtSignedSpec = z
  .strictObject({
    kind: z.literal('jwt-signed'),
    ...jwtFields,
    /** The claim `iss`: the client id, or the id of the app. Without it, there is none. */
    issuer: textOrSecret.optional(),
    ...credentialPlaceField,
    ...schemeField,
  })
  .superRefine(checkKey)
