/**
 * A table over several shards. The rows of a key are in a local table, on the shard that a hash of the key selects. A
 * Distributed table with the stream's own name reads and writes all of them. Since every version of a key is on one
 * shard, the engine, FINAL and the view are right on each shard and for the whole. Pure text; statements run ON
 * CLUSTER, so each server has both tables.
 */
import { SHARDS_SETTINGS } from '#shared/clickhouse.ts'
import { type Placement, place, quoted, textLiteral } from './ddl.ts'

/** What a Distributed table names: where the rows are, and how they are spread. */
export type DistributedTable = { cluster: string; database: string; table: string; shardingKey: string }

/**
 * An insert is confirmed when every shard has its rows; none is queued on a disk. Each shard remembers the token
 * itself. So rows sent again after one shard failed are stored once on the others.
 */
export const SHARDED_SETTINGS = { ...SHARDS_SETTINGS, distributed_foreground_insert: 1 } as const

export const localName = (table: string): string => `${table}_local`

/** Of the primary key alone, so that no version of a row goes to another shard. */
export const shardingKeyOf = (primaryKey: readonly string[]): string =>
  `cityHash64(${primaryKey.map(quoted).join(', ')})`

export type DistributedSpec = Pick<DistributedTable, 'table' | 'shardingKey'> & {
  /** Weights of the current shards; null where they are not known. */
  weights: string | null
  /** The table whose columns, defaults and comments it has; the local table by default. */
  like?: string
}

/** `table` as a Distributed table over the local one that `over` names. */
export function createDistributed(at: Placement, table: string, over: DistributedSpec): string {
  const { database, cluster = '' } = at
  const names = [cluster, database, over.table].map(textLiteral).join(', ')
  const comment = over.weights === null ? '' : ` COMMENT ${textLiteral(SPREAD + over.weights)}`
  return `CREATE TABLE IF NOT EXISTS ${place(at, table)} AS ${quoted(database)}.${quoted(over.like ?? over.table)}
ENGINE = Distributed(${names}, ${over.shardingKey})${comment}`
}

/**
 * Start of the comment that stores the weights. With another number or weight of shards, most keys belong to another
 * shard.
 */
const SPREAD = 'Headrace: spread over shards of weight '

/** Null where the comment does not contain them. */
export const weightsIn = (comment: string): string | null =>
  comment.startsWith(SPREAD) ? comment.slice(SPREAD.length) : null

const ENGINE = /^Distributed\((.*)\)(?: SETTINGS .*)?$/s
const NAME = /^\s*(?:'((?:[^'\\]|\\.)*)'|`?([\w.-]+)`?)\s*(?:,|$)/
const POLICY = /,\s*'[^']*'\s*$/

/** From a table's `engine_full`; null for any other engine. `shardingKey` is empty where rows may only be read. */
export function distributedOf(engineFull: string): DistributedTable | null {
  let rest = ENGINE.exec(engineFull)?.[1]
  if (rest === undefined) return null
  const names: string[] = []
  for (let count = 0; count < 3; count++) {
    const found = NAME.exec(rest)
    if (found === null) return null
    names.push(found[1]?.replaceAll(/\\(.)/g, '$1') ?? found[2] ?? '')
    rest = rest.slice(found[0].length)
  }
  const [cluster = '', database = '', table = ''] = names
  return { cluster, database, table, shardingKey: rest.replace(POLICY, '').trim() }
}
