/**
 * Which servers of the cluster have a table. If one of them lacks it, ClickHouse reports too few replicas. With
 * `CLICKHOUSE_INSERT_QUORUM=auto` it reports nothing, since only replicas that have the table count. Servers that do
 * not answer are skipped. Read-only; a user that may not ask the cluster learns nothing here.
 */
import { ClickHouseError } from '@clickhouse/client'
import { type Failure, tableFailure } from '../failures/classify-error.ts'
import { type Placement, quoted, textLiteral } from './ddl.ts'
import { distributedOf, localName } from './distributed.ts'
import { type Finding, refusal, warning } from './findings.ts'
import type { ExistingTables, Rows } from './introspect.ts'

/** `number`: its place in the cluster's configuration. */
export type ReplicaTables = {
  number: number
  host: string
  port: number
  hasDatabase: boolean
  tables: ReadonlySet<string>
}

/** Too few live replicas, a quorum that was not reached or not confirmed; and a table or database that is not there. */
const MAY_LACK_TABLE = [60, 81, 285, 286, 319]
const NATIVE_PORT = 9000
/** One slow server must not hold up the loader. */
const SECONDS_MAX = 10
const NAMED_MAX = 3

type Server = { number: number; host: string; port: number }

/** Null without a cluster, and where the user may not ask it or an answer does not come in time. */
async function tablesByReplica(
  rows: Rows,
  { database, cluster }: Placement,
  names: readonly string[],
): Promise<ReplicaTables[] | null> {
  if (cluster === undefined) return null
  const everywhere = <T>(columns: string, table: string, where: string) =>
    rows<T>(`SELECT DISTINCT _shard_num AS number, ${columns}
FROM clusterAllReplicas(${textLiteral(cluster)}, system.${table}) ${where}
SETTINGS skip_unavailable_shards = 1, max_execution_time = ${SECONDS_MAX}`)
  const list = names.map(textLiteral).join(', ')
  try {
    const servers = await everywhere<Server>('hostName() AS host, tcpPort() AS port', 'one', '')
    const databases = await everywhere<Server>('name', 'databases', `WHERE name = ${textLiteral(database)}`)
    const where = `WHERE database = ${textLiteral(database)} AND name IN (${list})`
    const tables = await everywhere<Server & { name: string }>('name', 'tables', where)
    return servers.map((server) => ({
      ...server,
      hasDatabase: databases.some(({ number }) => number === server.number),
      tables: new Set(tables.filter(({ number }) => number === server.number).map(({ name }) => name)),
    }))
  } catch (error) {
    if (error instanceof ClickHouseError) return null
    throw error
  }
}

/** The names that a stream's table has on each server; the one that holds rows is first. */
function namesOf({ sharded }: Placement, table: string, found?: Pick<ExistingTables, 'distributed'>): string[] {
  if (sharded !== true) return [table]
  const distributed = found?.distributed ?? null
  return [(distributed === null ? null : distributedOf(distributed.engineFull))?.table ?? localName(table), table]
}

/**
 * The first of these tables that some servers have and others lack; null where all agree. Pure. It is a refusal if the
 * asked server lacks the table that holds rows. A new table there would have a path of its own in Keeper, so it would
 * be no replica of the others.
 */
export function replicaFinding(
  at: Placement,
  names: readonly string[],
  replicas: readonly ReplicaTables[],
  isAskedWithout: boolean,
): Finding | null {
  const [rowsTable] = names
  for (const name of names) {
    const [source] = replicas.filter(({ tables }) => tables.has(name))
    const lacking = replicas.filter(({ tables }) => !tables.has(name))
    if (source === undefined || lacking.length === 0) continue
    const some = lacking.slice(0, NAMED_MAX).map(({ host, port }) => `${host}:${port}`)
    const more = lacking.length > NAMED_MAX ? ` and ${lacking.length - NAMED_MAX} more` : ''
    const what = lacking.every(({ hasDatabase }) => hasDatabase) ? '' : `, nor all of them database ${at.database}`
    const message =
      `table ${at.database}.${name} is missing on ${some.join(', ')}${more} of cluster ${at.cluster}${what}: ` +
      'its rows are not copied there, and no quorum counts on it'
    const finding = isAskedWithout && name === rowsTable ? refusal : warning
    return finding('TABLE_MISSING_ON_REPLICA', message, remedy(at, name, source, lacking))
  }
  return null
}

/**
 * With the table's own UUID, which is part of its path in Keeper. `CREATE TABLE … ON CLUSTER` would draw another one.
 */
function remedy(
  { database, cluster = '' }: Placement,
  table: string,
  source: Server,
  lacking: readonly ReplicaTables[],
): string {
  const named = `${plainOrQuoted(database)}.${plainOrQuoted(table)}`
  const show = `SHOW CREATE TABLE ${named} FORMAT TSVRaw SETTINGS show_table_uuid_in_table_create_query_if_not_nil = 1`
  const [first] = lacking
  const copy = `${client(source)} --query '${show}' | ${first === undefined ? '' : client(first)}`
  const rest = lacking.length > 1 ? ', and so for each of them' : ''
  const created = lacking.every(({ hasDatabase }) => hasDatabase)
  const create = `CREATE DATABASE IF NOT EXISTS ${quoted(database)} ON CLUSTER ${quoted(cluster)}; then `
  return `${created ? '' : create}${copy}${rest}`
}

const client = ({ host, port }: Server): string =>
  `clickhouse-client --host ${host}${port === NATIVE_PORT ? '' : ` --port ${port}`}`

const plainOrQuoted = (name: string): string => (/^[A-Za-z_]\w*$/.test(name) ? name : quoted(name))

/** `found`: the stream's tables on the asked server. */
export async function unevenReplicas(
  rows: Rows,
  at: Placement,
  table: string,
  found: ExistingTables,
): Promise<Finding | null> {
  const names = namesOf(at, table, found)
  const replicas = await tablesByReplica(rows, at, names)
  return replicas === null ? null : replicaFinding(at, names, replicas, found.table === null)
}

/**
 * The failure of an insert, or what it comes from: a table that is missing on a replica. That does not pass by itself.
 */
export async function explainByReplicas(failure: Failure, at: Placement, table: string, rows: Rows): Promise<Failure> {
  if (failure.code === null || !MAY_LACK_TABLE.includes(failure.code)) return failure
  const names = namesOf(at, table)
  const finding = replicaFinding(at, names, (await tablesByReplica(rows, at, names)) ?? [], false)
  if (finding === null) return failure
  return tableFailure(finding.name, `${finding.message}; ${finding.remedy}; ClickHouse said ${failure.name}`)
}
