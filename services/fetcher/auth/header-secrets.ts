/** Headers whose values are secrets, beside a source's other credentials: put in before those, so that a signature covers them. */
import type { Resolver } from '../../../shared/config.ts'
import type { Source } from '../../../shared/declaration.ts'
import { isSecretRef } from '../../../shared/declare/auth.ts'
import type { Credentials } from './credentials.ts'
import { scrubber } from './scrub.ts'

export function withHeaderSecrets(credentials: Credentials, source: Source, resolver: Resolver): Credentials {
  const refs = Object.entries(source.headers).flatMap(([name, value]) => (isSecretRef(value) ? [{ name: name.toLowerCase(), value }] : []))
  if (refs.length === 0) return credentials
  const headers = Object.fromEntries(refs.map(({ name, value }) => [name, resolver.secret(value)]))
  const names = refs.map(({ value }) => value.name).join(', ')
  const scrub = scrubber(() => Object.values(headers))
  return {
    ...credentials,
    apply: (request, signal) => credentials.apply({ ...request, headers: { ...headers, ...request.headers } }, signal),
    scrub: (text) => scrub(credentials.scrub(text)),
    hint: source.auth === undefined ? `check ${names}` : `${credentials.hint}; and ${names}`,
  }
}
