/** Self-signed JSON Web Tokens (RFC 7519), with a key from the environment. */
import type { Clock } from '#shared/clock.ts'
import { WrongUse } from '#shared/errors.ts'
import { type JwtSpec, jwtKeyOf, jwtSignature, keySource } from './jwt-key.ts'
import type { LiveSecrets } from './live-secrets.ts'

export type Jwt = { text: string; lifeMs: number }
export type JwtMaker = {
  /** `earlierMs`: how much earlier it claims to be issued. Two of one second may be equal otherwise. */
  make(claims: Readonly<Record<string, unknown>>, earlierMs?: number): Jwt
  /** The latest ones, in each form that a text may quote. */
  keys(): readonly string[]
  stamp(): Promise<string>
}

/** A server whose clock is behind by less still accepts the token. */
const ISSUED_BEFORE_MS = 30_000
const JTI_BYTES = 16
/** Former keys that a response may still quote. */
const KEYS_REDACTED_MAX = 12

/** Throws WrongUse (HR_PRIVATE_KEY, HR_SHARED_SECRET, HR_SECRET_MISSING). */
export function jwtMaker(
  spec: JwtSpec,
  source: string,
  { clock, secrets }: { clock: Clock; secrets: LiveSecrets },
): JwtMaker {
  const { text } = secrets
  let keys: string[] = []
  let current = keyNow()
  const headerNow = () =>
    withoutNull({
      alg: spec.algorithm,
      typ: 'JWT',
      ...(spec.keyId === undefined ? {} : { kid: text(spec.keyId) }),
      ...Object(secrets.json(spec.extraHeaders)),
    })
  const whoNow = () => ({
    ...(spec.issuer === undefined ? {} : { iss: text(spec.issuer) }),
    ...(spec.subject === undefined ? {} : { sub: text(spec.subject) }),
  })
  const extraNow = () => Object(secrets.json(spec.extraClaims))
  headerNow()
  whoNow()
  extraNow()

  function keyNow() {
    const next = jwtKeyOf(keySource(spec, secrets), spec, source, secrets)
    keys = [...next.texts, ...keys].slice(0, KEYS_REDACTED_MAX)
    return next
  }

  /** A file that is being written holds no key: the former key stays in use until it does. */
  function refreshKey(): void {
    if (keySource(spec, secrets) === current.from) return
    try {
      current = keyNow()
    } catch (error) {
      if (!(error instanceof WrongUse)) throw error
    }
  }

  return {
    keys: () => keys,
    stamp: async () => JSON.stringify([headerNow(), whoNow(), extraNow(), keySource(spec, secrets)]),
    make(claims, earlierMs = 0) {
      refreshKey()
      const issuedMs = clock.nowMs() - ISSUED_BEFORE_MS - earlierMs
      const times = { iat: Math.floor(issuedMs / 1000), exp: Math.floor((issuedMs + spec.life) / 1000) }
      const covered = `${encoded(headerNow())}.${encoded({ ...whoNow(), ...claims, ...times, ...extraNow() })}`
      const signature = jwtSignature(covered, current.key, spec.algorithm)
      return { text: `${covered}.${signature}`, lifeMs: spec.life - ISSUED_BEFORE_MS - earlierMs }
    },
  }
}

/** RFC 7519 section 4.1.7: never the same twice. */
export const jwtId = (clock: Clock): string =>
  Buffer.from(Array.from({ length: JTI_BYTES }, () => Math.floor(clock.random() * 256))).toString('hex')

const withoutNull = (header: Record<string, unknown>): Record<string, unknown> =>
  Object.fromEntries(Object.entries(header).filter(([, value]) => value !== null))

const encoded = (value: unknown): string => Buffer.from(JSON.stringify(value)).toString('base64url')
