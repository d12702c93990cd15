/**
 * What many streams cost while nothing happens: a fetcher and a loader of 200 streams with five partitions each, after
 * every partition has had its first run and every table is there. Both are started twice: the second start finds all
 * topics and tables.
 */
import { join } from 'node:path'
import { systemClock } from '#shared/clock.ts'
import { SECOND_MS } from '#shared/units.ts'
import { PARTITIONS_EACH } from './idle-sources/idle.ts'
import { rounded } from './numbers.ts'
import { type Bench, ownNames, pidOf } from './place.ts'
import { started, startQuietApi, until } from './quiet-streams.ts'
import { sampleOf } from './usage.ts'

export type IdleService = {
  /** From the start of the process to 200 from /readyz: with topics or tables to make, and with them there. */
  firstStartSeconds: number
  startSeconds: number
  /** Share of a core over `overSeconds`, of the process, and of Kafka and ClickHouse meanwhile. Null without /proc. */
  coreShare: number | null
  kafkaShare: number | null
  clickhouseShare: number | null
  residentMb: number | null
}
export type IdleReport = {
  streams: number
  partitions: number
  overSeconds: number
  fetcher: IdleService
  loader: IdleService
}

/** Reads of the first work, garbage of the start, and the time after which quiet consumers wait longer. */
const SETTLE_MS = 30_000

export async function idlePart(bench: Bench): Promise<IdleReport> {
  const streams = bench.options['idle-streams']
  const partitions = streams * PARTITIONS_EACH
  const api = await startQuietApi()
  const { prefix, env } = ownNames(bench, { BENCH_API_URL: api.url, BENCH_IDLE_STREAMS: String(streams) })
  const sources = join(import.meta.dirname, 'idle-sources')
  const loaded = async () => {
    const [rows] = await bench.clickhouse.rows<{ n: number | null }>(
      `SELECT sum(total_rows) AS n FROM system.tables WHERE database = '${prefix}' AND name LIKE 'idle_s%'`,
    )
    return rows?.n === partitions
  }
  try {
    const fetcher = await measure(bench, 'fetcher', ['--sources', sources, 'fetch'], env, async () => {
      return api.requests() >= partitions
    })
    const loader = await measure(bench, 'loader', ['load'], env, loaded)
    return { streams, partitions, overSeconds: bench.options['idle-seconds'], fetcher, loader }
  } finally {
    api.close()
  }
}

async function measure(
  bench: Bench,
  name: string,
  args: readonly string[],
  env: Record<string, string>,
  isDone: () => Promise<boolean>,
): Promise<IdleService> {
  bench.say(`  ${name}: first start`)
  const first = await started(bench, `idle-${name}`, args, env)
  await until(`${name} has done its first work`, isDone)
  await first.child.stop()
  const second = await started(bench, `idle-${name}`, args, env)
  try {
    await systemClock.sleep(SETTLE_MS)
    const pids = [second.child.pid, pidOf(bench, 'kafka'), pidOf(bench, 'clickhouse')]
    const before = pids.map(sampleOf)
    await systemClock.sleep(bench.options['idle-seconds'] * SECOND_MS)
    const after = pids.map(sampleOf)
    const [own, kafka, clickhouse] = pids.map((_, index) => coreShare(before[index] ?? null, after[index] ?? null))
    return {
      ...{ firstStartSeconds: first.seconds, startSeconds: second.seconds },
      ...{ coreShare: own ?? null, kafkaShare: kafka ?? null, clickhouseShare: clickhouse ?? null },
      residentMb: after[0] == null ? null : rounded(after[0].residentMb),
    }
  } finally {
    await second.child.stop()
  }
}

type At = { atMs: number; cpuSeconds: number }

function coreShare(before: At | null, after: At | null): number | null {
  if (before === null || after === null) return null
  return rounded((after.cpuSeconds - before.cpuSeconds) / ((after.atMs - before.atMs) / SECOND_MS), 4)
}
