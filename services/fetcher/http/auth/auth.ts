/**
 * Builds credentials from a declaration's `auth`. A secret that is missing at the start is a WrongUse that names its
 * variable.
 */

import { secretsIn } from '#shared/declaration/auth/value.ts'
import type { AuthSpec } from '#shared/declaration/auth.ts'
import type { Source } from '#shared/declaration/compile.ts'
import { apiKeyCredentials } from './api-key.ts'
import { basicCredentials } from './basic.ts'
import { bearerCredentials } from './bearer.ts'
import type { Credential } from './conceal.ts'
import { type Credentials, fixed } from './credentials.ts'
import { customCredentials } from './custom.ts'
import { jwtBearerCredentials } from './jwt-bearer.ts'
import { jwtSignedCredentials } from './jwt-signed.ts'
import { type LiveSecrets, liveSecrets } from './live-secrets.ts'
import { oauth2Credentials } from './oauth2-client-credentials.ts'
import { passwordCredentials } from './oauth2-password.ts'
import { refreshTokenCredentials } from './oauth2-refresh-token.ts'
import { withHeaderSecrets } from './secret-headers.ts'
import { sessionTokenCredentials } from './session-token.ts'
import type { TokenTools } from './tokens/token-request.ts'

export function credentialsFor(source: Source, baseUrl: string, tools: TokenTools): Credentials {
  const secrets = liveSecrets(tools)
  const credentials = withHeaderSecrets(
    ownCredentials(source.auth, source, baseUrl, { ...tools, secrets }),
    source,
    secrets,
  )
  credentialsOf(source, secrets)
  return {
    ...credentials,
    known: () => [...credentialsOf(source, secrets), ...secrets.encoded(), ...credentials.known()],
  }
}

function ownCredentials(
  auth: AuthSpec | undefined,
  source: Source,
  baseUrl: string,
  tools: TokenTools & { secrets: LiveSecrets },
): Credentials {
  const { secrets } = tools
  switch (auth?.kind) {
    case undefined:
      return fixed({ secrets, refs: [], hint: 'the source declares no auth: add one', put: (request) => request })
    case 'bearer':
      return bearerCredentials(auth, source, secrets)
    case 'basic':
      return basicCredentials(auth, secrets)
    case 'api-key':
      return apiKeyCredentials(auth, source, secrets)
    case 'oauth2-client-credentials':
      return oauth2Credentials(auth, source, baseUrl, tools)
    case 'oauth2-refresh-token':
      return refreshTokenCredentials(auth, source, baseUrl, tools)
    case 'oauth2-password':
      return passwordCredentials(auth, source, baseUrl, tools)
    case 'session-token': {
      const own = ownCredentials(auth.login.auth, source, baseUrl, tools)
      return sessionTokenCredentials(auth, source, baseUrl, { ...tools, own })
    }
    case 'jwt-bearer':
      return jwtBearerCredentials(auth, source, baseUrl, tools)
    case 'jwt-signed':
      return jwtSignedCredentials(auth, source, tools)
    case 'custom':
      return customCredentials(auth, source, tools)
  }
}

/** Fields of `auth` that identify the client; all the others prove its identity. */
const NAMES: readonly string[] = ['clientId', 'username', 'issuer', 'subject', 'keyId']

/** Every secret that the declaration names, by its variable: its current value, then its former ones. */
function credentialsOf({ auth, headers }: Source, secrets: LiveSecrets): Credential[] {
  return secretsIn([auth, headers]).flatMap(({ field, ref }) =>
    secrets.values(ref).map((value) => ({ id: ref.name, value, ...(NAMES.includes(field) ? { isName: true } : {}) })),
  )
}
