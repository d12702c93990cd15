/**
 * What the loader is compared with, on the same records in the same run. There is a plain loader in Node, and one in
 * Python where confluent-kafka is installed. ClickHouse alone reads the same rows from a file: nothing that loads into
 * it can be faster.
 */
import { execFile } from 'node:child_process'
import { createWriteStream } from 'node:fs'
import { join } from 'node:path'
import { finished } from 'node:stream/promises'
import { promisify } from 'node:util'
import { systemClock } from '#shared/clock.ts'
import type { Ended } from './child.ts'
import { runChild } from './child.ts'
import { median, rounded } from './numbers.ts'
import { orderOf } from './orders.ts'
import { type Bench, pidOf } from './place.ts'
import { sampleOf } from './usage.ts'

export type PeerReport = {
  recordsPerSecond: number
  /** Null where there is no process of its own. */
  cpuSecondsPerMillion: number | null
  clickhouseCpuSecondsPerMillion: number | null
  peakMb: number | null
  runs: number[]
}
export type Peers = { run(): Promise<void>; report(): Record<string, PeerReport> }

type Job = { database: string; topic: string; table: string; records: number; env: Record<string, string> }
type Measured = { seconds: number; cpu: number | null; clickhouseCpu: number | null; peakMb: number | null }

const TABLE = 'peer'
const MILLION = 1e6
const COLUMNS = 'id, customer, status, currency, total, items, weight, note, updated_at'
const here = (file: string) => join(import.meta.dirname, file)

/** `job.table` is the loader's own, which must be there: the peers' table has its types. */
export async function peersOf(bench: Bench, job: Job): Promise<Peers> {
  const { database, topic, table, records, env } = job
  const { clickhouse, say } = bench
  const python = await pythonOf()
  if (python === null) say('  no Python loader: python3 with confluent-kafka is not installed')
  const file = join(bench.logDir, 'rows.json')
  await writeRows(file, records)
  const measured: Record<string, Measured[]> = {}
  const args = [topic, database, TABLE, String(records)]
  const loader = (name: string, command: string[], runtime?: string) => async () =>
    ofChild(
      await runChild<{ rows: number }>({
        name,
        args: [...command, ...args],
        env,
        logDir: bench.logDir,
        ...(runtime ? { runtime } : {}),
      }),
    )
  const sides: Record<string, () => Promise<Omit<Measured, 'clickhouseCpu'>>> = {
    'plain Node loader': loader('plain-node', [here('plain-loader.ts')]),
    ...(python === null ? {} : { 'plain Python loader': loader('plain-python', [here('plain_loader.py')], python) }),
    'ClickHouse from a file': async () => {
      const startMs = systemClock.elapsedMs()
      const settings = 'SETTINGS input_format_parallel_parsing = 1, async_insert = 0'
      const source = `file('${file}', 'JSONEachRow', '${await structure()}')`
      await clickhouse.run(`INSERT INTO ${database}.${TABLE} (${COLUMNS}) SELECT ${COLUMNS} FROM ${source} ${settings}`)
      return { seconds: (systemClock.elapsedMs() - startMs) / 1000, cpu: null, peakMb: null }
    },
  }

  async function structure(): Promise<string> {
    const columns = await clickhouse.rows<{ name: string; type: string }>(`DESCRIBE TABLE ${database}.${TABLE}`)
    return columns
      .map(({ name, type }) => `${name} ${type}`)
      .join(', ')
      .replaceAll("'", "\\'")
  }

  async function run(): Promise<void> {
    for (const [name, side] of Object.entries(sides)) {
      await clickhouse.run(`DROP TABLE IF EXISTS ${database}.${TABLE} SYNC`)
      const empty = `SELECT ${COLUMNS} FROM ${database}.${table} LIMIT 0`
      await clickhouse.run(`CREATE TABLE ${database}.${TABLE} ENGINE = MergeTree ORDER BY id AS ${empty}`)
      const server = pidOf(bench, 'clickhouse')
      const before = sampleOf(server)
      const ended = await side()
      const after = sampleOf(server)
      const [counted] = await clickhouse.rows<{ n: number }>(`SELECT count() AS n FROM ${database}.${TABLE}`)
      if (Number(counted?.n) < records) throw new Error(`${name} loaded ${counted?.n} of ${records}`)
      const clickhouseCpu = before === null || after === null ? null : after.cpuSeconds - before.cpuSeconds
      measured[name] = [...(measured[name] ?? []), { ...ended, clickhouseCpu }]
      say(`  ${name}: ${rounded(records / ended.seconds)} rows/s`)
    }
  }

  const report = () =>
    Object.fromEntries(Object.entries(measured).map(([name, runs]) => [name, reportOf(runs, records)]))
  return { run, report }
}

const ofChild = ({ seconds, samples }: Ended<unknown>) => ({
  seconds,
  cpu: samples.at(-1)?.cpuSeconds ?? null,
  peakMb: samples.at(-1)?.peakMb ?? null,
})

function reportOf(runs: readonly Measured[], records: number): PeerReport {
  const perMillion = (of: (run: Measured) => number | null): number | null => {
    const values = runs.map(of)
    return values.some((value) => value === null) ? null : rounded((median(values as number[]) / records) * MILLION, 2)
  }
  const rates = runs.map(({ seconds }) => rounded(records / seconds))
  const peaks = runs.flatMap(({ peakMb }) => (peakMb === null ? [] : [peakMb]))
  return {
    recordsPerSecond: rounded(median(rates)),
    cpuSecondsPerMillion: perMillion(({ cpu }) => cpu),
    clickhouseCpuSecondsPerMillion: perMillion(({ clickhouseCpu }) => clickhouseCpu),
    peakMb: peaks.length === 0 ? null : rounded(Math.max(...peaks)),
    runs: rates,
  }
}

const ROWS_A_WRITE = 10_000

async function writeRows(file: string, records: number): Promise<void> {
  const stream = createWriteStream(file)
  for (let first = 0; first < records; first += ROWS_A_WRITE) {
    const count = Math.min(ROWS_A_WRITE, records - first)
    const lines = Array.from({ length: count }, (_, index) => `${JSON.stringify(orderOf(first + index))}\n`).join('')
    if (!stream.write(lines)) await new Promise<void>((resolve) => stream.once('drain', resolve))
  }
  stream.end()
  await finished(stream)
}

/** The interpreter, if it can import what the Python loader needs. */
async function pythonOf(): Promise<string | null> {
  try {
    await promisify(execFile)('python3', ['-c', 'import confluent_kafka'])
    return 'python3'
  } catch {
    return null
  }
}
