/** JSON Web Tokens that a source signs itself (RFC 7519), with a private key or a shared secret (RFC 7518). */
import { z } from 'zod'
import { MINUTE_MS } from '../../units.ts'
import { duration } from '../duration.ts'
import { secretRef } from '../secret.ts'
import { credentialPlace, scheme, textOrSecret, tokenRequestFields } from './token-request.ts'
import { jsonFields, secretValue } from './value.ts'

const DAY_MS = 1440 * MINUTE_MS

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
  subject: textOrSecret.optional(),
  /** PEM, of the algorithms RS, PS and ES. */
  privateKey: secretRef.optional(),
  /** Of an encrypted private key. */
  passphrase: secretRef.optional(),
  /** Of the algorithms HS. */
  sharedSecret: secretValue.optional(),
  /** How the shared secret is written; its bytes are the key. */
  secretEncoding: z.enum(['text', 'base64', 'hex']).default('text'),
  algorithm: z.enum(JWT_ALGORITHMS),
  keyId: textOrSecret.optional(),
  life: duration
    .refine((ms) => ms >= MINUTE_MS && ms <= DAY_MS, 'expected a duration from 1m to 1d')
    .default(10 * MINUTE_MS),
  audience: textOrSecret.optional(),
  extraClaims: without(RESERVED_CLAIMS, 'is set from issuer, subject, audience, life and the time').default({}),
  /** Of the JWT, not of the request; `typ: null` omits it. */
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
    issuer: textOrSecret,
  })
  .superRefine(checkKey)

export const jwtSignedSpec = z
  .strictObject({
    kind: z.literal('jwt-signed'),
    ...jwtFields,
    issuer: textOrSecret.optional(),
    as: credentialPlace.optional(),
    scheme,
  })
  .superRefine(checkKey)
