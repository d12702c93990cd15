/** From a declaration's `auth` to credentials. Secrets are read once, here; a missing one is a WrongUse that names its variable. */
import type { Source } from '../../../shared/declaration.ts'
import { isSecretRef } from '../../../shared/declare/auth.ts'
import type { Credential } from '../http/auth/conceal.ts'
import { apiKeyCredentials } from './api-key.ts'
import { basicCredentials } from './basic.ts'
import { bearerCredentials } from './bearer.ts'
import { type Credentials, fixed } from './credentials.ts'
import { customCredentials } from './custom.ts'
import { withHeaderSecrets } from './header-secrets.ts'
import { jwtBearerCredentials } from './jwt-bearer.ts'
import { jwtSignedCredentials } from './jwt-signed.ts'
import { oauth2Credentials } from './oauth2.ts'
import { refreshTokenCredentials } from './refresh-token.ts'
import type { TokenTools } from './token-request.ts'

export function credentialsFor(source: Source, baseUrl: string, tools: TokenTools): Credentials {
  const credentials = withHeaderSecrets(ownCredentials(source, baseUrl, tools), source, tools.resolver)
  const named = credentialsOf(source, tools.resolver)
  return { ...credentials, known: () => [...named, ...credentials.known()] }
}

function ownCredentials(source: Source, baseUrl: string, tools: TokenTools): Credentials {
  const { auth } = source
  switch (auth?.kind) {
    case undefined:
      return fixed({ secrets: [], hint: 'the source declares no auth: add one', put: (request) => request })
    case 'bearer':
      return bearerCredentials(auth, tools.resolver)
    case 'basic':
      return basicCredentials(auth, tools.resolver)
    case 'api-key':
      return apiKeyCredentials(auth, tools.resolver)
    case 'oauth2-client-credentials':
      return oauth2Credentials(auth, source, baseUrl, tools)
    case 'oauth2-refresh-token':
      return refreshTokenCredentials(auth, source, baseUrl, tools)
    case 'jwt-bearer':
      return jwtBearerCredentials(auth, source, baseUrl, tools)
    case 'jwt-signed':
      return jwtSignedCredentials(auth, source, tools)
    case 'custom':
      return customCredentials(auth, source, tools)
  }
}

/** Fields of auth that name who asks; what proves it are all the others. */
const NAMES: readonly string[] = ['clientId', 'username', 'issuer', 'subject', 'keyId']

/** Every secret that the declaration names, by its variable. */
function credentialsOf({ auth, headers }: Source, resolver: TokenTools['resolver']): Credential[] {
  const inner = auth?.kind === 'custom' ? Object.entries(auth.secrets) : []
  return [...Object.entries(auth ?? {}), ...inner, ...Object.entries(headers)].flatMap(([field, ref]) =>
    isSecretRef(ref) ? [{ id: ref.name, value: resolver.secret(ref), ...(NAMES.includes(field) ? { isName: true } : {}) }] : [],
  )
}
