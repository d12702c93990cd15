/**
 * How fast the loader empties a full topic, and what that costs. The topic is filled once; each run is the real process
 * from its start until everything is confirmed. What it costs to start and end is measured by a run that has nothing to
 * load.
 */
import type { Place, Published } from '../test/support/published.ts'
import { CLI, type Ended, runChild } from './child.ts'
import { fullTopic, PARTITIONS } from './full-topic.ts'
import { type PeerReport, type Peers, peersOf } from './loader-peers.ts'
import { median, rounded } from './numbers.ts'
import { type Bench, pidOf } from './place.ts'
import { type Memory, memoryOf, sampleOf } from './usage.ts'

export type LoaderReport = {
  records: number
  bytesPerRecord: number
  partitions: number
  /** From the start of the process until everything is confirmed, start and end included. */
  recordsPerSecond: number
  /** Without what a run with nothing to load takes. */
  recordsPerSecondNet: number
  /** The whole process, start and end included; the aim is at most 5. Null where there is no /proc. */
  cpuSecondsPerMillion: number | null
  cpuSecondsToStart: number | null
  clickhouseCpuSecondsPerMillion: number | null
  memory: Memory | null
  runs: number[]
  /** What loaded the same records in turn with it. */
  peers: Record<string, PeerReport>
}

type LoadSummary = { rows: number; deadLetters: number }
type Run = Ended<LoadSummary> & { clickhouseCpu: number | null }

const MILLION = 1e6

export async function loaderPart(bench: Bench): Promise<LoaderReport> {
  const topic = await fullTopic(bench, bench.options.records)
  const { place, published, bytesPerRecord } = topic
  const { env, prefix } = place
  try {
    const runs: Run[] = []
    let peers: Peers | undefined
    for (let run = 1; run <= bench.options.repeat; run++) {
      if (run > 1) await forget(bench, place, published)
      runs.push(await load(bench, env, `loader-${run}`, run === 1 ? bench.options.profile : null))
      sayRun(bench, runs.length, runs.at(-1))
      peers ??= await peersOf(bench, { database: prefix, ...published, records: bench.options.records, env })
      await peers.run()
    }
    const idle = await load(bench, env, 'loader-idle', null)
    return { ...reportOf(runs, idle, bytesPerRecord), peers: peers?.report() ?? {} }
  } finally {
    await topic.close()
  }
}

async function forget(
  { clickhouse }: Bench,
  { prefix, kafka, names }: Place,
  { topic, table }: Published,
): Promise<void> {
  await kafka.resetOffsets(
    names.loaderGroup,
    topic,
    new Map(Array.from({ length: PARTITIONS }, (_, partition) => [partition, 0])),
  )
  await clickhouse.run(`TRUNCATE TABLE ${prefix}.${table}`)
}

async function load(bench: Bench, env: Record<string, string>, name: string, profile: string | null): Promise<Run> {
  const server = pidOf(bench, 'clickhouse')
  const before = sampleOf(server)
  const args = [CLI, 'load', '--until-caught-up', '--json']
  const ended = await runChild<LoadSummary>({ name, args, env, logDir: bench.logDir, profile })
  const after = sampleOf(server)
  return { ...ended, clickhouseCpu: before === null || after === null ? null : after.cpuSeconds - before.cpuSeconds }
}

const cpuOf = ({ samples }: Run): number | null => samples.at(-1)?.cpuSeconds ?? null

function sayRun({ say }: Bench, number: number, run: Run | undefined): void {
  if (run === undefined) return
  const { rows, deadLetters } = run.result
  const seconds = rounded(run.seconds, 1)
  say(`  loader ${number}: ${rows} rows, ${deadLetters} dead letters in ${seconds} s, ${cpuOf(run) ?? '?'} CPU-s`)
}

function reportOf(runs: readonly Run[], idle: Run, bytesPerRecord: number): Omit<LoaderReport, 'peers'> {
  const rows = runs[0]?.result.rows ?? 0
  const perMillion = (values: readonly (number | null)[]): number | null =>
    values.some((value) => value === null) ? null : rounded((median(values as number[]) / rows) * MILLION, 2)
  return {
    records: rows,
    bytesPerRecord,
    partitions: PARTITIONS,
    recordsPerSecond: rounded(median(runs.map(({ seconds }) => rows / seconds))),
    recordsPerSecondNet: rounded(median(runs.map(({ seconds }) => rows / (seconds - idle.seconds)))),
    cpuSecondsPerMillion: perMillion(runs.map(cpuOf)),
    cpuSecondsToStart: cpuOf(idle),
    clickhouseCpuSecondsPerMillion: perMillion(runs.map(({ clickhouseCpu }) => clickhouseCpu)),
    memory: memoryOf(runs.at(-1)?.samples ?? []),
    runs: runs.map(({ seconds }) => rounded(rows / seconds)),
  }
}
