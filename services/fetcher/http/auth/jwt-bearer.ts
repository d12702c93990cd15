/** Access tokens obtained with a self-signed JWT (RFC 7523 section 2.1). Each token request holds a JWT made for it. */

import type { AuthOf } from '#shared/declaration/auth.ts'
import type { Source } from '#shared/declaration/compile.ts'
import { textRedactor } from '#shared/redact/text.ts'
import type { Credentials } from './credentials.ts'
import { jwtId, jwtMaker } from './jwt.ts'
import { keyName } from './jwt-key.ts'
import type { LiveSecrets } from './live-secrets.ts'
import { grantToken } from './tokens/grant-token.ts'
import { scopeText, tokenForm } from './tokens/token-form.ts'
import type { TokenTools } from './tokens/token-request.ts'

const GRANT = 'urn:ietf:params:oauth:grant-type:jwt-bearer'

export function jwtBearerCredentials(
  spec: AuthOf<'jwt-bearer'>,
  source: Source,
  baseUrl: string,
  tools: TokenTools & { secrets: LiveSecrets },
): Credentials {
  const { clock, secrets } = tools
  const form = tokenForm(spec, source, baseUrl, tools)
  const jwt = jwtMaker(spec, source.name, tools)
  // Servers read the scope in different places: RFC 7521 section 4.1 has a parameter, some look for a claim.
  const scope = scopeText(spec)
  const claims = scope === undefined ? {} : { scope }
  const hint =
    `check issuer, subject, audience, scope, that ${keyName(spec)} is the key that the API knows, ` +
    "and this machine's clock"
  let assertion = ''
  return grantToken(spec, source, tools, {
    tokenUrl: form.tokenUrl,
    async raw() {
      const aud = spec.audience === undefined ? form.tokenUrl.href : secrets.text(spec.audience)
      assertion = jwt.make({ aud, jti: jwtId(clock), ...claims }).text
      return form.raw({ grantType: GRANT, assertion }, null)
    },
    redact: textRedactor(() => [...jwt.keys(), ...secrets.known(), assertion]),
    stamp: jwt.stamp,
    hint,
  })
}
