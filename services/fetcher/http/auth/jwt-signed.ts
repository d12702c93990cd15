/**
 * A self-signed JWT as the bearer token (RFC 6750 section 2.1). It is made when first needed and again before it
 * expires. No server issues it.
 */

import type { AuthOf } from '#shared/declaration/auth.ts'
import type { Source } from '#shared/declaration/compile.ts'
import { textRedactor } from '#shared/redact/text.ts'
import { SECOND_MS } from '#shared/units.ts'
import type { Credentials } from './credentials.ts'
import { jwtMaker } from './jwt.ts'
import { keyName } from './jwt-key.ts'
import type { LiveSecrets } from './live-secrets.ts'
import { putCredential } from './place-credential.ts'
import { givenUpAfterMs, heldToken } from './tokens/cached-token.ts'
import type { TokenTools } from './tokens/token-request.ts'

export function jwtSignedCredentials(
  spec: AuthOf<'jwt-signed'>,
  source: Pick<Source, 'name' | 'file'>,
  tools: Pick<TokenTools, 'clock'> & { secrets: LiveSecrets },
): Credentials {
  const { clock, secrets } = tools
  const jwt = jwtMaker(spec, source.name, tools)
  return heldToken({
    clock,
    secrets,
    stamp: jwt.stamp,
    put: putCredential(source, spec),
    redact: textRedactor(() => [...jwt.keys(), ...secrets.known()]),
    hint:
      `check issuer, audience, keyId, that ${keyName(spec)} is the key that the API knows, ` +
      "and this machine's clock",
    async obtain(refused) {
      const madeMs = clock.elapsedMs()
      const aud = spec.audience === undefined ? {} : { aud: secrets.text(spec.audience) }
      const now = jwt.make(aud)
      const { text, lifeMs } = now.text === refused ? jwt.make(aud, SECOND_MS) : now
      return { value: text, staleMs: madeMs + givenUpAfterMs(lifeMs) }
    },
  })
}
