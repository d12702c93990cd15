/**
 * Tokens of the OAuth 2.0 refresh token grant (RFC 6749 section 6). A new refresh token is stored before the access
 * token that came with it is used. So a crash between the two loses nothing. Under the store's lock, one worker
 * refreshes and the others read the result. No client can recover from one case: a response lost on its way may have
 * used up the old token.
 */

import { namesIn } from '#shared/declaration/auth/value.ts'
import type { AuthOf } from '#shared/declaration/auth.ts'
import type { Source } from '#shared/declaration/compile.ts'
import { messageOf } from '#shared/errors.ts'
import { textRedactor } from '#shared/redact/text.ts'
import type { Credentials } from './credentials.ts'
import type { LiveSecrets } from './live-secrets.ts'
import { putCredential } from './place-credential.ts'
import { type CachedToken, givenUpAfterMs, heldToken } from './tokens/cached-token.ts'
import { fileTokenStore } from './tokens/file-token-store.ts'
import { takesAnyType } from './tokens/grant-token.ts'
import { type KeptToken, type KeptTokens, keptTokens, storeKey } from './tokens/stored-token.ts'
import { type AnswerSecret, answerPlaces } from './tokens/token-answer.ts'
import { type TokenClient, tokenForm } from './tokens/token-form.ts'
import { requestToken, type TokenRequest, type TokenTools } from './tokens/token-request.ts'

type RefreshSpec = AuthOf<'oauth2-refresh-token'>
type RefreshSource = Pick<Source, 'name' | 'file' | 'attemptsMax' | 'waitMax' | 'timeout'>

/** Refresh tokens that a response may still quote; the first one is among the secrets. */
const REDACTED_MAX = 8

/** What the store holds before the first token is used: there is no access token yet. */
const NO_ACCESS_TOKEN = { accessToken: 'none yet', givenUpMs: 0 } as const

export function refreshTokenCredentials(
  spec: RefreshSpec,
  source: RefreshSource,
  baseUrl: string,
  tools: TokenTools & { secrets: LiveSecrets },
): Credentials {
  const { clock, resolver, secrets } = tools
  const form = tokenForm(spec, source, baseUrl, tools)
  const { tokenUrl } = form
  const clientId = () => secrets.text(spec.clientId)
  const clientSecret = () => (spec.clientSecret === undefined ? null : secrets.text(spec.clientSecret))
  let refreshTokens: string[] = []
  const client = (): TokenClient => ({ id: clientId(), secret: clientSecret(), in: spec.credentialsIn })
  const redact = textRedactor(() => [...refreshTokens, ...secrets.known(), ...form.made()])
  const store = spec.store ?? fileTokenStore(resolver.tokensDir, clock, tools.onWarning)

  /** Each new first token has its own key in the store. */
  function placeOf(first: string): KeptPlace {
    const key = storeKey(source.name, { tokenUrl, clientId: clientId(), refreshToken: first })
    const shown = `${source.name}: the token store (${spec.store === undefined ? `${resolver.tokensDir}, ` : ''}${key})`
    return { first, key, kept: keptTokens(store, key, shown, redact) }
  }
  let place = placeOf(secrets.text(spec.refreshToken))
  client()
  const placeNow = (): KeptPlace => {
    const first = secrets.text(spec.refreshToken)
    if (first !== place.first) place = placeOf(first)
    return place
  }

  /** Other secrets of the last answer. */
  let answered: readonly AnswerSecret[] = []

  /** Received but not stored because writing failed: it must be stored before anything else happens. */
  let unsaved: { kept: KeptTokens; token: KeptToken } | null = null

  async function save(kept: KeptTokens, token: KeptToken): Promise<void> {
    unsaved = { kept, token }
    await kept.write(token)
    unsaved = null
  }

  async function refreshed(
    { first, key, kept }: KeptPlace,
    found: KeptToken | null,
    signal: AbortSignal,
  ): Promise<KeptToken> {
    const from = found?.refreshToken ?? first
    refreshTokens = [...new Set([from, ...refreshTokens])].slice(0, REDACTED_MAX)
    // The endpoint may revoke the old token as it responds: first make sure that its successor can be stored.
    await kept.reserve(found ?? { v: 1, refreshToken: first, ...NO_ACCESS_TOKEN })
    const askedMs = clock.nowMs()
    const token = await requestToken(requestFor(from, from === first, key), tools, signal)
    tools.onToken()
    answered = token.secrets
    const next: KeptToken = {
      v: 1,
      refreshToken: token.refreshToken ?? from,
      accessToken: token.value,
      givenUpMs: token.lifeMs === null ? null : askedMs + givenUpAfterMs(token.lifeMs),
    }
    await save(kept, next)
    return next
  }

  const requestFor = (refreshToken: string, isFirst: boolean, key: string): TokenRequest => ({
    source: source.name,
    tokenUrl,
    raw: async () => form.raw({ grantType: 'refresh_token', refreshToken }, client()),
    answer: answerPlaces(spec.answer),
    takesAnyType: takesAnyType(spec),
    bounds: source,
    refusal: (error) =>
      error === 'invalid_grant'
        ? {
            code: 'HR_REFRESH_TOKEN_DEAD',
            says: 'a person must authorise the application again',
            hint: usedUpHint(spec, isFirst, key),
          }
        : { hint: checkHint(spec) },
    redact,
    finishes: true,
  })

  const heldOf = ({ accessToken, refreshToken, givenUpMs }: KeptToken): CachedToken => ({
    value: accessToken,
    others: [{ name: 'refresh_token', value: refreshToken }, ...answered],
    staleMs: givenUpMs === null ? Number.POSITIVE_INFINITY : clock.elapsedMs() + givenUpMs - clock.nowMs(),
  })

  /** By the token that would be used next, so a person may also restore the store's file. */
  async function stamp(): Promise<string> {
    const { first, kept } = placeNow()
    const next = await kept.read().then(
      (found) => found?.refreshToken ?? first,
      (error: unknown) => `unreadable: ${messageOf(error)}`,
    )
    return JSON.stringify([first, next, clientId(), clientSecret()])
  }

  return heldToken({
    clock,
    secrets,
    stamp,
    put: putCredential(source, spec),
    redact,
    hint:
      `authorise the application again and set ${namesIn(spec.refreshToken, 'refreshToken')} ` +
      'to the new refresh token; check scope',
    obtain(refused, signal) {
      const at = placeNow()
      return at.kept.locked(signal, async () => {
        if (unsaved !== null) await save(unsaved.kept, unsaved.token)
        const found = await at.kept.read()
        const isGood =
          found !== null &&
          found.accessToken !== refused &&
          clock.nowMs() < (found.givenUpMs ?? Number.POSITIVE_INFINITY)
        return heldOf(isGood ? found : await refreshed(at, found, signal))
      })
    },
  })
}

type KeptPlace = { first: string; key: string; kept: KeptTokens }

function usedUpHint({ refreshToken }: RefreshSpec, isFirst: boolean, key: string): string {
  const name = namesIn(refreshToken, 'refreshToken')
  const which = isFirst
    ? `the refresh token in ${name} is`
    : `the refresh token in the store (${key}), the successor of that in ${name}, is`
  const remedy = `authorise the application again and set ${name} to the new refresh token`
  return `${which} used up, expired or revoked: ${remedy}`
}

function checkHint({ clientId, clientSecret, credentialsIn }: RefreshSpec): string {
  const id = namesIn(clientId, 'the client id')
  if (clientSecret === undefined) return `check ${id}, scope, and whether the endpoint wants a clientSecret`
  const other = credentialsIn === 'header' ? 'body' : 'header'
  return (
    `check ${id}, ${namesIn(clientSecret, 'the client secret')}, scope, ` +
    `and whether the endpoint wants the credentials in the ${other} instead (credentialsIn)`
  )
}
