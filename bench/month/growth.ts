/**
 * Whether something grew over the month: by the slope over the days after the warm-up, so that one high measure says
 * little. Pure.
 */
import { rounded, slopeOf } from '../numbers.ts'

export type Daily = { day: number; value: number }
export type Growth = {
  /** By the line through the measures, at the first and the last day of them. */
  first: number
  last: number
  /** From the first to the last, in percent of the first. */
  percent: number
  within: boolean
}

export const GROWTH_PERCENT_MAX = 5
const PERCENT = 100

/** Null for fewer than two measures from `fromDay` on. */
export function growthOf(series: readonly Daily[], fromDay: number): Growth | null {
  const counted = series.filter(({ day }) => day >= fromDay)
  const [start, end] = [counted[0], counted.at(-1)]
  if (start === undefined || end === undefined || end.day === start.day) return null
  const slope = slopeOf(counted.map(({ day, value }) => ({ x: day, y: value })))
  const mean = (of: (each: Daily) => number) => counted.reduce((sum, each) => sum + of(each), 0) / counted.length
  const at = (day: number) => mean(({ value }) => value) + slope * (day - mean((each) => each.day))
  const [first, last] = [at(start.day), at(end.day)]
  return grown(first, last)
}

/** Of two measures alone: for counts, which have no slope. Null where one is missing. */
export function changeOf(series: readonly Daily[], fromDay: number): Growth | null {
  const counted = series.filter(({ day }) => day >= fromDay)
  const [start, end] = [counted[0], counted.at(-1)]
  return start === undefined || end === undefined || start === end ? null : grown(start.value, end.value)
}

function grown(first: number, last: number): Growth {
  const percent = first === 0 ? (last === 0 ? 0 : PERCENT) : ((last - first) / first) * PERCENT
  return { first, last, percent: rounded(percent, 1), within: percent <= GROWTH_PERCENT_MAX }
}
