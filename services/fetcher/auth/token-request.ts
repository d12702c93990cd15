/**
 * One token from a token endpoint by the OAuth 2.0 client credentials grant (RFC 6749 sections 4.4, 2.3.1 and 5). Tried again within the
 * source's bounds when the endpoint does not answer, answers 5xx or 429, or with no JSON; a refusal is final. It goes to the token URL only,
 * follows no redirect, and does not count for the API's quota.
 */
import type { Clock } from '../../../shared/clock.ts'
import { redactUrl } from '../../../shared/redact.ts'
import { afterHintMs, backoffMs } from '../client/backoff.ts'
import { AttemptFailed, CredentialsRefused, PageFailed, Parked } from '../client/errors.ts'
import { excerptOf } from '../client/excerpt.ts'
import { waitHint } from '../client/hints.ts'
import type { Ask, RawAnswer, RawRequest } from '../client/http.ts'
import { mayPass } from '../client/retry.ts'
import { withTimeout } from '../client/timeout.ts'
import { isOk, jsonOf, USER_AGENT } from '../client/transport.ts'

export type TokenRequest = {
  source: string
  tokenUrl: URL
  clientId: string
  clientSecret: string
  credentialsIn: 'header' | 'body'
  /** scope, audience and whatever else the endpoint wants. */
  extra: Readonly<Record<string, string>>
  bounds: { attemptsMax: number; waitMax: number; timeout: number }
  hint: string
  scrub(text: string): string
}

/** `lifeMs` is null if the endpoint does not say how long the token lives. */
export type Token = { value: string; lifeMs: number | null }

export type TokenTools = { ask: Ask; clock: Clock }

/** Throws CredentialsRefused, PageFailed, Parked, or the signal's reason. */
export async function requestToken(request: TokenRequest, { ask, clock }: TokenTools, signal: AbortSignal): Promise<Token> {
  const { bounds } = request
  const raw = rawRequest(request)
  for (let attempt = 1; ; attempt++) {
    const outcome = await withTimeout(bounds.timeout, clock, signal, (timed) => ask(raw, timed))
      .then((answer) => (isOk(answer.status) ? tokenOf(request, answer) : answer))
      .catch((error: unknown) => (error instanceof AttemptFailed ? error : Promise.reject(error)))
    if ('value' in outcome) return outcome
    signal.throwIfAborted()
    if (!(outcome instanceof AttemptFailed) && !mayPass(outcome.status)) throw refused(request, outcome)
    const hintMs = outcome instanceof AttemptFailed ? null : waitHint(outcome, clock.nowMs())
    if (hintMs !== null && hintMs > bounds.waitMax) throw parked(request, clock.nowMs() + hintMs)
    if (attempt >= bounds.attemptsMax) throw failed(request, attempt, outcome)
    await clock.sleep(hintMs === null ? backoffMs(attempt, bounds.waitMax, clock) : afterHintMs(hintMs, clock), signal)
  }
}

function rawRequest({ tokenUrl, clientId, clientSecret, credentialsIn, extra }: TokenRequest): RawRequest {
  const form = new URLSearchParams({ grant_type: 'client_credentials', ...extra })
  const headers: Record<string, string> = {
    accept: 'application/json',
    'content-type': 'application/x-www-form-urlencoded',
    'user-agent': USER_AGENT,
  }
  if (credentialsIn === 'header') {
    headers.authorization = `Basic ${Buffer.from(`${formEncoded(clientId)}:${formEncoded(clientSecret)}`).toString('base64')}`
  } else {
    form.set('client_id', clientId)
    form.set('client_secret', clientSecret)
  }
  return { method: 'POST', url: tokenUrl, headers, body: form.toString() }
}

/** RFC 6749 section 2.3.1 asks for form encoding inside the Basic header. */
const formEncoded = (text: string): string => new URLSearchParams([['', text]]).toString().slice(1)

/** RFC 6749 section 5.1. Some endpoints send expires_in as text, and some their errors with status 200. */
function tokenOf(request: TokenRequest, answer: RawAnswer): Token {
  const body = jsonOf(answer)
  const {
    access_token: value,
    token_type: type,
    expires_in: life,
  } = typeof body === 'object' && body !== null ? (body as Record<string, unknown>) : {}
  if (typeof value !== 'string' || value === '') throw refused(request, answer)
  if (type !== undefined && String(type).toLowerCase() !== 'bearer') {
    throw new CredentialsRefused(`${request.source}: ${urlOf(request)} gives tokens of the type "${String(type)}", only Bearer is known`)
  }
  const lifeMs = Number(life) * 1000
  return { value, lifeMs: Number.isFinite(lifeMs) && lifeMs > 0 ? lifeMs : null }
}

/** RFC 6749 section 5.2. */
function refused(request: TokenRequest, { status, text }: RawAnswer): CredentialsRefused {
  const said = request.scrub(excerptOf(text))
  return new CredentialsRefused(`${request.source}: ${urlOf(request)} gives no token: ${status}${said === '' ? '' : ` ${said}`}`, {
    hint: request.hint,
  })
}

function failed(request: TokenRequest, attempts: number, outcome: AttemptFailed | RawAnswer): PageFailed {
  const last = outcome instanceof AttemptFailed ? outcome.message : `${outcome.status} ${excerptOf(outcome.text)}`
  return new PageFailed(
    attempts,
    `${request.source}: no token from ${urlOf(request)} in ${attempts} attempts; the last answer: ${request.scrub(last)}`,
    {
      code: 'HR_TOKEN_UNAVAILABLE',
      hint: 'check that the token endpoint is up and that tokenUrl is right',
    },
  )
}

const parked = (request: TokenRequest, untilMs: number): Parked =>
  new Parked(untilMs, `${request.source}: ${urlOf(request)} asks to wait until ${new Date(untilMs).toISOString()}`)

const urlOf = ({ tokenUrl }: TokenRequest): string => redactUrl(tokenUrl)
