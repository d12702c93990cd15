/**
 * Detects texts that look like times or numbers and do not sort as such. As a watermark they lose records. A local time
 * is repeated when clocks go back, so a change in the second hour sorts before the watermark. "31/12/2026" sorts after
 * "01/01/2027", and "9" after "10", so an older version of a row wins.
 */
import type { z } from 'zod'
import type { WatermarkKind } from '../watermark.ts'

export type Disorder = { what: string; hint: string; isLocal?: true }

const DAY = String.raw`(?:mon|tue|wed|thu|fri|sat|sun)[a-z]*\.?`
const MONTH = String.raw`(?:jan|feb|mar|apr|may|jun|jul|aug|sep|oct|nov|dec)[a-z]*\.?`
/** Fixed lengths sort: 20260131, 202601311020, 20260131102030. */
const COMPACT = /^(?:19|20)\d{6}(?:\d{4}(?:\d\d)?)?$/
const LOCAL = /^\d{4}-\d\d-\d\d[Tt ]\d\d:\d\d(?::\d\d(?:[.,]\d+)?)?$/
const OFFSET = /^\d{4}-\d\d-\d\d[Tt ]\d\d:\d\d(?::\d\d(?:[.,]\d+)?)?\s?(?![+-]00:?00$)[+-]\d\d(?::?\d\d)?$/

export const LOCAL_TIME: Disorder = {
  what: 'a time without an offset, which repeats when clocks go back: changes in the second hour would be lost',
  hint: "request times in UTC or with an offset, or use a field that only grows; for times in UTC, add zone: 'UTC'",
  isLocal: true,
}
const AS_INSTANT = 'convert it in map into a timestamp with an offset, and declare z.iso.datetime({ offset: true })'

const FORMS: readonly [RegExp, Disorder][] = [
  [LOCAL, LOCAL_TIME],
  [
    OFFSET,
    {
      what: 'a time with an offset, which sorts by its local part',
      hint: 'declare it as z.iso.datetime({ offset: true })',
    },
  ],
  [
    /^\d{1,2}([./-])\d{1,2}\1(?:\d{4}|\d\d)(?!\d)/,
    { what: 'a date that does not start with its year', hint: AS_INSTANT },
  ],
  [/^\d{4}[./-](?:\d[./-]|\d\d[./-]\d(?!\d))/, { what: 'a date without leading zeros', hint: AS_INSTANT }],
  [
    new RegExp(`^(?:${DAY},?\\s+)?(?:\\d{1,2}[\\s-]+${MONTH}|${MONTH}\\s+\\d{1,2})(?!\\w)`, 'i'),
    { what: 'a date with the name of a month', hint: AS_INSTANT },
  ],
  [
    /^\d{1,2}:\d\d(?::\d\d(?:[.,]\d+)?)?\s*(?:[ap]\.?m\.?)?$/i,
    { what: 'a time of the day, which repeats every day', hint: 'use a field that includes the date' },
  ],
]

/** Numbers of one length sort, as with leading zeros: a single one proves nothing. */
const NUMBER: Disorder = {
  what: 'numbers of any length, and as text 9 sorts after 10',
  hint: 'declare it as int64(), which accepts texts too',
}

/** Null for a text that sorts, or that cannot be classified. */
export function disorderOf(text: string): Disorder | null {
  if (COMPACT.test(text)) return null
  return FORMS.find(([form]) => form.test(text))?.[1] ?? null
}

/**
 * The same for one record's watermark. An instant is compared by its value, so only a missing offset matters; most end
 * with Z.
 */
export function disorderOfValue(kind: WatermarkKind, value: unknown, zone: string | undefined): Disorder | null {
  if (typeof value !== 'string' || (kind !== 'text' && kind !== 'iso')) return null
  if (kind === 'iso') return value.endsWith('Z') || zone === 'UTC' || !LOCAL.test(value) ? null : LOCAL_TIME
  const disorder = disorderOf(value)
  return disorder?.isLocal === true && zone === 'UTC' ? null : disorder
}

/** One of each form that APIs write. */
const LOCAL_TIMES = [
  'T10:20:30',
  'T10:20',
  'T10:20:30.1',
  'T10:20:30.12',
  'T10:20:30.123',
  'T10:20:30.123456',
  ' 10:20:30',
  ' 10:20',
  ' 10:20:30.123',
].map((time) => `2026-01-31${time}`)
const OTHERS = [
  ...['2026-01-31T10:20:30+01:00', '2026-01-31 10:20:30+0100', '31/12/2026', '12/31/2026', '1/2/2026', '31.12.2026'],
  ...[
    '31-12-2026',
    '2026-1-5',
    '2026/1/5',
    'Sat, 31 Jan 2026 10:20:30 GMT',
    'Sat, 31 Jan 2026 10:20:30 +0000',
    '31 Jan 2026',
    '31-Jan-2026',
    'Jan 31, 2026',
  ],
  ...['January 31, 2026', '9:05', '09:05', '09:05:10', '09:05:10.123', '9:05 AM', '9:05:10 AM'],
]
const NUMBERS = ['7', '12', '1234', '12345678', '1234567890', '1.5']
/** A schema that accepts these accepts every text, so nothing follows from it. */
const ANYTHING = ['~', 'some text', '?!']

/** Unsortable texts that a field's own schema accepts; null where nothing is certain. */
export function disorderIn(schema: z.ZodType, kind: 'iso' | 'text'): Disorder | null {
  if (takesAnything(schema)) return null
  // Instants are compared by value: only a missing offset makes that ambiguous.
  for (const text of kind === 'iso' ? LOCAL_TIMES : [...LOCAL_TIMES, ...OTHERS]) {
    const kept = passed(schema, text)
    const disorder = kept === null ? null : disorderOf(kept)
    if (disorder !== null) return disorder
  }
  return kind === 'text' && NUMBERS.filter((text) => passed(schema, text) !== null).length > 1 ? NUMBER : null
}

export const takesAnything = (schema: z.ZodType): boolean => ANYTHING.some((text) => passed(schema, text) !== null)

function passed(schema: z.ZodType, text: string): string | null {
  try {
    const parsed = schema.safeParse(text)
    return parsed.success && typeof parsed.data === 'string' ? parsed.data : null
  } catch {
    return null
  }
}
