/** A fixed token in `Authorization: Bearer` (RFC 6750 section 2.1), or after another scheme. */
import type { AuthSpec } from '#shared/declaration/auth.ts'
import { type Credentials, fixed, withHeader } from './credentials.ts'
import type { LiveSecrets } from './live-secrets.ts'

export function bearerCredentials(spec: AuthSpec & { kind: 'bearer' }, secrets: LiveSecrets): Credentials {
  return fixed({
    secrets,
    refs: [spec.token],
    hint: `check ${spec.token.name}: it may have expired or been revoked`,
    put: (request) => withHeader(request, 'authorization', `${spec.scheme ?? 'Bearer'} ${secrets.value(spec.token)}`),
  })
}
