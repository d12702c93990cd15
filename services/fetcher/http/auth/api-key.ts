/**
 * A key in a header, the query, the body or a cookie. It goes only into the copy that is sent; links and cursors are
 * stored without it.
 */

import type { CredentialPlace } from '#shared/declaration/auth/token-request.ts'
import { namesIn, secretsIn } from '#shared/declaration/auth/value.ts'
import type { AuthSpec } from '#shared/declaration/auth.ts'
import type { Source } from '#shared/declaration/compile.ts'
import { type Credentials, fixed } from './credentials.ts'
import type { LiveSecrets } from './live-secrets.ts'
import { putCredential } from './place-credential.ts'

type ApiKeySpec = AuthSpec & { kind: 'api-key' }

export function apiKeyCredentials(spec: ApiKeySpec, source: Pick<Source, 'file'>, secrets: LiveSecrets): Credentials {
  const put = putCredential(source, { as: placeOf(spec), scheme: null })
  return fixed({
    secrets,
    refs: secretsIn([spec.key]).map(({ ref }) => ref),
    hint: `check ${namesIn(spec.key, 'key')}, and that the API expects it in the ${spec.in} as ${spec.name}`,
    put: (request) => put(request, secrets.text(spec.key)),
  })
}

/** In the JSON body, the name of a member is a pointer to it. */
function placeOf({ in: where, name }: ApiKeySpec): CredentialPlace {
  switch (where) {
    case 'header':
      return { header: name }
    case 'query':
      return { param: name }
    case 'form':
      return { form: name }
    case 'cookie':
      return { cookie: name }
    case 'body':
      return { body: name.startsWith('/') ? name : `/${name.replaceAll('~', '~0').replaceAll('/', '~1')}` }
  }
}
