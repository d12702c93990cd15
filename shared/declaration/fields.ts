/**
 * Field types that express more than JSON can: exact decimals, instants from numbers, 64-bit integers. Each is a zod
 * type whose JSON Schema carries the ClickHouse column under `x-headrace`. So the value that was validated is the value
 * that is stored.
 */
import { z } from 'zod'
import { ANNOTATION, type FieldAnnotation } from '../schema/annotation.ts'

/** Adds to the type's existing annotation: column(epochMs(), …) stays an instant. */
function annotate<T extends z.ZodType>(type: T, annotation: FieldAnnotation): T {
  const before = type.meta()?.[ANNOTATION] as FieldAnnotation | undefined
  return type.meta({ [ANNOTATION]: { ...before, ...annotation } })
}

/** Up to this many digits, a double reproduces every decimal that it was read from. */
const DOUBLE_DIGITS_SURE = 15
/** A number between these that is not whole is written with a point and without an exponent. */
const PLAIN_MIN = 1e-6
const PLAIN_END = 1e15

/**
 * A JSON number as its text: a whole one within 2^53, or another with so few digits that a double is exact. Any other
 * number stays a number, so a text field rejects it rather than change it. The JSON parser returns what a double cannot
 * hold as text in the first place. A text stays as it is.
 */
export function asText(value: unknown): unknown {
  if (typeof value !== 'number') return value
  if (Number.isSafeInteger(value)) return String(value)
  const size = Math.abs(value)
  if (size >= PLAIN_MIN && size < PLAIN_END) {
    const text = String(value)
    if (text.length <= DOUBLE_DIGITS_SURE + 1) return text
  }
  return plainText(value)
}

/** Without an exponent, however large or small. */
function plainText(value: number): unknown {
  const [, sign = '', mantissa = '', exponent = '0'] = /^(-?)([\d.]+)(?:e([+-]\d+))?$/.exec(String(value)) ?? []
  const [whole = '', fraction = ''] = mantissa.split('.')
  const digits = (whole + fraction).replace(/^0+/, '')
  if (digits === '' || digits.length > DOUBLE_DIGITS_SURE) return value
  const point = whole.length + Number(exponent)
  if (point >= whole.length + fraction.length) return value
  const padded = (whole + fraction).padStart(whole.length + fraction.length + Math.max(0, 1 - point), '0')
  const at = padded.length - (whole.length + fraction.length - point)
  return `${sign}${padded.slice(0, at)}.${padded.slice(at)}`
}

/** What ClickHouse's Decimal holds. */
const PRECISION_MAX = 76

/**
 * Exact money: text such as "12.30", or a JSON number that is surely the one that was sent; never a float. It has
 * `precision` digits in all, `scale` of them after the decimal point. No sign but -, no exponent, no more digits than
 * the column holds. Throws RangeError for a precision or scale that ClickHouse does not have.
 */
export function decimal(precision: number, scale: number) {
  if (!Number.isInteger(precision) || precision < 1 || precision > PRECISION_MAX) {
    throw new RangeError(`decimal(${precision}, ${scale}): the precision is a whole number from 1 to ${PRECISION_MAX}`)
  }
  if (!Number.isInteger(scale) || scale < 0 || scale > precision) {
    throw new RangeError(`decimal(${precision}, ${scale}): the scale is a whole number from 0 to the precision`)
  }
  // Leading zeros take no room in the column.
  const whole = precision === scale ? '0+' : `0*\\d{1,${precision - scale}}`
  const digits = new RegExp(`^-?${whole}${scale === 0 ? '' : `(\\.\\d{1,${scale}})?`}$`)
  const text = z
    .string()
    .regex(digits, `expected a decimal text of at most ${precision} digits, ${scale} after the point`)
  return z.preprocess(asText, annotate(text, { column: `Decimal(${precision}, ${scale})` }))
}

/** Milliseconds since the epoch, stored as DateTime64(3): from 1900 to 2299. */
export const epochMs = () =>
  annotate(z.int().min(-2_208_988_800_000).max(10_413_791_999_999), {
    column: "DateTime64(3, 'UTC')",
    watermark: 'epochMs',
  })

/** Seconds since the epoch, stored as DateTime64(0): from 1900 to 2299. */
export const epochSeconds = () =>
  annotate(z.int().min(-2_208_988_800).max(10_413_791_999), {
    column: "DateTime64(0, 'UTC')",
    watermark: 'epochSeconds',
  })

const INT64_MIN = -(2n ** 63n)
const INT64_MAX = 2n ** 63n - 1n
const INT64_TEXT = /^-?\d{1,19}$/

const INT64_DIGITS_SURE = 18
const int64Texts = new WeakSet<z.core.$ZodType>()

/** Whether a type is the text of `int64()`, with no other rule. */
export const isInt64Text = (type: z.core.$ZodType): boolean => int64Texts.has(type)

export const fitsInt64 = (value: unknown): boolean =>
  typeof value === 'string' &&
  INT64_TEXT.test(value) &&
  (value.length <= INT64_DIGITS_SURE || (BigInt(value) >= INT64_MIN && BigInt(value) <= INT64_MAX))

/**
 * A 64-bit integer as text or as a JSON number, exact beyond 2^53: from -9223372036854775808 to 9223372036854775807.
 */
export function int64() {
  const text = annotate(
    z
      .string()
      .regex(INT64_TEXT, { error: 'expected a 64-bit integer as text', abort: true })
      .refine(fitsInt64, 'expected an integer of at most 64 bits'),
    { column: 'Int64' },
  )
  int64Texts.add(text)
  return z.preprocess(asText, text)
}

/** Any type with a column of the author's choice, such as `column(z.string(), 'LowCardinality(String)')`. */
export const column = <T extends z.ZodType>(type: T, clickhouseType: string): T =>
  annotate(type, { column: clickhouseType })
