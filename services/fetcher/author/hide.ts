/**
 * Keeps secrets out of what an author is shown or keeps: every secret that was resolved is replaced by `***` in every text, and in the names and
 * numbers of a value too.
 */
import type { Resolver } from '../../../shared/config.ts'
import type { SecretRef } from '../../../shared/declare/secret.ts'
import { HIDDEN, scrubber } from '../auth/scrub.ts'

export type Hide = {
  text(text: string): string
  /** A copy without secrets, in names and numbers too; what JSON cannot hold is dropped. */
  in<T>(value: T): T
}

/** `more`: hides what is no declared secret but made of one, such as a token; undefined for nothing. */
export function hiding(secrets: () => readonly string[], more?: (text: string) => string): Hide {
  const scrub = scrubber(secrets)
  // What is made of several secrets is longer than each.
  const text = (given: string): string => scrub(more === undefined ? given : more(given))
  const hide = (_name: string, value: unknown): unknown => {
    if (typeof value === 'string') return text(value)
    if (typeof value === 'number') return text(String(value)) === String(value) ? value : HIDDEN
    return isRecord(value) && Object.keys(value).some((name) => text(name) !== name)
      ? Object.fromEntries(Object.entries(value).map(([name, inner]) => [text(name), inner]))
      : value
  }
  return {
    text,
    in: <T>(value: T): T => (value === undefined ? value : (JSON.parse(JSON.stringify(value, hide)) as T)),
  }
}

export const NOTHING_HIDDEN: Hide = hiding(() => [])

const isRecord = (value: unknown): value is Record<string, unknown> => typeof value === 'object' && value !== null && !Array.isArray(value)

/** A resolver that remembers the secrets which it has given out. */
export function remembering(resolver: Resolver): { resolver: Resolver; secrets(): readonly string[] } {
  const given = new Set<string>()
  const secret = (ref: SecretRef) => {
    const value = resolver.secret(ref)
    given.add(value)
    return value
  }
  return { resolver: { ...resolver, secret }, secrets: () => [...given] }
}
