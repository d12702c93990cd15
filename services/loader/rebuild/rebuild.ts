/**
 * `headrace replay --into-new-table`: loads the stream's topic from its beginning into a new table of the latest
 * schema, up to the loader's position. The new table then replaces the old one, which is kept beside it. The old table
 * is read and never written; a crash leaves it unchanged. Loaders of the group must be stopped: the new table would
 * lack what they load into the old one meanwhile.
 */

import { connectClickHouse, openClickHouse } from '#shared/clickhouse.ts'
import type { Clock } from '#shared/clock.ts'
import { HEADRACE } from '#shared/config/called-as.ts'
import type { Config } from '#shared/config/config.ts'
import { Stopped, WrongUse } from '#shared/errors.ts'
import { connectKafka, type Kafka, refuseIfActive } from '#shared/kafka/kafka.ts'
import { leastRights } from '#shared/kafka/rights.ts'
import type { Log } from '#shared/log.ts'
import type { Metrics } from '#shared/metrics/metrics.ts'
import { label, type Names, namesFor } from '#shared/names.ts'
import { recordTopics } from '#shared/record-topics.ts'
import { connectRegistry, type Registry } from '#shared/schema/registry.ts'
import { specOf } from '../consume/schema-catalog.ts'
import { createWriter } from '../insert/writer.ts'
import type { TableSpec } from '../table/ddl.ts'
import { createTables, type Tables } from '../table/tables.ts'
import { copyKept, type ExchangeTools, exchangeTables, isThere, removeNew } from './exchange-tables.ts'
import type { LoadedCounts, PartitionRange } from './load-partition.ts'
import { loadShadowTable } from './load-shadow-table.ts'

export type RebuildOptions = {
  config: Config
  clock: Clock
  log: Log
  metrics: Metrics
  /** Aborting it leaves everything unchanged. */
  signal: AbortSignal
  stream: string
  /** Rows that the log no longer has are not copied to the new table. */
  onlyLog: boolean
}

export type Rebuilt = {
  stream: string
  table: string
  /** The new name of the replaced table; null when there was none. */
  old: string | null
  /** Where reading began and ended. `from` above 0: retention has removed what was before. */
  partitions: ({ partition: number; from: number; to: number } & LoadedCounts)[]
  /** Rows of the old table that the log no longer has. */
  kept: { rows: number; copied: boolean }
}

/** Throws Stopped while the group has members, and whenever the old table has to stay in place. */
export async function rebuild(options: RebuildOptions): Promise<Rebuilt> {
  const { config, clock, log } = options
  const names = namesFor(config.prefix)
  const registry = connectRegistry(config.registry)
  const kafka = await connectKafka(config.kafka, { log, clock, rights: leastRights('operator', config.prefix) })
  const client = connectClickHouse(config.clickhouse)
  const clickhouse = openClickHouse(config.clickhouse)
  try {
    const writer = createWriter(client, config.clickhouse)
    const tables = createTables(client, config.clickhouse, log)
    const tools = { clickhouse, writer, at: config.clickhouse, clock, signal: options.signal }
    return await rebuildWith(options, { kafka, names, registry, tables, tools })
  } finally {
    await kafka.close()
    await clickhouse.close()
    await client.close()
  }
}

type Servers = { kafka: Kafka; names: Names; registry: Registry; tables: Tables; tools: ExchangeTools }

async function rebuildWith(options: RebuildOptions, servers: Servers): Promise<Rebuilt> {
  const { stream, onlyLog, log } = options
  const { kafka, names, registry, tables, tools } = servers
  const topic = await topicOf(kafka, names, stream)
  await refuseIfActive(kafka, names.loaderGroup)
  const latest = await registry.latest(names.subject(topic))
  const spec = latest === null ? `the registry has no schema of ${stream}` : specOf(latest)
  if (typeof spec === 'string') throw new Stopped('HR_REBUILD_SCHEMA', spec)
  const { table } = spec
  const hasOld = await isThere(tools, table)
  const ranges = await rangesToLoad(kafka, names, topic)
  await removeNew(tools, table)

  const loaded = await loadShadowTable(options, { ...servers, writer: tools.writer }, topic, table, ranges)
  const kept = hasOld ? await copyKept(tools, spec, lowsOf(ranges), !onlyLog) : 0
  if (kept > 0) log.warn({ table, rows: kept }, keptWords(table, kept, onlyLog))
  // Checked again: rows loaded into the old table since would be missing.
  await refuseIfActive(kafka, names.loaderGroup)
  await refuseIfMoved(kafka, names, topic, ranges)
  const old = await exchangeTables(tools, table, hasOld)
  await showNewest(tables, spec)
  await failIfRaced(kafka, names, stream, topic, ranges)
  const partitions = ranges.map(({ partition, from, to }, index) => ({
    partition,
    from,
    to,
    ...(loaded[index] as LoadedCounts),
  }))
  return { stream, table, old, partitions, kept: { rows: kept, copied: !onlyLog } }
}

const lowsOf = (ranges: readonly PartitionRange[]) => ranges.map(({ partition, from }) => ({ partition, low: from }))

const keptWords = (table: string, rows: number, onlyLog: boolean): string =>
  `the topic no longer has ${rows} rows of ${table}: ` +
  `${onlyLog ? 'they are not copied' : 'they are copied from the old table'}`

async function topicOf(kafka: Kafka, names: Names, stream: string): Promise<string> {
  const topic = (await recordTopics(kafka, names)).find((each) => {
    const name = names.streamOf(each)
    return name !== null && label(name) === stream
  })
  if (topic === undefined) throw new WrongUse('HR_UNKNOWN_STREAM', `Kafka has no topic of a stream "${stream}"`)
  return topic
}

/** From the beginning of the log to the loader's position. */
async function rangesToLoad(kafka: Kafka, names: Names, topic: string): Promise<PartitionRange[]> {
  const committed = await kafka.committed(names.loaderGroup, topic)
  return (await kafka.logRanges(topic)).map(({ low, high }, partition) => {
    const place = committed[partition]?.offset ?? low
    return { topic, partition, from: low, to: Math.min(Math.max(place, low), high) }
  })
}

async function refuseIfMoved(
  kafka: Kafka,
  names: Names,
  topic: string,
  ranges: readonly PartitionRange[],
): Promise<void> {
  const now = await rangesToLoad(kafka, names, topic)
  const moved = ranges.find(({ partition, to }) => now[partition]?.to !== to)
  if (moved === undefined) return
  throw new Stopped(
    'HR_REBUILD_MOVED',
    `a loader has loaded ${topic}/${moved.partition} meanwhile, into the old table`,
    {
      hint: 'keep the loaders stopped, and start it again',
    },
  )
}

/**
 * Fails if a loader started at that very moment: it may have loaded into the old table. Nothing is lost, but those
 * records have to be loaded again.
 */
async function failIfRaced(
  kafka: Kafka,
  names: Names,
  stream: string,
  topic: string,
  ranges: readonly PartitionRange[],
): Promise<void> {
  if ((await kafka.members(names.loaderGroup)).length === 0) return
  const places = ranges.map(({ partition, to }) => `${partition}:${to}`).join(',')
  throw new Stopped('HR_REBUILD_RACED', `the tables are exchanged, and a loader of ${topic} has begun in that moment`, {
    hint: `stop it, then: ${HEADRACE} replay ${stream} --from ${places}`,
  })
}

async function showNewest(tables: Tables, spec: TableSpec): Promise<void> {
  const { failure } = await tables.ensure(spec, { mayCreate: false, latest: true })
  if (failure !== null)
    throw new Stopped('HR_REBUILD_VIEW', `the tables are exchanged, but the new one is refused: ${failure.message}`)
}
