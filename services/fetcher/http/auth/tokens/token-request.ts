/**
 * Requests one token from an OAuth 2.0 token endpoint, for any grant (RFC 6749 sections 2.3.1, 3.2 and 5). Retried
 * within the source's bounds when the endpoint does not respond, or responds with 5xx, 429 or without JSON. A refusal
 * is final. The request goes to the token URL only and follows no redirect. It does not count against the API's quota.
 */
import type { Clock } from '#shared/clock.ts'
import type { Resolver } from '#shared/config/config.ts'
import type { SettingRef } from '#shared/declaration/secret.ts'
import { WrongUse } from '#shared/errors.ts'
import { redactUrl } from '#shared/redact/url.ts'
import { jsonOf } from '../../decode/json-body.ts'
import { excerptOf } from '../../describe.ts'
import { AttemptFailed, CredentialsRefused, PageFailed, Parked } from '../../errors.ts'
import { waitHint } from '../../retry-after/retry-after.ts'
import { type Attempted, retryLoop } from '../../retry-after/retry-loop.ts'
import { isOk, mayPass } from '../../status.ts'
import { withTimeout } from '../../transport/timeout.ts'
import { USER_AGENT } from '../../transport/transport.ts'
import type { RawAnswer, RawExchange, RawRequest } from '../../transport/undici.ts'

export type TokenClient = { id: string; secret: string | null; in: 'header' | 'body' }

export type TokenRequest = {
  source: string
  tokenUrl: URL
  /** The grant with its parameters; made for each attempt, since an assertion may be used only once. */
  form(): Readonly<Record<string, string>>
  /** Null if the grant itself identifies the client. A public client has no secret, and its id goes into the body. */
  client(): TokenClient | null
  /** Declared: the scheme before the token, whatever its type is called. */
  scheme?: string | undefined
  bounds: { attemptsMax: number; waitMax: number; timeout: number }
  /** `error`: the code that the endpoint gave (RFC 6749 section 5.2). */
  refusal(error: string | null): { hint: string; code?: string; says?: string }
  redact(text: string): string
  /**
   * True: the signal does not interrupt an attempt that has begun. Its response may hold the only token that is valid
   * from then on.
   */
  finishes: boolean
}

/** `lifeMs` is null if the endpoint does not say how long the token lives. */
export type IssuedToken = { value: string; lifeMs: number | null; refreshToken: string | null }

export type TokenTools = {
  ask: RawExchange
  clock: Clock
  resolver: Resolver
  onToken(): void
  /** Called for each wait before a retry; `attempt` is the one that failed, from 1. */
  onWait?(reason: string, waitMs: number, attempt: number): void
  /** Called with what a person may want to know and need not act on. */
  onNote?(note: string): void
  /** Called with what a person should correct. */
  onWarning?(warning: string): void
}

/**
 * The address of a token endpoint with its setting resolved. Only the declaration and the environment decide it. Throws
 * WrongUse, naming the source.
 */
export function tokenUrlOf(
  declared: string | SettingRef,
  source: { name: string },
  baseUrl: string,
  resolver: Resolver,
): URL {
  const given = typeof declared === 'string' ? declared : resolver.setting(declared)
  const url = URL.canParse(given, baseUrl) ? new URL(given, baseUrl) : null
  if (url !== null && ['http:', 'https:'].includes(url.protocol) && url.username === '' && url.password === '')
    return url
  throw new WrongUse(
    'HR_TOKEN_URL',
    `${source.name}: tokenUrl "${redactUrl(given)}" is not the address of a token endpoint`,
    {
      hint: 'write it whole, http or https and without user name and password, or as a path below baseUrl',
    },
  )
}

const NEVER = new AbortController().signal

/** Throws CredentialsRefused, PageFailed, Parked, or the signal's reason. */
export async function requestToken(
  request: TokenRequest,
  { ask, clock, onWait, onNote }: Pick<TokenTools, 'ask' | 'clock' | 'onWait' | 'onNote'>,
  signal: AbortSignal,
): Promise<IssuedToken> {
  const { bounds } = request
  async function attempt(): Promise<Attempted<IssuedToken, Outcome>> {
    signal.throwIfAborted()
    const outcome = await withTimeout(bounds.timeout, clock, request.finishes ? NEVER : signal, (timed) =>
      ask(rawRequest(request), timed),
    )
      .then((answer) => (isOk(answer.status) ? tokenOf(request, answer, onNote) : answer))
      .catch((error: unknown) => (error instanceof AttemptFailed ? error : Promise.reject(error)))
    if ('value' in outcome) return { value: outcome }
    signal.throwIfAborted()
    if (outcome instanceof AttemptFailed) return { failure: outcome, hintMs: null }
    if (!mayPass(outcome.status)) throw refused(request, outcome)
    return { failure: outcome, hintMs: waitHint(outcome, clock.nowMs()) }
  }
  return retryLoop({
    ...{ clock, bounds, signal, attempt },
    onWait: (failure, { ms }, count) =>
      onWait?.(failure instanceof AttemptFailed ? failure.reason : String(failure.status), ms, count),
    parked: (untilMs) => parked(request, untilMs),
    exhausted: (failure, attempts) => failed(request, attempts, failure),
  })
}

/** Of an attempt that gave no token. */
type Outcome = AttemptFailed | RawAnswer

function rawRequest({ tokenUrl, form: formOf, client: clientOf }: TokenRequest): RawRequest {
  const client = clientOf()
  const form = new URLSearchParams(formOf())
  const headers: Record<string, string> = {
    accept: 'application/json',
    'content-type': 'application/x-www-form-urlencoded',
    'user-agent': USER_AGENT,
  }
  if (client !== null && client.secret !== null && client.in === 'header') {
    headers.authorization = `Basic ${Buffer.from(basicPair(client.id, client.secret)).toString('base64')}`
  } else if (client !== null) {
    form.set('client_id', client.id)
    if (client.secret !== null) form.set('client_secret', client.secret)
  }
  return { method: 'POST', url: tokenUrl, headers, body: form.toString() }
}

/** RFC 6749 section 2.3.1 asks for form encoding inside the Basic header. */
export const basicPair = (clientId: string, clientSecret: string): string =>
  `${formEncoded(clientId)}:${formEncoded(clientSecret)}`

const formEncoded = (text: string): string => new URLSearchParams([['', text]]).toString().slice(1)

/** RFC 6749 section 5.1. Some endpoints send expires_in as text, and some their errors with status 200. */
function tokenOf(request: TokenRequest, answer: RawAnswer, onNote: TokenTools['onNote']): IssuedToken {
  const body = jsonIn(answer)
  const { access_token: value, token_type: type, expires_in: life, refresh_token: refreshToken } = fieldsOf(body)
  if (typeof value !== 'string' || value === '') throw refused(request, answer)
  if (request.scheme === undefined) checkType(request, type, onNote)
  const lifeMs = Number(life) * 1000
  return {
    value,
    lifeMs: Number.isFinite(lifeMs) && lifeMs > 0 ? lifeMs : null,
    refreshToken: typeof refreshToken === 'string' && refreshToken !== '' ? refreshToken : null,
  }
}

/** Types whose tokens need a proof with each request, or that are not access tokens (RFC 8693 section 2.2.1). */
const NEEDS_PROOF = /^(mac|dpop|pop|hawk|n_?\/?a|signature|http-?signature|holder.of.key)$/i

/**
 * RFC 6749 section 7.1 requires a known type. What other endpoints call theirs (BearerToken, JWT, access_token) is sent
 * as Bearer anyway.
 */
function checkType(request: TokenRequest, type: unknown, onNote: TokenTools['onNote']): void {
  if (type === undefined || type === null || String(type).trim().toLowerCase() === 'bearer') return
  const shown = request.redact(excerptOf(String(type)))
  if (!NEEDS_PROOF.test(String(type).trim())) {
    onNote?.(
      `${urlOf(request)} calls its tokens "${shown}"; they are sent as Bearer. ` +
        'If the API wants another word, declare it in auth: scheme',
    )
    return
  }
  throw new CredentialsRefused(
    `${request.source}: ${urlOf(request)} gives tokens of the type "${shown}", ` +
      'which are useless without a proof in each request',
    {
      by: 'token-endpoint',
      hint:
        'ask the API for bearer tokens; if it takes these as they are, ' +
        "declare scheme: 'Bearer' in auth; customAuth can sign requests",
    },
  )
}

const fieldsOf = (body: unknown): Record<string, unknown> =>
  typeof body === 'object' && body !== null ? (body as Record<string, unknown>) : {}

/** A text that is not JSON may still hold a token, as a form does; an HTML page is for people. */
function jsonIn(answer: RawAnswer): unknown {
  try {
    return jsonOf(answer)
  } catch (error) {
    if (!(error instanceof AttemptFailed) || /^\s*</.test(answer.text)) throw error
    throw new AttemptFailed(error.reason, `the body is not JSON, with status ${answer.status}`)
  }
}

/**
 * RFC 6749 section 5.2. Of a 2xx response, only what declares an error is shown: the rest may be a token under another
 * name.
 */
function refused(request: TokenRequest, { status, text }: RawAnswer): CredentialsRefused {
  const said = request.redact(excerptOf(isOk(status) ? saidIn(text) : text))
  const { says, ...details } = request.refusal(errorIn(text))
  const more = says === undefined ? '' : `; ${says}`
  return new CredentialsRefused(
    `${request.source}: ${urlOf(request)} gives no token: ${status}${said === '' ? '' : ` ${said}`}${more}`,
    {
      by: 'token-endpoint',
      ...details,
    },
  )
}

function saidIn(text: string): string {
  const { error, error_description: description } = jsonFields(text)
  const said = [error, description].filter((part) => typeof part === 'string')
  return said.length > 0 ? said.join(': ') : 'without access_token'
}

function errorIn(text: string): string | null {
  const { error } = jsonFields(text)
  return typeof error === 'string' ? error : null
}

function jsonFields(text: string): Record<string, unknown> {
  try {
    return fieldsOf(JSON.parse(text))
  } catch {
    return {}
  }
}

function failed(request: TokenRequest, attempts: number, outcome: Outcome): PageFailed {
  const last = outcome instanceof AttemptFailed ? outcome.message : `${outcome.status} ${excerptOf(outcome.text)}`
  return new PageFailed(
    attempts,
    `${request.source}: no token from ${urlOf(request)} in ${attempts} attempts; ` +
      `the last answer: ${request.redact(last)}`,
    {
      code: 'HR_TOKEN_UNAVAILABLE',
      hint: 'check that the token endpoint is up and that tokenUrl is right',
    },
  )
}

const parked = (request: TokenRequest, untilMs: number): Parked =>
  new Parked(untilMs, `${request.source}: ${urlOf(request)} asks to wait until ${new Date(untilMs).toISOString()}`)

const urlOf = ({ tokenUrl }: TokenRequest): string => redactUrl(tokenUrl)
