/**
 * Guesses the type of texts and numbers from values and the name of their field. A type is guessed only if every value
 * fits it, as zod or the field helper itself decides. In doubt the wider type is taken: a value that does not fit is a
 * dead letter later.
 */
import { decimal, epochMs, epochSeconds, instant, int64, z } from '#shared/index.ts'
import { counted } from '../../table-output.ts'
import type { ScalarType } from './type.ts'

export type Guessed = { type: ScalarType; why: string }

export const scalar = (code: string, type: z.ZodType, imports: readonly string[] = []): ScalarType => ({
  kind: 'scalar',
  code,
  imports,
  type,
  fits: (value) => type.safeParse(value).success,
})

export const ANYTHING = scalar('z.unknown()', z.unknown())
export const TEXT = scalar('z.string()', z.string())
export const BOOLEAN = scalar('z.boolean()', z.boolean())
export const NUMBER = scalar('z.number()', z.number())
export const INTEGER = scalar('z.int()', z.int())
export const UUID = scalar('z.uuid()', z.uuid())
export const EMAIL = scalar('z.email()', z.email())
export const DATE = scalar('z.iso.date()', z.iso.date())
export const DATE_TIME = scalar('z.iso.datetime({ offset: true })', z.iso.datetime({ offset: true }))
export const INSTANT = scalar('instant()', instant(), ['instant'])
export const INSTANT_UTC = scalar("instant({ zone: 'UTC' })", instant({ zone: 'UTC' }), ['instant'])
export const INT64 = scalar('int64()', int64(), ['int64'])
export const EPOCH_SECONDS = scalar('epochSeconds()', epochSeconds(), ['epochSeconds'])
export const EPOCH_MS = scalar('epochMs()', epochMs(), ['epochMs'])
const EXACT = scalar('decimal(38, 18)', decimal(38, 18), ['decimal'])

export const enumOf = (values: readonly string[]): ScalarType =>
  scalar(`z.enum([${values.map((value) => `'${value}'`).join(', ')}])`, z.enum(values as [string, ...string[]]))

const TEXT_FORMS: readonly [ScalarType, one: string, many?: string][] = [
  [UUID, 'UUID'],
  [DATE_TIME, 'time with an offset', 'times with an offset'],
  [DATE, 'date'],
  [INSTANT, 'time with an offset, nearly of RFC 3339', 'times with an offset, nearly of RFC 3339'],
  [INSTANT_UTC, 'time without an offset, taken for UTC', 'times without an offset, taken for UTC'],
]
/** Fewer addresses may be a coincidence, unless the field is named so. */
const EMAILS_MIN = 5
/** The columns of times hold these years. */
const YEAR_MIN = 1900
const YEAR_MAX = 2299
const TIMES: readonly ScalarType[] = [DATE_TIME, DATE, INSTANT, INSTANT_UTC]

export function textType(name: string, values: readonly string[]): Guessed {
  for (const [type, one, many] of TEXT_FORMS) {
    if (!values.every(type.fits) || (TIMES.includes(type) && !values.every(isInYears))) continue
    return { type, why: counted(values.length, one, many) }
  }
  if (values.every(EMAIL.fits) && (values.length >= EMAILS_MIN || /mail/i.test(name)))
    return { type: EMAIL, why: counted(values.length, 'e-mail address', 'e-mail addresses') }
  const few = enumValues(name, values)
  if (few !== null) return { type: enumOf(few), why: `${few.length} values in ${values.length}; z.string() takes any` }
  return { type: TEXT, why: counted(values.length, 'text') }
}

const isInYears = (text: string): boolean => {
  const year = Number(text.slice(0, 4))
  return year >= YEAR_MIN && year <= YEAR_MAX
}

const ENUM_RECORDS_MIN = 100
const ENUM_VALUES_MAX = 8
const ENUM_TIMES_MIN = 3
const ENUM_VALUE = /^[A-Za-z][A-Za-z0-9_-]{0,31}$/
/** Texts of people, and codes of long lists that two pages do not show whole. */
const NO_ENUM = /name|title|text|note|comment|descr|country|currency|locale|lang|city|region|zone|id$|code$|key$/i

/** A value that comes once suggests an open list. */
function enumValues(name: string, values: readonly string[]): string[] | null {
  if (values.length < ENUM_RECORDS_MIN || NO_ENUM.test(name)) return null
  const times = new Map<string, number>()
  for (const value of values) times.set(value, (times.get(value) ?? 0) + 1)
  const isClosed =
    times.size > 1 &&
    times.size <= ENUM_VALUES_MAX &&
    [...times].every(([value, count]) => ENUM_VALUE.test(value) && count >= ENUM_TIMES_MIN)
  return isClosed ? [...times.keys()].sort() : null
}

/** Quantities that may have a fraction although these values have none. */
const MEASURE = new RegExp(
  'price|amount|total|sum|cost|fee|tax|rate|ratio|percent|score|balance|value|discount|revenue|budget|spend|' +
    'avg|mean|lat|lon|lng|weight|height|width|length|depth|temp|distance|duration|hours|mag',
  'i',
)
const TIME_NAME = /(_at|_on|time|date|timestamp|_ts|created|updated|modified)$|At$|On$|^ts$/i
/** From 2000 to 2100. */
const SECONDS = [946_684_800, 4_102_444_800] as const

export function numberType(name: string, values: readonly number[]): Guessed {
  const count = counted(values.length, 'number')
  if (!values.every(INTEGER.fits)) return { type: NUMBER, why: count }
  const within = (factor: number) =>
    values.every((value) => value >= SECONDS[0] * factor && value <= SECONDS[1] * factor)
  if (TIME_NAME.test(name) && within(1))
    return { type: EPOCH_SECONDS, why: `${count}, seconds since 1970 by their size` }
  if (TIME_NAME.test(name) && within(1000))
    return { type: EPOCH_MS, why: `${count}, milliseconds since 1970 by their size` }
  if (MEASURE.test(name)) return { type: NUMBER, why: `${count}, a quantity by its name` }
  return { type: INTEGER, why: counted(values.length, 'whole number') }
}

/** Of numbers, some of which are texts: the parser leaves them so where a double would change them. */
export function exactNumberType(values: readonly unknown[]): Guessed {
  const [type] = [INT64, EXACT].filter(({ fits }) => values.every(fits))
  return type === undefined
    ? { type: ANYTHING, why: 'numbers and texts' }
    : { type, why: `${counted(values.length, 'number')}, more exact than a double` }
}
