/** A JWT of one's own as the bearer token (RFC 6750 section 2.1): made when first needed, and anew before it ends. Nobody is asked for it. */
import type { Source } from '#shared/declaration.ts'
import type { AuthOf } from '#shared/declare/auth.ts'
import type { LiveSecrets } from '../http/auth/live-secrets.ts'
import type { Credentials } from './credentials.ts'
import { givenUpAfterMs, heldToken } from './held-token.ts'
import { jwtMaker } from './jwt.ts'
import { scrubber } from './scrub.ts'
import type { TokenTools } from './token-request.ts'

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
    scrub: scrubber(() => [...jwt.privateKeys(), ...secrets.known()]),
    hint: `check issuer, audience, keyId, that ${spec.privateKey.name} is the key that the API knows, and this machine's clock`,
    async obtain() {
      const madeMs = clock.elapsedMs()
      const { text, lifeMs } = jwt.make(spec.audience === undefined ? {} : { aud: spec.audience })
      return { value: text, staleMs: madeMs + givenUpAfterMs(lifeMs) }
    },
  })
}
