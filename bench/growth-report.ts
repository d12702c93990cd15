/** What the growth part measured, for a person. */
import type { GrowthReport, StartCost, StatusCost } from './growth-part.ts'
import { whole } from './numbers.ts'
import type { ScaleStep } from './scale-out.ts'

export function growthLines({ streams, partitions, rows, fetcher, loader, status, scale }: GrowthReport): string[] {
  const start = ({ first, again }: { first: StartCost; again: StartCost }) =>
    `ready after ${again.seconds} s with ${again.peakMb ?? '?'} MB (first ${first.seconds} s, ${first.peakMb ?? '?'} MB)`
  const cost = ({ seconds, cpuSeconds, peakMb }: StatusCost) =>
    `${seconds} s, ${cpuSeconds ?? '?'} CPU-s, ${peakMb ?? '?'} MB`
  const steps = (all: readonly ScaleStep[]) =>
    all
      .map(({ processes, recordsPerSecond, toOne, cpuSeconds }) => {
        return `${processes}: ${whole(recordsPerSecond)} records/s (${toOne}; ${cpuSeconds ?? '?'} CPU-s)`
      })
      .join(', ')
  return [
    '',
    `Growth     ${streams} streams with ${whole(partitions)} partitions, ${whole(rows)} rows in one table`,
    `  fetcher                    ${start(fetcher)}`,
    `  loader                     ${start(loader)}`,
    `  status, nothing loaded     ${cost(status.behind)}`,
    `  status, all loaded         ${cost(status.loaded)}`,
    `  fetchers, paced answers    ${steps(scale.paced)}`,
    `  fetchers, unpaced          ${steps(scale.unpaced)}`,
    `  loaders                    ${steps(scale.loaders)}`,
  ]
}
