/**
 * A table over several shards: the rows of a key lie in a local table on the shard that a hash of the key names, and a
 * Distributed table of the stream's own name stands in front of all. Since every version of a key is on one shard, what
 * the engine, FINAL and the view do on each shard is right for the whole. Pure text; statements run ON CLUSTER, so each
 * server has both tables.
 */
import { SHARDS_SETTINGS } from '#shared/clickhouse.ts'
import { type Placement, place, quoted, textLiteral } from './ddl.ts'

/** What a Distributed table names: where the rows are, and what spreads them. */
export type DistributedTable = { cluster: string; database: string; table: string; shardingKey: string }

/**
 * An insert is answered when every shard has its rows, none is queued on a disk; each shard keeps the token for itself,
 * so what is sent again after one of them failed is stored once on the others.
 */
export const SHARDED_SETTINGS = { ...SHARDS_SETTINGS, distributed_foreground_insert: 1 } as const

export const localName = (table: string): string => `${table}_local`

/** Pure of the primary key, so that no version of a row comes to another shard. */
export const shardingKeyOf = (primaryKey: readonly string[]): string =>
  `cityHash64(${primaryKey.map(quoted).join(', ')})`

export type DistributedSpec = Pick<DistributedTable, 'table' | 'shardingKey'> & {
  /** Of the shards as they are now; null where they are not known. */
  weights: string | null
  /** Whose columns, defaults and comments it has; the local table by default. */
  like?: string
}

/** `table` in front of the local one that `over` names. */
export function createDistributed(at: Placement, table: string, over: DistributedSpec): string {
  const { database, cluster = '' } = at
  const names = [cluster, database, over.table].map(textLiteral).join(', ')
  const comment = over.weights === null ? '' : ` COMMENT ${textLiteral(SPREAD + over.weights)}`
  return `CREATE TABLE IF NOT EXISTS ${place(at, table)} AS ${quoted(database)}.${quoted(over.like ?? over.table)}
ENGINE = Distributed(${names}, ${over.shardingKey})${comment}`
}

/** What a table over shards says of them: another number or weight of shards is another shard for most keys. */
const SPREAD = 'Headrace: spread over shards of weight '

/** Null where it does not say. */
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
