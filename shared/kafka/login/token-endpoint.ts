/** Tokens of the OAuth 2.0 client credentials grant (RFC 6749 section 4.4), as KIP-768 asks for them. */
import { Agent } from 'node:https'
import { basicPair, formEncoded } from '../../basic-pair.ts'
import type { Clock } from '../../clock.ts'
import { messageOf, Unavailable } from '../../errors.ts'
import { textRedactor } from '../../redact/text.ts'
import { requestOnce } from '../../request-once.ts'
import { cutText, shownText } from '../../shown.ts'
import { TOKEN_TLS_OPTIONS, tlsFaultOf } from '../../tls/explain.ts'
import { trustedAuthorities } from '../../trusted-authorities.ts'
import { expiryOf, LoginRefused, type LoginToken, TOKEN, type TokenSource } from './login-token.ts'

/** Below the wait of a connection that logs in. */
const TIMEOUT_MS = 4_000
/** Where neither the answer nor the token says it. */
const LIFE_DEFAULT_MS = 300_000
const REASON_CHARS_MAX = 300

/** Throws LoginRefused for what only a person can change, Unavailable otherwise. Neither holds the secret. */
export function tokenFromEndpoint(
  source: Extract<TokenSource, { kind: 'endpoint' }>,
  clock: Clock,
): () => Promise<LoginToken> {
  const url = new URL(source.url)
  const { clientId, clientSecret, scope, ca } = source
  const agent = ca === undefined ? undefined : new Agent(trustedAuthorities(ca))
  const redact = textRedactor(() => [clientSecret, formEncoded(clientSecret)])
  const headers = {
    accept: 'application/json',
    authorization: `Basic ${Buffer.from(basicPair(clientId, clientSecret)).toString('base64')}`,
    'content-type': 'application/x-www-form-urlencoded',
  }
  const form = { grant_type: 'client_credentials', ...(scope === undefined ? {} : { scope }) }
  const body = new URLSearchParams(form).toString()
  const reason = (text: string) => shownText(cutText(redact(text), REASON_CHARS_MAX))

  return async () => {
    const answer = await requestOnce(url, { body, headers, agent, timeoutMs: TIMEOUT_MS }).catch((error: unknown) => {
      throw unreachable(url, error)
    })
    const fields = fieldsIn(answer.text)
    const { access_token: value, expires_in: seconds } = fields
    if (answer.status === 200 && typeof value === 'string' && TOKEN.test(value))
      return { value, lifeMs: lifeMsOf(seconds, value, clock) }
    throw refusal(url, answer.status, reason([fields.error, fields.error_description].filter(isText).join(': ')))
  }
}

function unreachable(url: URL, error: unknown): Unavailable {
  const fault = tlsFaultOf(error, TOKEN_TLS_OPTIONS)
  const why = fault?.message ?? messageOf(error)
  return new Unavailable('HR_KAFKA_TOKEN', `no token for Kafka from ${url.host}: ${why}`, {
    hint: fault?.hint ?? 'see KAFKA_OAUTH_TOKEN_URL, and whether that endpoint can be reached from here',
    cause: error,
  })
}

function refusal(url: URL, status: number, reason: string): Unavailable {
  const message = `no token for Kafka from ${url.host}: it answers ${status}${reason === '' ? '' : `, ${reason}`}`
  if (status === 400 || status === 401 || status === 403)
    return new LoginRefused('HR_KAFKA_TOKEN_REFUSED', message, {
      hint: 'check KAFKA_OAUTH_CLIENT_ID, KAFKA_OAUTH_CLIENT_SECRET and KAFKA_OAUTH_SCOPE',
    })
  if (status === 429 || status >= 500)
    return new Unavailable('HR_KAFKA_TOKEN', message, { hint: 'it is asked again; see whether that endpoint is well' })
  return new LoginRefused('HR_KAFKA_TOKEN_REFUSED', `${message} without a token`, {
    hint: 'check KAFKA_OAUTH_TOKEN_URL: it has to be the token endpoint itself',
  })
}

function lifeMsOf(seconds: unknown, token: string, clock: Clock): number {
  const stated = Number(seconds) * 1000
  if (Number.isFinite(stated) && stated > 0) return stated
  const expiryMs = expiryOf(token)
  return expiryMs === null ? LIFE_DEFAULT_MS : Math.max(expiryMs - clock.nowMs(), 0)
}

function fieldsIn(text: string): Record<string, unknown> {
  try {
    return Object(JSON.parse(text))
  } catch {
    return {}
  }
}

const isText = (value: unknown): value is string => typeof value === 'string' && value !== ''
