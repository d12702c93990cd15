/**
 * A field of instants in the forms that APIs really write. What it takes becomes an RFC 3339 text in UTC, so that it
 * has an order and a DateTime64 column. Anything else stays as it is, is refused by the type, and makes a dead letter.
 */
import { z } from 'zod'
import { instantNs, isoText } from '../instant.ts'
import { type TimeFormat, timeFormat, utcOf } from '../time-format.ts'
import { changesClocks, type Zone, zoneOf } from '../time-zone.ts'

export type InstantOptions = {
  /** Tried in this order: `['%d/%m/%Y %H:%M', '%s']`. Without them, RFC 3339 and what is nearly it. */
  formats?: readonly string[]
  /** The zone of texts without an offset: `'UTC'`, `'+02:00'` or `'Europe/Berlin'`. Without it, they are refused. */
  zone?: string
}

type Reader = { read(value: unknown): unknown; zone: Zone | null }

/** By the function that a type preprocesses its values with: copies of the type keep it. */
const readers = new WeakMap<object, Reader>()

/** RFC 3339, or nearly: a blank for the T, +0000, a date alone, no offset. */
const LENIENT = /^\d{4}-\d\d-\d\d(?:[T ]\d\d:\d\d(?::\d\d(?:[.,]\d+)?)?\s*(z|[+-]\d\d(?::?\d\d)?)?)?$/i

/**
 * An instant in the forms that the API writes: `instant({ formats: ['%d/%m/%Y %H:%M', '%s'], zone: 'UTC' })`. Throws
 * RangeError for a format or a zone that is not known, and for formats that need a zone.
 */
export function instant({ formats, zone: name }: InstantOptions = {}) {
  const zone = name === undefined ? null : zoneOf(name)
  if (name !== undefined && zone === null)
    throw new RangeError(`instant({ zone: '${name}' }): expected 'UTC', an offset such as '+02:00', or an IANA name`)
  if (formats?.length === 0) throw new RangeError('instant({ formats: [] }): name at least one format')
  const known = formats?.map((format) => timeFormat(format, zone))
  const local = formats?.find((_, at) => known?.[at]?.hasZone === false)
  if (local !== undefined && zone === null)
    throw new RangeError(`instant({ formats: ['${local}'] }): it has no offset (%z), so say which zone it is in: zone`)
  const read = (value: unknown): unknown => canonical(value, known, zone)
  readers.set(read, { read, zone })
  const expected = formats === undefined ? 'an instant as RFC 3339 writes it' : `an instant as ${formats.join(' or ')}`
  const offset = formats === undefined && zone === null ? ', with an offset' : ''
  return z.preprocess(read, z.iso.datetime({ error: `expected ${expected}${offset}` }))
}

/** The canonical text. Null, which the type refuses, for a text or a number that is none of the forms. */
function canonical(value: unknown, formats: readonly TimeFormat[] | undefined, zone: Zone | null): unknown {
  if (typeof value !== 'string' && typeof value !== 'number') return value
  const text = String(value)
  const ns = formats === undefined ? lenient(text, zone) : firstOf(formats, text)
  return ns === null ? null : isoText(ns)
}

function firstOf(formats: readonly TimeFormat[], text: string): bigint | null {
  for (const { read } of formats) {
    const ns = read(text)
    if (ns !== null) return ns
  }
  return null
}

function lenient(text: string, zone: Zone | null): bigint | null {
  const match = LENIENT.exec(text)
  const ns = match === null ? null : instantNs(text)
  if (ns === null || match?.[1] !== undefined) return ns
  // A date alone is an instant in some zone only.
  return zone === null ? null : utcOf(ns, zone)
}

/** How a field that is an `instant()` reads a raw value; null for any other type. */
export function instantReader(type: unknown): Reader | null {
  const { def } = (type as z.ZodType | undefined)?._zod ?? {}
  if (def === undefined || def.type !== 'pipe') return null
  const { in: first } = def as z.core.$ZodPipeDef
  const before = (first as z.core.$ZodTypes)._zod.def
  return before.type === 'transform' ? (readers.get(before.transform) ?? null) : null
}

/** Whether hours of the field's zone come twice, so that it has no order. */
export const isRepeating = ({ zone }: Reader): boolean => zone !== null && changesClocks(zone)

/**
 * A position in a format, for `as` of a watermark: `timeText('%m/%d/%Y', 'America/New_York')`. Throws RangeError for a
 * format or a zone that is not known.
 */
export function timeText(format: string, zone = 'UTC'): (position: Date) => string {
  const known = zoneOf(zone)
  if (known === null) throw new RangeError(`timeText('${format}', '${zone}'): the zone is not known`)
  return timeFormat(format, known).write
}
