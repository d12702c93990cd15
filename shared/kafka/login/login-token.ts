/**
 * A token for logins, obtained once for all connections that ask at the same time. It is replaced long before it
 * expires, because a broker ends a session with its token. After a failure the next attempt waits, so that many
 * connections do not ask an endpoint again and again.
 */
import { backoffMs } from '../../backoff.ts'
import type { Clock } from '../../clock.ts'
import { Unavailable } from '../../errors.ts'

/** `given`: read at each login, since a file may have changed. `scope`, `ca`: undefined for none. */
export type TokenSource =
  | { kind: 'given'; read(): string | undefined }
  | ({ kind: 'endpoint'; url: string; clientId: string; clientSecret: string } & Record<
      'scope' | 'ca',
      string | undefined
    >)

export type LoginToken = { value: string; lifeMs: number }
export type TokenOf = () => Promise<string>

/** A login that only a person can change; any other failure may pass. */
export class LoginRefused extends Unavailable {}

/** Sessions are renewed at nine tenths of theirs at the earliest, and so never with a token that is nearly over. */
const USED_SHARE = 0.8
const BACKOFF = { firstMs: 200, maxMs: 30_000 }

/** `obtain` throws HeadraceErrors only. */
export function sharedToken(clock: Clock, obtain: () => Promise<LoginToken>): TokenOf {
  let held: { value: string; staleMs: number } | null = null
  let failure: { error: unknown; failures: number; untilMs: number } | null = null
  let obtaining: Promise<string> | null = null

  async function renewed(): Promise<string> {
    if (failure !== null && clock.elapsedMs() < failure.untilMs) throw failure.error
    const startedMs = clock.elapsedMs()
    try {
      const { value, lifeMs } = await obtain()
      held = { value, staleMs: startedMs + lifeMs * USED_SHARE }
      failure = null
      return value
    } catch (error) {
      const failures = (failure?.failures ?? 0) + 1
      failure = { error, failures, untilMs: clock.elapsedMs() + backoffMs({ ...BACKOFF, failures }) }
      throw error
    }
  }

  return async () => {
    if (held !== null && clock.elapsedMs() < held.staleMs) return held.value
    obtaining ??= renewed().finally(() => {
      obtaining = null
    })
    return obtaining
  }
}

/** Of RFC 6750 section 2.1. Anything else is a page or a path, and would change the message that it is sent in. */
export const TOKEN = /^[A-Za-z0-9\-._~+/]+=*$/

export function tokenIn(given: string | undefined): string {
  const text = given?.trim() ?? ''
  if (TOKEN.test(text)) return text
  throw new Unavailable('HR_KAFKA_TOKEN', `KAFKA_OAUTH_TOKEN: there is ${text === '' ? 'none' : 'no token in it'}`, {
    hint: 'KAFKA_OAUTH_TOKEN_FILE is the path of a file that holds nothing but a token',
  })
}

/** The claim `exp` of a JWT, as epoch milliseconds. Null for any other token. */
export function expiryOf(token: string): number | null {
  try {
    const claims: unknown = JSON.parse(Buffer.from(token.split('.')[1] ?? '', 'base64url').toString('utf8'))
    const { exp } = Object(claims) as { exp?: unknown }
    return typeof exp === 'number' ? exp * 1000 : null
  } catch {
    return null
  }
}
