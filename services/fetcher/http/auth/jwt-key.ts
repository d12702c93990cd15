/**
 * The key of a JWT: a private key in PEM form or a shared secret (RFC 7518 section 3). It is checked when the client is
 * made; an error names its variable and never shows the key.
 */
import {
  constants,
  createHmac,
  createPrivateKey,
  createSecretKey,
  type KeyObject,
  type SignKeyObjectInput,
  sign,
} from 'node:crypto'
import { isShared, type JwtAlgorithm } from '#shared/declaration/auth/jwt.ts'
import { namesIn } from '#shared/declaration/auth/value.ts'
import type { AuthOf } from '#shared/declaration/auth.ts'
import { WrongUse } from '#shared/errors.ts'
import type { LiveSecrets } from './live-secrets.ts'

export type JwtSpec = AuthOf<'jwt-bearer'> | AuthOf<'jwt-signed'>
/** `texts`: what no error and no log may show of it. */
export type JwtKey = { key: KeyObject; from: string; texts: readonly string[] }

const RSA_BITS_MIN = 2048
/** RFC 7518 section 3.4. */
const CURVES: Readonly<Record<string, { name: string; shown: string }>> = {
  ES256: { name: 'prime256v1', shown: 'P-256' },
  ES384: { name: 'secp384r1', shown: 'P-384' },
  ES512: { name: 'secp521r1', shown: 'P-521' },
}

export const keyName = ({ privateKey, sharedSecret }: JwtSpec): string => namesIn(privateKey ?? sharedSecret, 'the key')

/** The value that the key is made of now. */
export function keySource(spec: JwtSpec, secrets: LiveSecrets): string {
  if (isShared(spec.algorithm)) return secrets.text(spec.sharedSecret ?? '')
  const pem = secrets.text(spec.privateKey ?? '')
  // An environment file often holds a key on one line, with the two characters \n for each line end.
  return pem.includes('\n') ? pem : pem.replaceAll('\\n', '\n')
}

/** Throws WrongUse (HR_PRIVATE_KEY, HR_SHARED_SECRET). */
export function jwtKeyOf(from: string, spec: JwtSpec, source: string, secrets: LiveSecrets): JwtKey {
  if (isShared(spec.algorithm)) return sharedKey(from, spec, source)
  const passphrase = spec.passphrase === undefined ? undefined : secrets.value(spec.passphrase)
  return { key: privateKeyOf(from, passphrase, spec, source), from, texts: [from] }
}

function sharedKey(from: string, spec: JwtSpec, source: string): JwtKey {
  if (spec.secretEncoding === 'text') return { key: createSecretKey(from, 'utf8'), from, texts: [from] }
  const bytes = Buffer.from(from.trim(), spec.secretEncoding)
  const isWhole = bytes.toString(spec.secretEncoding).replace(/=+$/, '') === plainForm(from, spec.secretEncoding)
  if (bytes.length === 0 || !isWhole)
    throw new WrongUse('HR_SHARED_SECRET', `${source}: ${keyName(spec)} is not ${spec.secretEncoding}`, {
      hint: "give the secret as the API shows it, or write secretEncoding: 'text'",
    })
  return { key: createSecretKey(bytes), from, texts: [from, bytes.toString('utf8'), bytes.toString('base64')] }
}

/** base64url is base64 with two other characters. */
const plainForm = (text: string, encoding: JwtSpec['secretEncoding']): string =>
  encoding === 'hex'
    ? text.trim().toLowerCase()
    : text.trim().replaceAll('-', '+').replaceAll('_', '/').replace(/=+$/, '')

function privateKeyOf(pem: string, passphrase: string | undefined, spec: JwtSpec, source: string): KeyObject {
  const { algorithm } = spec
  const name = keyName(spec)
  const refuse = (what: string, hint: string) => new WrongUse('HR_PRIVATE_KEY', `${source}: ${name} ${what}`, { hint })
  let key: KeyObject
  try {
    key = createPrivateKey({ key: pem, format: 'pem', ...(passphrase === undefined ? {} : { passphrase }) })
  } catch {
    throw refuse(
      'holds no private key in PEM form',
      passphrase === undefined
        ? `it opens with -----BEGIN PRIVATE KEY----- and is not encrypted; ${name}_FILE may name its file`
        : 'it opens with -----BEGIN ENCRYPTED PRIVATE KEY-----, and passphrase is that of this key',
    )
  }
  const { asymmetricKeyType: type = 'unknown', asymmetricKeyDetails: { namedCurve, modulusLength = 0 } = {} } = key
  const curve = CURVES[algorithm]
  if (curve !== undefined) {
    if (type === 'ec' && namedCurve === curve.name) return key
    throw refuse(
      `holds a key of the type ${shownType(type, namedCurve)}, ` +
        `and ${algorithm} needs an EC key of the curve ${curve.shown}`,
      otherAlgorithm(type),
    )
  }
  if (type !== 'rsa' && !(type === 'rsa-pss' && algorithm.startsWith('PS')))
    throw refuse(
      `holds a key of the type ${shownType(type, namedCurve)}, and ${algorithm} needs an RSA key`,
      otherAlgorithm(type),
    )
  if (modulusLength < RSA_BITS_MIN)
    throw refuse(`holds an RSA key of ${modulusLength} bits`, `${algorithm} needs at least ${RSA_BITS_MIN} bits`)
  return key
}

const shownType = (type: string, curve: string | undefined): string =>
  curve === undefined ? type : `${type} (${curve})`
const otherAlgorithm = (type: string): string =>
  type.startsWith('rsa')
    ? "set algorithm: 'RS256' or 'PS256', or give the key that belongs to it"
    : 'give the key that belongs to the algorithm'

/** RFC 7518 section 3.1. */
export function jwtSignature(covered: string, key: KeyObject, algorithm: JwtAlgorithm): string {
  const bits = Number(algorithm.slice(2))
  const hash = `sha${bits}`
  if (isShared(algorithm)) return createHmac(hash, key).update(covered).digest('base64url')
  const options: SignKeyObjectInput = { key }
  // As long as the hash (RFC 7518 section 3.5).
  if (algorithm.startsWith('PS'))
    Object.assign(options, { padding: constants.RSA_PKCS1_PSS_PADDING, saltLength: bits / 8 })
  if (algorithm.startsWith('ES')) options.dsaEncoding = 'ieee-p1363'
  return sign(hash, Buffer.from(covered), options).toString('base64url')
}
