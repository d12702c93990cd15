/**
 * The statements that create and change tables: pure text. The order of `_version` decides which row of a key FINAL
 * shows. So it follows from the record alone and is the same on every replay. The watermark field is in the high half,
 * fetch time and offset in the low half.
 */
import { quoted, textLiteral } from '#shared/clickhouse.ts'
import { LEDGER_TABLE, LETTERS_TABLE } from '#shared/names.ts'
import type { Column } from '#shared/schema/columns.ts'
import type { WatermarkKind } from '#shared/watermark.ts'

export type TableSpec = {
  table: string
  columns: Column[]
  primaryKey: readonly string[]
  /** The same in all versions of a row: the primary key, and the fields that it is a hash of. */
  keyFields?: readonly string[]
  /** An expression of these, checked where it is declared. */
  partitionBy?: string | undefined
  watermark: { field: string; kind: WatermarkKind } | null
}

/**
 * `sharded`: over the shards of the cluster; see `distributed.ts`. `ledgerDays`: how long a new ledger keeps its rows.
 * Without it, or with 0, for ever.
 */
export type Placement = {
  database: string
  cluster: string | undefined
  sharded?: boolean | undefined
  ledgerDays?: number | undefined
}

/** Inserts that a table remembers by their token, so that one repeated after a lost response is dropped. */
const REMEMBERED_INSERTS = 100
/**
 * Bits of the low half of `_version`: fetch time in milliseconds (until the year 2109), then the offset's last bits.
 */
const FETCH_TIME_BITS = 42
const OFFSET_BITS = 22
const FETCH_TIME_MAX_MS = 2n ** BigInt(FETCH_TIME_BITS) - 1n
const OFFSET_MASK = 2n ** BigInt(OFFSET_BITS) - 1n
const INT64_SHIFT = 2n ** 63n
const TEXT_BYTES = 8
/** A condition that is moved before FINAL would see rows that a newer version hides. */
const NO_PREWHERE = 'optimize_move_to_prewhere_if_final = 0'
/** The key of both ledgers. */
export const LEDGER_KEY = ['topic', 'partition', 'offset'] as const

/** Columns that every table has besides its record's fields. */
export const LOADER_COLUMNS: readonly Column[] = [
  { name: '_partition', type: 'UInt16', optional: false },
  { name: '_offset', type: 'UInt64', optional: false },
  { name: '_fetched_at', type: "DateTime64(3, 'UTC')", optional: false },
  { name: '_extra', type: 'JSON', optional: true },
]

export { quoted, textLiteral }

export const place = ({ database, cluster }: Placement, table: string): string =>
  `${quoted(database)}.${quoted(table)}${cluster === undefined ? '' : ` ON CLUSTER ${quoted(cluster)}`}`

export const createDatabase = ({ database, cluster }: Placement): string =>
  `CREATE DATABASE IF NOT EXISTS ${quoted(database)}${cluster === undefined ? '' : ` ON CLUSTER ${quoted(cluster)}`}`

export function createTable(at: Placement, spec: TableSpec): string {
  const columns = [...spec.columns, ...LOADER_COLUMNS].map(definition)
  columns.push('`_deleted` UInt8 DEFAULT 0', `\`_version\` UInt128 MATERIALIZED ${versionOf(spec)}`)
  const key = spec.primaryKey.map(quoted).join(', ')
  return `CREATE TABLE IF NOT EXISTS ${place(at, spec.table)} (
  ${columns.join(',\n  ')}
) ENGINE = ${engine(at, '_version, _deleted')}${partitionBy(spec)} ORDER BY (${key})${settings(at)}`
}

/**
 * Inserts the partition's rows that were fetched before `startedMs` again, as deleted and with that time. They are
 * newer than the rows they delete, and older than rows that came since. The server's memory of duplicates is off for
 * it: a table may have been emptied and loaded again.
 */
export function markMissing(
  database: string,
  table: string,
  mark: { partition: number; offset: number; startedMs: number },
): string {
  const name = `${quoted(database)}.${quoted(table)}`
  const at = `fromUnixTimestamp64Milli(toInt64(${mark.startedMs}), 'UTC')`
  const values = `toUInt8(1) AS \`_deleted\`, ${at} AS \`_fetched_at\`, toUInt64(${mark.offset}) AS \`_offset\``
  const rows = `SELECT * FROM ${name} FINAL WHERE \`_partition\` = ${mark.partition} AND \`_fetched_at\` < ${at}`
  return `INSERT INTO ${name} SELECT * REPLACE (${values}) FROM (${rows})
    SETTINGS insert_deduplicate = 0, ${NO_PREWHERE}`
}

/** How many rows the partition shows, and how many of them `markMissing` would mark. */
export function countMissing(
  database: string,
  table: string,
  { partition, startedMs }: { partition: number; startedMs: number },
): string {
  const before = `\`_fetched_at\` < fromUnixTimestamp64Milli(toInt64(${startedMs}), 'UTC')`
  const from = `${quoted(database)}.${quoted(table)} FINAL WHERE \`_partition\` = ${partition}`
  return `SELECT count() AS shown, countIf(${before}) AS missing FROM ${from} SETTINGS ${NO_PREWHERE}`
}

export const dropTable = (at: Placement, table: string): string => `DROP TABLE ${place(at, table)} SYNC`

export function addColumn(at: Placement, table: string, column: Column): string {
  return `ALTER TABLE ${place(at, table)} ADD COLUMN IF NOT EXISTS ${definition(column)}`
}

export function modifyColumn(at: Placement, table: string, { name, type }: Pick<Column, 'name' | 'type'>): string {
  return `ALTER TABLE ${place(at, table)} MODIFY COLUMN ${quoted(name)} ${type}`
}

export function commentColumn(
  at: Placement,
  table: string,
  { name, comment = '' }: Pick<Column, 'name' | 'comment'>,
): string {
  return `ALTER TABLE ${place(at, table)} COMMENT COLUMN IF EXISTS ${quoted(name)} ${textLiteral(comment)}`
}

/** Makes the table remember inserts from now on. */
export function rememberInserts(at: Placement, table: string): string {
  return `ALTER TABLE ${place(at, table)} MODIFY SETTING ${windowSetting(at)} = ${REMEMBERED_INSERTS}`
}

/** A Replicated table has a window of its own, which is on by default. */
export const windowSetting = ({ cluster }: Pick<Placement, 'cluster'>): string =>
  cluster === undefined ? 'non_replicated_deduplication_window' : 'replicated_deduplication_window'

const definition = ({ name, type, comment }: Column): string =>
  `${quoted(name)} ${type}${comment === undefined ? '' : ` COMMENT ${textLiteral(comment)}`}`

/** One row for each page marker; a replay writes the same rows again. */
export function createPageLedgerTable(at: Placement, table: string = LEDGER_TABLE): string {
  return `CREATE TABLE IF NOT EXISTS ${place(at, table)} (
  \`topic\` LowCardinality(String), \`partition\` UInt16, \`offset\` UInt64,
  \`source\` LowCardinality(String), \`stream\` LowCardinality(String),
  \`run\` String, \`page\` UInt32, \`fetched_at\` DateTime64(3, 'UTC'),
  \`records\` UInt32, \`dead_letters\` UInt32, \`unchanged\` UInt32,
  \`drift\` UInt32, \`requests\` UInt32, \`retries\` UInt32, \`bytes\` UInt64,
  \`duration_ms\` UInt32, \`watermark\` Nullable(String), \`last\` Bool,
  \`records_read\` Nullable(UInt32)
    COMMENT 'what the loader counted for this page; NULL where reading started inside it',
  \`loaded_at\` DateTime64(3, 'UTC')
) ENGINE = ${engine(at, 'loaded_at')} ORDER BY (${LEDGER_KEY.map(quoted).join(', ')})${ledgerTtl(at)}${settings(at)}`
}

/** One row for each dead letter, from the fetcher or the loader. */
export function createDeadLetterTable(at: Placement, table: string = LETTERS_TABLE): string {
  return `CREATE TABLE IF NOT EXISTS ${place(at, table)} (
  \`topic\` LowCardinality(String), \`partition\` UInt16, \`offset\` UInt64,
  \`source\` LowCardinality(String), \`stream\` LowCardinality(String),
  \`fetched_at\` DateTime64(3, 'UTC'), \`stage\` LowCardinality(String),
  \`reason\` LowCardinality(String), \`issues\` String,
  \`run\` String, \`page\` Nullable(UInt32), \`url\` String, \`origin\` String, \`replays\` UInt32,
  \`bytes\` UInt64 COMMENT 'of the letter; raw may have fewer', \`raw\` String, \`loaded_at\` DateTime64(3, 'UTC')
) ENGINE = ${engine(at, 'loaded_at')} ORDER BY (${LEDGER_KEY.map(quoted).join(', ')})${ledgerTtl(at)}${settings(at)}`
}

/** From the time of writing: what a replay writes again is kept as long again. */
const ledgerTtl = ({ ledgerDays = 0 }: Placement): string =>
  ledgerDays === 0 ? '' : ` TTL toDateTime(\`loaded_at\`) + INTERVAL ${ledgerDays} DAY`

const partitionBy = ({ partitionBy: key }: TableSpec): string => (key === undefined ? '' : ` PARTITION BY ${key}`)

function engine({ cluster }: Placement, parameters: string): string {
  return `${cluster === undefined ? 'ReplacingMergeTree' : 'ReplicatedReplacingMergeTree'}(${parameters})`
}

function settings({ cluster }: Placement): string {
  return cluster === undefined ? ` SETTINGS non_replicated_deduplication_window = ${REMEMBERED_INSERTS}` : ''
}

/**
 * High half: the watermark's position in its order. Low half: fetch time, then offset, for two versions with one
 * position.
 */
function versionOf({ watermark, columns }: TableSpec): string {
  const fetchTime = `toUInt128(least(greatest(toUnixTimestamp64Milli(\`_fetched_at\`), 0), ${FETCH_TIME_MAX_MS}))`
  const low = `bitOr(bitShiftLeft(${fetchTime}, ${OFFSET_BITS}), toUInt128(bitAnd(\`_offset\`, ${OFFSET_MASK})))`
  const type = columns.find(({ name }) => name === watermark?.field)?.type
  if (watermark === null || type === undefined) return low
  return `bitOr(bitShiftLeft(${positionOf(quoted(watermark.field), watermark.kind, type)}, 64), ${low})`
}

/**
 * A UInt128 below 2^64 that sorts as the watermark does. Instants are in microseconds, so that all of DateTime64's
 * range fits.
 */
function positionOf(column: string, kind: WatermarkKind, type: string): string {
  if (kind === 'text') {
    const text = type === 'UUID' ? `toString(${column})` : column
    return `toUInt128(reinterpretAsUInt64(reverse(toFixedString(substring(${text}, 1, ${TEXT_BYTES}), ${TEXT_BYTES}))))`
  }
  if (kind === 'integer')
    return type.startsWith('UInt') ? `toUInt128(${column})` : `toUInt128(toInt128(${column}) + ${INT64_SHIFT})`
  // In microseconds, as below.
  if (/^(U?Int\d|(big|small|tiny|medium)?int)/i.test(type))
    return `toUInt128(toInt128(${column}) * ${kind === 'epochSeconds' ? 1_000_000 : 1_000} + ${INT64_SHIFT})`
  const instant = /^(Nullable\()?Date/.test(type)
    ? `toDateTime64(${column}, 6, 'UTC')`
    : `parseDateTime64BestEffort(${column}, 6, 'UTC')`
  return `toUInt128(toInt128(toUnixTimestamp64Micro(${instant})) + ${INT64_SHIFT})`
}
