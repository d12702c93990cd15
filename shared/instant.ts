/**
 * Instants as nanoseconds since the epoch, read from the texts that APIs write and written as RFC 3339. Exact: no
 * double is involved. Pure.
 */

export const NS_PER_MS = 1_000_000n
export const NS_PER_SECOND = 1_000_000_000n
export const NS_PER_DAY = 86_400n * NS_PER_SECOND
const RFC_3339 =
  /^(\d{4})-(\d\d)-(\d\d)(?:[Tt ](\d\d):(\d\d)(?::(\d\d)(?:[.,](\d{1,9})\d*)?)?\s*(Z|z|[+-]\d\d(?::?\d\d)?)?)?$/
/** The range of a four-digit year. An instant outside of it gives no position. */
export const INSTANT_MIN = -62_167_219_200n * NS_PER_SECOND
const INSTANT_MAX = 253_402_300_800n * NS_PER_SECOND - 1n

const [DASH, COLON, POINT, T, Z] = [0x2d, 0x3a, 0x2e, 0x54, 0x5a]
/** Days before each month, January first, in years that start with March, so that the leap day is the last one. */
const DAYS_BEFORE = [306, 337, 0, 31, 61, 92, 122, 153, 184, 214, 245, 275] as const
/** From the start of such a year 0 to one day before the epoch. */
const DAYS_TO_EPOCH = 719_469
const MS_PER_MINUTE = 60_000

/**
 * Parses the form that most APIs write, `2026-01-31T23:59:59Z` with or without milliseconds, to milliseconds since the
 * epoch. Null for every other text, and for leap seconds and days that not every month has. Ten times as fast as the
 * general parser below, which matters because each record is parsed several times.
 */
export function plainUtcMs(text: string): number | null {
  const { length } = text
  const hasMs = length === 24
  if ((!hasMs && length !== 20) || text.charCodeAt(length - 1) !== Z || (hasMs && text.charCodeAt(19) !== POINT))
    return null
  if (text.charCodeAt(4) !== DASH || text.charCodeAt(7) !== DASH || text.charCodeAt(10) !== T) return null
  if (text.charCodeAt(13) !== COLON || text.charCodeAt(16) !== COLON) return null
  const year = twoDigits(text, 0) * 100 + twoDigits(text, 2)
  const month = twoDigits(text, 5)
  const day = twoDigits(text, 8)
  const hour = twoDigits(text, 11)
  const minute = twoDigits(text, 14)
  const second = twoDigits(text, 17)
  const ms = hasMs ? digit(text, 20) * 100 + twoDigits(text, 21) : 0
  const isPlain =
    year >= 1000 &&
    month >= 1 &&
    month <= 12 &&
    day >= 1 &&
    day <= 28 &&
    hour <= 23 &&
    minute <= 59 &&
    second <= 59 &&
    ms >= 0
  if (!isPlain) return null
  const from = month < 3 ? year - 1 : year
  const leapDays = Math.floor(from / 4) - Math.floor(from / 100) + Math.floor(from / 400)
  const days = from * 365 + leapDays + DAYS_BEFORE[month - 1]! + day - DAYS_TO_EPOCH
  return ((days * 24 + hour) * 60 + minute) * MS_PER_MINUTE + second * 1000 + ms
}

/** NaN for anything but digits: it lies in no range. */
const twoDigits = (text: string, at: number): number => digit(text, at) * 10 + digit(text, at + 1)

function digit(text: string, at: number): number {
  const value = text.charCodeAt(at) - 0x30
  return value >= 0 && value <= 9 ? value : Number.NaN
}

/**
 * RFC 3339, and what APIs write instead: a date alone, a space for the T, no zone (then UTC). Null for invalid dates
 * such as 31 February.
 */
export function instantNs(text: string): bigint | null {
  const plainMs = plainUtcMs(text)
  if (plainMs !== null) return BigInt(plainMs) * NS_PER_MS
  const match = RFC_3339.exec(text)
  if (!match) return null
  const [, year, month, day, hour = '00', minute = '00', second = '00', fraction = '', zone = 'Z'] = match
  const offset = offsetMinutes(zone)
  // A leap second is the second after it, as every clock here counts.
  if (Number(hour) > 23 || Number(minute) > 59 || Number(second) > 60 || offset === null) return null
  const date = new Date(0)
  // Date.UTC takes the years 0 to 99 for 1900 to 1999, and rolls 31 February over into March: neither is what was
  // written.
  date.setUTCFullYear(Number(year), Number(month) - 1, Number(day))
  if (date.getUTCMonth() !== Number(month) - 1) return null
  const seconds =
    BigInt(date.getTime() / 1000) + BigInt(Number(hour) * 3600 + (Number(minute) - offset) * 60 + Number(second))
  return inRange(seconds * NS_PER_SECOND + BigInt(fraction.padEnd(9, '0')))
}

function offsetMinutes(zone: string): number | null {
  // Of a Z, 0 both.
  const [hours, minutes] = [Number(zone.slice(1, 3)), Number(zone.slice(3).replace(':', ''))]
  return hours > 23 || minutes > 59 ? null : (zone.startsWith('-') ? -1 : 1) * (hours * 60 + minutes)
}

export const inRange = (ns: bigint | null): bigint | null =>
  ns === null || ns < INSTANT_MIN || ns > INSTANT_MAX ? null : ns

export function secondsNs(value: unknown): bigint | null {
  const match = /^([+-]?\d{1,18})(?:\.(\d{1,9})\d*)?$/.exec(
    typeof value === 'number' || typeof value === 'string' ? String(value) : '',
  )
  if (!match) return null
  const [, whole = '', digits = ''] = match
  const fraction = BigInt(digits.padEnd(9, '0'))
  return BigInt(whole) * NS_PER_SECOND + (whole.startsWith('-') ? -fraction : fraction)
}

export function isoText(ns: bigint): string {
  const seconds = floorDiv(ns, NS_PER_SECOND)
  const fraction = (ns - seconds * NS_PER_SECOND).toString().padStart(9, '0').replace(/0+$/, '')
  const head = new Date(Number(seconds) * 1000).toISOString().slice(0, 19)
  return fraction === '' ? `${head}Z` : `${head}.${fraction}Z`
}

export function floorDiv(a: bigint, b: bigint): bigint {
  const quotient = a / b
  return a % b < 0n ? quotient - 1n : quotient
}
