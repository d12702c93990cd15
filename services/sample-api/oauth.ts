/**
 * The part of OAuth 2.0 that the sample API needs. Client credentials grant (RFC 6749 section 4.4), with the client's
 * secret in the Basic header or in the body. Bearer tokens (RFC 6750) that are random, short-lived and checked in
 * constant time. Nothing here logs.
 */
import { createHash, randomBytes, timingSafeEqual } from 'node:crypto'
import type { Clock } from '#shared/clock.ts'

export type OAuthClient = { clientId: string; clientSecret: string }

export const SCOPE = 'earthquakes:read'
const TOKEN_BYTES = 24
/** Tokens known at once; beyond it the oldest is forgotten. */
const TOKENS_MAX = 1000

/** An error of RFC 6749 section 5.2; `challenge` goes into WWW-Authenticate. */
export type GrantRefusal = { status: 400 | 401; error: string; description: string; challenge?: string }
export type GrantRequest = { authorization: string | undefined; form: URLSearchParams | null }

const refuse = (error: string, description: string): GrantRefusal => ({ status: 400, error, description })
const BASIC_CHALLENGE = 'Basic realm="sample-api", charset="UTF-8"'

/** Null if the request is granted a token. */
export function refusalOf({ authorization, form }: GrantRequest, client: OAuthClient): GrantRefusal | null {
  if (form === null) return refuse('invalid_request', 'the body must be application/x-www-form-urlencoded')
  const repeated = [...form.keys()].find((name) => form.getAll(name).length > 1)
  if (repeated !== undefined) return refuse('invalid_request', 'a parameter is repeated')
  if (authorization !== undefined && form.has('client_secret')) {
    return refuse('invalid_request', 'the client authenticates in two ways at once')
  }
  const given = authorization === undefined ? inBody(form) : inHeader(authorization)
  if (given === null || !(same(given.clientId, client.clientId) && same(given.clientSecret, client.clientSecret))) {
    const failed = { status: 401 as const, error: 'invalid_client', description: 'client authentication failed' }
    return { ...failed, challenge: BASIC_CHALLENGE }
  }
  if (!form.has('grant_type')) return refuse('invalid_request', 'grant_type is missing')
  if (form.get('grant_type') !== 'client_credentials')
    return refuse('unsupported_grant_type', 'only client_credentials is supported')
  const scopes = (form.get('scope') ?? '').split(' ').filter((scope) => scope !== '')
  return scopes.every((scope) => scope === SCOPE) ? null : refuse('invalid_scope', `the only scope is ${SCOPE}`)
}

function inBody(form: URLSearchParams): OAuthClient | null {
  const [clientId, clientSecret] = [form.get('client_id'), form.get('client_secret')]
  return clientId === null || clientSecret === null ? null : { clientId, clientSecret }
}

/** RFC 6749 section 2.3.1: both parts are form-encoded before they are joined and written in base64. */
function inHeader(authorization: string): OAuthClient | null {
  const [, encoded] = /^Basic +([A-Za-z0-9+/=]+)$/i.exec(authorization) ?? []
  const text = Buffer.from(encoded ?? '', 'base64').toString()
  const colon = text.indexOf(':')
  if (colon < 0) return null
  try {
    const [clientId, clientSecret] = [text.slice(0, colon), text.slice(colon + 1)].map((part) =>
      decodeURIComponent(part.replaceAll('+', ' ')),
    )
    return { clientId: clientId ?? '', clientSecret: clientSecret ?? '' }
  } catch {
    return null
  }
}

/** Hashes have one length, so neither length nor content shows in the comparison time. */
function same(a: string, b: string): boolean {
  const hash = (text: string) => createHash('sha256').update(text).digest()
  return timingSafeEqual(hash(a), hash(b))
}

export type IssuedTokens = {
  issue(): string
  /** The state of the token in an Authorization header. */
  check(authorization: string | undefined): 'valid' | 'expired' | 'unknown' | 'missing'
  revokeAll(): void
}

export function tokenStore(lifeMs: number, clock: Clock): IssuedTokens {
  const ends = new Map<string, number>()
  return {
    issue() {
      const token = randomBytes(TOKEN_BYTES).toString('base64url')
      ends.set(token, clock.nowMs() + lifeMs)
      for (const oldest of ends.keys()) {
        if (ends.size <= TOKENS_MAX) break
        ends.delete(oldest)
      }
      return token
    },
    check(authorization) {
      const [, token] = /^Bearer +(\S+)$/i.exec(authorization ?? '') ?? []
      if (token === undefined) return 'missing'
      const endMs = ends.get(token)
      if (endMs === undefined) return 'unknown'
      return clock.nowMs() < endMs ? 'valid' : 'expired'
    },
    revokeAll: () => ends.clear(),
  }
}

/** WWW-Authenticate of a refused request (RFC 6750 section 3): no error code if no credentials were sent. */
export function bearerChallenge(state: 'expired' | 'unknown' | 'missing'): string {
  const realm = 'Bearer realm="sample-api"'
  if (state === 'missing') return realm
  return `${realm}, error="invalid_token", error_description="the access token is ${state}"`
}
