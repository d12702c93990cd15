/** Access tokens obtained with a self-signed JWT (RFC 7523 section 2.1). Each token request holds a JWT made for it. */

import type { AuthOf } from '#shared/declaration/auth.ts'
import type { Source } from '#shared/declaration/compile.ts'
import { textRedactor } from '#shared/redact/text.ts'
import type { Credentials } from './credentials.ts'
import { jwtId, jwtMaker } from './jwt.ts'
import type { LiveSecrets } from './live-secrets.ts'
import { grantToken } from './tokens/grant-token.ts'
import { type TokenRequest, type TokenTools, tokenUrlOf } from './tokens/token-request.ts'

const GRANT = 'urn:ietf:params:oauth:grant-type:jwt-bearer'

export function jwtBearerCredentials(
  spec: AuthOf<'jwt-bearer'>,
  source: Source,
  baseUrl: string,
  tools: TokenTools & { secrets: LiveSecrets },
): Credentials {
  const { clock, resolver, secrets } = tools
  const tokenUrl = tokenUrlOf(spec.tokenUrl, source, baseUrl, resolver)
  const jwt = jwtMaker(spec, source.name, tools)
  // Servers read the scope in different places: RFC 7521 section 4.1 has a parameter, some look for a claim.
  const scope: Record<string, string> = spec.scope === undefined ? {} : { scope: spec.scope }
  const hint =
    `check issuer, subject, audience, scope, that ${spec.privateKey.name} is the key that the API knows, ` +
    "and this machine's clock"
  let assertion = ''
  const request: TokenRequest = {
    source: source.name,
    tokenUrl,
    form() {
      assertion = jwt.make({ aud: spec.audience ?? tokenUrl.href, jti: jwtId(clock), ...scope }).text
      return { grant_type: GRANT, assertion, ...scope, ...spec.extra }
    },
    client: () => null,
    scheme: spec.scheme,
    bounds: source,
    refusal: () => ({ hint }),
    redact: textRedactor(() => [...jwt.privateKeys(), ...secrets.known(), assertion]),
    finishes: false,
  }
  return grantToken(request, tools, { stamp: jwt.stamp, hint })
}
