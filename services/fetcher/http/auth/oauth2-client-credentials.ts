/** Tokens of the OAuth 2.0 client credentials grant (RFC 6749 section 4.4). */

import { namesIn } from '#shared/declaration/auth/value.ts'
import type { AuthOf } from '#shared/declaration/auth.ts'
import type { Source } from '#shared/declaration/compile.ts'
import { textRedactor } from '#shared/redact/text.ts'
import type { Credentials } from './credentials.ts'
import type { LiveSecrets } from './live-secrets.ts'
import { grantToken } from './tokens/grant-token.ts'
import { tokenForm } from './tokens/token-form.ts'
import type { TokenTools } from './tokens/token-request.ts'

export function oauth2Credentials(
  spec: AuthOf<'oauth2-client-credentials'>,
  source: Source,
  baseUrl: string,
  tools: TokenTools & { secrets: LiveSecrets },
): Credentials {
  const { secrets } = tools
  const client = () => ({
    id: secrets.text(spec.clientId),
    secret: secrets.text(spec.clientSecret),
    in: spec.credentialsIn,
  })
  const stamp = () => JSON.stringify(client())
  stamp()
  const form = tokenForm(spec, source, baseUrl, tools)
  const other = spec.credentialsIn === 'header' ? 'body' : 'header'
  const hint =
    `check ${namesIn(spec.clientId, 'the client id')}, ${namesIn(spec.clientSecret, 'the client secret')}, scope, ` +
    `and whether the endpoint wants the credentials in the ${other} instead (credentialsIn)`
  return grantToken(spec, source, tools, {
    tokenUrl: form.tokenUrl,
    raw: async () => form.raw({ grantType: 'client_credentials', audience: spec.audience }, client()),
    redact: textRedactor(() => [...secrets.known(), ...form.made()]),
    stamp: async () => stamp(),
    hint,
  })
}
