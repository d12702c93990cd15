/**
 * Keeps secrets out of what an author is shown or keeps: every secret that was resolved is replaced by `***` in every text, in the forms that it
 * takes in URLs, forms, headers and JSON. Assumes that texts come whole: a secret that was cut before is not recognised.
 */
import type { Resolver } from '../../../shared/config.ts'
import type { SecretRef } from '../../../shared/declare/secret.ts'

export const HIDDEN = '***'
/** Shorter ones are also part of words that are no secret. */
const SECRET_CHARS_MIN = 4

export type Hide = {
  text(text: string): string
  /** A copy without secrets, in names and numbers too; what JSON cannot hold is dropped. */
  in<T>(value: T): T
}

/** `more`: hides what is no declared secret but made of one, such as a token; undefined for nothing. */
export function hiding(secrets: () => readonly string[], more?: (text: string) => string): Hide {
  const text = (given: string): string => {
    let shown = given
    for (const secret of secrets()) {
      if (secret.length < SECRET_CHARS_MIN) continue
      for (const form of formsOf(secret)) shown = shown.replaceAll(form, HIDDEN)
    }
    return more === undefined ? shown : more(shown)
  }
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

/** The longest first: a form that holds another one is replaced whole. */
function formsOf(secret: string): string[] {
  const base64 = Buffer.from(secret, 'utf8').toString('base64')
  const forms = [
    secret,
    encodeURIComponent(secret),
    new URLSearchParams([['', secret]]).toString().slice(1),
    JSON.stringify(secret).slice(1, -1),
    base64,
    base64.replace(/=+$/, ''),
  ]
  return [...new Set(forms)].sort((a, b) => b.length - a.length)
}

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
