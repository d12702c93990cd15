/**
 * Headers whose values are secrets, in addition to a source's other credentials. They are set before those, so that a
 * signature covers them.
 */

import { isSecretRef } from '#shared/declaration/auth.ts'
import type { Source } from '#shared/declaration/compile.ts'
import { textRedactor } from '#shared/redact/text.ts'
import type { Credentials } from './credentials.ts'
import { type LiveSecrets, stampOf } from './live-secrets.ts'

export function withHeaderSecrets(credentials: Credentials, source: Source, secrets: LiveSecrets): Credentials {
  const refs = Object.entries(source.headers).flatMap(([name, value]) =>
    isSecretRef(value) ? [{ name: name.toLowerCase(), value }] : [],
  )
  if (refs.length === 0) return credentials
  const stamp = () =>
    stampOf(
      secrets,
      refs.map(({ value }) => value),
    )
  stamp()
  const headers = () => Object.fromEntries(refs.map(({ name, value }) => [name, secrets.value(value)]))
  const names = refs.map(({ value }) => value.name).join(', ')
  const redact = textRedactor(secrets.known)
  return {
    ...credentials,
    async apply(request, signal) {
      const before = stamp()
      const applied = await credentials.apply({ ...request, headers: { ...headers(), ...request.headers } }, signal)
      return { ...applied, token: JSON.stringify([before, applied.token]) }
    },
    async renew(token, signal) {
      const [before, own] = partsOf(token)
      secrets.reload()
      const hasChanged = stamp() !== before
      return (await credentials.renew(own, signal)) || hasChanged
    },
    rejected: (token) => credentials.rejected(partsOf(token)[1]),
    stamp: async () => JSON.stringify([stamp(), await credentials.stamp()]),
    redact: (text) => redact(credentials.redact(text)),
    hint: source.auth === undefined ? `check ${names}` : `${credentials.hint}; and ${names}`,
  }
}

const partsOf = (token: string | null): [string, string | null] => JSON.parse(token ?? '["",null]')
