/**
 * A table and its view as they are in ClickHouse: what `table-diff.ts` compares with what a schema needs. Read-only.
 */
import { viewName } from '#shared/names.ts'
import { type Placement, textLiteral } from './ddl.ts'
import { distributedOf, localName } from './distributed.ts'

/** `kind`: nothing, DEFAULT, MATERIALIZED, ALIAS or EPHEMERAL, with its expression as ClickHouse writes it. */
export type FoundColumn = { type: string; kind: string; expression: string; comment: string; inPartitionKey: boolean }

export type FoundTable = {
  engine: string
  /** With its parameters, keys and settings. */
  engineFull: string
  sortingKey: string
  partitionKey: string
  comment: string
  columns: ReadonlyMap<string, FoundColumn>
}

/** Whatever has the view's name; only the comment shows whether it is the loader's. */
export type FoundView = { engine: string; comment: string; columns: ReadonlyMap<string, string> }

/**
 * `table` holds the rows. `distributed`: on shards, whatever has the table's own name. `weights`: of the shards that
 * the server knows, in their order; null where there are none.
 */
export type ExistingTables = {
  table: FoundTable | null
  view: FoundView | null
  distributed: FoundTable | null
  weights: string | null
}

export type Rows = <T>(query: string) => Promise<T[]>

type TableRow = {
  name: string
  engine: string
  engine_full: string
  sorting_key: string
  partition_key: string
  comment: string
}
type ColumnRow = {
  table: string
  name: string
  type: string
  default_kind: string
  default_expression: string
  comment: string
  is_in_partition_key: number
}

export async function introspect(rows: Rows, at: Placement, table: string): Promise<ExistingTables> {
  const found = await findOne(rows, at.database, table)
  if (at.sharded !== true) return { ...found, distributed: null, weights: null }
  const distributed = found.table
  const local = await findOne(
    rows,
    at.database,
    (distributed === null ? null : distributedOf(distributed.engineFull))?.table ?? localName(table),
  )
  return { table: local.table, view: found.view, distributed, weights: await weightsOf(rows, at) }
}

async function weightsOf(rows: Rows, { cluster = '' }: Placement): Promise<string | null> {
  const sorted = 'arraySort(groupUniqArray((shard_num, shard_weight)))'
  const query = `SELECT arrayStringConcat(arrayMap(shard -> toString(shard.2), ${sorted}), ', ') AS weights
FROM system.clusters WHERE cluster = ${textLiteral(cluster)}`
  const [row] = (await unlessDenied(rows<{ weights: string }>(query))) ?? []
  return row === undefined || row.weights === '' ? null : row.weights
}

const ACCESS_DENIED = '497'

/** Null where the user may not read it: the check that needs it is skipped, and rows do not wait for it. */
export async function unlessDenied<T>(answer: Promise<T>): Promise<T | null> {
  try {
    return await answer
  } catch (error) {
    if (error instanceof Error && 'code' in error && error.code === ACCESS_DENIED) return null
    throw error
  }
}

async function findOne(rows: Rows, database: string, table: string): Promise<Pick<ExistingTables, 'table' | 'view'>> {
  const view = viewName(table)
  const names = `(${textLiteral(table)}, ${textLiteral(view)})`
  const where = `database = ${textLiteral(database)}`
  const tables = await rows<TableRow>(
    `SELECT name, engine, engine_full, sorting_key, partition_key, comment FROM ` +
      `system.tables WHERE ${where} AND name IN ${names}`,
  )
  if (tables.length === 0) return { table: null, view: null }
  const columns = await rows<ColumnRow>(
    `SELECT table, name, type, default_kind, default_expression, comment, is_in_partition_key FROM system.columns
WHERE ${where} AND table IN ${names} ORDER BY table, position`,
  )
  const of = (wanted: string) => ({
    row: tables.find(({ name }) => name === wanted),
    columns: columns.filter((column) => column.table === wanted),
  })
  return { table: tableOf(of(table)), view: viewOf(of(view)) }
}

type Part = { row: TableRow | undefined; columns: ColumnRow[] }

function tableOf({ row, columns }: Part): FoundTable | null {
  if (row === undefined) return null
  const known = columns.map((column): [string, FoundColumn] => [
    column.name,
    {
      type: column.type,
      kind: column.default_kind,
      expression: column.default_expression,
      comment: column.comment,
      inPartitionKey: column.is_in_partition_key === 1,
    },
  ])
  const { engine, engine_full: engineFull, sorting_key: sortingKey, partition_key: partitionKey, comment } = row
  return { engine, engineFull, sortingKey, partitionKey, comment, columns: new Map(known) }
}

function viewOf({ row, columns }: Part): FoundView | null {
  if (row === undefined) return null
  return { engine: row.engine, comment: row.comment, columns: new Map(columns.map(({ name, type }) => [name, type])) }
}
