/**
 * A key in a header or in the query. A query key goes only into the copy that is sent; links and cursors are stored
 * without it.
 */
import type { AuthSpec } from '#shared/declaration/auth.ts'
import { withParam } from '../query.ts'
import { type Credentials, fixed, withHeader } from './credentials.ts'
import type { LiveSecrets } from './live-secrets.ts'

export function apiKeyCredentials(spec: AuthSpec & { kind: 'api-key' }, secrets: LiveSecrets): Credentials {
  return fixed({
    secrets,
    refs: [spec.key],
    hint: `check ${spec.key.name}, and that the API expects it in the ${spec.in} as ${spec.name}`,
    put(request) {
      const key = secrets.value(spec.key)
      return spec.in === 'query'
        ? { ...request, url: withParam(request.url, spec.name, key) }
        : withHeader(request, spec.name, key)
    },
  })
}
