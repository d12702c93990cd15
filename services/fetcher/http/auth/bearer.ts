/** A fixed token in `Authorization: Bearer` (RFC 6750 section 2.1), or after another scheme. */

import { namesIn, secretsIn } from '#shared/declaration/auth/value.ts'
import type { AuthSpec } from '#shared/declaration/auth.ts'
import type { Source } from '#shared/declaration/compile.ts'
import { type Credentials, fixed } from './credentials.ts'
import type { LiveSecrets } from './live-secrets.ts'
import { putCredential } from './place-credential.ts'

export function bearerCredentials(
  spec: AuthSpec & { kind: 'bearer' },
  source: Pick<Source, 'file'>,
  secrets: LiveSecrets,
): Credentials {
  const put = putCredential(source, spec)
  return fixed({
    secrets,
    refs: secretsIn([spec.token]).map(({ ref }) => ref),
    hint: `check ${namesIn(spec.token, 'the token')}: it may have expired or been revoked`,
    put: (request) => put(request, secrets.text(spec.token)),
  })
}
