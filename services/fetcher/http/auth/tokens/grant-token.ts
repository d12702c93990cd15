/** Cached access tokens of a grant that can be used again at any time; the endpoint keeps no state between requests. */
import type { Credentials } from '../credentials.ts'
import type { LiveSecrets } from '../live-secrets.ts'
import { givenUpAfterMs, type HeldTokenOptions, heldToken } from './cached-token.ts'
import { requestToken, type TokenRequest, type TokenTools } from './token-request.ts'

/** A token without a stated lifetime is used until the API refuses it. */
export function grantToken(
  request: TokenRequest,
  tools: TokenTools & { secrets: LiveSecrets },
  { stamp, hint }: Pick<HeldTokenOptions, 'stamp' | 'hint'>,
): Credentials {
  const { clock, secrets } = tools
  const { scheme, redact } = request
  return heldToken({
    ...{ clock, secrets, stamp, scheme, redact, hint },
    async obtain(_refused, signal) {
      const askedMs = clock.elapsedMs()
      const { value, lifeMs } = await requestToken(request, tools, signal)
      tools.onToken()
      return { value, staleMs: askedMs + givenUpAfterMs(lifeMs ?? Number.POSITIVE_INFINITY) }
    },
  })
}
