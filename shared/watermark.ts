/**
 * Watermarks by value. A watermark is the text that is stored and sent; a position is its value. That is nanoseconds
 * since the epoch for instants, the integer itself for sequences, the text for keys that sort. Comparison is by
 * position, never by text: `2026-01-01T01:00:00+01:00` and `2026-01-01T00:00:00Z` are equal.
 */

import { longestMs, type Step, stepEarlier } from './calendar.ts'
import {
  floorDiv,
  INSTANT_MIN,
  inRange,
  instantNs,
  isoText,
  NS_PER_DAY,
  NS_PER_MS,
  NS_PER_SECOND,
  secondsNs,
} from './instant.ts'

/**
 * `iso`: RFC 3339 text. `epochMs`, `epochSeconds`: numbers. `integer`: a sequence. `text`: sorts by UTF-16 code unit.
 */
export type WatermarkKind = 'iso' | 'epochMs' | 'epochSeconds' | 'integer' | 'text'
export type Position = bigint | string

const INTEGER = /^[+-]?\d{1,30}$/

export const isInstant = (kind: WatermarkKind): boolean =>
  kind === 'iso' || kind === 'epochMs' || kind === 'epochSeconds'

/** The position of a record's field value, or null when it has none (null, missing, not of the kind). */
export function positionOf(kind: WatermarkKind, value: unknown): Position | null {
  if (kind === 'text') return typeof value === 'string' && value !== '' ? value : null
  if (kind === 'iso') return typeof value === 'string' ? instantNs(value) : null
  if (kind === 'epochSeconds') return inRange(secondsNs(value))
  const integer = integerOf(value)
  return kind === 'epochMs' && integer !== null ? inRange(integer * NS_PER_MS) : integer
}

/**
 * The position of a value that a person writes. It has the form of the field, or is a time for a field that counts from
 * the epoch.
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

/** The room in markers, checkpoints and commits, as JSON; only a text can be longer. */
export const WATERMARK_BYTES_MAX = 240

/**
 * Cuts a text that is too long. A prefix sorts before the whole text, so the API is asked for more, never for less.
 * Null where nothing remains. Never cut inside a character, since half of one would be sent as another that sorts
 * higher.
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

/** Whether each position is at or after the one before it. */
export const isAscending = (positions: readonly Position[]): boolean =>
  positions.every((position, at) => comparePositions(positions[at - 1] ?? position, position) <= 0)

export const maxPosition = (a: Position | null, b: Position | null): Position | null =>
  a === null ? b : b === null ? a : later(a, b)

/**
 * One lookback earlier. `amount` is a step of time for instants and a number of units for integers; a text is
 * unchanged. A sequence does not go below zero by it, since APIs refuse negative numbers.
 */
export function earlier(kind: WatermarkKind, position: Position, amount: Step): Position {
  if (typeof position === 'string') return position
  if (isInstant(kind)) return later(INSTANT_MIN, stepEarlier(position, amount))
  const less = BigInt(Math.round(longestMs(amount)))
  return position < 0n ? position - less : later(0n, position - less)
}

/** The position one step earlier, in the unit of the request's form: an exclusive `since` is sent one step earlier. */
export function stepBefore(kind: WatermarkKind, position: Position, form: WatermarkForm): Position {
  if (typeof position === 'string') return position
  if (kind === 'integer') return position - 1n
  return later(INSTANT_MIN, position - unitNs(form))
}

/**
 * The position of the next step that the request can express, rounded up: everything at `position` is before it. A text
 * has none.
 */
export function stepAfter(kind: WatermarkKind, position: Position, form: WatermarkForm): Position {
  if (typeof position === 'string') return position
  if (kind === 'integer') return position + 1n
  return (floorDiv(position, unitNs(form)) + 1n) * unitNs(form)
}

function unitNs(form: WatermarkForm): bigint {
  if (typeof form === 'object') return form.unitNs
  if (form === 'isoDate') return NS_PER_DAY
  return form === 'isoSeconds' || form === 'epochSeconds' || form === 'httpDate' ? NS_PER_SECOND : NS_PER_MS
}

/** Rounded down to the unit of the form: what the text of a request means. */
export const roundedDown = (kind: WatermarkKind, position: Position, form: WatermarkForm): Position =>
  typeof position === 'string' || !isInstant(kind) ? position : floorDiv(position, unitNs(form)) * unitNs(form)

/** The unit of a form of instants, in milliseconds. */
export const formUnitMs = (form: WatermarkForm): number => Number(unitNs(form) / NS_PER_MS)

/** Forms of instants; `plain` is for all others. `httpDate`: as If-Modified-Since has it (RFC 9110, section 5.6.7). */
export const FORMS = [
  'iso',
  'isoSeconds',
  'isoLocal',
  'isoDate',
  'epochMs',
  'epochSeconds',
  'httpDate',
  'plain',
] as const
/** An author's form. `unitNs`: of an instant, the precision of its text. */
export type OwnForm = { write(position: Position): string; unitNs: bigint }
/** How a watermark is written into a request. */
export type WatermarkForm = (typeof FORMS)[number] | OwnForm

/** `isLocal`: the API writes times in UTC without an offset, and expects them so in requests. */
export const naturalForm = (kind: WatermarkKind, isLocal = false): WatermarkForm =>
  kind === 'iso' ? (isLocal ? 'isoLocal' : 'iso') : kind === 'epochMs' || kind === 'epochSeconds' ? kind : 'plain'

/**
 * The watermark as the request writes it. Instants are rounded down, so what was rounded away is fetched again rather
 * than missed. Milliseconds always have three digits: an API that compares texts takes `24.1Z` for later than its own
 * `24.100Z`, and would miss that record.
 */
export function requestText(position: Position, form: WatermarkForm): string {
  if (typeof form === 'object')
    return form.write(typeof position === 'string' ? position : floorDiv(position, form.unitNs) * form.unitNs)
  if (typeof position === 'string' || form === 'plain') return position.toString()
  if (form === 'epochMs') return floorDiv(position, NS_PER_MS).toString()
  if (form === 'epochSeconds') return floorDiv(position, NS_PER_SECOND).toString()
  if (form === 'isoDate') return isoText(position).slice(0, 10)
  if (form === 'isoSeconds') return isoText(floorDiv(position, NS_PER_SECOND) * NS_PER_SECOND)
  const date = new Date(Number(floorDiv(position, NS_PER_MS)))
  if (form === 'httpDate') return date.toUTCString()
  const text = date.toISOString()
  return form === 'isoLocal' ? text.slice(0, -1) : text
}

const later = <P extends Position>(a: P, b: P): P => (a > b ? a : b)

function integerOf(value: unknown): bigint | null {
  if (typeof value === 'number') return Number.isSafeInteger(value) ? BigInt(value) : null
  const text = typeof value === 'bigint' ? value.toString() : value
  return typeof text === 'string' && INTEGER.test(text) ? BigInt(text) : null
}
