/**
 * The range of a backfill: positions of the watermark field, half-open, so that chained ranges neither overlap nor
 * leave a gap. Records of the API outside it are dropped here, whatever its requests can express. Pure.
 */

import { createHash } from 'node:crypto'
import { HEADRACE } from '#shared/config/called-as.ts'
import type { Stream, Watermarking } from '#shared/declaration/compile.ts'
import { WrongUse } from '#shared/errors.ts'
import { NS_PER_MS } from '#shared/instant.ts'
import {
  comparePositions,
  isAscending,
  isInstant,
  type Position,
  positionOf,
  positionOfText,
  watermarkText,
} from '#shared/watermark.ts'
import type { ValidatedPage } from '../validate/validated-page.ts'

/** As `watermarkText` writes them. */
export type BackfillRange = { from: string; to: string }

/** Characters of a range that may be in a group's name unchanged; an author's texts can be anything. */
const PLAIN = /^[A-Za-z\d.:+-]{1,60}$/

/** Parses what a person typed: times, or numbers as the field is written. Throws WrongUse. */
export function rangeOf(stream: Stream, typed: BackfillRange, nowMs: number): BackfillRange {
  const { watermark, label } = stream
  if (watermark === null) {
    throw new WrongUse('HR_RANGE', `${label} has no watermark: the API cannot be asked for a range of it`, {
      hint: `${HEADRACE} fetch ${label} --full reads everything again`,
    })
  }
  const { kind, field } = watermark
  const read = (option: string, text: string): Position => {
    const position = positionOf(kind, text) ?? positionOfText(kind, text)
    if (position !== null) return position
    throw new WrongUse('HR_RANGE', `--${option} ${text}: is not a value of "${field}" of ${label}`, {
      hint: HINTS[kind],
    })
  }
  const [from, to] = [read('from', typed.from), read('to', typed.to)]
  if (comparePositions(from, to) >= 0) {
    throw new WrongUse('HR_RANGE', `--from ${typed.from} is not before --to ${typed.to}`, {
      hint: 'the end itself is not in the range',
    })
  }
  if (isInstant(kind) && comparePositions(to, BigInt(nowMs) * NS_PER_MS) > 0) {
    throw new WrongUse(
      'HR_RANGE',
      `--to ${typed.to} lies in the future: what belongs to the range is not all there yet`,
      {
        hint: 'end it now at the latest; what comes later is what regular runs are for',
      },
    )
  }
  return { from: watermarkText(kind, from), to: watermarkText(kind, to) }
}

const TIME = 'write a time: 2026-01-31T00:00:00Z, or 2026-01-31'
const HINTS = {
  iso: TIME,
  epochMs: TIME,
  epochSeconds: TIME,
  integer: 'write a whole number',
  text: 'write the text as the field has it',
}

/** Names the range among all of a stream. */
export function rangeId({ from, to }: BackfillRange): string {
  return PLAIN.test(from) && PLAIN.test(to)
    ? `${from}_${to}`
    : createHash('sha256')
        .update(JSON.stringify([from, to]))
        .digest('hex')
        .slice(0, 32)
}

export type Ends = { from: Position; to: Position }

/** Null if it is not a range of this stream: then nothing is dropped. */
export function endsOf({ watermark }: Stream, range: BackfillRange | undefined): Ends | null {
  if (watermark === null || range === undefined) return null
  const [from, to] = [positionOfText(watermark.kind, range.from), positionOfText(watermark.kind, range.to)]
  return from === null || to === null ? null : { from, to }
}

const isIn = (position: Position | null, { from, to }: Ends): boolean =>
  position === null || (comparePositions(position, from) >= 0 && comparePositions(position, to) < 0)

/**
 * Drops the records outside the range. A rejected record is dropped only if its position can be read and is outside.
 */
export function within(stream: Stream, page: ValidatedPage, ends: Ends): ValidatedPage {
  return {
    ...page,
    records: page.records.filter(({ position }) => isIn(position, ends)),
    rejected: page.rejected.filter(({ raw }) => isIn(positionInText(stream, raw), ends)),
  }
}

/** The position of a record as the API sent it; null if that cannot be read, or if `map` makes the field. */
export function rawPosition({ watermark, map }: Stream, record: unknown): Position | null {
  if (watermark === null || map !== undefined || typeof record !== 'object' || record === null) return null
  return fieldPosition(watermark, record)
}

/** The position of a record's field, in whatever form its type takes. */
export function fieldPosition({ kind, field, read }: Watermarking, record: object): Position | null {
  const value: unknown = Reflect.get(record, field)
  return positionOf(kind, read === undefined ? value : read(value))
}

function positionInText(stream: Stream, raw: string): Position | null {
  try {
    return rawPosition(stream, JSON.parse(raw))
  } catch {
    return null
  }
}

/** Whether a walk in the order of the field has passed the end with this page; an unordered page never shows it. */
export function isPast(page: ValidatedPage, { to }: Ends): boolean {
  const positions = page.records.flatMap(({ position }) => position ?? [])
  const last = positions.at(-1)
  return isAscending(positions) && last !== undefined && comparePositions(last, to) >= 0
}
