/**
 * What a process costs, as Linux counts it in /proc: CPU-seconds and resident memory. Elsewhere there is no /proc and
 * every number is null; the report says so. A sample is taken every `SAMPLE_EVERY_MS`, so what a process did after its
 * last one is missing.
 */

import { readFileSync } from 'node:fs'
import { systemClock } from '#shared/clock.ts'
import { MINUTE_MS } from '#shared/units.ts'
import { median, type Point, rounded, slopeOf } from './numbers.ts'

export type Sample = { atMs: number; cpuSeconds: number; residentMb: number; peakMb: number }
export type Watching = { samples: readonly Sample[]; end(): readonly Sample[] }

const SAMPLE_EVERY_MS = 50
/** sysconf(_SC_CLK_TCK) of every Linux that Node runs on. */
export const TICKS_A_SECOND = 100
const KIB_A_MB = 1024
/** Of /proc/PID/stat, counted behind the closing parenthesis of the command's name. */
const UTIME_AT = 11
const STIME_AT = 12
const CHILDREN_UTIME_AT = 13
const CHILDREN_STIME_AT = 14

/** Null where there is no /proc, or no such process any more. */
export function sampleOf(pid: number): Sample | null {
  try {
    const fields = statOf(String(pid))
    const status = readFileSync(`/proc/${pid}/status`, 'latin1')
    const mb = (name: string) =>
      Number(new RegExp(`^${name}:\\s+(\\d+)`, 'm').exec(status)?.[1] ?? Number.NaN) / KIB_A_MB
    const sample = {
      atMs: systemClock.elapsedMs(),
      cpuSeconds: (Number(fields[UTIME_AT]) + Number(fields[STIME_AT])) / TICKS_A_SECOND,
      residentMb: mb('VmRSS'),
      peakMb: mb('VmHWM'),
    }
    // A process that has ended and is not yet reaped has no memory.
    return Number.isNaN(sample.residentMb) ? null : sample
  } catch {
    return null
  }
}

/** CPU-seconds of this process and of its children that have ended. */
export function cpuOfTree(): number | null {
  try {
    const fields = statOf('self')
    return (
      [UTIME_AT, STIME_AT, CHILDREN_UTIME_AT, CHILDREN_STIME_AT].reduce((sum, at) => sum + Number(fields[at]), 0) /
      TICKS_A_SECOND
    )
  } catch {
    return null
  }
}

function statOf(pid: string): string[] {
  const stat = readFileSync(`/proc/${pid}/stat`, 'latin1')
  return stat.slice(stat.lastIndexOf(')') + 2).split(' ')
}

export function watch(pid: number): Watching {
  const samples: Sample[] = []
  const take = () => {
    const sample = sampleOf(pid)
    if (sample !== null) samples.push(sample)
  }
  take()
  const timer = setInterval(take, SAMPLE_EVERY_MS)
  return {
    samples,
    end() {
      clearInterval(timer)
      return samples
    },
  }
}

export type Memory = {
  startMb: number
  endMb: number
  maxMb: number
  /** Over the second half of the time. */
  slopeMbPerMinute: number
  /** What the second half has added by that slope is at most `FLAT_SHARE` of what the process has. */
  flat: boolean
  /** At `SERIES_POINTS` moments, evenly spaced. */
  seriesMb: number[]
}

/** Node has loaded its modules by then. */
const START_AFTER_MS = 1_000
export const FLAT_SHARE = 0.1
const SERIES_POINTS = 21

/** Null for fewer samples than say something. */
export function memoryOf(samples: readonly Sample[]): Memory | null {
  const [first, last] = [samples[0], samples.at(-1)]
  if (first === undefined || last === undefined || samples.length < 4) return null
  const start = samples.find(({ atMs }) => atMs >= first.atMs + START_AFTER_MS) ?? first
  const half = samples.filter(({ atMs }) => atMs >= (first.atMs + last.atMs) / 2)
  const points = half.map(({ atMs, residentMb }): Point => ({ x: atMs, y: residentMb }))
  const slope = slopeOf(points)
  const added = slope * (last.atMs - (half[0] ?? last).atMs)
  return {
    startMb: rounded(start.residentMb),
    endMb: rounded(last.residentMb),
    maxMb: rounded(last.peakMb),
    slopeMbPerMinute: rounded(slope * MINUTE_MS, 1),
    flat: added <= FLAT_SHARE * median(points.map(({ y }) => y)),
    seriesMb: Array.from({ length: SERIES_POINTS }, (_, index) => {
      const sample = samples[Math.round((index / (SERIES_POINTS - 1)) * (samples.length - 1))]
      return rounded(sample?.residentMb ?? 0)
    }),
  }
}
