/**
 * What the loader's user and its profile forbid or fix, found at the start instead of at the first insert. Each finding
 * is one line with its remedy. Every insert carries the settings that its guarantees need, so only a setting that a
 * profile locks can break them.
 */
import { ClickHouseError } from '@clickhouse/client'
import { type Placement, quoted, textLiteral } from './ddl.ts'
import type { Finding } from './findings.ts'
import { type Rows, unlessDenied } from './introspect.ts'

export type ServerSetting = { name: string; value: string; readonly: number }

/** A shorter limit would cut inserts off in the middle, and they would be retried for ever. */
const EXECUTION_SECONDS_MIN = 60
/** Marks a name that each server replaces by its own. */
const MACRO = '{'
const ROWS_NEED = ['SELECT', 'INSERT'] as const
const TABLES_NEED = ['CREATE TABLE', 'ALTER'] as const
const VIEWS_NEED = ['CREATE VIEW', 'DROP VIEW'] as const

/** What each insert sets, by name. Null: any value will do, but the loader must be able to choose it. */
export type Wanted = Readonly<Record<string, string | null>>

/** `text`: the raw response, for statements that take no FORMAT. */
export type Asks = { rows: Rows; text(statement: string): Promise<string> }

/** `insertQuorum`: replicas that confirm an insert; absent: one. */
export type ConfirmedPlacement = Placement & { insertQuorum?: string | undefined }

/** Throws ClickHouse's errors. */
export async function checkServer({ rows, text }: Asks, at: ConfirmedPlacement, wanted: Wanted): Promise<Finding[]> {
  const names = [...Object.keys(wanted), 'readonly', 'max_execution_time']
  const settings = await rows<ServerSetting>(
    `SELECT name, value, readonly FROM system.settings WHERE name IN (${names.map((name) => `'${name}'`).join(', ')})`,
  )
  const lacking = new Set<string>()
  for (const right of [...ROWS_NEED, ...TABLES_NEED, ...VIEWS_NEED]) {
    if (!(await granted(text, `CHECK GRANT ${right} ON ${quoted(at.database)}.*`))) lacking.add(right)
  }
  const cluster = at.cluster === undefined || at.cluster.includes(MACRO) ? undefined : await clusterOf(rows, at.cluster)
  const [who] = await rows<{ user: string }>('SELECT currentUser() AS user')
  return serverFindings(at, { user: who?.user ?? '', settings, lacking, cluster }, wanted)
}

const SYNTAX_ERROR = '62'

/** An older server does not know CHECK GRANT: a missing grant then shows with the first statement that is refused. */
async function granted(text: Asks['text'], question: string): Promise<boolean> {
  try {
    return (await text(question)).trim() !== '0'
  } catch (error) {
    if (error instanceof ClickHouseError && error.code === SYNTAX_ERROR) return true
    throw error
  }
}

/** The cluster as this server knows it; `shards` is 0 for an unknown one. */
export type KnownCluster = { shards: number; replicas: number; internal: boolean }

async function clusterOf(rows: Rows, name: string): Promise<KnownCluster | undefined> {
  const query = `SELECT max(shard_num) AS shards, max(replica_num) AS replicas, min(internal_replication) AS internal
FROM system.clusters WHERE cluster = ${textLiteral(name)}`
  const found = await unlessDenied(rows<{ shards: number; replicas: number; internal: number }>(query))
  if (found === null) return undefined
  const [row] = found
  return { shards: row?.shards ?? 0, replicas: row?.replicas ?? 0, internal: row?.internal === 1 }
}

export type ServerFacts = {
  user: string
  settings: readonly ServerSetting[]
  lacking: ReadonlySet<string>
  cluster?: KnownCluster | undefined
}

/** Pure. */
export function serverFindings(
  at: ConfirmedPlacement,
  { user, settings, lacking, cluster }: ServerFacts,
  wanted: Wanted,
): Finding[] {
  const { database } = at
  const findings: Finding[] =
    cluster === undefined ? [] : [...clusterFindings(at, cluster), ...quorumFindings(at, cluster)]
  const say = (severity: Finding['severity'], name: string, message: string, remedy: string) =>
    findings.push({ name, severity, message, remedy })
  const givenFor = (name: string) => settings.find((setting) => setting.name === name)?.value ?? '0'

  const readonly = givenFor('readonly')
  if (readonly !== '0') {
    say(
      'refused',
      'READ_ONLY',
      `user ${user} has readonly = ${readonly}: nothing can be inserted`,
      `ALTER USER ${quoted(user)} SETTINGS readonly = 0`,
    )
  }
  if (readonly !== '0') return findings
  for (const { name, value, readonly: fixed } of settings) {
    const need = wanted[name]
    if (fixed === 0 || need === undefined || need === value) continue
    const why = need === null ? 'which every insert chooses' : `and every insert needs ${need}`
    say(
      'refused',
      'SETTING_FIXED',
      `user ${user} may not change ${name}: it is ${value}, ${why}`,
      `take the constraint on ${name} out of its profile`,
    )
  }
  for (const right of lacking) {
    const remedy = `GRANT ${right} ON ${quoted(database)}.* TO ${quoted(user)}`
    const needed = (ROWS_NEED as readonly string[]).includes(right)
    const what = (VIEWS_NEED as readonly string[]).includes(right)
      ? 'people get no view of the newest rows'
      : 'tables are not made or changed'
    say(
      needed ? 'refused' : 'warning',
      'GRANT',
      `user ${user} lacks ${right} on ${database}: ${needed ? 'no row can be loaded' : what}`,
      remedy,
    )
  }
  const seconds = Number(givenFor('max_execution_time'))
  if (seconds > 0 && seconds < EXECUTION_SECONDS_MIN) {
    const limit = `user ${user} has max_execution_time = ${seconds}`
    const message = `${limit}: an insert that takes longer is cut off and sent again`
    say('warning', 'EXECUTION_TIME', message, `ALTER USER ${quoted(user)} SETTINGS max_execution_time = 0`)
  }
  return findings
}

function clusterFindings(
  { cluster = '', sharded }: Placement,
  { shards, replicas, internal }: KnownCluster,
): Finding[] {
  const finding = (severity: Finding['severity'], name: string, message: string, remedy: string): Finding[] => [
    { name, severity, message, remedy },
  ]
  if (shards === 0) {
    return finding(
      'refused',
      'CLUSTER',
      `the server knows no cluster ${cluster}`,
      'see its remote_servers, and CLICKHOUSE_CLUSTER',
    )
  }
  if (sharded !== true && shards > 1) {
    const size = `cluster ${cluster} has ${shards} shards`
    const message = `${size}, and all rows go to that of the server asked: the others show none`
    return finding('warning', 'SHARDS', message, 'CLICKHOUSE_SHARDED=true spreads them')
  }
  if (sharded !== true || internal || replicas < 2) return []
  const message =
    `cluster ${cluster} has internal_replication = 0: each row is sent to every ` +
    `replica, which the replicas do themselves`
  return finding(
    'warning',
    'INTERNAL_REPLICATION',
    message,
    'set internal_replication to true for each shard in remote_servers',
  )
}

/** A replica that fails before the others have copied an insert takes it along, while its offset is committed. */
function quorumFindings(
  { cluster = '', insertQuorum }: ConfirmedPlacement,
  { replicas }: Pick<KnownCluster, 'replicas'>,
): Finding[] {
  if (insertQuorum !== undefined || replicas < 2) return []
  const message =
    `cluster ${cluster} has ${replicas} replicas, and without CLICKHOUSE_INSERT_QUORUM an insert is confirmed by one ` +
    `of them: if that one is lost before it is copied, so are its rows`
  return [
    { name: 'NO_QUORUM', severity: 'warning', message, remedy: 'CLICKHOUSE_INSERT_QUORUM=auto waits for most of them' },
  ]
}
