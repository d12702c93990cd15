/** User name and password in `Authorization: Basic` (RFC 7617), as UTF-8. */
import type { Resolver } from '../../../shared/config.ts'
import type { AuthSpec } from '../../../shared/declare/auth.ts'
import { type Credentials, fixed, withHeader } from './credentials.ts'

export function basicCredentials(spec: AuthSpec & { kind: 'basic' }, resolver: Resolver): Credentials {
  const username = typeof spec.username === 'string' ? spec.username : resolver.secret(spec.username)
  const password = resolver.secret(spec.password)
  const encoded = Buffer.from(`${username}:${password}`, 'utf8').toString('base64')
  return fixed({
    secrets: [encoded, password],
    hint: `check the user name and ${spec.password.name}`,
    put: (request) => withHeader(request, 'authorization', `Basic ${encoded}`),
  })
}
