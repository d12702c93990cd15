/**
 * Why an existing table does not fit a schema, where only a person may change it: pure. Each finding has its remedy.
 * A `refused` finding would change or lose existing data, so it blocks the table.
 */
import { HEADRACE } from '#shared/config/called-as.ts'
import { VERSION_COLUMN } from '#shared/names.ts'
import { type Placement, quoted, type TableSpec } from './ddl.ts'
import type { FoundTable } from './introspect.ts'

export type Finding = { name: string; severity: 'refused' | 'warning'; message: string; remedy: string }

const DELETED = '_deleted'

export const refusal = (name: string, message: string, remedy: string): Finding => ({
  name,
  severity: 'refused',
  message,
  remedy,
})

export const warning = (name: string, message: string, remedy: string): Finding => ({
  name,
  severity: 'warning',
  message,
  remedy,
})

export type Named = Pick<Finding, 'name' | 'message' | 'remedy'>

/** A table that held confirmed rows: silently creating it again would hide that they are lost. */
export const gone = ({ database }: Placement, table: string): Named => ({
  name: 'UNKNOWN_TABLE',
  message: `table ${database}.${table} is gone`,
  remedy: `bring it back, or load again: ${HEADRACE} replay`,
})

export const invisible = ({ database }: Placement, table: string): Named => ({
  name: 'UNKNOWN_TABLE',
  message: `table ${database}.${table} was made and cannot be seen`,
  remedy: 'let the loader read system.tables',
})

/** The engine or key of a table cannot be changed: it is renamed, and a replay creates it again. */
export function putAside(at: Placement, { table }: TableSpec): string {
  const aside = `${quoted(at.database)}.${quoted(`${table}_old`)}`
  const on = at.cluster === undefined ? '' : ` ON CLUSTER ${quoted(at.cluster)}`
  return (
    `RENAME TABLE ${quoted(at.database)}.${quoted(table)} TO ${aside}${on}; then load again: ${HEADRACE} ` +
    `replay; or, with the loaders stopped: ${HEADRACE} replay --into-new-table`
  )
}

export function engineFindings(
  spec: TableSpec,
  { engine, engineFull, sortingKey, columns }: FoundTable,
  at: Placement,
): Finding[] {
  const { table, primaryKey } = spec
  const remedy = putAside(at, spec)
  if (engine === 'Distributed') {
    const message =
      `table ${table} is Distributed: rows of one key are together only by its sharding ` +
      `key, which is looked at with CLICKHOUSE_SHARDED`
    return [refusal('TABLE_SHARDED', message, 'set CLICKHOUSE_SHARDED=true')]
  }
  if (!engine.endsWith('ReplacingMergeTree')) {
    const message = `table ${table} is a ${engine}, which would count records twice; it must be a ReplacingMergeTree`
    return [refusal('TABLE_ENGINE', message, remedy)]
  }
  if (plainKey(sortingKey) !== plainKey(primaryKey.join(','))) {
    const message = `table ${table} is ordered by (${sortingKey}), the primary key is (${primaryKey.join(', ')})`
    return [refusal('TABLE_KEY', message, remedy)]
  }
  const [version, deleted] = engineParameters(engineFull)
  const column = columns.get(VERSION_COLUMN)
  if (version !== VERSION_COLUMN || column?.kind !== 'MATERIALIZED' || column.type !== 'UInt128') {
    const is =
      version === undefined
        ? 'no version'
        : `version ${version}${column === undefined ? '' : ` ${column.kind} ${column.type}`}`
    const message =
      `table ${table} has ${is}: which row is newest must follow from ${VERSION_COLUMN} ` +
      `UInt128 MATERIALIZED, as ${HEADRACE} plan shows it`
    return [refusal('VERSION_COLUMN', message, remedy)]
  }
  if (deleted === DELETED) return []
  const message =
    `table ${table} does not know deleted rows: its engine must be ` +
    `ReplacingMergeTree(${VERSION_COLUMN}, ${DELETED})`
  return [refusal('DELETED_COLUMN', message, remedy)]
}

/**
 * The parameters of `ReplacingMergeTree(_version, _deleted) …`; a Replicated engine may have its path and replica
 * first.
 */
function engineParameters(engineFull: string): string[] {
  const inside = /^\w+\(([^)]*)\)/.exec(engineFull)?.[1] ?? ''
  return inside
    .split(',')
    .map((parameter) => parameter.trim())
    .filter((parameter) => parameter !== '' && !parameter.startsWith("'"))
}

/**
 * Rows of two partitions are never merged: if a column of the partition key changed, two versions of one key would be
 * shown.
 */
export function partitionFindings(spec: TableSpec, { columns, partitionKey }: FoundTable, at: Placement): Finding[] {
  const fixed = spec.keyFields ?? spec.primaryKey
  const outside = [...columns].find(([name, { inPartitionKey }]) => inPartitionKey && !fixed.includes(name))
  if (outside === undefined) return []
  const message =
    `table ${spec.table} is partitioned by ${partitionKey}, and ${outside[0]} is not in ` +
    `the primary key: versions of one row would stay apart`
  return [refusal('PARTITION_KEY', message, putAside(at, spec))]
}

const plain = (text: string): string => text.replaceAll(/[\s`]/g, '')
/** The key of one column is shown as `(id)` or `id`. */
const plainKey = (text: string): string => plain(text).replace(/^\((.*)\)$/, '$1')
