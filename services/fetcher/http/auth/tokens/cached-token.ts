/**
 * A cached token that expires. It is obtained when first needed and again shortly before it expires, once for all
 * waiting pages. A refused token is dropped only if it is still the current one. So five refusals of one token cause
 * one renewal.
 */
import type { Clock } from '#shared/clock.ts'
import { textRedactor } from '#shared/redact/text.ts'
import { CredentialsRefused } from '../../errors.ts'
import type { Credential } from '../conceal.ts'
import type { Credentials } from '../credentials.ts'
import type { LiveSecrets } from '../live-secrets.ts'
import type { PutCredential } from '../place-credential.ts'
import { refusalWaitMs } from '../refusal-wait.ts'
import type { AnswerSecret } from './token-answer.ts'

/** A token is dropped this long before it expires, or a tenth of its life before if that is shorter. */
const MARGIN_MS = 60_000
const MARGIN_SHARE = 0.1

/** Responses in flight may still repeat a dropped token. */
const TOKENS_REDACTED_MAX = 8
/** Of the answers that gave them. */
const OTHERS_REDACTED_MAX = 32

/** What is in flight at the end is awaited: a new refresh token must reach its store. */
const CLOSE_MS_MAX = 15_000

/** `staleMs`: when it is dropped, as `clock.elapsedMs()`. `others`: further secrets of the answer that gave it. */
export type CachedToken = { value: string; staleMs: number; others?: readonly AnswerSecret[] }

export type HeldTokenOptions = {
  clock: Clock
  /** `refused`: the last token that the API did not accept. The signal aborts when the credentials are closed. */
  obtain(refused: string | null, signal: AbortSignal): Promise<CachedToken>
  secrets: Pick<LiveSecrets, 'reload'>
  /** What a token is obtained with; once it has changed, an earlier refusal no longer counts. */
  stamp(): Promise<string>
  put: PutCredential
  /** Removes the other secrets from a text. */
  redact(text: string): string
  hint: string
}

export const givenUpAfterMs = (lifeMs: number): number => lifeMs - Math.min(MARGIN_MS, lifeMs * MARGIN_SHARE)

export function heldToken({ clock, obtain, redact, hint, secrets, stamp, put }: HeldTokenOptions): Credentials {
  const closing = new AbortController()
  let tokens: string[] = []
  let others: Credential[] = []
  const redactTokens = textRedactor(() => [...tokens, ...others.map(({ value }) => value)])
  let held: CachedToken | null = null
  let refused: string | null = null
  let fetching: Promise<CachedToken> | null = null

  let refusal: { error: CredentialsRefused; stamp: string; untilMs: number } | null = null
  let refusals = 0

  /** All partitions share one response of the endpoint: a refused request is not repeated by the next partition. */
  async function obtained(mayRepeat = true): Promise<CachedToken> {
    const before = await stamp()
    if (refusal !== null && refusal.stamp === before && clock.elapsedMs() < refusal.untilMs) throw refusal.error
    try {
      const got = await obtain(refused, closing.signal)
      refusal = null
      refusals = 0
      return got
    } catch (error) {
      if (!(error instanceof CredentialsRefused)) throw error
      secrets.reload()
      // A sidecar has written other secrets in the meantime.
      if (mayRepeat && (await stamp()) !== before) return obtained(false)
      refusals = refusal === null || refusal.stamp === before ? refusals + 1 : 1
      refusal = { error, stamp: before, untilMs: clock.elapsedMs() + refusalWaitMs(error, refusals) }
      throw error
    }
  }

  async function fetchToken(): Promise<CachedToken> {
    const got = await obtained()
    if (!tokens.includes(got.value)) tokens = [got.value, ...tokens].slice(0, TOKENS_REDACTED_MAX)
    const more = (got.others ?? []).map(({ name, value }) => ({ id: name, value, isToken: true }))
    const former = others.filter(({ value }) => !more.some((each) => each.value === value))
    others = [...more, ...former].slice(0, OTHERS_REDACTED_MAX)
    held = got
    return got
  }

  /** All callers share the request: one that stops waiting does not cancel it. */
  function current(signal: AbortSignal): Promise<CachedToken> {
    if (held !== null && clock.elapsedMs() < held.staleMs) return Promise.resolve(held)
    fetching ??= fetchToken().finally(() => {
      fetching = null
    })
    return untilAborted(fetching, signal)
  }

  function giveUp(token: string | null): void {
    if (held === null || held.value !== token) return
    held = null
    refused = token
  }

  return {
    async apply(page, signal) {
      const { value } = await current(signal)
      return { request: put(page, value), token: value }
    },
    async renew(token, signal) {
      giveUp(token)
      // The token's secrets may have changed by now.
      secrets.reload()
      return (await current(signal)).value !== token
    },
    rejected: giveUp,
    stamp,
    redact: (text) => redact(redactTokens(text)),
    known: () => [...tokens.map((value) => ({ id: 'token', value, isToken: true })), ...others],
    hint,
    async close() {
      closing.abort()
      if (fetching === null) return
      const ended = new AbortController()
      const waited = clock.sleep(CLOSE_MS_MAX, ended.signal).catch(() => undefined)
      await Promise.race([fetching.catch(() => undefined), waited])
      ended.abort()
    },
  }
}

function untilAborted<T>(promise: Promise<T>, signal: AbortSignal): Promise<T> {
  if (signal.aborted) return Promise.reject(signal.reason)
  const { promise: aborted, reject } = Promise.withResolvers<never>()
  const leave = () => reject(signal.reason)
  signal.addEventListener('abort', leave)
  return Promise.race([promise, aborted]).finally(() => signal.removeEventListener('abort', leave))
}
