/** Cached access tokens of a grant that can be used again at any time; the endpoint keeps no state between requests. */
import type { TokenRequestSpec } from '#shared/declaration/auth/token-request.ts'
import type { Source } from '#shared/declaration/compile.ts'
import type { Credentials } from '../credentials.ts'
import type { LiveSecrets } from '../live-secrets.ts'
import { type PutCredential, putCredential } from '../place-credential.ts'
import { givenUpAfterMs, type HeldTokenOptions, heldToken } from './cached-token.ts'
import { answerPlaces } from './token-answer.ts'
import { requestToken, type TokenRequest, type TokenTools } from './token-request.ts'

/** Declared: whatever the type of the token is called, it is sent so. */
export const takesAnyType = ({ as, scheme }: Pick<TokenRequestSpec, 'as' | 'scheme'>): boolean =>
  as !== undefined || scheme !== undefined

export function grantToken(
  spec: TokenRequestSpec,
  source: Source,
  tools: TokenTools & { secrets: LiveSecrets },
  options: Pick<TokenRequest, 'tokenUrl' | 'raw' | 'redact'> & Pick<HeldTokenOptions, 'stamp' | 'hint'>,
): Credentials {
  const { tokenUrl, raw, redact, stamp, hint } = options
  const request: TokenRequest = {
    ...{ source: source.name, tokenUrl, raw, redact },
    answer: answerPlaces(spec.answer),
    takesAnyType: takesAnyType(spec),
    bounds: source,
    refusal: () => ({ hint }),
    finishes: false,
  }
  return requestedToken(request, tools, { stamp, hint, put: putCredential(source, spec) })
}

/** A token without a known life is used until the API refuses it. */
export function requestedToken(
  request: TokenRequest,
  tools: TokenTools & { secrets: LiveSecrets },
  { stamp, hint, put }: Pick<HeldTokenOptions, 'stamp' | 'hint'> & { put: PutCredential },
): Credentials {
  const { clock, secrets } = tools
  return heldToken({
    ...{ clock, secrets, stamp, put, redact: request.redact, hint },
    async obtain(_refused, signal) {
      const askedMs = clock.elapsedMs()
      const { value, lifeMs, secrets: others } = await requestToken(request, tools, signal)
      tools.onToken()
      return { value, staleMs: askedMs + givenUpAfterMs(lifeMs ?? Number.POSITIVE_INFINITY), others }
    },
  })
}
