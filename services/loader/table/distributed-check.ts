/**
 * Whether the Distributed table with a stream's own name may be used: pure. Some tables would put versions of one row
 * on several shards, or rows elsewhere. Such a table blocks the stream until a person has looked at it.
 */

import { HEADRACE } from '#shared/config/called-as.ts'
import { partitionKeyMistake } from '#shared/declaration/checks/partition-key.ts'
import { VERSION_COLUMN } from '#shared/names.ts'
import { type createPageLedgerTable, dropTable, LEDGER_KEY, type Placement, type TableSpec } from './ddl.ts'
import { createDistributed, distributedOf, localName, shardingKeyOf, weightsIn } from './distributed.ts'
import type { ExistingTables, FoundTable } from './introspect.ts'

/** Marks a name that each server replaces by its own. */
const MACRO = '{'
/** Columns that decide which version is shown; a query that compares versions must be able to read them. */
const DECIDING = ['_deleted', VERSION_COLUMN]

type Named = { name: string; message: string; remedy: string }

/** Why nothing may go through the table with the stream's own name, and what a person does; null when it may. */
export function distributedMistake(
  spec: TableSpec,
  distributed: FoundTable,
  at: Placement,
  weights: string | null,
): Named | null {
  const { engine, engineFull, columns, comment } = distributed
  const { table, primaryKey, keyFields = primaryKey } = spec
  const { database, cluster = '' } = at
  const is = distributedOf(engineFull)
  if (is === null) {
    const found = `table ${table} is a ${engine} of one shard`
    const message = `${found}; with CLICKHOUSE_SHARDED a Distributed table must have its name`
    return { name: 'TABLE_NOT_SHARDED', message, remedy: `stop the loaders, then: ${HEADRACE} replay --into-new-table` }
  }
  const remedy = `it holds no rows, so: ${dropTable(at, table)}; the loader creates it again`
  if ((is.cluster !== cluster && !cluster.includes(MACRO)) || is.database !== database) {
    const message =
      `table ${table} is over database ${is.database} on cluster ${is.cluster}, ` + `not over ${database} on ${cluster}`
    return { name: 'SHARDS_ELSEWHERE', message, remedy }
  }
  const mistake = partitionKeyMistake(is.shardingKey, keyFields)
  if (mistake !== null) {
    const message =
      `the sharding key of table ${table} (${is.shardingKey}) ${mistake.what}: ` +
      `versions of one row would be on several shards`
    const then = `rows that are apart already come together with: ${HEADRACE} replay --into-new-table`
    return { name: 'SHARDING_KEY', message, remedy: `${remedy}; ${then}` }
  }
  const spread = weightsIn(comment)
  if (spread !== null && weights !== null && spread !== weights) {
    const message =
      `table ${table} was spread over shards of weight ${spread}, those of ${cluster} have ` +
      `${weights}: versions of one row would be on several`
    return { name: 'SHARDS_CHANGED', message, remedy: `stop the loaders, then: ${HEADRACE} replay --into-new-table` }
  }
  const lacking = DECIDING.find((name) => !columns.has(name))
  return lacking === undefined
    ? null
    : { name: 'FRONT_COLUMN', message: `table ${table} does not show ${lacking} of the shards`, remedy }
}

/** An existing ledger is used as it is, on shards or on one server: it only has to be read where it was written. */
export function ledgerStatements(
  at: Placement,
  { table, distributed, weights }: ExistingTables,
  name: string,
  create: typeof createPageLedgerTable,
): string[] {
  if (at.sharded !== true) return table === null ? [create(at, name)] : []
  if (distributed !== null && (table !== null || distributedOf(distributed.engineFull) === null)) return []
  return [
    create(at, localName(name)),
    createDistributed(at, name, { table: localName(name), shardingKey: shardingKeyOf(LEDGER_KEY), weights }),
  ]
}
