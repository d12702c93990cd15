/**
 * What grows with time and size: many checkpoints in one group and a large table, and what `status` and the starts of a
 * fetcher and of a loader take then. After that, the same work by more processes (`scale-out.ts`).
 */
import { join } from 'node:path'
import { CLI, type Ended, runChild } from './child.ts'
import { median, rounded } from './numbers.ts'
import { type Bench, ownNames } from './place.ts'
import { started, startQuietApi, until } from './quiet-streams.ts'
import { type ScaleReport, scaleOut } from './scale-out.ts'

export type StatusCost = { seconds: number; cpuSeconds: number | null; peakMb: number | null }
export type StartCost = { seconds: number; peakMb: number | null }
export type GrowthReport = {
  streams: number
  partitions: number
  rows: number
  /** The first start makes topics or tables; the other one finds them, and all checkpoints. */
  fetcher: { first: StartCost; again: StartCost }
  loader: { first: StartCost; again: StartCost }
  /** While nothing has been loaded, and afterwards. Medians. */
  status: { behind: StatusCost; loaded: StatusCost }
  scale: ScaleReport
}

const STATUS_RUNS = 3

export async function growthPart(bench: Bench): Promise<GrowthReport> {
  const streams = bench.options['growth-streams']
  const each = bench.options['growth-partitions']
  const partitions = streams * each
  const rows = bench.options['growth-rows']
  const api = await startQuietApi()
  const { prefix, env } = ownNames(bench, {
    BENCH_API_URL: api.url,
    ...{ BENCH_IDLE_STREAMS: String(streams), BENCH_IDLE_PARTITIONS: String(each) },
  })
  const fetch = ['--sources', join(import.meta.dirname, 'idle-sources'), 'fetch']
  const table = `${prefix}.idle_s0`
  const loaded = async () => (await rowsIn(bench, prefix)) === partitions
  const fetched = async () => api.requests() >= partitions
  try {
    const fetcherFirst = await startCost(bench, 'growth-fetcher', fetch, env, fetched)
    const behind = await statusCost(bench, env)
    const loaderFirst = await startCost(bench, 'growth-loader', ['load'], env, loaded)
    await bench.clickhouse.run(
      `INSERT INTO ${table} (id, updated_at) SELECT toString(number), now64() - number / 1000 FROM numbers(${rows})`,
    )
    const fetcher = { first: fetcherFirst, again: await startCost(bench, 'growth-fetcher', fetch, env) }
    const loader = { first: loaderFirst, again: await startCost(bench, 'growth-loader', ['load'], env) }
    const status = { behind, loaded: await statusCost(bench, env) }
    return { streams, partitions, rows, fetcher, loader, status, scale: await scaleOut(bench) }
  } finally {
    api.close()
  }
}

async function rowsIn(bench: Bench, database: string): Promise<number> {
  const [found] = await bench.clickhouse.rows<{ n: number | null }>(
    `SELECT sum(total_rows) AS n FROM system.tables WHERE database = '${database}' AND name LIKE 'idle_s%'`,
  )
  return found?.n ?? 0
}

async function startCost(
  bench: Bench,
  name: string,
  args: readonly string[],
  env: Record<string, string>,
  done: () => Promise<boolean> = async () => true,
): Promise<StartCost> {
  const { child, seconds } = await started(bench, name, args, env)
  try {
    await until(`${name} has done its first work`, done)
    const peakMb = rounded(child.samples().at(-1)?.peakMb ?? Number.NaN)
    bench.say(`  ${name}: ready after ${seconds} s, ${peakMb} MB`)
    return { seconds, peakMb: Number.isNaN(peakMb) ? null : peakMb }
  } finally {
    await child.stop()
  }
}

async function statusCost(bench: Bench, env: Record<string, string>): Promise<StatusCost> {
  const runs: Ended<object>[] = []
  while (runs.length < STATUS_RUNS)
    runs.push(
      await runChild<object>({ name: 'growth-status', args: [CLI, 'status', '--json'], env, logDir: bench.logDir }),
    )
  const of = (value: (run: Ended<object>) => number | undefined): number | null => {
    const values = runs.flatMap((run) => value(run) ?? [])
    return values.length === 0 ? null : median(values)
  }
  return {
    seconds: rounded(median(runs.map(({ seconds }) => seconds)), 2),
    cpuSeconds: of(({ samples }) => samples.at(-1)?.cpuSeconds),
    peakMb: of(({ samples }) => rounded(samples.at(-1)?.peakMb ?? 0)),
  }
}
