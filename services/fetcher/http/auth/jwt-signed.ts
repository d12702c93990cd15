/**
 * A self-signed JWT as the bearer token (RFC 6750 section 2.1). It is made when first needed and again before it
 * expires. No server issues it.
 */

import type { AuthOf } from '#shared/declaration/auth.ts'
import type { Source } from '#shared/declaration/compile.ts'
import { textRedactor } from '#shared/redact/text.ts'
import type { Credentials } from './credentials.ts'
import { jwtMaker } from './jwt.ts'
import type { LiveSecrets } from './live-secrets.ts'
import { givenUpAfterMs, heldToken } from './tokens/cached-token.ts'
import type { TokenTools } from './tokens/token-request.ts'

export function jwtSignedCredentials(
  spec: AuthOf<'jwt-signed'>,
  source: Source,
  tools: Pick<TokenTools, 'clock'> & { secrets: LiveSecrets },
): Credentials {
  const { clock, secrets } = tools
  const jwt = jwtMaker(spec, source.name, tools)
  return heldToken({
    clock,
    secrets,
    stamp: jwt.stamp,
    scheme: spec.scheme,
    redact: textRedactor(() => [...jwt.privateKeys(), ...secrets.known()]),
    hint:
      `check issuer, audience, keyId, that ${spec.privateKey.name} is the key that the API knows, ` +
      "and this machine's clock",
    async obtain() {
      const madeMs = clock.elapsedMs()
      const { text, lifeMs } = jwt.make(spec.audience === undefined ? {} : { aud: spec.audience })
      return { value: text, staleMs: madeMs + givenUpAfterMs(lifeMs) }
    },
  })
}
