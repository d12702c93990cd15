/**
 * Reads a record as its schema has it, without zod: its declared fields, converted where the type says so, in the order
 * of the schema. zod does the same with several objects for each field. The result is exactly the output of zod, or
 * null where that is not sure, and zod then reads the record. Assumes roughly the output of a JSON parser.
 */
import type { z } from 'zod'
import { asText } from '#shared/declaration/fields.ts'
import type { Fields } from './drift.ts'
import { type AsDeclared, checkOf, hasRules, isAsText, isPlainOptional } from './fast-path.ts'

export type FastReader = {
  /** Null: zod must read it. */
  read(record: unknown): Fields | null
  /** Whether the last record that was read may have fields that its schema does not know, at any depth. */
  mayHaveMore(): boolean
}

/** What a type makes of a value, or UNSURE. */
type Read = (value: unknown) => unknown
/** A type that returns what passes its check, or one that may return something else. */
type Reading = { check: AsDeclared } | { read: Read }
type Notes = { more: boolean }

const UNSURE = Symbol('unsure')

/** Null if the schema needs zod for every record. */
export function fastReaderOf(schema: z.ZodObject): FastReader | null {
  const notes: Notes = { more: false }
  if (hasRules(schema._zod.def.checks)) return null
  const read = objectRead(schema._zod.def, notes)
  if (read === null) return null
  return {
    read(record) {
      notes.more = false
      const data = read(record)
      return data === UNSURE ? null : (data as Fields)
    },
    mayHaveMore: () => notes.more,
  }
}

function readingOf(type: z.core.$ZodType, notes: Notes): Reading {
  const def = (type as z.core.$ZodTypes)._zod.def
  if (hasRules(def.checks)) return checkedOr(type, notes)
  if (def.type === 'object') {
    const read = objectRead(def, notes)
    return read === null ? { read: byZod(type, notes) } : { read }
  }
  if (def.type === 'array') return arrayReading(readingOf(def.element, notes))
  if (def.type === 'nullable') return nullableReading(readingOf(def.innerType, notes))
  if (isPlainOptional(def)) return readingOf(def.innerType, notes)
  if (def.type === 'pipe' && isAsText(def.in)) return { read: textRead(def.out) }
  return checkedOr(type, notes)
}

/** A type whose check accepts only what comes out unchanged; zod reads what the check does not accept. */
function checkedOr(type: z.core.$ZodType, notes: Notes): Reading {
  const check = SCALARS.has((type as z.core.$ZodTypes)._zod.def.type) ? checkOf(type) : null
  return check === null ? { read: byZod(type, notes) } : { check }
}

const SCALARS: ReadonlySet<string> = new Set(['string', 'number', 'boolean', 'enum'])

function byZod(type: z.core.$ZodType, notes: Notes): Read {
  return (value) => {
    const { success, data } = (type as z.ZodType).safeParse(value)
    if (!success) return UNSURE
    // It may be a copy without the fields that are not known.
    if (data !== value && typeof value === 'object') notes.more = true
    return data
  }
}

function arrayReading(element: Reading): Reading {
  if ('check' in element) {
    const { check } = element
    return { check: (value) => Array.isArray(value) && value.every((each) => each !== undefined && check(each)) }
  }
  const { read } = element
  return {
    read(value) {
      if (!Array.isArray(value)) return UNSURE
      const list: unknown[] = []
      for (let index = 0; index < value.length; index++) {
        const each = value[index] === undefined ? UNSURE : read(value[index])
        if (each === UNSURE) return UNSURE
        list.push(each)
      }
      return list
    },
  }
}

function nullableReading(inner: Reading): Reading {
  if ('check' in inner) return { check: (value) => value === null || inner.check(value) }
  return { read: (value) => (value === null ? null : inner.read(value)) }
}

/** Exact numbers, `decimal()` and `int64()`. */
function textRead(out: z.core.$ZodType): Read {
  const check = checkOf(out)
  return (value) => {
    const text = asText(value)
    return typeof text === 'string' && check?.(text) === true ? text : UNSURE
  }
}

/**
 * A function generated for the fields of an object, as for the check of `fast-path.ts`. A field that is missing is
 * undefined in its result, and JSON has no undefined. Null if Node was started without code generation from strings.
 * Null too if a field has a name that every object inherits.
 */
function objectRead({ shape, catchall }: z.core.$ZodObjectDef, notes: Notes): Read | null {
  const fields = Object.entries(shape)
  if (fields.some(([name]) => name in Object.prototype)) return null
  const readings = fields.map(([, type]) => readingOf(type, notes))
  const lines = fields.map(([name, type], index) => {
    const isOptional = isPlainOptional((type as z.core.$ZodTypes)._zod.def)
    const take =
      'check' in (readings[index] as Reading)
        ? `if (!of${index}(v${index})) return UNSURE`
        : `v${index} = of${index}(v${index}); if (v${index} === UNSURE) return UNSURE`
    const missing = isOptional ? 'known--' : 'return UNSURE'
    return `let v${index} = value[${JSON.stringify(name)}]; if (v${index} === undefined) ${missing}; else { ${take} }`
  })
  const body = [
    "if (typeof value !== 'object' || value === null) return UNSURE",
    'if (Object.getPrototypeOf(value) !== Object.prototype) return UNSURE',
    `let known = ${fields.length}`,
    ...lines,
    'for (const name in value) known--',
    `if (known !== 0) { ${catchall === undefined ? MORE_FIELDS : 'return UNSURE'} }`,
    `return { ${fields.map(([name], index) => `${JSON.stringify(name)}: v${index}`).join(', ')} }`,
  ].join('\n')
  const names = [...fields.map((_, index) => `of${index}`), 'UNSURE', 'hasUndefined', 'notes']
  const values = readings.map((reading) => ('check' in reading ? reading.check : reading.read))
  try {
    return new Function(...names, `return (value) => {\n${body}\n}`)(...values, UNSURE, hasUndefined, notes) as Read
  } catch (error) {
    if (error instanceof EvalError) return null
    throw error
  }
}

const MORE_FIELDS = 'if (hasUndefined(value)) return UNSURE; notes.more = true'

/** Only an author's map makes such a field. zod tells it from a missing one. */
function hasUndefined(value: Fields): boolean {
  for (const name in value) if (value[name] === undefined) return true
  return false
}
