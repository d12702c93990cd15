/**
 * A token that a login request gives. The login's own credentials go to its declared URL only; the token goes to the
 * API. It is used for its life, or until the API refuses it.
 */

import { secretsIn } from '#shared/declaration/auth/value.ts'
import type { AuthOf } from '#shared/declaration/auth.ts'
import type { Source } from '#shared/declaration/compile.ts'
import { textRedactor } from '#shared/redact/text.ts'
import type { PageRequest } from '../messages.ts'
import { withParam } from '../query.ts'
import type { Credentials } from './credentials.ts'
import type { LiveSecrets } from './live-secrets.ts'
import { putCredential } from './place-credential.ts'
import { requestedToken } from './tokens/grant-token.ts'
import { headersOf, rawRequest } from './tokens/token-form.ts'
import type { TokenRequest, TokenTools } from './tokens/token-request.ts'
import { tokenUrlOf } from './tokens/token-url.ts'

/** `own`: the credentials of the login itself. */
export function sessionTokenCredentials(
  spec: AuthOf<'session-token'>,
  source: Source,
  baseUrl: string,
  tools: TokenTools & { secrets: LiveSecrets; own: Credentials },
): Credentials {
  const { resolver, secrets, own } = tools
  const { auth: _, ...login } = spec.login
  const tokenUrl = tokenUrlOf(login.url, source, baseUrl, resolver, 'login.url')
  const { method, form } = login
  const stamp = async () => JSON.stringify([secrets.json(login), await own.stamp()])
  const names = [...new Set(secretsIn(spec.login).map(({ ref }) => ref.name))].join(', ')
  const hint = `check ${names}, and the fields that the login at auth.login.url expects`

  const loginRequest = (): PageRequest => {
    const params = Object.entries(Object(secrets.json(login.params)))
    const url = params.reduce((at, [name, value]) => withParam(at, name, String(value)), tokenUrl)
    const body = secrets.json(form ?? login.json)
    return {
      method,
      url,
      headers: headersOf(login.headers, secrets),
      body,
      encoding: form === undefined ? undefined : 'form',
    }
  }
  // A missing secret is reported when the client is made.
  loginRequest()

  let sent: string | null = null
  const request: TokenRequest = {
    ...{ source: source.name, tokenUrl, urlField: 'login.url' },
    async raw(signal) {
      const applied = await own.apply(loginRequest(), signal)
      sent = applied.token
      return { ...rawRequest(applied.request), cookies: true }
    },
    answer: { token: spec.token, type: null, life: spec.life, refreshToken: null },
    takesAnyType: true,
    bounds: source,
    refusal: () => ({ hint }),
    redact: redactorOf(secrets, own),
    finishes: false,
  }
  const session = requestedToken(
    request,
    { ...tools, ask: refusingOwn },
    { stamp, hint, put: putCredential(source, spec) },
  )

  /** What the login refused is not sent again: a signed JWT is made again for the next login. */
  async function refusingOwn(...given: Parameters<TokenTools['ask']>): ReturnType<TokenTools['ask']> {
    const answer = await tools.ask(...given)
    if (answer.status === UNAUTHORIZED) own.rejected(sent)
    return answer
  }

  return {
    ...session,
    known: () => [...session.known(), ...own.known()],
    async close() {
      await session.close()
      await own.close()
    },
  }
}

const UNAUTHORIZED = 401

function redactorOf(secrets: LiveSecrets, own: Credentials): (text: string) => string {
  const redact = textRedactor(secrets.known)
  return (text) => redact(own.redact(text))
}
