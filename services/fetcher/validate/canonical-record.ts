/**
 * The canonical text of values, as record keys hash it: version 1, which must never change. Fields are in the order of
 * their names (by UTF-16 code unit), without blanks. What is stored as nothing is omitted: missing fields, nulls, and
 * empty lists and objects whose column does not tell them from missing ones. A number has its shortest form, an instant
 * is the nanoseconds since the epoch that its column keeps. Pure.
 */
import { asText } from '#shared/declaration/fields.ts'
import { instantNs } from '#shared/instant.ts'
import type { KeyForm } from '#shared/schema/record-key.ts'

/** The text of a value; null where nothing is stored. */
export type CanonicalText = (value: unknown) => string | null

const NS_DIGITS = 9
const NULL = 'null'
const INTEGER = /^-?\d+$/
const DECIMAL = /^(-?)0*(\d*?)(?:\.(\d*?)0*)?$/

export function canonicalTextOf(form: KeyForm): CanonicalText {
  const write = writerOf(form)
  return (value) => (value === undefined || value === null ? null : write(value))
}

/** As an object's fields: `{}` for none. */
export function canonicalFields(
  forms: ReadonlyMap<string, KeyForm>,
): (record: Readonly<Record<string, unknown>>) => string {
  const fields = [...forms].sort(byName).map(([name, form]) => [name, canonicalTextOf(form)] as const)
  return (record) => {
    const parts: string[] = []
    for (const [name, write] of fields) {
      const text = Object.hasOwn(record, name) ? write(record[name]) : null
      if (text !== null) parts.push(`${JSON.stringify(name)}:${text}`)
    }
    return `{${parts.join(',')}}`
  }
}

/** A value of no known column: its JSON with sorted names, and without fields that are null. */
export function canonicalJson(value: unknown): string {
  if (typeof value !== 'object' || value === null) return JSON.stringify(value) ?? NULL
  if (Array.isArray(value)) return `[${value.map(canonicalJson).join(',')}]`
  const parts = Object.entries(value)
    .filter(([, inner]) => inner !== undefined && inner !== null)
    .sort(byName)
    .map(([name, inner]) => `${JSON.stringify(name)}:${canonicalJson(inner)}`)
  return `{${parts.join(',')}}`
}

function writerOf(form: KeyForm): (value: unknown) => string | null {
  switch (form.as) {
    case 'text':
      return (value) => JSON.stringify(typeof value === 'string' ? value : canonicalJson(value))
    case 'uuid':
      return (value) => (typeof value === 'string' ? JSON.stringify(value.toLowerCase()) : canonicalJson(value))
    case 'integer':
      return integerText
    case 'number':
      return (value) => floatText(value, Number)
    case 'single':
      return (value) => floatText(value, Math.fround)
    case 'decimal':
      return decimalText
    case 'instant':
      return (value) => instantText(value, form.digits)
    case 'list':
      return listWriter(canonicalTextOf(form.of), form.keepsEmpty)
    case 'map':
      return mapWriter(canonicalTextOf(form.of), form.keepsEmpty)
    case 'fields': {
      const write = canonicalFields(new Map(Object.entries(form.fields)))
      return (value) => (isFields(value) ? write(value) : canonicalJson(value))
    }
    case 'object':
      return objectWriter(form.keepsEmpty)
    case 'value':
      return canonicalJson
  }
}

function listWriter(write: CanonicalText, keepsEmpty: boolean): (value: unknown) => string | null {
  return (value) => {
    if (!Array.isArray(value)) return canonicalJson(value)
    if (value.length === 0 && !keepsEmpty) return null
    return `[${value.map((element) => write(element) ?? NULL).join(',')}]`
  }
}

/** A map stores nulls as values. */
function mapWriter(write: CanonicalText, keepsEmpty: boolean): (value: unknown) => string | null {
  return (value) => {
    if (!isFields(value)) return canonicalJson(value)
    const entries = Object.entries(value).sort(byName)
    if (entries.length === 0 && !keepsEmpty) return null
    return `{${entries.map(([name, inner]) => `${JSON.stringify(name)}:${write(inner) ?? NULL}`).join(',')}}`
  }
}

/** A JSON column keeps neither nulls nor empty objects. */
function objectWriter(keepsEmpty: boolean): (value: unknown) => string | null {
  return (value) => {
    const text = openText(value)
    return text === null && keepsEmpty ? '{}' : text
  }
}

function openText(value: unknown): string | null {
  if (value === undefined || value === null) return null
  if (Array.isArray(value)) return `[${value.map((element) => openText(element) ?? NULL).join(',')}]`
  if (!isFields(value)) return canonicalJson(value)
  const parts: string[] = []
  for (const [name, inner] of Object.entries(value).sort(byName)) {
    const text = openText(inner)
    if (text !== null) parts.push(`${JSON.stringify(name)}:${text}`)
  }
  return parts.length === 0 ? null : `{${parts.join(',')}}`
}

function integerText(value: unknown): string {
  if (typeof value === 'string' && INTEGER.test(value)) return String(BigInt(value))
  return Number.isSafeInteger(value) ? String(value) : canonicalJson(value)
}

function floatText(value: unknown, rounded: (value: number) => number): string {
  const number = typeof value === 'string' && value.trim() !== '' ? Number(value) : value
  return typeof number === 'number' && Number.isFinite(number) ? String(rounded(number) + 0) : canonicalJson(value)
}

function decimalText(value: unknown): string {
  const [, sign = '', whole = '', fraction = ''] = DECIMAL.exec(String(asText(value))) ?? []
  if (whole === '' && fraction === '') return DECIMAL.test(String(asText(value))) ? '0' : canonicalJson(value)
  return `${sign}${whole || '0'}${fraction === '' ? '' : `.${fraction}`}`
}

/** A number counts the column's ticks. ClickHouse cuts further digits off. */
function instantText(value: unknown, digits: number): string {
  const tickNs = 10n ** BigInt(Math.max(0, NS_DIGITS - digits))
  if (Number.isSafeInteger(value)) return String(BigInt(value as number) * tickNs)
  const ns = typeof value === 'string' ? instantNs(value) : null
  return ns === null ? canonicalJson(value) : String(ns - (((ns % tickNs) + tickNs) % tickNs))
}

const isFields = (value: unknown): value is Record<string, unknown> =>
  typeof value === 'object' && value !== null && !Array.isArray(value)

const byName = ([a]: readonly [string, unknown], [b]: readonly [string, unknown]): number =>
  a < b ? -1 : a > b ? 1 : 0
