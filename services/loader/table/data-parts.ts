/**
 * How many parts a table has, and from how many on ClickHouse slows its inserts down: two small queries on system
 * tables. Read-only.
 */

import type { DataParts } from '../batch/adaptive-limits.ts'
import { type Placement, textLiteral } from './ddl.ts'
import { distributedOf } from './distributed.ts'
import type { Rows } from './introspect.ts'

const OWN_LIMIT = /\bparts_to_delay_insert = (\d+)/

/** Of the shard with the most parts. Null for a missing table. Throws ClickHouse's errors. */
export async function dataPartsOf(rows: Rows, at: Placement, table: string): Promise<DataParts | null> {
  const engine = await engineOf(rows, at, table)
  const local = engine === null ? null : distributedOf(engine)?.table
  return local == null
    ? dataPartsIn(rows, at, table, engine)
    : dataPartsIn(rows, at, local, await engineOf(rows, at, local))
}

async function engineOf(rows: Rows, { database }: Placement, table: string): Promise<string | null> {
  const [row] = await rows<{ engine_full: string }>(
    `SELECT engine_full FROM system.tables WHERE database = ${textLiteral(database)} AND name = ${textLiteral(table)}`,
  )
  return row?.engine_full ?? null
}

async function dataPartsIn(rows: Rows, at: Placement, table: string, engine: string | null): Promise<DataParts | null> {
  if (engine === null) return null
  const { database, cluster = '', sharded } = at
  const [from, shard] =
    sharded === true ? [`cluster(${textLiteral(cluster)}, system.parts)`, ', _shard_num'] : ['system.parts', '']
  const settings = cluster === '' ? 'merge_tree_settings' : 'replicated_merge_tree_settings'
  const [row] = await rows<{ most: string; byDefault: string }>(
    `SELECT max(parts) AS most,
  (SELECT value FROM system.${settings} WHERE name = 'parts_to_delay_insert') AS byDefault FROM (
  SELECT count() AS parts FROM ${from}
  WHERE database = ${textLiteral(database)} AND table = ${textLiteral(table)} AND active GROUP BY partition_id${shard}
)`,
  )
  return { most: Number(row?.most ?? 0), delayAt: Number(OWN_LIMIT.exec(engine)?.[1] ?? row?.byDefault ?? 0) }
}
