/**
 * How fast the loader empties a full topic, and what that costs. The topic is filled once by the publisher that the fetcher uses; each run is the real
 * process from its start until everything is confirmed. What it costs to start and end is measured by a run that has nothing to load.
 */
import { systemClock } from '../../shared/clock.ts'
import { readConfig } from '../../shared/config.ts'
import { connectKafka } from '../../shared/kafka.ts'
import { silentLog } from '../../shared/log.ts'
import { connectRegistry } from '../../shared/registry.ts'
import { namesFor } from '../../shared/topics.ts'
import { type Place, type Published, publish } from '../support/published.ts'
import { CLI, type Ended, runChild } from './child.ts'
import { median, rounded } from './numbers.ts'
import { orderOf, ordersStream } from './orders.ts'
import { type PeerReport, type Peers, peersOf } from './peers.ts'
import { type Bench, ownNames, pidOf } from './place.ts'
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

const PARTITIONS = 4
const PAGE_RECORDS = 1000
const MILLION = 1e6

export async function loaderPart(bench: Bench): Promise<LoaderReport> {
  const { prefix, env } = ownNames(bench)
  const config = readConfig(env)
  const kafka = await connectKafka(config.kafka, { log: silentLog, clock: systemClock })
  const place: Place = { config, env, prefix, kafka, registry: connectRegistry(config.registry), names: namesFor(prefix) }
  const published = await publish(place, ordersStream(), PARTITIONS)
  try {
    const bytes = await fill(published, bench)
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
    return { ...reportOf(runs, idle, bytes / bench.options.records), peers: peers?.report() ?? {} }
  } finally {
    await published.close()
    await kafka.deleteTopic(published.topic)
    await kafka.close()
  }
}

/** The log as a fetcher leaves it: a transaction a page, four partitions at once. Returns the bytes of all values. */
async function fill(published: Published, { options, say }: Bench): Promise<number> {
  const startMs = systemClock.elapsedMs()
  const pages = Math.ceil(options.records / PAGE_RECORDS)
  let bytes = 0
  const fillPartition = async (partition: number) => {
    for (let page = partition; page < pages; page += PARTITIONS) {
      const first = page * PAGE_RECORDS
      const orders = Array.from({ length: Math.min(PAGE_RECORDS, options.records - first) }, (_, index) => orderOf(first + index))
      const payloads = orders.map((order) => JSON.stringify(order))
      bytes += payloads.reduce((sum, payload) => sum + payload.length, 0)
      await published.page({ partition, records: [], payloads, marker: { watermark: orders.at(-1)?.updated_at ?? null } })
    }
  }
  await Promise.all(Array.from({ length: PARTITIONS }, (_, partition) => fillPartition(partition)))
  say(`  topic filled: ${options.records} records in ${rounded((systemClock.elapsedMs() - startMs) / 1000, 1)} s`)
  return bytes
}

async function forget({ clickhouse }: Bench, { prefix, kafka, names }: Place, { topic, table }: Published): Promise<void> {
  await kafka.resetOffsets(names.loaderGroup, topic, new Map(Array.from({ length: PARTITIONS }, (_, partition) => [partition, 0])))
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
  say(`  loader ${number}: ${rows} rows, ${deadLetters} dead letters in ${rounded(run.seconds, 1)} s, ${cpuOf(run) ?? '?'} CPU-s`)
}

function reportOf(runs: readonly Run[], idle: Run, bytesPerRecord: number): Omit<LoaderReport, 'peers'> {
  const rows = runs[0]?.result.rows ?? 0
  const perMillion = (values: readonly (number | null)[]): number | null =>
    values.some((value) => value === null) ? null : rounded((median(values as number[]) / rows) * MILLION, 2)
  return {
    records: rows,
    bytesPerRecord: rounded(bytesPerRecord),
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
