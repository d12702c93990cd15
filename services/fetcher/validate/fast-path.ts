/**
 * Finds the records that a schema accepts unchanged: valid, with nothing to convert and no unknown field. zod would
 * copy each record, and the copy would be compared with it, for the same result. Most records are like that, and this
 * check costs a tenth. It never rejects a record: zod validates whatever is not surely as declared. Assumes roughly the
 * output of a JSON parser.
 */
import type { z } from 'zod'
import { asText, fitsInt64, isInt64Text } from '#shared/declaration/fields.ts'
import { plainUtcMs } from '#shared/instant.ts'

/** True: the schema would return an equal record, and `unknownFields` would find none. */
export type AsDeclared = (value: unknown) => boolean

type Def = z.core.$ZodTypes['_zod']['def']

/**
 * Null if the schema needs zod for every record: it has rules over the whole record, or parts that zod always rebuilds.
 */
export function asDeclaredBy(schema: z.ZodObject): AsDeclared | null {
  return checkOf(schema)
}

/** Of one type; null if zod always rebuilds its values. */
export function checkOf(type: z.core.$ZodType): AsDeclared | null {
  const def = (type as z.core.$ZodTypes)._zod.def
  if (def.type === 'string') return textCheck(type, def)
  if (def.type === 'number') return numberCheck(type, def)
  // A rule of the author may say anything, even about a missing value.
  if (hasRules(def.checks)) return COPIES.has(def.type) || def.type === 'optional' ? null : byZod(type)
  if (def.type === 'object') return objectCheck(def)
  if (def.type === 'array') return arrayCheck(def)
  if (def.type === 'nullable') return nullableCheck(def)
  // The object checks whether it may be missing, unless a default takes its place.
  if (def.type === 'optional') return isPlainOptional(def) ? checkOf(def.innerType) : null
  if (def.type === 'boolean') return (value) => typeof value === 'boolean'
  if (def.type === 'enum') return enumCheck(def)
  if (def.type === 'pipe') return pipeCheck(type, def)
  return COPIES.has(def.type) ? null : byZod(type)
}

/** For each of these zod returns a new object, never its input. */
const COPIES: ReadonlySet<string> = new Set([
  'object',
  'array',
  'record',
  'map',
  'set',
  'tuple',
  'intersection',
  'lazy',
  'date',
  'promise',
  'file',
])

/** A value that zod returns as the same object was not changed, and no part of it was dropped. */
const byZod =
  (type: z.core.$ZodType): AsDeclared =>
  (value) => {
    const parsed = (type as z.ZodType).safeParse(value)
    return parsed.success && Object.is(parsed.data, value)
  }

type FieldCheck = { name: string; optional: boolean; check: AsDeclared }

function objectCheck({ shape }: z.core.$ZodObjectDef): AsDeclared | null {
  const fields: FieldCheck[] = []
  for (const [name, type] of Object.entries(shape)) {
    const check = checkOf(type)
    // A field that every object inherits looks the same as a missing one.
    if (check === null || name in Object.prototype) return null
    fields.push({ name, optional: (type as z.core.$ZodTypes)._zod.def.type === 'optional', check })
  }
  return writtenOut(fields)
}

/**
 * The check of an object as a function generated for its fields, as zod does it too. A loop over them takes more than
 * twice as long. Only the fields' names of a declaration get into it, as JSON texts. Null if Node was started without
 * code generation from strings.
 */
function writtenOut(fields: readonly FieldCheck[]): AsDeclared | null {
  const lines = fields.map(({ name, optional }, index) => {
    const isMissing = `(inner = value[${JSON.stringify(name)}]) === undefined`
    const isWrong = `!check${index}(inner)`
    return optional
      ? `if (!(${isMissing})) { if (${isWrong}) return false; known++ }`
      : `if (${isMissing} || ${isWrong}) return false`
  })
  const required = fields.filter(({ optional }) => !optional).length
  const body = [
    "if (typeof value !== 'object' || value === null) return false",
    'if (Object.getPrototypeOf(value) !== Object.prototype) return false',
    `let inner, known = ${required}`,
    ...lines,
    // An object with as many fields as are known has no other.
    'for (const name in value) known--',
    'return known === 0',
  ].join('\n')
  try {
    const make = new Function(...fields.map((_, index) => `check${index}`), `return (value) => {\n${body}\n}`)
    return make(...fields.map(({ check }) => check))
  } catch (error) {
    if (error instanceof EvalError) return null
    throw error
  }
}

function arrayCheck({ element }: z.core.$ZodArrayDef): AsDeclared | null {
  const check = checkOf(element)
  if (check === null) return null
  return (value) => {
    if (!Array.isArray(value)) return false
    for (let index = 0; index < value.length; index++)
      if (value[index] === undefined || !check(value[index])) return false
    return true
  }
}

function nullableCheck({ innerType }: z.core.$ZodNullableDef): AsDeclared | null {
  const check = checkOf(innerType)
  return check === null ? null : (value) => value === null || check(value)
}

function textCheck(type: z.core.$ZodType, def: Def & { type: 'string' }): AsDeclared {
  const slow = byZod(type)
  if (isInt64Text(type)) return fitsInt64
  if (isPlainDateTime(def)) return (value) => (typeof value === 'string' && plainUtcMs(value) !== null) || slow(value)
  if (isBare(def)) return (value) => typeof value === 'string'
  const pattern = onlyPattern(def)
  return pattern === null ? slow : (value) => typeof value === 'string' && pattern.test(value)
}

/** Null if anything else matters as well. */
function onlyPattern(def: Def & { type: 'string' }): RegExp | null {
  const [check, ...more] = (def.checks ?? []) as z.core.$ZodChecks[]
  if (check === undefined || more.length > 0 || !isOfTypeAlone(def)) return null
  const { check: kind, format, pattern } = check._zod.def as Partial<z.core.$ZodCheckRegexDef>
  // A regular expression that remembers its position is left to zod, which resets it.
  return kind === 'string_format' && format === 'regex' && pattern !== undefined && !pattern.global && !pattern.sticky
    ? pattern
    : null
}

/** Exact numbers, `decimal()` and `int64()`: a value that is already a text is left unchanged. */
function pipeCheck(type: z.core.$ZodType, { in: first, out }: z.core.$ZodPipeDef): AsDeclared | null {
  if (!isAsText(first)) return byZod(type)
  const check = checkOf(out)
  return check === null ? null : (value) => typeof value === 'string' && check(value)
}

export function isAsText(type: z.core.$ZodType): boolean {
  const def = (type as z.core.$ZodTypes)._zod.def
  return def.type === 'transform' && def.transform === asText
}

/** A missing value stays missing: neither a default nor a conversion takes its place. */
export function isPlainOptional(def: Def): def is z.core.$ZodOptionalDef {
  return def.type === 'optional' && !hasRules(def.checks) && givesNothing(def.innerType)
}

function givesNothing(type: z.core.$ZodType): boolean {
  if (type._zod.optin === undefined) return true
  const def = (type as z.core.$ZodTypes)._zod.def
  if (hasRules(def.checks)) return false
  return def.type === 'nullable' ? givesNothing(def.innerType) : def.type === 'pipe' && isAsText(def.in)
}

/**
 * A format that accepts the usual form of an instant whatever its offset option is: UTC, whole seconds or milliseconds.
 */
function isPlainDateTime(def: Def & { type: 'string' }): boolean {
  const { format, precision } = def as Partial<z.core.$ZodISODateTimeDef>
  return format === 'datetime' && (precision ?? null) === null && !hasRules(def.checks)
}

function numberCheck(type: z.core.$ZodType, def: Def & { type: 'number' }): AsDeclared {
  if (isBare(def)) return Number.isFinite
  const { format } = def as Partial<z.core.$ZodNumberFormatDef>
  return format === 'safeint' && !hasRules(def.checks) ? Number.isSafeInteger : byZod(type)
}

function enumCheck({ entries }: z.core.$ZodEnumDef): AsDeclared | null {
  const values = Object.values(entries)
  if (!values.every((value) => typeof value === 'string')) return null
  const known = new Set<unknown>(values)
  return (value) => known.has(value)
}

export const hasRules = (checks: readonly unknown[] | undefined): boolean => checks !== undefined && checks.length > 0
/** Only the type of the value matters; a value of that type is not coerced. */
const isBare = (def: Def): boolean => !hasRules(def.checks) && isOfTypeAlone(def)
/** Not a format that is a type of its own, such as `z.int()` or `z.iso.date()`. */
const isOfTypeAlone = (def: Def): boolean => !('format' in def) && !('check' in def)
