/** User name and password in `Authorization: Basic` (RFC 7617), as UTF-8. */
import { type AuthSpec, isSecretRef } from '#shared/declaration/auth.ts'
import { type Credentials, fixed, withHeader } from './credentials.ts'
import { type LiveSecrets, madeOf } from './live-secrets.ts'

export function basicCredentials(spec: AuthSpec & { kind: 'basic' }, secrets: LiveSecrets): Credentials {
  const made = madeOf()
  const encoded = () =>
    made.make(Buffer.from(`${secrets.text(spec.username)}:${secrets.value(spec.password)}`, 'utf8').toString('base64'))
  encoded()
  return fixed({
    secrets,
    refs: [spec.username, spec.password].filter(isSecretRef),
    hint: `check the user name and ${spec.password.name}`,
    made: made.all,
    put: (request) => withHeader(request, 'authorization', `Basic ${encoded()}`),
  })
}
