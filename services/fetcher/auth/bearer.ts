/** A fixed token in `Authorization: Bearer` (RFC 6750 section 2.1). */
import type { Resolver } from '../../../shared/config.ts'
import type { AuthSpec } from '../../../shared/declare/auth.ts'
import { type Credentials, fixed, withHeader } from './credentials.ts'

export function bearerCredentials(spec: AuthSpec & { kind: 'bearer' }, resolver: Resolver): Credentials {
  const token = resolver.secret(spec.token)
  return fixed({
    secrets: [token],
    hint: `check ${spec.token.name}: it may have expired or been revoked`,
    put: (request) => withHeader(request, 'authorization', `Bearer ${token}`),
  })
}
