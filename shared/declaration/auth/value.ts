/**
 * Values of credentials: a text, a secret, a setting, or several of them joined. They are resolved when a request is
 * made, so a declaration holds names only.
 */
import { z } from 'zod'
import { type SecretRef, type SettingRef, secretRef, settingRef } from '../secret.ts'

/** Its parts one after the other; `base64` encodes the result. */
export type JoinedText = {
  kind: 'joined'
  /** As they are, or as base64; write `concat(…)` or `base64(…)`. */
  encoding: 'text' | 'base64'
  /** Texts, secrets, settings, or texts that are joined themselves. */
  parts: TextValue[]
}
export type TextValue = string | SecretRef | SettingRef | JoinedText

/** A text made of parts: `concat('_shop', secret('SHOP_KEY'))`. */
export const concat = (...parts: TextValue[]): JoinedText => ({ kind: 'joined', encoding: 'text', parts })
/** The parts as base64: `base64(secret('SHOP_ID'), ':', secret('SHOP_SECRET'))`. */
export const base64 = (...parts: TextValue[]): JoinedText => ({ kind: 'joined', encoding: 'base64', parts })

const PARTS_MAX = 32

export const joinedText: z.ZodType<JoinedText, JoinedText> = z.strictObject({
  kind: z.literal('joined'),
  /** As they are, or as base64; write `concat(…)` or `base64(…)`. */
  encoding: z.enum(['text', 'base64']),
  /** Texts, secrets, settings, or texts that are joined themselves. */
  parts: z
    .array(z.lazy(() => textValue))
    .min(1)
    .max(PARTS_MAX),
})

const TEXT_VALUE = "expected a text, secret('NAME'), setting('NAME', fallback) or concat(…) of them"
export const textValue: z.ZodType<TextValue, TextValue> = z.union(
  [z.string(), secretRef, settingRef, joinedText],
  TEXT_VALUE,
)
export const filledText = textValue.refine((value) => value !== '', "expected a text or secret('NAME')")

const SECRET_VALUE = "expected secret('NAME'): a declaration holds the name of a secret, never the secret"

/** A value that proves something: a secret, alone or inside a joined text. */
export const secretValue = z.union(
  [secretRef, joinedText.refine((value) => secretsIn([value]).length > 0, SECRET_VALUE)],
  SECRET_VALUE,
)
export type SecretValue = SecretRef | JoinedText

/** Values of a JSON body; secrets, settings and joined texts may take the place of any text in it. */
export const jsonFields = z.record(z.string(), z.json())
export type JsonFields = z.infer<typeof jsonFields>

/** Values of a query or a form. */
export const scalarFields = z.record(
  z.string(),
  z.union([textValue, z.number(), z.boolean()], `${TEXT_VALUE}, a number, true or false`),
)

/** A field of a declaration that refers to a secret. */
export type NamedSecret = { field: string; ref: SecretRef }

/** Every secret inside a declared value, with the name of the nearest field. Each object is visited once. */
export function secretsIn(value: unknown): NamedSecret[] {
  const found: NamedSecret[] = []
  const seen = new Set<unknown>()
  function visit(at: unknown, field: string): void {
    if (!isPlain(at) || seen.has(at)) return
    seen.add(at)
    if (isSecretRef(at)) found.push({ field, ref: at })
    else if (Array.isArray(at)) for (const each of at) visit(each, field)
    else for (const [name, each] of Object.entries(at)) visit(each, name === 'parts' ? field : name)
  }
  visit(value, '')
  return found
}

const isPlain = (value: unknown): value is object =>
  Array.isArray(value) ||
  (typeof value === 'object' && value !== null && [Object.prototype, null].includes(Object.getPrototypeOf(value)))

export const isSecretRef = (value: unknown): value is SecretRef =>
  typeof value === 'object' && value !== null && (value as Partial<SecretRef>).kind === 'secret'

export const isReference = (value: unknown): value is Exclude<TextValue, string> =>
  typeof value === 'object' &&
  value !== null &&
  'kind' in value &&
  ((value.kind === 'joined' && 'parts' in value) ||
    (['secret', 'setting'].includes(String(value.kind)) && 'name' in value))

/** The variables of a value, for a hint; a text has none. */
export const namesIn = (value: TextValue | undefined, otherwise: string): string =>
  [...new Set(secretsIn([value]).map(({ ref }) => ref.name))].join(' and ') || otherwise
