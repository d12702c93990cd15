/** User name and password in `Authorization: Basic` (RFC 7617), as UTF-8. */

import { namesIn, secretsIn } from '#shared/declaration/auth/value.ts'
import type { AuthSpec } from '#shared/declaration/auth.ts'
import { type Credentials, fixed, withHeader } from './credentials.ts'
import { type LiveSecrets, madeOf } from './live-secrets.ts'

export function basicCredentials(spec: AuthSpec & { kind: 'basic' }, secrets: LiveSecrets): Credentials {
  const made = madeOf()
  const encoded = () =>
    made.make(Buffer.from(`${secrets.text(spec.username)}:${secrets.text(spec.password)}`, 'utf8').toString('base64'))
  encoded()
  return fixed({
    secrets,
    refs: secretsIn([spec.username, spec.password]).map(({ ref }) => ref),
    hint: `check the user name and ${namesIn(spec.password, 'that it needs no password')}`,
    made: made.all,
    put: (request) => withHeader(request, 'authorization', `Basic ${encoded()}`),
  })
}
