/**
 * How fast the fetcher is compared with a bare loop over the same pages: on plain records, and on records as APIs have
 * them. All sides alternate, so that other load on the machine affects each of them.
 */
import { join } from 'node:path'
import type { ApiAddress } from './api.ts'
import { type Child, type Ended, runChild, startChild } from './child.ts'
import { median, rounded } from './numbers.ts'
import { type Bench, ownNames } from './place.ts'
import { type Memory, memoryOf } from './usage.ts'
import type { WalkResult } from './walk-result.ts'
import { WALK_SETS, type WalkSet } from './walk-sets.ts'

export type Side = { recordsPerSecond: number; cpuSecondsPerMillion: number; runs: number[] }
export type Sides = {
  bare: Side
  fetcher: Side
  /** The fetcher's speed to that of the loop, by the medians. */
  ratio: number
  /** The same by CPU time, which other load on the machine changes less. */
  cpuRatio: number
}
export type FetcherReport = {
  records: number
  partitions: number
  /** The aim is at least a half. */
  plain: Sides
  realistic: Sides
  /** CPU time of a realistic record to that of a plain one; the aim is at most 1.5. */
  realisticToPlain: number
  memory: Memory | null
}

const here = (file: string) => join(import.meta.dirname, file)
const MILLION = 1e6
type Runs = Record<'bare' | 'fetcher', Ended<WalkResult>[]>

export async function fetcherPart(bench: Bench): Promise<FetcherReport> {
  const { records, partitions, repeat } = bench.options
  const api = await startApi(bench, records, partitions)
  try {
    const { url } = await api.message<ApiAddress>()
    const runs: Record<WalkSet, Runs> = { plain: { bare: [], fetcher: [] }, realistic: { bare: [], fetcher: [] } }
    for (let run = 1; run <= repeat; run++)
      for (const set of WALK_SETS) {
        runs[set].bare.push(await walk(bench, `bare ${set}`, [here('bare-loop.ts'), url, set], run))
        const args = [here('fetch-once.ts'), url, String(partitions), set]
        runs[set].fetcher.push(await walk(bench, `fetcher ${set}`, args, run))
      }
    const [plain, realistic] = [sidesOf(runs.plain), sidesOf(runs.realistic)]
    return {
      records: runs.plain.fetcher[0]?.result.records ?? 0,
      partitions,
      plain,
      realistic,
      realisticToPlain: rounded(realistic.fetcher.cpuSecondsPerMillion / plain.fetcher.cpuSecondsPerMillion, 2),
      memory: memoryOf(runs.plain.fetcher.at(-1)?.samples ?? []),
    }
  } finally {
    await api.stop()
  }
}

function sidesOf(runs: Runs): Sides {
  const [bare, fetcher] = [sideOf(runs.bare), sideOf(runs.fetcher)]
  return {
    bare,
    fetcher,
    ratio: rounded(fetcher.recordsPerSecond / bare.recordsPerSecond, 3),
    cpuRatio: rounded(bare.cpuSecondsPerMillion / fetcher.cpuSecondsPerMillion, 3),
  }
}

export function startApi(bench: Bench, records: number, partitions: number): Child {
  const args = [here('api.ts'), String(records), String(partitions)]
  return startChild({ name: 'api', args, env: bench.stack.env(), logDir: bench.logDir })
}

async function walk(bench: Bench, name: string, args: string[], run: number): Promise<Ended<WalkResult>> {
  const profile = run === 1 ? bench.options.profile : null
  const ended = await runChild<WalkResult>({
    name: name.replace(' ', '-'),
    args,
    env: ownNames(bench).env,
    logDir: bench.logDir,
    profile,
  })
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
