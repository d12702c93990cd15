/** Tokens of the OAuth 2.0 client credentials grant (RFC 6749 section 4.4). */

import type { AuthOf } from '#shared/declaration/auth.ts'
import type { Source } from '#shared/declaration/compile.ts'
import { textRedactor } from '#shared/redact/text.ts'
import type { Credentials } from './credentials.ts'
import { type LiveSecrets, madeOf } from './live-secrets.ts'
import { grantToken } from './tokens/grant-token.ts'
import { basicPair, type TokenRequest, type TokenTools, tokenUrlOf } from './tokens/token-request.ts'

export function oauth2Credentials(
  spec: AuthOf<'oauth2-client-credentials'>,
  source: Source,
  baseUrl: string,
  tools: TokenTools & { secrets: LiveSecrets },
): Credentials {
  const { resolver, secrets } = tools
  const id = () => secrets.text(spec.clientId)
  const secret = () => secrets.value(spec.clientSecret)
  const made = madeOf()
  const stamp = () => JSON.stringify([id(), secret()])
  stamp()
  const idName = typeof spec.clientId === 'string' ? 'the client id' : spec.clientId.name
  const other = spec.credentialsIn === 'header' ? 'body' : 'header'
  const hint =
    `check ${idName}, ${spec.clientSecret.name}, scope, ` +
    `and whether the endpoint wants the credentials in the ${other} instead (credentialsIn)`
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
    client() {
      made.make(basicPair(id(), secret()))
      return { id: id(), secret: secret(), in: spec.credentialsIn }
    },
    scheme: spec.scheme,
    bounds: source,
    refusal: () => ({ hint }),
    redact: textRedactor(() => [...secrets.known(), ...made.all()]),
    finishes: false,
  }
  return grantToken(request, tools, { stamp: async () => stamp(), hint })
}
