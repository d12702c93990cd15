/**
 * What the loader's user and its profile forbid or fix, found out at the start instead of at the first insert: one line each, with its remedy.
 * Every insert carries the settings that its promises need, so only what a profile does not let go of can break them.
 */
import { ClickHouseError } from '@clickhouse/client'
import { type Placement, quoted } from './ddl.ts'
import type { Rows } from './found.ts'
import type { Finding } from './judge.ts'

export type ServerSetting = { name: string; value: string; readonly: number }

/** Shorter ones would be cut off in the middle of an insert, and sent again for ever. */
const EXECUTION_SECONDS_MIN = 60
const ROWS_NEED = ['SELECT', 'INSERT'] as const
const TABLES_NEED = ['CREATE TABLE', 'ALTER'] as const
const VIEWS_NEED = ['CREATE VIEW', 'DROP VIEW'] as const

/** `wanted`: what each insert sets, by name; null where any value will do but it must be the loader's to choose. */
export type Wanted = Readonly<Record<string, string | null>>

/** `text`: an answer as it is, for statements that take no FORMAT. */
export type Asks = { rows: Rows; text(statement: string): Promise<string> }

/** Throws what ClickHouse throws. */
export async function findOut({ rows, text }: Asks, at: Placement, wanted: Wanted): Promise<Finding[]> {
  const names = [...Object.keys(wanted), 'readonly', 'max_execution_time']
  const settings = await rows<ServerSetting>(
    `SELECT name, value, readonly FROM system.settings WHERE name IN (${names.map((name) => `'${name}'`).join(', ')})`,
  )
  const lacking = new Set<string>()
  for (const right of [...ROWS_NEED, ...TABLES_NEED, ...VIEWS_NEED]) {
    if (!(await granted(text, `CHECK GRANT ${right} ON ${quoted(at.database)}.*`))) lacking.add(right)
  }
  const [who] = await rows<{ user: string }>('SELECT currentUser() AS user')
  return judgeServer(at, { user: who?.user ?? '', settings, lacking }, wanted)
}

const SYNTAX_ERROR = '62'

/** An older server does not know the question; its answer then comes with the first statement that is refused. */
async function granted(text: Asks['text'], question: string): Promise<boolean> {
  try {
    return (await text(question)).trim() !== '0'
  } catch (error) {
    if (error instanceof ClickHouseError && error.code === SYNTAX_ERROR) return true
    throw error
  }
}

export type Server = { user: string; settings: readonly ServerSetting[]; lacking: ReadonlySet<string> }

/** Pure. */
export function judgeServer({ database }: Placement, { user, settings, lacking }: Server, wanted: Wanted): Finding[] {
  const findings: Finding[] = []
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
    const message = `user ${user} has max_execution_time = ${seconds}: an insert that takes longer is cut off and sent again`
    say('warning', 'EXECUTION_TIME', message, `ALTER USER ${quoted(user)} SETTINGS max_execution_time = 0`)
  }
  return findings
}
