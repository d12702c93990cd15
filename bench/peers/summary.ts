/** What the runs of all sides say together: medians, and how many times Headrace's each one is. Pure. */
import { median, rounded } from '../numbers.ts'
import type { SideRun } from './measure.ts'
import type { Missing } from './side.ts'

export type ComparedSide = {
  seconds: number
  rowSeconds: number
  ownCpuSeconds: number | null
  clickhouseCpuSeconds: number | null
  besideCpuSeconds: number | null
  peakMb: number | null
  /** Seconds of each run. */
  runs: number[]
  /** Of this side's medians to those of the first one. CPU of its own processes, and with all servers. */
  ratio: { time: number; ownCpu: number | null; allCpu: number | null } | null
}
/** A reason why a side has no numbers stands where they would be: only sides that loaded everything are compared. */
export type WholeWaySides = Record<string, ComparedSide | { notCompared: string }>

export type SideRuns = { name: string; runs: readonly SideRun[] }

/** The first side is the one that the others are compared with. */
export function summaryOf(sides: readonly (SideRuns | Missing)[]): WholeWaySides {
  const [first] = sides
  const base = first === undefined || 'reason' in first || first.runs.length === 0 ? null : sideOf(first.runs)
  return Object.fromEntries(
    sides.map((side) => {
      if ('reason' in side) return [side.name, { notCompared: side.reason }]
      if (side.runs.length === 0) return [side.name, { notCompared: 'it was not run' }]
      const own = sideOf(side.runs)
      return [side.name, { ...own, ratio: base === null || side === first ? null : ratioOf(own, base) }]
    }),
  )
}

type Medians = Omit<ComparedSide, 'ratio'>

function sideOf(runs: readonly SideRun[]): Medians {
  const of = (value: (run: SideRun) => number): number => rounded(median(runs.map(value)), 2)
  const known = (value: (run: SideRun) => number | null): number | null =>
    runs.some((run) => value(run) === null) ? null : of((run) => value(run) ?? Number.NaN)
  return {
    ...{ seconds: of(({ seconds }) => seconds), rowSeconds: of(({ rowSeconds }) => rowSeconds) },
    ownCpuSeconds: known(({ own }) => own),
    clickhouseCpuSeconds: known(({ clickhouse }) => clickhouse),
    besideCpuSeconds: known(({ beside }) => beside),
    peakMb: known(({ peakMb }) => peakMb),
    runs: runs.map(({ seconds }) => rounded(seconds, 1)),
  }
}

function ratioOf(side: Medians, base: Medians): ComparedSide['ratio'] {
  const all = ({ ownCpuSeconds, clickhouseCpuSeconds, besideCpuSeconds }: Medians): number | null =>
    ownCpuSeconds === null || clickhouseCpuSeconds === null || besideCpuSeconds === null
      ? null
      : ownCpuSeconds + clickhouseCpuSeconds + besideCpuSeconds
  const times = (value: number | null, of: number | null) =>
    value === null || of === null ? null : rounded(value / of, 2)
  return {
    time: rounded(side.seconds / base.seconds, 2),
    ownCpu: times(side.ownCpuSeconds, base.ownCpuSeconds),
    allCpu: times(all(side), all(base)),
  }
}
