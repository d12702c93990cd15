/**
 * How fast the fetcher is compared with a bare loop over the same pages. They alternate, so that other load on the
 * machine affects both.
 */
import { join } from 'node:path'
import type { ApiAddress } from './api.ts'
import { type Child, type Ended, runChild, startChild } from './child.ts'
import { median, rounded } from './numbers.ts'
import { type Bench, ownNames } from './place.ts'
import { type Memory, memoryOf } from './usage.ts'
import type { WalkResult } from './walk-result.ts'

export type Side = { recordsPerSecond: number; cpuSecondsPerMillion: number; runs: number[] }
export type FetcherReport = {
  records: number
  partitions: number
  bare: Side
  fetcher: Side
  /** Of the medians; the aim is at least a third. */
  ratio: number
  memory: Memory | null
}

const here = (file: string) => join(import.meta.dirname, file)
const MILLION = 1e6

export async function fetcherPart(bench: Bench): Promise<FetcherReport> {
  const { records, partitions, repeat } = bench.options
  const api = await startApi(bench, records, partitions)
  try {
    const { url } = await api.message<ApiAddress>()
    const bare: Ended<WalkResult>[] = []
    const fetcher: Ended<WalkResult>[] = []
    for (let run = 1; run <= repeat; run++) {
      bare.push(await walk(bench, 'bare-loop', [here('bare-loop.ts'), url], run))
      fetcher.push(await walk(bench, 'fetcher', [here('fetch-once.ts'), url, String(partitions)], run))
    }
    const sides = { bare: sideOf(bare), fetcher: sideOf(fetcher) }
    return {
      records: fetcher[0]?.result.records ?? 0,
      partitions,
      ...sides,
      ratio: rounded(sides.fetcher.recordsPerSecond / sides.bare.recordsPerSecond, 3),
      memory: memoryOf(fetcher.at(-1)?.samples ?? []),
    }
  } finally {
    await api.stop()
  }
}

export function startApi(bench: Bench, records: number, partitions: number): Child {
  const args = [here('api.ts'), String(records), String(partitions)]
  return startChild({ name: 'api', args, env: bench.stack.env(), logDir: bench.logDir })
}

async function walk(bench: Bench, name: string, args: string[], run: number): Promise<Ended<WalkResult>> {
  const profile = run === 1 ? bench.options.profile : null
  const ended = await runChild<WalkResult>({ name, args, env: ownNames(bench).env, logDir: bench.logDir, profile })
  const { records, seconds, cpuSeconds } = ended.result
  const cpuPerMillion = rounded((cpuSeconds / records) * MILLION, 2)
  bench.say(`  ${name} ${run}: ${rounded(records / seconds)} records/s, ${cpuPerMillion} CPU-s per million`)
  return ended
}

function sideOf(ended: readonly Ended<WalkResult>[]): Side {
  const rates = ended.map(({ result }) => rounded(result.records / result.seconds))
  const costs = ended.map(({ result }) => (result.cpuSeconds / result.records) * MILLION)
  return { recordsPerSecond: rounded(median(rates)), cpuSecondsPerMillion: rounded(median(costs), 2), runs: rates }
}
