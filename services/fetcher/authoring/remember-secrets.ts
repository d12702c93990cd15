import type { Resolver } from '#shared/config/config.ts'
import type { SecretRef } from '#shared/declaration/secret.ts'

/** A resolver that remembers the secrets it has returned. */
export function remembering(resolver: Resolver): { resolver: Resolver; secrets(): readonly string[] } {
  const given = new Set<string>()
  const secret = (ref: SecretRef) => {
    const value = resolver.secret(ref)
    given.add(value)
    return value
  }
  return { resolver: { ...resolver, secret }, secrets: () => [...given] }
}
