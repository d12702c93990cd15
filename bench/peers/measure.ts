/**
 * One run of a side: from the start of its processes until all rows can be read, and what that cost. A process counts
 * as a whole, its start and its end too; a server counts while the run lasts.
 */
import { systemClock } from '#shared/clock.ts'
import { Stopped } from '#shared/errors.ts'
import { MINUTE_MS, SECOND_MS } from '#shared/units.ts'
import { uniquePrefix } from '../../test/support/stack.ts'
import type { Child } from '../child.ts'
import { type Bench, pidOf } from '../place.ts'
import { REALISTIC_STREAMS, type RealisticStream } from '../realistic.ts'
import { sampleOf } from '../usage.ts'
import type { Processes, Servers, Side } from './side.ts'
import { differences, type Totals, totalsQuery } from './totals.ts'

export type SideRun = {
  /** From the start of the processes to the last row that can be read. */
  seconds: number
  /** From the first row that can be read to the last. */
  rowSeconds: number
  /** CPU-seconds. Null where there is no /proc. */
  own: number | null
  clickhouse: number | null
  /** Kafka and the registry, if the side uses them. */
  beside: number | null
  peakMb: number | null
}

/** Looking costs ClickHouse less than a millisecond, so a slow side is not charged for it. */
const LOOK_EVERY_MS = 50
const RUN_WITHIN_MS = 15 * MINUTE_MS
/** After the jobs have ended. */
const ROWS_WITHIN_MS = MINUTE_MS

/** Throws Stopped if a process fails, if it takes too long, or if not exactly all rows are there in the end. */
export async function measure(
  bench: Bench,
  servers: Servers,
  side: Side,
  expected: Record<RealisticStream, Totals>,
): Promise<SideRun> {
  const database = uniquePrefix()
  await side.prepare(database)
  const cpu = () => [servers.clickhousePid, ...side.beside.map((name) => pidOf(bench, name))].map(cpuOf)
  const before = cpu()
  const startMs = systemClock.elapsedMs()
  const processes = side.start(database)
  const all = [...processes.jobs, ...processes.services]
  const visible = async () => {
    const tables = REALISTIC_STREAMS.map((list) => `'${side.table(list, database)}'`).join(', ')
    const [found] = await servers.clickhouse.rows<{ n: number }>(
      `SELECT sum(rows) AS n FROM system.parts WHERE active AND database = '${database}' AND table IN (${tables})`,
    )
    return Number(found?.n ?? 0)
  }
  try {
    const { firstMs, lastMs } = await rowsOf(processes, visible, sumOf(expected), side.name)
    await jobsEnded(processes.jobs, side.name)
    await Promise.all(processes.services.map((each) => each.stop()))
    const [clickhouse = null, ...beside] = cpu().map((after, index) => minus(after, before[index] ?? null))
    const last = all.map((child) => child.samples().at(-1) ?? null)
    const problems = differences(expected, await totalsOf(servers, side, database))
    if (problems.length > 0) throw failure(`${side.name}: ${problems.join('; ')}`)
    return {
      ...{ seconds: (lastMs - startMs) / SECOND_MS, rowSeconds: (lastMs - firstMs) / SECOND_MS },
      own: sum(last.map((sample) => sample?.cpuSeconds ?? null)),
      ...{ clickhouse, beside: beside.length === 0 ? 0 : sum(beside) },
      peakMb: sum(last.map((sample) => sample?.peakMb ?? null)),
    }
  } finally {
    await Promise.all(all.map((each) => each.stop()))
    await servers.clickhouse.run(`DROP DATABASE IF EXISTS ${database} SYNC`)
  }
}

async function rowsOf(
  { jobs, services }: Processes,
  visible: () => Promise<number>,
  rows: number,
  name: string,
): Promise<{ firstMs: number; lastMs: number }> {
  let failed: string | null = null
  let running = jobs.length
  let endMs = systemClock.elapsedMs() + RUN_WITHIN_MS
  for (const child of [...jobs, ...services])
    void child.exited.then((status) => {
      if (status !== 0) failed ??= `a process ended with status ${status}:\n${child.lastLines()}`
    })
  for (const job of jobs)
    void job.exited.then(() => {
      running -= 1
      if (running === 0) endMs = Math.min(endMs, systemClock.elapsedMs() + ROWS_WITHIN_MS)
    })
  let firstMs: number | null = null
  for (;;) {
    const seen = await visible()
    const nowMs = systemClock.elapsedMs()
    if (seen > 0) firstMs ??= nowMs
    if (firstMs !== null && seen >= rows) return { firstMs, lastMs: nowMs }
    if (failed !== null) throw failure(`${name}: ${failed}`)
    if (nowMs > endMs) throw failure(`${name}: ${seen} of ${rows} rows in time`)
    await systemClock.sleep(LOOK_EVERY_MS)
  }
}

async function jobsEnded(jobs: readonly Child[], name: string): Promise<void> {
  const late = new AbortController()
  const tooLate = systemClock.sleep(ROWS_WITHIN_MS, late.signal).then(() => {
    throw failure(`${name}: a process does not end`)
  })
  const statuses = Promise.all(jobs.map(({ exited }) => exited))
  tooLate.catch(() => undefined)
  const failing = (await Promise.race([statuses, tooLate])).findIndex((status) => status !== 0)
  late.abort()
  if (failing >= 0) throw failure(`${name}: a process failed:\n${jobs[failing]?.lastLines()}`)
}

async function totalsOf({ clickhouse }: Servers, side: Side, database: string) {
  const found: [string, Totals | undefined][] = []
  for (const list of REALISTIC_STREAMS) {
    const table = `${database}.${side.table(list, database)}${side.final ? ' FINAL' : ''}`
    found.push([list, (await clickhouse.rows<Totals>(totalsQuery(table)))[0]])
  }
  return Object.fromEntries(found) as Record<RealisticStream, Totals>
}

const failure = (message: string) => new Stopped('HR_BENCH_PEERS', message)
const cpuOf = (pid: number): number | null => sampleOf(pid)?.cpuSeconds ?? null
const minus = (after: number | null, before: number | null) =>
  after === null || before === null ? null : after - before
const sumOf = (totals: Record<RealisticStream, Totals>): number =>
  Object.values(totals).reduce((rows, each) => rows + each.rows, 0)

/** Null if a part of it is not known. */
function sum(values: readonly (number | null)[]): number | null {
  return values.some((value) => value === null) ? null : (values as number[]).reduce((total, each) => total + each, 0)
}
