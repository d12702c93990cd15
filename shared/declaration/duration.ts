/**
 * Durations as a person writes them: `500ms`, `90s`, `5m`, `6h`, `1d`; or as ISO 8601 does: `PT5M`, `P30D`. In whole
 * milliseconds, ten years at most. Where a calendar counts, months and years can be steps too: `P1M`, `P1Y`.
 */
import { z } from 'zod'
import type { Step } from '../calendar.ts'

const UNIT_MS = { ms: 1, s: 1_000, m: 60_000, h: 3_600_000, d: 86_400_000 } as const
const DURATION_MAX_MS = 3650 * UNIT_MS.d
const MONTHS_MAX = 120
const EXPECTED = 'expected a duration such as 500ms, 90s, 5m, 6h or 1d'
const EXPECTED_STEP = `${EXPECTED}, or P1M and P1Y for months and years`

const SHORT = /^(\d{1,12}(?:\.\d{1,6})?)(ms|s|m|h|d)$/
/** Of ISO 8601, section 5.5.2: a part at least, and one behind the T. */
const ISO_DATE = '(?:(\\d{1,3})Y)?(?:(\\d{1,4})M)?(?:(\\d{1,4})W)?(?:(\\d{1,5})D)?'
const ISO_TIME = '(?:(\\d{1,6})H)?(?:(\\d{1,8})M)?(?:(\\d{1,9}(?:\\.\\d{1,6})?)S)?'
const ISO = new RegExp(`^P(?=.)${ISO_DATE}(?:T(?=.)${ISO_TIME})?$`)

/** Null for a text that is none. */
function stepIn(text: string): Step | null {
  const [, amount, unit] = SHORT.exec(text) ?? []
  if (unit !== undefined) return Math.round(Number(amount) * UNIT_MS[unit as keyof typeof UNIT_MS])
  const parts = ISO.exec(text)
  if (parts === null) return null
  const [years = 0, months = 0, weeks = 0, days = 0, hours = 0, minutes = 0, seconds = 0] = parts
    .slice(1)
    .map((part) => Number(part ?? 0))
  const inDays = (weeks * 7 + days) * UNIT_MS.d
  const ms = inDays + Math.round(hours * UNIT_MS.h + minutes * UNIT_MS.m + seconds * UNIT_MS.s)
  return years + months === 0 ? ms : { months: years * 12 + months, ms }
}

const isShort = (step: Step): boolean =>
  typeof step === 'number' ? step <= DURATION_MAX_MS : step.months <= MONTHS_MAX && step.ms <= DURATION_MAX_MS

const textFor = (expected: string, isTaken: (step: Step) => boolean) =>
  z.string({ error: (issue) => (issue.input === undefined ? undefined : expected) }).refine(
    (text) => {
      const step = stepIn(text)
      return step !== null && isTaken(step)
    },
    { error: expected, abort: true },
  )

export const duration = textFor(EXPECTED, (step) => typeof step === 'number')
  .transform((text): number => stepIn(text) as number)
  .refine(isShort, 'expected a duration of at most ten years (3650d)')

export const positiveDuration = duration.refine((ms) => ms > 0, 'expected a duration of at least 1ms')

/** A duration, or a step of the calendar in UTC. */
export const calendarDuration = textFor(EXPECTED_STEP, () => true)
  .transform((text): Step => stepIn(text) ?? 0)
  .refine(isShort, 'expected a duration of at most ten years (3650d, P10Y)')

export const positiveCalendarDuration = calendarDuration.refine(
  (step) => typeof step === 'object' || step > 0,
  'expected a duration of at least 1ms',
)
