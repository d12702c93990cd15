/**
 * Watermarks by value. A watermark is the text that is stored and sent; a position is what it means: nanoseconds since
 * the epoch for instants, the integer itself for sequences, the text for keys that sort. Comparison is by position,
 * never by text, so `2026-01-01T01:00:00+01:00` and `2026-01-01T00:00:00Z` are equal.
 */

/**
 * `iso`: RFC 3339 text. `epochMs`, `epochSeconds`: numbers. `integer`: a sequence. `text`: sorts by UTF-16 code unit.
 */
export type WatermarkKind = 'iso' | 'epochMs' | 'epochSeconds' | 'integer' | 'text'
export type Position = bigint | string

const NS_PER_MS = 1_000_000n
const NS_PER_SECOND = 1_000_000_000n
const NS_PER_DAY = 86_400n * NS_PER_SECOND
const RFC_3339 =
  /^(\d{4})-(\d\d)-(\d\d)(?:[Tt ](\d\d):(\d\d)(?::(\d\d)(?:[.,](\d{1,9})\d*)?)?\s*(Z|z|[+-]\d\d(?::?\d\d)?)?)?$/
/** What four digits of a year can say: an instant outside gives no position. */
const INSTANT_MIN = -62_167_219_200n * NS_PER_SECOND
const INSTANT_MAX = 253_402_300_800n * NS_PER_SECOND - 1n
const INTEGER = /^[+-]?\d{1,30}$/

export const isInstant = (kind: WatermarkKind): boolean =>
  kind === 'iso' || kind === 'epochMs' || kind === 'epochSeconds'

/** The position that a record's field value stands for, or null when it gives none (null, missing, not of the kind). */
export function positionOf(kind: WatermarkKind, value: unknown): Position | null {
  if (kind === 'text') return typeof value === 'string' && value !== '' ? value : null
  if (kind === 'iso') return typeof value === 'string' ? instantNs(value) : null
  if (kind === 'epochSeconds') return inRange(secondsNs(value))
  const integer = integerOf(value)
  return kind === 'epochMs' && integer !== null ? inRange(integer * NS_PER_MS) : integer
}

/**
 * The position that a person means who writes a value: as the field has it, or a time for a field that counts from the
 * epoch.
 */
export const writtenPosition = (kind: WatermarkKind, value: string | number): Position | null =>
  positionOf(kind, value) ?? (isInstant(kind) ? positionOf('iso', value) : null)

/**
 * The text of a position, as it is stored in markers, checkpoints and commits: instants in UTC with no trailing zeros.
 */
export function watermarkText(kind: WatermarkKind, position: Position): string {
  return isInstant(kind) && typeof position === 'bigint' ? isoText(position) : position.toString()
}

/** Reads what `watermarkText` wrote; null for a text of another kind. */
export function positionOfText(kind: WatermarkKind, text: string): Position | null {
  if (kind === 'text') return text === '' ? null : text
  if (isInstant(kind)) return instantNs(text)
  return integerOf(text)
}

/** What markers, checkpoints and commits have room for, as JSON; only a text can be longer. */
export const WATERMARK_BYTES_MAX = 240

/**
 * A text that is too long is cut: what opens a text sorts before it, so the API is asked for more, never for less. Null
 * where nothing is left. Not cut inside a character, since half of one would be sent as another that sorts higher.
 */
export function boundedWatermark(text: string): string | null {
  let bytes = 0
  let length = 0
  for (const character of text) {
    bytes += Buffer.byteLength(JSON.stringify(character)) - QUOTES_BYTES
    if (bytes > WATERMARK_BYTES_MAX) break
    length += character.length
  }
  return text.slice(0, length) || null
}

const QUOTES_BYTES = 2

/** Negative, zero or positive; both positions are of one kind. */
export function comparePositions(a: Position, b: Position): number {
  return a < b ? -1 : a > b ? 1 : 0
}

export const maxPosition = (a: Position | null, b: Position | null): Position | null =>
  a === null ? b : b === null ? a : later(a, b)

/**
 * One lookback earlier. `amount` is in milliseconds for instants and in units for integers; text has no earlier. A
 * sequence does not go below zero by that, since APIs refuse a negative number.
 */
export function earlier(kind: WatermarkKind, position: Position, amount: number): Position {
  if (typeof position === 'string') return position
  const less = BigInt(Math.round(amount))
  if (isInstant(kind)) return later(INSTANT_MIN, position - less * NS_PER_MS)
  return position < 0n ? position - less : later(0n, position - less)
}

/**
 * The smallest step of what the API is asked with, in nanoseconds or units: an exclusive `since` is asked one such step
 * earlier.
 */
export function stepBefore(kind: WatermarkKind, position: Position, form: WatermarkForm): Position {
  if (typeof position === 'string') return position
  if (kind === 'integer') return position - 1n
  return later(INSTANT_MIN, position - unitNs(form))
}

/**
 * The smallest step later that the request can say, rounded up: everything at `position` lies before it. A text has
 * none.
 */
export function stepAfter(kind: WatermarkKind, position: Position, form: WatermarkForm): Position {
  if (typeof position === 'string') return position
  if (kind === 'integer') return position + 1n
  return (floorDiv(position, unitNs(form)) + 1n) * unitNs(form)
}

function unitNs(form: WatermarkForm): bigint {
  if (form === 'isoDate') return NS_PER_DAY
  return form === 'isoSeconds' || form === 'epochSeconds' ? NS_PER_SECOND : NS_PER_MS
}

/** The unit of a form of instants, in milliseconds. */
export const formUnitMs = (form: WatermarkForm): number => Number(unitNs(form) / NS_PER_MS)

/** How a watermark is written into a request. */
export type WatermarkForm = 'iso' | 'isoSeconds' | 'isoLocal' | 'isoDate' | 'epochMs' | 'epochSeconds' | 'plain'

/** `isLocal`: the API writes times in UTC without saying so, and is asked in the same way. */
export const naturalForm = (kind: WatermarkKind, isLocal = false): WatermarkForm =>
  kind === 'iso' ? (isLocal ? 'isoLocal' : 'iso') : kind === 'epochMs' || kind === 'epochSeconds' ? kind : 'plain'

/**
 * The request's text. Instants are rounded down, so that what was rounded away is asked for again rather than missed.
 * Milliseconds have three digits always: an API that compares texts takes `24.1Z` for later than its own `24.100Z`, and
 * would leave that record out.
 */
export function requestText(position: Position, form: WatermarkForm): string {
  if (typeof position === 'string' || form === 'plain') return position.toString()
  if (form === 'epochMs') return floorDiv(position, NS_PER_MS).toString()
  if (form === 'epochSeconds') return floorDiv(position, NS_PER_SECOND).toString()
  if (form === 'isoDate') return isoText(position).slice(0, 10)
  if (form === 'isoSeconds') return isoText(floorDiv(position, NS_PER_SECOND) * NS_PER_SECOND)
  const text = new Date(Number(floorDiv(position, NS_PER_MS))).toISOString()
  return form === 'isoLocal' ? text.slice(0, -1) : text
}

const [DASH, COLON, POINT, T, Z] = [0x2d, 0x3a, 0x2e, 0x54, 0x5a]
/** Days before each month, January first, in years that begin with March, so that the leap day is the last one. */
const DAYS_BEFORE = [306, 337, 0, 31, 61, 92, 122, 153, 184, 214, 245, 275] as const
/** From the beginning of such a year 0 to one day before the epoch. */
const DAYS_TO_EPOCH = 719_469
const MS_PER_MINUTE = 60_000

/**
 * Of what most APIs write, `2026-01-31T23:59:59Z` with or without milliseconds: milliseconds since the epoch, null for
 * every other text, days that not every month has and leap seconds among them. Ten times as fast as the way below,
 * since every record comes here several times.
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

/** NaN where there is something else: it lies in no range. */
const twoDigits = (text: string, at: number): number => digit(text, at) * 10 + digit(text, at + 1)

function digit(text: string, at: number): number {
  const value = text.charCodeAt(at) - 0x30
  return value >= 0 && value <= 9 ? value : Number.NaN
}

/**
 * RFC 3339, and what APIs write instead: a date alone, a blank for the T, no zone (then UTC). Null for 31 February and
 * the like.
 */
function instantNs(text: string): bigint | null {
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

const inRange = (ns: bigint | null): bigint | null => (ns === null || ns < INSTANT_MIN || ns > INSTANT_MAX ? null : ns)
const later = <P extends Position>(a: P, b: P): P => (a > b ? a : b)

function secondsNs(value: unknown): bigint | null {
  const match = /^([+-]?\d{1,18})(?:\.(\d{1,9})\d*)?$/.exec(
    typeof value === 'number' || typeof value === 'string' ? String(value) : '',
  )
  if (!match) return null
  const [, whole = '', digits = ''] = match
  const fraction = BigInt(digits.padEnd(9, '0'))
  return BigInt(whole) * NS_PER_SECOND + (whole.startsWith('-') ? -fraction : fraction)
}

function integerOf(value: unknown): bigint | null {
  if (typeof value === 'number') return Number.isSafeInteger(value) ? BigInt(value) : null
  const text = typeof value === 'bigint' ? value.toString() : value
  return typeof text === 'string' && INTEGER.test(text) ? BigInt(text) : null
}

function isoText(ns: bigint): string {
  const seconds = floorDiv(ns, NS_PER_SECOND)
  const fraction = (ns - seconds * NS_PER_SECOND).toString().padStart(9, '0').replace(/0+$/, '')
  const head = new Date(Number(seconds) * 1000).toISOString().slice(0, 19)
  return fraction === '' ? `${head}Z` : `${head}.${fraction}Z`
}

function floorDiv(a: bigint, b: bigint): bigint {
  const quotient = a / b
  return a % b < 0n ? quotient - 1n : quotient
}
