/** User name and password in `Authorization: Basic` (RFC 7617), as UTF-8. */
import { type AuthSpec, isSecretRef } from '#shared/declaration/auth.ts'
import { type Credentials, fixed, withHeader } from './credentials.ts'
import { type LiveSecrets, madeOf } from './live-secrets.ts'

export function basicCredentials(spec: AuthSpec & { kind: 'basic' }, secrets: LiveSecrets): Credentials {
  const made = madeOf()
  const refs = [spec.username, spec.password].filter(isSecretRef)
  const encoded = () =>
    made.make(Buffer.from(`${secrets.text(spec.username)}:${secrets.text(spec.password)}`, 'utf8').toString('base64'))
  encoded()
  return fixed({
    secrets,
    refs,
    hint: `check the user name and ${spec.password === '' ? 'that it needs no password' : spec.password.name}`,
    made: made.all,
    put: (request) => withHeader(request, 'authorization', `Basic ${encoded()}`),
  })
}
