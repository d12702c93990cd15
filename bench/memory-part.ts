/**
 * Whether both services keep their memory flat. They run at once, as services, until a long run is fetched and loaded,
 * and their resident memory is read all the time. The time that this takes is the speed of the whole pipeline.
 */
import { join } from 'node:path'
import { systemClock } from '#shared/clock.ts'
import { Stopped } from '#shared/errors.ts'
import type { ApiAddress } from './api.ts'
import { CLI, startChild } from './child.ts'
import { benchStream } from './events.ts'
import { startApi } from './fetcher-part.ts'
import { rounded } from './numbers.ts'
import { PAGE_RECORDS } from './pages.ts'
import { type Bench, ownNames } from './place.ts'
import { type Memory, memoryOf } from './usage.ts'

export type MemoryReport = {
  records: number
  seconds: number
  /** From the API to confirmed rows, both services started included. */
  recordsPerSecond: number
  fetcher: Memory | null
  loader: Memory | null
}

const LOOK_EVERY_MS = 500
/** A row that takes longer than this to be followed by another is a stall. */
const STALL_MAX_MS = 60_000

export async function memoryPart(bench: Bench): Promise<MemoryReport> {
  const records = Math.ceil(bench.options['memory-records'] / PAGE_RECORDS) * PAGE_RECORDS
  const api = await startApi(bench, records, 1)
  try {
    const { url } = await api.message<ApiAddress>()
    const { prefix, env } = ownNames(bench, { BENCH_API_URL: url, LOADER_TOPICS_REFRESH_MS: '500' })
    const stream = benchStream('events')
    const service = (name: string, args: readonly string[]) =>
      startChild({ name, args: [CLI, ...args], env, logDir: bench.logDir })
    const startMs = systemClock.elapsedMs()
    const fetcher = service('memory-fetcher', [
      '--sources',
      join(import.meta.dirname, 'sources'),
      'fetch',
      stream.label,
    ])
    const loader = service('memory-loader', ['load'])
    try {
      await untilLoaded(bench, prefix, stream.table, records)
    } finally {
      await Promise.all([fetcher.stop(), loader.stop()])
    }
    const seconds = (systemClock.elapsedMs() - startMs) / 1000
    return {
      records,
      seconds: rounded(seconds, 1),
      recordsPerSecond: rounded(records / seconds),
      fetcher: memoryOf(fetcher.samples()),
      loader: memoryOf(loader.samples()),
    }
  } finally {
    await api.stop()
  }
}

async function untilLoaded(
  { clickhouse, say }: Bench,
  database: string,
  table: string,
  records: number,
): Promise<void> {
  let rows = 0
  let movedMs = systemClock.elapsedMs()
  let said = 0
  while (rows < records) {
    await systemClock.sleep(LOOK_EVERY_MS)
    const [found] = await clickhouse.rows<{ n: number | null }>(
      `SELECT total_rows AS n FROM system.tables WHERE database = '${database}' AND name = '${table}'`,
    )
    const now = systemClock.elapsedMs()
    if ((found?.n ?? 0) > rows) movedMs = now
    rows = found?.n ?? 0
    if (now - movedMs > STALL_MAX_MS)
      throw new Stopped('HR_BENCH_STALL', `no row was added for ${STALL_MAX_MS / 1000} s at ${rows} rows`)
    if (rows - said < records / 4) continue
    said = rows
    say(`  ${rows} rows`)
  }
}
