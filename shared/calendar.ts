/**
 * Steps of time: a number of milliseconds, or months of the calendar in UTC and milliseconds behind them. A day that
 * the month has not is its last one, as 31 January and one month give 28 February. Pure.
 */
import { floorDiv, NS_PER_DAY, NS_PER_MS } from './instant.ts'

export type CalendarStep = { months: number; ms: number }
export type Step = number | CalendarStep

const DAY_MS = 86_400_000
const MONTH_DAYS_MAX = 31

/** One step later; both in nanoseconds. */
export function stepLater(ns: bigint, step: Step): bigint {
  if (typeof step === 'number') return ns + BigInt(Math.round(step)) * NS_PER_MS
  return monthsLater(ns, step.months) + BigInt(step.ms) * NS_PER_MS
}

export function stepEarlier(ns: bigint, step: Step): bigint {
  if (typeof step === 'number') return ns - BigInt(Math.round(step)) * NS_PER_MS
  return monthsLater(ns, -step.months) - BigInt(step.ms) * NS_PER_MS
}

/** The longest that the step can be, in milliseconds. */
export const longestMs = (step: Step): number =>
  typeof step === 'number' ? step : step.months * MONTH_DAYS_MAX * DAY_MS + step.ms

function monthsLater(ns: bigint, months: number): bigint {
  const day = floorDiv(ns, NS_PER_DAY)
  const date = new Date(Number(day) * DAY_MS)
  const wanted = date.getUTCDate()
  date.setUTCDate(1)
  date.setUTCMonth(date.getUTCMonth() + months)
  const last = new Date(date)
  last.setUTCMonth(last.getUTCMonth() + 1, 0)
  date.setUTCDate(Math.min(wanted, last.getUTCDate()))
  return BigInt(date.getTime() / DAY_MS) * NS_PER_DAY + (ns - day * NS_PER_DAY)
}
