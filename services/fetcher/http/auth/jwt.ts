/**
 * Self-signed JSON Web Tokens (RFC 7519) with a private key from the environment (RFC 7515, RFC 7518 section 3). The
 * key is checked when the client is made; an error names its variable.
 */
import { constants, createPrivateKey, type KeyObject, sign } from 'node:crypto'
import type { Clock } from '#shared/clock.ts'
import type { AuthOf } from '#shared/declaration/auth.ts'
import { WrongUse } from '#shared/errors.ts'
import type { LiveSecrets } from './live-secrets.ts'

export type JwtSpec = AuthOf<'jwt-bearer'> | AuthOf<'jwt-signed'>
export type Jwt = { text: string; lifeMs: number }
export type JwtMaker = {
  make(claims: Readonly<Record<string, unknown>>): Jwt
  /** The latest ones, unfolded. */
  privateKeys(): readonly string[]
  stamp(): Promise<string>
}

/** A server whose clock is behind by less still accepts the token. */
const ISSUED_BEFORE_MS = 30_000
const RSA_BITS_MIN = 2048
/** As long as the hash (RFC 7518 section 3.5). */
const PSS_SALT_BYTES = 32
const JTI_BYTES = 16
/** Former keys that a response may still quote. */
const KEYS_REDACTED_MAX = 4

/** Throws WrongUse (HR_PRIVATE_KEY, HR_SECRET_MISSING). */
export function jwtMaker(
  spec: JwtSpec,
  source: string,
  { clock, secrets }: { clock: Clock; secrets: LiveSecrets },
): JwtMaker {
  const { text } = secrets
  let pems: string[] = []
  let key = keyNow()
  const headerNow = () => ({
    alg: spec.algorithm,
    typ: 'JWT',
    ...(spec.keyId === undefined ? {} : { kid: text(spec.keyId) }),
  })
  const whoNow = () => ({ iss: text(spec.issuer), ...(spec.subject === undefined ? {} : { sub: text(spec.subject) }) })
  headerNow()
  whoNow()

  function keyNow(): KeyObject {
    const pem = unfolded(secrets.value(spec.privateKey))
    const next = privateKeyOf(pem, spec, source)
    pems = [pem, ...pems].slice(0, KEYS_REDACTED_MAX)
    return next
  }

  /** A file that is being written holds no key: the former key stays in use until it does. */
  function refreshKey(): void {
    if (unfolded(secrets.value(spec.privateKey)) === pems[0]) return
    try {
      key = keyNow()
    } catch (error) {
      if (!(error instanceof WrongUse)) throw error
    }
  }

  return {
    privateKeys: () => pems,
    stamp: async () => JSON.stringify([headerNow(), whoNow(), secrets.value(spec.privateKey)]),
    make(claims) {
      refreshKey()
      const [header, who] = [headerNow(), whoNow()]
      const issuedMs = clock.nowMs() - ISSUED_BEFORE_MS
      const times = { iat: Math.floor(issuedMs / 1000), exp: Math.floor((issuedMs + spec.life) / 1000) }
      const covered = `${encoded(header)}.${encoded({ ...who, ...claims, ...times, ...spec.extraClaims })}`
      return { text: `${covered}.${signature(covered, key, spec.algorithm)}`, lifeMs: spec.life - ISSUED_BEFORE_MS }
    },
  }
}

/** RFC 7519 section 4.1.7: never the same twice. */
export const jwtId = (clock: Clock): string =>
  Buffer.from(Array.from({ length: JTI_BYTES }, () => Math.floor(clock.random() * 256))).toString('hex')

/** An environment file often holds a key on one line, with the two characters \n for each line end. */
const unfolded = (pem: string): string => (pem.includes('\n') ? pem : pem.replaceAll('\\n', '\n'))

function privateKeyOf(pem: string, { algorithm, privateKey: { name } }: JwtSpec, source: string): KeyObject {
  const refuse = (what: string, hint: string) => new WrongUse('HR_PRIVATE_KEY', `${source}: ${name} ${what}`, { hint })
  let key: KeyObject
  try {
    key = createPrivateKey({ key: pem, format: 'pem' })
  } catch {
    throw refuse(
      'holds no private key in PEM form',
      `it opens with -----BEGIN PRIVATE KEY----- and is not encrypted; ${name}_FILE may name its file`,
    )
  }
  const { asymmetricKeyType: type = 'unknown', asymmetricKeyDetails: { namedCurve, modulusLength = 0 } = {} } = key
  if (algorithm === 'ES256') {
    if (type === 'ec' && namedCurve === 'prime256v1') return key
    throw refuse(
      `holds a key of the type ${shownType(type, namedCurve)}, and ES256 needs an EC key of the curve P-256`,
      otherAlgorithm(type),
    )
  }
  if (type !== 'rsa' && !(type === 'rsa-pss' && algorithm === 'PS256')) {
    throw refuse(
      `holds a key of the type ${shownType(type, namedCurve)}, and ${algorithm} needs an RSA key`,
      otherAlgorithm(type),
    )
  }
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

function signature(covered: string, key: KeyObject, algorithm: JwtSpec['algorithm']): string {
  const data = Buffer.from(covered)
  switch (algorithm) {
    case 'RS256':
      return sign('sha256', data, key).toString('base64url')
    case 'PS256':
      return sign('sha256', data, {
        key,
        padding: constants.RSA_PKCS1_PSS_PADDING,
        saltLength: PSS_SALT_BYTES,
      }).toString('base64url')
    case 'ES256':
      return sign('sha256', data, { key, dsaEncoding: 'ieee-p1363' }).toString('base64url')
  }
}

const encoded = (value: unknown): string => Buffer.from(JSON.stringify(value)).toString('base64url')
