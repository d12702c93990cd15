/**
 * Tokens of the OAuth 2.0 client credentials grant: fetched when first needed, and again a little before they end, by one request however many
 * pages wait for it. A refused token is given up only if it still is the current one, so five refusals of one token fetch one new one.
 */
import type { Clock } from '../../../shared/clock.ts'
import type { Resolver } from '../../../shared/config.ts'
import type { Source } from '../../../shared/declaration.ts'
import type { OAuth2Spec } from '../../../shared/declare/auth.ts'
import { WrongUse } from '../../../shared/errors.ts'
import type { Ask } from '../client/http.ts'
import { type Credentials, scrubber, withHeader } from './credentials.ts'
import { requestToken, type TokenRequest } from './token-request.ts'

export type OAuth2Tools = { ask: Ask; clock: Clock; resolver: Resolver; onToken(): void }

/** A token is given up this long before its end, or a tenth of its life before where that is shorter. */
const MARGIN_MS = 60_000
const MARGIN_SHARE = 0.1

type Held = { value: string; staleMs: number }

export function oauth2Credentials(spec: OAuth2Spec, source: Source, baseUrl: string, tools: OAuth2Tools): Credentials {
  const { clock } = tools
  const closing = new AbortController()
  const request = tokenRequest(spec, source, baseUrl, tools.resolver)
  let held: Held | null = null
  let fetching: Promise<Held> | null = null

  async function fetchToken(): Promise<Held> {
    const askedMs = clock.elapsedMs()
    const token = await requestToken(request, tools, closing.signal)
    tools.onToken()
    const lifeMs = token.lifeMs ?? Number.POSITIVE_INFINITY
    held = { value: token.value, staleMs: askedMs + lifeMs - Math.min(MARGIN_MS, lifeMs * MARGIN_SHARE) }
    return held
  }

  /** The request is everybody's: whoever stops waiting leaves it to the others. */
  function current(signal: AbortSignal): Promise<Held> {
    if (held !== null && clock.elapsedMs() < held.staleMs) return Promise.resolve(held)
    fetching ??= fetchToken().finally(() => {
      fetching = null
    })
    return untilAborted(fetching, signal)
  }

  return {
    async apply(page, signal) {
      const { value } = await current(signal)
      return { request: withHeader(page, 'authorization', `Bearer ${value}`), token: value }
    },
    async renew(token, signal) {
      if (held !== null && held.value === token) held = null
      return (await current(signal)).value !== token
    },
    scrub: scrubber(() => (held === null ? [request.clientSecret] : [request.clientSecret, held.value])),
    hint: request.hint,
    close: () => closing.abort(),
  }
}

function tokenRequest(spec: OAuth2Spec, source: Source, baseUrl: string, resolver: Resolver): TokenRequest {
  const given = typeof spec.tokenUrl === 'string' ? spec.tokenUrl : resolver.setting(spec.tokenUrl)
  if (!URL.canParse(given, baseUrl)) {
    throw new WrongUse('HR_TOKEN_URL', `${source.name}: tokenUrl "${given}" is no URL`, {
      hint: 'write it whole, or as a path below baseUrl',
    })
  }
  const clientSecret = resolver.secret(spec.clientSecret)
  const idName = typeof spec.clientId === 'string' ? 'the client id' : spec.clientId.name
  return {
    source: source.name,
    tokenUrl: new URL(given, baseUrl),
    clientId: typeof spec.clientId === 'string' ? spec.clientId : resolver.secret(spec.clientId),
    clientSecret,
    credentialsIn: spec.credentialsIn,
    extra: {
      ...(spec.scope === undefined ? {} : { scope: spec.scope }),
      ...(spec.audience === undefined ? {} : { audience: spec.audience }),
      ...spec.extra,
    },
    bounds: source,
    hint: `check ${idName}, ${spec.clientSecret.name}, scope, and whether the endpoint wants the credentials in the ${spec.credentialsIn === 'header' ? 'body' : 'header'} instead (credentialsIn)`,
    scrub: scrubber(() => [clientSecret]),
  }
}

function untilAborted<T>(promise: Promise<T>, signal: AbortSignal): Promise<T> {
  if (signal.aborted) return Promise.reject(signal.reason)
  const { promise: aborted, reject } = Promise.withResolvers<never>()
  const leave = () => reject(signal.reason)
  signal.addEventListener('abort', leave, { once: true })
  return Promise.race([promise, aborted]).finally(() => signal.removeEventListener('abort', leave))
}
