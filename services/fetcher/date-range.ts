/**
 * Dates that the warehouse cannot hold. ClickHouse clamps a date before 1900 or after 2299 without a word, so such a record is refused here
 * and stays whole in the dead-letter topic. A field with a column of the author's choice is the author's business.
 */
import { ANNOTATION } from '../../shared/declare/fields.ts'
import { type JsonSchema, typeOf } from '../../shared/schema.ts'
import { positionOf } from '../../shared/watermark.ts'

const FIRST = positionOf('iso', '1900-01-01T00:00:00Z') ?? 0n
const LAST = positionOf('iso', '2299-12-31T23:59:59.999999Z') ?? 0n

/** Answers what is wrong with a validated record, or null. */
export type DateCheck = (data: Readonly<Record<string, unknown>>) => string | null

/** Looks at the top-level date fields of a registered schema. */
export function dateCheckFor(schema: JsonSchema): DateCheck {
  const fields = Object.entries((schema.properties ?? {}) as Record<string, JsonSchema>).flatMap(([name, property]) => {
    const { type, inner } = typeOf(property)
    const isDate = type === 'string' && (inner.format === 'date-time' || inner.format === 'date')
    return isDate && !(ANNOTATION in property) && !(ANNOTATION in inner) ? [name] : []
  })
  return (data) => {
    for (const field of fields) {
      const value = data[field]
      if (typeof value === 'string' && isOutside(value)) return `${field}: ClickHouse holds dates from 1900 to 2299`
    }
    return null
  }
}

function isOutside(text: string): boolean {
  const year = text.slice(0, 4)
  // Nearly every date is settled by its year; time zones matter only at the ends.
  if (year > '1900' && year < '2299') return false
  const position = positionOf('iso', text)
  return position !== null && (position < FIRST || position > LAST)
}
