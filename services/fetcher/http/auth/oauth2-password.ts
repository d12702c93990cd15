/**
 * Tokens of the OAuth 2.0 password grant (RFC 6749 section 4.3). The password is sent for each token: a refresh token
 * in the answer is not used.
 */

import { namesIn } from '#shared/declaration/auth/value.ts'
import type { AuthOf } from '#shared/declaration/auth.ts'
import type { Source } from '#shared/declaration/compile.ts'
import { textRedactor } from '#shared/redact/text.ts'
import type { Credentials } from './credentials.ts'
import type { LiveSecrets } from './live-secrets.ts'
import { grantToken } from './tokens/grant-token.ts'
import { tokenForm } from './tokens/token-form.ts'
import type { TokenTools } from './tokens/token-request.ts'

export function passwordCredentials(
  spec: AuthOf<'oauth2-password'>,
  source: Source,
  baseUrl: string,
  tools: TokenTools & { secrets: LiveSecrets },
): Credentials {
  const { secrets } = tools
  const optional = (value: typeof spec.clientId) => (value === undefined ? null : secrets.text(value))
  const client = () => {
    const id = optional(spec.clientId)
    return id === null ? null : { id, secret: optional(spec.clientSecret), in: spec.credentialsIn }
  }
  const user = () => ({ username: secrets.text(spec.username), password: secrets.text(spec.password) })
  const stamp = () => JSON.stringify([client(), user()])
  stamp()
  const form = tokenForm(spec, source, baseUrl, tools)
  const who = namesIn(spec.username, 'the user name')
  const hint =
    `check ${who}, ${namesIn(spec.password, 'the password')}, scope, ` +
    'and whether the endpoint wants a client (clientId, clientSecret)'
  return grantToken(spec, source, tools, {
    tokenUrl: form.tokenUrl,
    raw: async () => form.raw({ grantType: 'password', ...user(), audience: spec.audience }, client()),
    redact: textRedactor(() => [...secrets.known(), ...form.made()]),
    stamp: async () => stamp(),
    hint,
  })
}
