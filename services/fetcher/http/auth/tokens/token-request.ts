/**
 * Requests one token from a token endpoint or a login, whatever the request looks like. Retried within the source's
 * bounds when the endpoint does not respond, or responds with 5xx, 429 or without JSON. A refusal is final. The request
 * goes to its declared URL only and follows no redirect. It does not count against the API's quota.
 */
import type { Clock } from '#shared/clock.ts'
import type { Resolver } from '#shared/config/config.ts'
import { redactUrl } from '#shared/redact/url.ts'
import { MIB } from '#shared/units.ts'
import { excerptOf } from '../../describe.ts'
import { AttemptFailed, CredentialsRefused, PageFailed, Parked } from '../../errors.ts'
import { waitHint } from '../../retry-after/retry-after.ts'
import { type Attempted, retryLoop } from '../../retry-after/retry-loop.ts'
import { isOk, mayPass } from '../../status.ts'
import { withTimeout } from '../../transport/timeout.ts'
import type { RawAnswer, RawExchange, RawRequest } from '../../transport/undici.ts'
import { type AnswerPlaces, type IssuedToken, readToken } from './token-answer.ts'

export type TokenRequest = {
  source: string
  tokenUrl: URL
  /** The field that declares it, by default tokenUrl. */
  urlField?: string
  /** Made for each attempt, since an assertion may be used only once. */
  raw(signal: AbortSignal): Promise<RawRequest>
  answer: AnswerPlaces
  /** True: a scheme or place is declared, so that the type of the token does not matter. */
  takesAnyType: boolean
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

const NEVER = new AbortController().signal

/** Far more than the token answer of any known API. */
const ANSWER_BYTES_MAX = MIB

/** Throws CredentialsRefused, PageFailed, Parked, or the signal's reason. */
export async function requestToken(
  request: TokenRequest,
  { ask, clock, onWait, onNote }: Pick<TokenTools, 'ask' | 'clock' | 'onWait' | 'onNote'>,
  signal: AbortSignal,
): Promise<IssuedToken> {
  const { bounds } = request
  async function attempt(): Promise<Attempted<IssuedToken, Outcome>> {
    signal.throwIfAborted()
    const outcome = await withTimeout(bounds.timeout, clock, request.finishes ? NEVER : signal, async (timed) =>
      ask({ ...(await request.raw(timed)), secretBytesMax: ANSWER_BYTES_MAX }, timed),
    )
      .then((answer) => (mayHoldToken(request, answer) ? tokenOf(request, answer, clock.nowMs(), onNote) : answer))
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

const isRedirect = (status: number): boolean => status >= 300 && status < 400

/** A login form often answers with a redirect that sets its cookie. */
const mayHoldToken = ({ answer }: TokenRequest, { status }: RawAnswer): boolean =>
  isOk(status) || (isRedirect(status) && typeof answer.token !== 'string')

/** Some endpoints send their errors with status 200. */
function tokenOf(request: TokenRequest, answer: RawAnswer, nowMs: number, onNote: TokenTools['onNote']): IssuedToken {
  const read = readToken(answer, request.answer, nowMs)
  if (read === null) throw refused(request, answer)
  const { type, ...token } = read
  if (!request.takesAnyType) checkType(request, type, onNote)
  return token
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

/**
 * RFC 6749 section 5.2. Of a 2xx response, only what declares an error is shown: the rest may be a token under another
 * name.
 */
function refused(request: TokenRequest, answer: RawAnswer): CredentialsRefused {
  const { status, text } = answer
  if (isRedirect(status)) return refusedRedirect(request, answer)
  const said = request.redact(excerptOf(isOk(status) ? saidIn(text, request) : text))
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

/** Its query is not shown: it may hold a code or a token. */
function refusedRedirect(request: TokenRequest, { status, headers: { location = '' } }: RawAnswer): CredentialsRefused {
  const target = URL.canParse(location, request.tokenUrl.href) ? new URL(location, request.tokenUrl) : null
  const where = target === null ? 'nowhere' : request.redact(`${target.origin}${target.pathname}`)
  return new CredentialsRefused(
    `${request.source}: ${urlOf(request)} gives no token: ${status}, a redirect to ${where}`,
    {
      by: 'token-endpoint',
      hint: 'credentials go to the declared address only: if the token endpoint is there, declare that address whole',
    },
  )
}

function saidIn(text: string, { answer: { token } }: TokenRequest): string {
  const { error, error_description: description } = jsonFields(text)
  const said = [error, description].filter((part) => typeof part === 'string')
  if (said.length > 0) return said.join(': ')
  if (token === '/access_token') return 'without access_token'
  if (typeof token === 'string') return `without a token at "${token}"`
  return 'header' in token ? `without the header ${token.header}` : `without the cookie ${token.cookie}`
}

function errorIn(text: string): string | null {
  const { error } = jsonFields(text)
  return typeof error === 'string' ? error : null
}

function jsonFields(text: string): Record<string, unknown> {
  try {
    return Object(JSON.parse(text))
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
      hint: `check that the token endpoint is up and that ${request.urlField ?? 'tokenUrl'} is right`,
    },
  )
}

const parked = (request: TokenRequest, untilMs: number): Parked =>
  new Parked(untilMs, `${request.source}: ${urlOf(request)} asks to wait until ${new Date(untilMs).toISOString()}`)

const urlOf = ({ tokenUrl }: TokenRequest): string => redactUrl(tokenUrl)
