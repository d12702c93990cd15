/**
 * The shadow table, and how it replaces the table that people read. The new table first gets the name that the old one
 * will have; then both are exchanged in one step. So an interruption at any point leaves the old table in place. Only
 * `<table>__new` is ever removed, and on shards its local table.
 */
import type { ClickHouse } from '#shared/clickhouse.ts'
import type { Clock } from '#shared/clock.ts'
import { Stopped } from '#shared/errors.ts'
import { viewName } from '#shared/names.ts'
import type { Writer } from '../insert/writer.ts'
import { dropTable, type Placement, quoted, type TableSpec, textLiteral } from '../table/ddl.ts'
import { createDistributed, distributedOf, localName, weightsIn } from '../table/distributed.ts'
import { introspect } from '../table/introspect.ts'

export type ExchangeTools = { clickhouse: ClickHouse; writer: Writer; at: Placement; clock: Clock; signal: AbortSignal }

/** A partition's first offset that the log still has. */
export type Low = { partition: number; low: number }

const EXCHANGES = ['Atomic', 'Replicated', 'Shared']
const STAMP_CHARS = 15
/** A filter must not be applied before the newest version is chosen. */
const FINAL_FIRST = { optimize_move_to_prewhere_if_final: 0 } as const

export const newName = (table: string): string => `${table}__new`

const whole = ({ database }: Placement, table: string): string => `${quoted(database)}.${quoted(table)}`
const on = ({ cluster }: Placement): string => (cluster === undefined ? '' : ` ON CLUSTER ${quoted(cluster)}`)

type Run = Pick<ExchangeTools, 'clickhouse' | 'writer' | 'signal'>

async function run({ writer, signal }: Omit<Run, 'clickhouse'>, statement: string): Promise<number> {
  const { failure, rows } = await writer.run(statement, signal)
  if (signal.aborted) throw new Stopped('HR_INTERRUPTED', 'interrupted: nothing was exchanged')
  if (failure !== null)
    throw new Stopped('HR_REBUILD_STATEMENT', `ClickHouse refuses: ${failure.name}: ${failure.message}`)
  return rows
}

/** Whether there is a table to exchange with. Throws Stopped where tables cannot be exchanged in one step. */
export async function isThere({ clickhouse, at }: ExchangeTools, table: string): Promise<boolean> {
  const [database] = await clickhouse.rows<{ engine: string }>(
    `SELECT engine FROM system.databases WHERE name = ${textLiteral(at.database)}`,
  )
  if (database !== undefined && !EXCHANGES.includes(database.engine)) {
    throw new Stopped(
      'HR_REBUILD_DATABASE',
      `database ${at.database} is of engine ${database.engine}, which cannot exchange tables`,
      {
        hint: 'an Atomic database can',
      },
    )
  }
  const where = `database = ${textLiteral(at.database)} AND name = ${textLiteral(table)}`
  return (await clickhouse.rows(`SELECT name FROM system.tables WHERE ${where}`)).length > 0
}

/** Removes what an earlier attempt has left. */
export async function removeNew(tools: ExchangeTools, table: string): Promise<void> {
  await removeNewView(tools, table)
  await run(tools, `DROP TABLE IF EXISTS ${whole(tools.at, newName(table))}${on(tools.at)} SYNC`)
  if (tools.at.sharded !== true) return
  await run(tools, `DROP TABLE IF EXISTS ${whole(tools.at, localName(newName(table)))}${on(tools.at)} SYNC`)
}

/** Removes the view that the loader creates with each table: nobody should see the shadow table's. */
async function removeNewView(tools: ExchangeTools, table: string): Promise<void> {
  await run(tools, `DROP VIEW IF EXISTS ${whole(tools.at, viewName(newName(table)))}${on(tools.at)}`)
}

/**
 * Copies the rows of the old table that the log does not have: those from before its beginning, and those of keys that
 * it lacks. If the log has a newer version of a key, that version wins, as everywhere.
 */
export async function copyKept(
  tools: ExchangeTools,
  spec: TableSpec,
  lows: readonly Low[],
  copy: boolean,
): Promise<number> {
  const { clickhouse, at } = tools
  const { table, primaryKey } = spec
  const [before, after] = [await columnsOf(tools, table), await columnsOf(tools, newName(table))]
  const columns = [...before].filter((name) => after.has(name))
  const lacking = primaryKey.find((name) => !before.has(name))
  if (lacking !== undefined) {
    if (!copy) return 0
    throw new Stopped(
      'HR_REBUILD_KEY',
      `table ${table} has no column ${lacking}, so its rows cannot be compared with the log by their new key`,
      {
        hint: 'with --only-log the new table has what the topic has; the old one stays beside it',
      },
    )
  }
  const key = `(${primaryKey.map(quoted).join(', ')})`
  const gone = lows
    .filter(({ low }) => low > 0)
    .map(({ partition, low }) => `(_partition = ${partition} AND _offset < ${low})`)
  const unknown = `${key} GLOBAL NOT IN (SELECT ${key} FROM ${whole(at, newName(table))})`
  const rest = `FROM ${whole(at, table)} FINAL WHERE ${[...gone, unknown].join(' OR ')}`
  const [row] = await clickhouse.rows<{ rows: string }>(`SELECT count() AS rows ${rest}`, FINAL_FIRST)
  const rows = Number(row?.rows ?? 0)
  if (rows === 0 || !copy) return rows
  const names = columns.map(quoted).join(', ')
  const settings =
    'SETTINGS insert_deduplicate = 0, optimize_move_to_prewhere_if_final = 0, max_partitions_per_insert_block = 0'
  await run(tools, `INSERT INTO ${whole(at, newName(table))} (${names}) SELECT ${names} ${rest} ${settings}`)
  return rows
}

async function columnsOf({ clickhouse, at }: ExchangeTools, table: string): Promise<Set<string>> {
  const isOurs = `database = ${textLiteral(at.database)} AND table = ${textLiteral(table)}`
  const where = `${isOurs} AND default_kind IN ('', 'DEFAULT')`
  const rows = await clickhouse.rows<{ name: string }>(
    `SELECT name FROM system.columns WHERE ${where} ORDER BY position`,
  )
  return new Set(rows.map(({ name }) => name))
}

/**
 * On shards the rows are in local tables, each named by one Distributed table only. The new local table gets its final
 * name, and its Distributed table is created again. Only the Distributed tables are exchanged. So a server never shows
 * the old rows of one shard beside the new ones of another.
 */
async function giveShardsName(tools: Run, at: Placement, table: string, name: string, local: string): Promise<void> {
  const fresh = newName(table)
  const { distributed } = await introspect(tools.clickhouse.rows, at, fresh)
  const is = distributedOf(distributed?.engineFull ?? '')
  if (is === null)
    throw new Stopped('HR_REBUILD_SHARDS', `table ${fresh} is not over the shards: nothing was exchanged`)
  const rename = `RENAME TABLE ${whole(at, is.table)} TO ${whole(at, local)}${on(at)}`
  const create = createDistributed(at, name, {
    table: local,
    shardingKey: is.shardingKey,
    weights: weightsIn(distributed?.comment ?? ''),
    like: fresh,
  })
  // An interruption in between leaves no rows without a name. Nor does it leave a Distributed table of the stream's own
  // name without rows.
  for (const statement of name === table ? [rename, create] : [create, rename]) await run(tools, statement)
  await run(tools, dropTable(at, fresh))
}

/** Returns the new name of the old table; null when there was none. */
export async function exchangeTables(tools: ExchangeTools, table: string, hasOld: boolean): Promise<string | null> {
  const { at, clock, clickhouse, writer } = tools
  await removeNewView(tools, table)
  // From here on an interruption is ignored, so that it is always clear which table is which.
  const done = { clickhouse, writer, signal: new AbortController().signal }
  const stamp = new Date(clock.nowMs()).toISOString().replaceAll(/[-:]/g, '').slice(0, STAMP_CHARS)
  const old = `${table}__old_${stamp}`
  if (at.sharded === true) await giveShardsName(done, at, table, hasOld ? old : table, `${localName(table)}_${stamp}`)
  else await run(done, `RENAME TABLE ${whole(at, newName(table))} TO ${whole(at, hasOld ? old : table)}${on(at)}`)
  if (!hasOld) return null
  await run(done, `EXCHANGE TABLES ${whole(at, table)} AND ${whole(at, old)}${on(at)}`)
  return old
}
