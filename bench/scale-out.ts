/**
 * The same work by more processes. Fetchers share 16 partitions of an API without end, once paced and once as fast as
 * it can; their rate is counted at the API after all have joined. Loaders share a full topic, from their start until
 * everything is confirmed. Servers share the cores, so the unpaced rates end where the cores do.
 */
import { join } from 'node:path'
import { systemClock } from '#shared/clock.ts'
import { SECOND_MS } from '#shared/units.ts'
import type { ApiAddress, ApiStats } from './api.ts'
import { type Child, CLI, runChild, startChild } from './child.ts'
import { benchStream } from './events.ts'
import { fullTopic, PARTITIONS as TOPIC_PARTITIONS } from './full-topic.ts'
import { rounded } from './numbers.ts'
import { PAGE_RECORDS } from './pages.ts'
import { type Bench, ownNames } from './place.ts'
import { started } from './quiet-streams.ts'
import { sampleOf } from './usage.ts'

/** `cpuSeconds`: of all its processes, for the same time or the same records. */
export type ScaleStep = { processes: number; recordsPerSecond: number; toOne: number; cpuSeconds: number | null }
export type ScaleReport = { paced: ScaleStep[]; unpaced: ScaleStep[]; loaders: ScaleStep[] }

const FETCH_PARTITIONS = 16
const FETCHERS = [1, 2, 4]
const LOADERS = [1, 2]
const PACE_MS = 500
/** After the last fetcher has joined: the partitions have moved by then. */
const SETTLE_MS = 5_000
const COUNT_MS = 15_000
/** More than a fetcher can read in that time. */
const ENDLESS_RECORDS = 200_000_000

export async function scaleOut(bench: Bench): Promise<ScaleReport> {
  const paced = await steps(FETCHERS, (processes) => fetchers(bench, processes, PACE_MS))
  const unpaced = await steps(FETCHERS, (processes) => fetchers(bench, processes, 0))
  return { paced, unpaced, loaders: await loaderSteps(bench) }
}

type Measured = { recordsPerSecond: number; cpuSeconds: number | null }

async function steps(counts: readonly number[], measure: (count: number) => Promise<Measured>): Promise<ScaleStep[]> {
  const done: ScaleStep[] = []
  for (const processes of counts) {
    const { recordsPerSecond, cpuSeconds } = await measure(processes)
    const one = done[0]?.recordsPerSecond ?? recordsPerSecond
    done.push({
      processes,
      recordsPerSecond: rounded(recordsPerSecond),
      toOne: rounded(recordsPerSecond / one, 2),
      cpuSeconds,
    })
  }
  return done
}

async function fetchers(bench: Bench, processes: number, paceMs: number): Promise<Measured> {
  const api = startChild({
    name: 'scale-api',
    args: [join(import.meta.dirname, 'api.ts'), String(ENDLESS_RECORDS), String(FETCH_PARTITIONS), String(paceMs)],
    env: { ...bench.stack.env() },
    logDir: bench.logDir,
  })
  const children: Child[] = []
  try {
    const { url } = await api.message<ApiAddress>()
    const { env } = ownNames(bench, { BENCH_API_URL: url, BENCH_PARTITIONS: String(FETCH_PARTITIONS) })
    const args = ['--sources', join(import.meta.dirname, 'sources'), 'fetch', benchStream('events').label]
    for (let at = 0; at < processes; at++)
      children.push((await started(bench, `scale-fetcher-${paceMs}-${processes}-${at}`, args, env)).child)
    await systemClock.sleep(SETTLE_MS)
    await statsOf(url, '/reset')
    const before = cpuOf(children)
    const startMs = systemClock.elapsedMs()
    await systemClock.sleep(COUNT_MS)
    const { pages } = await statsOf(url, '/stats')
    const seconds = (systemClock.elapsedMs() - startMs) / SECOND_MS
    const after = cpuOf(children)
    const recordsPerSecond = (pages * PAGE_RECORDS) / seconds
    bench.say(`  ${processes} fetchers, answers after ${paceMs} ms: ${rounded(recordsPerSecond)} records/s`)
    return { recordsPerSecond, cpuSeconds: before === null || after === null ? null : rounded(after - before, 1) }
  } finally {
    await Promise.all(children.map((child) => child.stop()))
    await api.stop()
  }
}

const statsOf = async (url: string, path: string): Promise<ApiStats> =>
  (await (await fetch(`${url}${path}`)).json()) as ApiStats

function cpuOf(children: readonly Child[]): number | null {
  const samples = children.map(({ pid }) => sampleOf(pid)?.cpuSeconds ?? null)
  return samples.includes(null) ? null : samples.reduce((sum: number, each) => sum + (each ?? 0), 0)
}

async function loaderSteps(bench: Bench): Promise<ScaleStep[]> {
  const { records } = bench.options
  const topic = await fullTopic(bench, records)
  const { place, published } = topic
  const starts = new Map(Array.from({ length: TOPIC_PARTITIONS }, (_, partition) => [partition, 0]))
  let isFirst = true
  try {
    return await steps(LOADERS, async (processes) => {
      if (!isFirst) {
        await place.kafka.resetOffsets(place.names.loaderGroup, published.topic, starts)
        await bench.clickhouse.run(`TRUNCATE TABLE ${place.prefix}.${published.table}`)
      }
      isFirst = false
      const startMs = systemClock.elapsedMs()
      const args = [CLI, 'load', '--until-caught-up', '--json']
      const ended = await Promise.all(
        Array.from({ length: processes }, (_, at) =>
          runChild({ name: `scale-loader-${processes}-${at}`, args, env: place.env, logDir: bench.logDir }),
        ),
      )
      const seconds = (systemClock.elapsedMs() - startMs) / SECOND_MS
      const cpu = ended.map(({ samples }) => samples.at(-1)?.cpuSeconds ?? null)
      const cpuSeconds = cpu.includes(null)
        ? null
        : rounded(
            cpu.reduce((sum: number, each) => sum + (each ?? 0), 0),
            1,
          )
      bench.say(`  ${processes} loaders: ${rounded(records / seconds)} records/s, start and end included`)
      return { recordsPerSecond: records / seconds, cpuSeconds }
    })
  } finally {
    await topic.close()
  }
}
