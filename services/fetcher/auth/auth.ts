/** From a declaration's `auth` to credentials. Secrets are read once, here; a missing one is a WrongUse that names its variable. */
import type { Source } from '../../../shared/declaration.ts'
import { apiKeyCredentials } from './api-key.ts'
import { basicCredentials } from './basic.ts'
import { bearerCredentials } from './bearer.ts'
import { type Credentials, fixed } from './credentials.ts'
import { type OAuth2Tools, oauth2Credentials } from './oauth2.ts'

export function credentialsFor(source: Source, baseUrl: string, tools: OAuth2Tools): Credentials {
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
  }
}
