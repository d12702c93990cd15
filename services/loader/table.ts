/**
 * Makes and checks tables. A table that is missing is made; columns for optional fields are added; a column that is gone or does not fit is a
 * failure of the table that a person puts right, never altered here. Answers are Failures; nothing is thrown for what ClickHouse says.
 */
import type { ClickHouseClient } from '@clickhouse/client'
import { ClickHouseError } from '@clickhouse/client'
import type { Log } from '../../shared/log.ts'
import { LEDGER_TABLE } from '../../shared/topics.ts'
import { type Failure, failureOfText, failureOfTransport, kindOfCode, tableFailure } from './classify.ts'
import type { Column } from './columns.ts'
import { addColumn, createDatabase, createLedger, createTable, LOADER_COLUMNS, type Placement, type TableSpec, textLiteral } from './ddl.ts'

export type Tables = {
  /** Makes rows of this shape fit, as far as it can without a person. A missing table is made only if `mayCreate`. */
  ensure(spec: TableSpec, options: { mayCreate: boolean }): Promise<Look>
  ensureLedger(): Promise<Failure | null>
  /** Null when ClickHouse answers and accepts the login. */
  ping(): Promise<Failure | null>
}

/** `failure`: why no row of this shape can be inserted; null when they can. `changed`: something was made or added just now. */
export type Look = { failure: Failure | null; changed: boolean }

export function createTables(client: ClickHouseClient, at: Placement, log: Log): Tables {
  async function ensure(spec: TableSpec, { mayCreate }: { mayCreate: boolean }): Promise<Look> {
    const { table } = spec
    let found = await describe(table)
    const made = found === null
    if (found === null) {
      if (!mayCreate) {
        return unfit('UNKNOWN_TABLE', `table ${at.database}.${table} is gone; bring it back, or load again: headrace replay`)
      }
      await make(createTable(at, spec))
      log.info({ table }, 'table made')
      found = await describe(table)
    }
    if (found === null) return unfit('UNKNOWN_TABLE', `table ${at.database}.${table} was made and cannot be seen`)
    const wrong = wrongEngine(spec, found)
    if (wrong !== null) return { failure: wrong, changed: made }
    const look = await fitColumns(spec, found.columns)
    return { ...look, changed: look.changed || made }
  }

  async function fitColumns(spec: TableSpec, actual: ReadonlyMap<string, string>): Promise<Look> {
    const wanted = [...spec.columns, ...LOADER_COLUMNS]
    const lacking = wanted.filter(({ name }) => !actual.has(name))
    const required = lacking.find(({ optional }) => !optional)
    if (required !== undefined) {
      return unfit('MISSING_COLUMN', `table ${spec.table} has no column ${required.name} ${required.type}; add it again`)
    }
    const unlike = await unlikeColumns(wanted, actual)
    if (unlike !== undefined) {
      const is = actual.get(unlike.name)
      return unfit('COLUMN_TYPE', `table ${spec.table}: column ${unlike.name} is ${is}, its field needs ${unlike.type}; change it back`)
    }
    for (const column of lacking) {
      await run(addColumn(at, spec.table, column))
      log.info({ table: spec.table, column: column.name, type: column.type }, 'column added')
    }
    return { failure: null, changed: lacking.length > 0 }
  }

  /** Types are compared as ClickHouse writes them; an author may have written `Decimal(18,2)` or an alias. */
  async function unlikeColumns(wanted: readonly Column[], actual: ReadonlyMap<string, string>): Promise<Column | undefined> {
    for (const column of wanted) {
      const is = actual.get(column.name)
      if (is === undefined || sameType(is, column.type)) continue
      const written = await rows<{ type: string }>(`SELECT toTypeName(defaultValueOfTypeName(${textLiteral(column.type)})) AS type`)
      if (!sameType(is, written[0]?.type ?? '')) return column
    }
    return undefined
  }

  async function make(statement: string): Promise<void> {
    const known = await rows(`SELECT name FROM system.databases WHERE name = ${textLiteral(at.database)}`)
    if (known.length === 0) await run(createDatabase(at))
    await run(statement)
  }

  type Found = { engine: string; sortingKey: string; columns: Map<string, string> }

  async function describe(table: string): Promise<Found | null> {
    const where = `database = ${textLiteral(at.database)}`
    const name = textLiteral(table)
    const [found] = await rows<{ engine: string; sorting_key: string }>(
      `SELECT engine, sorting_key FROM system.tables WHERE ${where} AND name = ${name}`,
    )
    if (found === undefined) return null
    const columns = await rows<{ name: string; type: string }>(`SELECT name, type FROM system.columns WHERE ${where} AND table = ${name}`)
    return { engine: found.engine, sortingKey: found.sorting_key, columns: new Map(columns.map(({ name, type }) => [name, type])) }
  }

  function wrongEngine({ table, primaryKey }: TableSpec, { engine, sortingKey }: Found): Failure | null {
    if (!engine.endsWith('ReplacingMergeTree')) {
      return tableFailure('TABLE_ENGINE', `table ${table} is a ${engine}, which would count records twice; it must be a ReplacingMergeTree`)
    }
    if (plainKey(sortingKey) === plainKey(primaryKey.join(','))) return null
    return tableFailure('TABLE_KEY', `table ${table} is ordered by (${sortingKey}), the primary key is (${primaryKey.join(', ')})`)
  }

  async function rows<T>(query: string): Promise<T[]> {
    const result = await client.query({ query, format: 'JSONEachRow' })
    return (await result.json()) as T[]
  }

  async function run(query: string): Promise<void> {
    await client.command({ query, clickhouse_settings: { wait_end_of_query: 1 } })
  }

  return {
    async ensure(spec, options) {
      let look: Look = { failure: null, changed: false }
      const failure = await failureIn(async () => {
        look = await ensure(spec, options)
      })
      return failure === null ? look : { failure, changed: false }
    },
    ensureLedger: () =>
      failureIn(async () => {
        if ((await describe(LEDGER_TABLE)) === null) await make(createLedger(at))
      }),
    ping: () =>
      failureIn(async () => {
        await rows('SELECT 1')
      }),
  }
}

const unfit = (name: string, message: string): Look => ({ failure: tableFailure(name, message), changed: false })

async function failureIn(ask: () => Promise<void>): Promise<Failure | null> {
  try {
    await ask()
    return null
  } catch (error) {
    if (!(error instanceof ClickHouseError)) return failureOfTransport(error)
    const code = Number(error.code)
    const failure = failureOfText(error.message, code)
    // No row is at stake in a statement: what would be bad data in an insert is a table that cannot be made.
    const kind = kindOfCode(code)
    return { ...failure, name: error.type ?? failure.name, kind: kind === 'ambiguous' || kind === 'overload' ? kind : 'table' }
  }
}

/** A dictionary around a type, or a column that takes null besides, holds the same values. */
function sameType(is: string, wanted: string): boolean {
  const bare = (type: string) => plain(type.replace(/^LowCardinality\((.*)\)$/, '$1'))
  return bare(is) === bare(wanted) || bare(is) === `Nullable(${bare(wanted)})`
}

const plain = (text: string): string => text.replaceAll(/[\s`]/g, '')
/** One column's key is shown as `(id)` or `id`. */
const plainKey = (text: string): string => plain(text).replace(/^\((.*)\)$/, '$1')
