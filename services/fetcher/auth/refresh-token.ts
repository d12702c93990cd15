/**
 * Tokens of the OAuth 2.0 refresh token grant (RFC 6749 section 6). A refresh token that the endpoint hands out anew is stored before the access
 * token that came with it is used, so a crash between the two loses nothing. Under the store's lock, one worker refreshes and the others read what
 * it got. What no client can mend: an answer that is lost on its way may have used up the old token.
 */
import type { Source } from '../../../shared/declaration.ts'
import type { AuthOf } from '../../../shared/declare/auth.ts'
import type { Credentials } from './credentials.ts'
import { givenUpAfterMs, type Held, heldToken } from './held-token.ts'
import { type KeptToken, keptTokens, storeKey } from './kept-token.ts'
import { scrubber } from './scrub.ts'
import { basicPair, requestToken, type TokenRequest, type TokenTools } from './token-request.ts'
import { fileTokenStore } from './token-store.ts'
import { tokenUrlOf } from './token-url.ts'

type RefreshSpec = AuthOf<'oauth2-refresh-token'>
type RefreshSource = Pick<Source, 'name' | 'attemptsMax' | 'waitMax' | 'timeout'>

/** Old refresh tokens that an answer may still quote. */
const SCRUBBED_MAX = 8

export function refreshTokenCredentials(spec: RefreshSpec, source: RefreshSource, baseUrl: string, tools: TokenTools): Credentials {
  const { clock, resolver } = tools
  const tokenUrl = tokenUrlOf(spec.tokenUrl, source, baseUrl, resolver)
  const clientId = typeof spec.clientId === 'string' ? spec.clientId : resolver.secret(spec.clientId)
  const clientSecret = spec.clientSecret === undefined ? null : resolver.secret(spec.clientSecret)
  const first = resolver.secret(spec.refreshToken)
  let refreshTokens = [first]
  const scrub = scrubber(() => [...refreshTokens, ...(clientSecret === null ? [] : [clientSecret, basicPair(clientId, clientSecret)])])

  const key = storeKey(source.name, { tokenUrl, clientId, refreshToken: first })
  const place = `${source.name}: the token store (${spec.store === undefined ? `${resolver.tokensDir}, ` : ''}${key})`
  const kept = keptTokens(spec.store ?? fileTokenStore(resolver.tokensDir, clock), key, place, scrub)
  /** Got, and not in the store because writing failed: nothing else may happen before it is. */
  let unsaved: KeptToken | null = null

  async function save(token: KeptToken): Promise<void> {
    unsaved = token
    await kept.write(token)
    unsaved = null
  }

  async function refreshed(from: string, isFirst: boolean, signal: AbortSignal): Promise<KeptToken> {
    refreshTokens = [first, from, ...refreshTokens.slice(1)].slice(0, SCRUBBED_MAX)
    const askedMs = clock.nowMs()
    const token = await requestToken(requestFor(from, isFirst), tools, signal)
    tools.onToken()
    const next: KeptToken = {
      v: 1,
      refreshToken: token.refreshToken ?? from,
      accessToken: token.value,
      givenUpMs: token.lifeMs === null ? null : askedMs + givenUpAfterMs(token.lifeMs),
    }
    await save(next)
    return next
  }

  const requestFor = (refreshToken: string, isFirst: boolean): TokenRequest => ({
    source: source.name,
    tokenUrl,
    form: () => ({
      grant_type: 'refresh_token',
      refresh_token: refreshToken,
      ...(spec.scope === undefined ? {} : { scope: spec.scope }),
      ...spec.extra,
    }),
    client: { id: clientId, secret: clientSecret, in: spec.credentialsIn },
    bounds: source,
    hint: (error) => (error === 'invalid_grant' ? usedUpHint(spec, isFirst, key) : checkHint(spec)),
    scrub,
    finishes: true,
  })

  const heldOf = ({ accessToken, givenUpMs }: KeptToken): Held => ({
    value: accessToken,
    staleMs: givenUpMs === null ? Number.POSITIVE_INFINITY : clock.elapsedMs() + givenUpMs - clock.nowMs(),
  })

  return heldToken({
    clock,
    scrub,
    hint: `authorise the application again and set ${spec.refreshToken.name} to the new refresh token; check scope`,
    obtain: (refused, signal) =>
      kept.locked(signal, async () => {
        if (unsaved !== null) await save(unsaved)
        const found = await kept.read()
        const isGood = found !== null && found.accessToken !== refused && clock.nowMs() < (found.givenUpMs ?? Number.POSITIVE_INFINITY)
        return heldOf(isGood ? found : await refreshed(found?.refreshToken ?? first, found === null, signal))
      }),
  })
}

function usedUpHint({ refreshToken: { name } }: RefreshSpec, isFirst: boolean, key: string): string {
  const which = isFirst
    ? `the refresh token in ${name} is`
    : `the refresh token in the store (${key}), the successor of that in ${name}, is`
  return `${which} used up, expired or revoked: authorise the application again and set ${name} to the new refresh token`
}

function checkHint({ clientId, clientSecret, credentialsIn }: RefreshSpec): string {
  const id = typeof clientId === 'string' ? 'the client id' : clientId.name
  if (clientSecret === undefined) return `check ${id}, scope, and whether the endpoint wants a clientSecret`
  const other = credentialsIn === 'header' ? 'body' : 'header'
  return `check ${id}, ${clientSecret.name}, scope, and whether the endpoint wants the credentials in the ${other} instead (credentialsIn)`
}
