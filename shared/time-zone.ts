/**
 * Offsets of time zones from UTC: `UTC`, a fixed offset such as `+02:00`, or a name of the IANA database. A local time
 * that comes twice means its first coming; one that is skipped moves forward, as clocks do. Pure, with a bounded cache.
 */
import { MINUTE_MS } from './units.ts'

const HOUR_MS = 60 * MINUTE_MS
const DAY_MS = 24 * HOUR_MS
/** Every change of an offset since 1970 lies on such a boundary. */
const STEP_MS = 15 * MINUTE_MS
const CACHED_MAX = 10_000
/** The years in which a zone is searched for changes of its clocks. */
const [YEAR_FIRST, YEAR_LAST] = [2000, 2037]

export type Zone = {
  name: string
  /** What local clocks are ahead of UTC at this instant; both in milliseconds. */
  offsetMs(utcMs: number): number
}

/** Null for a zone that is not known. */
export function zoneOf(name: string): Zone | null {
  if (name === 'UTC') return { name, offsetMs: () => 0 }
  const fixed = /^([+-])(\d\d):?(\d\d)$/.exec(name)
  if (fixed !== null) {
    const ahead = (Number(fixed[2]) * 60 + Number(fixed[3])) * MINUTE_MS * (fixed[1] === '-' ? -1 : 1)
    return Math.abs(ahead) < DAY_MS ? { name, offsetMs: () => ahead } : null
  }
  return namedZone(name)
}

function namedZone(name: string): Zone | null {
  const clock = clockOf(name)
  if (clock === null) return null
  const known = new Map<number, number>()
  return {
    name,
    offsetMs(utcMs) {
      const step = Math.floor(utcMs / STEP_MS)
      const cached = known.get(step)
      if (cached !== undefined) return cached
      const from = step * STEP_MS
      const parts = Object.fromEntries(clock.formatToParts(from).map(({ type, value }) => [type, Number(value)]))
      const { year = 0, month = 1, day = 1, hour = 0, minute = 0, second = 0 } = parts
      const ahead = Date.UTC(year, month - 1, day, hour, minute, second) - from
      if (known.size >= CACHED_MAX) known.clear()
      known.set(step, ahead)
      return ahead
    },
  }
}

function clockOf(timeZone: string): Intl.DateTimeFormat | null {
  const part = 'numeric' as const
  const parts = { year: part, month: part, day: part, hour: part, minute: part, second: part }
  try {
    return new Intl.DateTimeFormat('en-US', { timeZone, hourCycle: 'h23', ...parts })
  } catch {
    return null
  }
}

/** The instant of a local time, given as if it were in UTC; both in milliseconds. */
export function utcOfLocal({ offsetMs }: Zone, localMs: number): number {
  // A day before and a day behind, no change of this very time counts.
  const [before, after] = [offsetMs(localMs - DAY_MS), offsetMs(localMs + DAY_MS)]
  const first = localMs - before
  if (before === after || offsetMs(first) === before) return first
  const second = localMs - after
  return offsetMs(second) === after ? second : first
}

/** Whether the clocks of the zone ever change: then hours of it come twice. */
export function changesClocks({ offsetMs }: Zone): boolean {
  const offsets = new Set<number>()
  for (let year = YEAR_FIRST; year <= YEAR_LAST; year++)
    for (let month = 0; month < 12; month++) offsets.add(offsetMs(Date.UTC(year, month, 1)))
  return offsets.size > 1
}
