/** Tokens of the OAuth 2.0 client credentials grant (RFC 6749 section 4.4). */
import type { Source } from '../../../shared/declaration.ts'
import type { AuthOf } from '../../../shared/declare/auth.ts'
import type { Credentials } from './credentials.ts'
import { givenUpAfterMs, heldToken } from './held-token.ts'
import { scrubber } from './scrub.ts'
import { basicPair, requestToken, type TokenRequest, type TokenTools } from './token-request.ts'
import { tokenUrlOf } from './token-url.ts'

export function oauth2Credentials(
  spec: AuthOf<'oauth2-client-credentials'>,
  source: Source,
  baseUrl: string,
  tools: TokenTools,
): Credentials {
  const { clock, resolver } = tools
  const id = typeof spec.clientId === 'string' ? spec.clientId : resolver.secret(spec.clientId)
  const secret = resolver.secret(spec.clientSecret)
  const idName = typeof spec.clientId === 'string' ? 'the client id' : spec.clientId.name
  const other = spec.credentialsIn === 'header' ? 'body' : 'header'
  const hint = `check ${idName}, ${spec.clientSecret.name}, scope, and whether the endpoint wants the credentials in the ${other} instead (credentialsIn)`
  const form = {
    grant_type: 'client_credentials',
    ...(spec.scope === undefined ? {} : { scope: spec.scope }),
    ...(spec.audience === undefined ? {} : { audience: spec.audience }),
    ...spec.extra,
  }
  const request: TokenRequest = {
    source: source.name,
    tokenUrl: tokenUrlOf(spec.tokenUrl, source, baseUrl, resolver),
    form: () => form,
    client: { id, secret, in: spec.credentialsIn },
    bounds: source,
    hint: () => hint,
    scrub: scrubber(() => [secret, basicPair(id, secret)]),
    finishes: false,
  }
  return heldToken({
    clock,
    scrub: request.scrub,
    hint,
    async obtain(_refused, signal) {
      const askedMs = clock.elapsedMs()
      const { value, lifeMs } = await requestToken(request, tools, signal)
      tools.onToken()
      return { value, staleMs: askedMs + givenUpAfterMs(lifeMs ?? Number.POSITIVE_INFINITY) }
    },
  })
}
