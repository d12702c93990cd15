/**
 * Field types that say more than JSON can: exact decimals, instants from numbers, 64-bit integers. Each is a zod type whose JSON
 * Schema carries the ClickHouse column under `x-headrace`, so the value that was validated is the value that is stored.
 */
import { z } from 'zod'

/** The key of annotations in a registered schema. */
export const ANNOTATION = 'x-headrace'
export type FieldAnnotation = { column?: string; watermark?: 'epochMs' | 'epochSeconds' }

const annotate = <T extends z.ZodType>(type: T, annotation: FieldAnnotation): T => type.meta({ [ANNOTATION]: annotation })

/** Exact money: text such as "12.30", never a float. `precision` digits in all, `scale` of them behind the point. */
export function decimal(precision: number, scale: number) {
  const digits = new RegExp(`^-?\\d{1,${Math.max(1, precision - scale)}}${scale === 0 ? '' : `(\\.\\d{1,${scale}})?`}$`)
  return annotate(z.string().regex(digits, `expected a decimal text of at most ${precision} digits, ${scale} behind the point`), {
    column: `Decimal(${precision}, ${scale})`,
  })
}

/** Milliseconds since the epoch, stored as DateTime64(3). */
export const epochMs = () =>
  annotate(z.int().min(-2_208_988_800_000).max(10_413_791_999_999), { column: "DateTime64(3, 'UTC')", watermark: 'epochMs' })

/** Seconds since the epoch, stored as DateTime64(0). */
export const epochSeconds = () =>
  annotate(z.int().min(-2_208_988_800).max(10_413_791_999), { column: "DateTime64(0, 'UTC')", watermark: 'epochSeconds' })

/** A 64-bit integer as text, exact beyond 2^53. */
export const int64 = () => annotate(z.string().regex(/^-?\d{1,19}$/, 'expected a 64-bit integer as text'), { column: 'Int64' })

/** Any type with a column of the author's choice, e.g. column(z.string(), 'LowCardinality(String)'). */
export const column = <T extends z.ZodType>(type: T, clickhouseType: string): T => annotate(type, { column: clickhouseType })
