/**
 * Creates tables and their views, and makes the additive changes that `table-diff.ts` names. Everything else is a
 * failure of the table that a person has to fix. Returns Failures; never throws what ClickHouse reports. What only
 * serves people (a view, a comment) never delays rows.
 */

import type { ClickHouseClient } from '@clickhouse/client'
import { ClickHouseError } from '@clickhouse/client'
import type { Log } from '#shared/log.ts'
import { LEDGER_TABLE, LETTERS_TABLE } from '#shared/names.ts'
import type { DataParts } from '../batch/adaptive-limits.ts'
import {
  type Failure,
  failureOfText,
  failureOfTransport,
  kindOfCode,
  tableFailure,
} from '../failures/classify-error.ts'
import { insertNeeds } from '../insert/writer.ts'
import { dataPartsOf } from './data-parts.ts'
import {
  createDatabase,
  createDeadLetterTable,
  createPageLedgerTable,
  LOADER_COLUMNS,
  type TableSpec,
  textLiteral,
} from './ddl.ts'
import { ledgerStatements } from './distributed-check.ts'
import { type Finding, gone, invisible, type Named } from './findings.ts'
import { type ExistingTables, introspect } from './introspect.ts'
import { explainByReplicas, unevenReplicas } from './replicas.ts'
import { type ConfirmedPlacement, checkServer } from './server-check.ts'
import { type CheckedTable, diffTable, NEW_TABLE } from './table-diff.ts'

/** A server accepts 256 KiB by default: that is some thousand columns, or long descriptions. */
const LONG_STATEMENT = 100_000
const STATEMENT_BYTES_MAX = '67108864'

export type Tables = {
  /**
   * Makes rows of this schema fit, as far as that is possible without a person. Creates a missing table only if
   * `mayCreate`. Takes descriptions only from the `latest` schema.
   */
  ensure(spec: TableSpec, options: { mayCreate: boolean; latest?: boolean }): Promise<EnsuredTable>
  ensureLedger(): Promise<Failure | null>
  ensureDeadLetterLedger(): Promise<Failure | null>
  /** The failure of an insert; or another one, where the table is missing on a replica. */
  explain(failure: Failure, table: string): Promise<Failure>
  /** Null when ClickHouse responds and accepts the login. */
  ping(): Promise<Failure | null>
}

export type TableChecks = {
  /** What the user or its profile forbids. Throws ClickHouse's errors. */
  server(): Promise<Finding[]>
  /** What `ensure` would do, and what it would refuse; changes nothing. Throws ClickHouse's errors. */
  check(spec: TableSpec): Promise<CheckedTable>
  /** Null for a missing table. Throws ClickHouse's errors. */
  dataParts(table: string): Promise<DataParts | null>
}

/**
 * `failure`: why no row of this schema can be inserted; null when rows can. `changed`: something was created or added
 * just now.
 */
export type EnsuredTable = { failure: Failure | null; changed: boolean }

export function createTables(client: ClickHouseClient, at: ConfirmedPlacement, log: Log): Tables & TableChecks {
  const spelled = new Map<string, string>()
  const logged = new Set<string>()
  let serverChecked = false

  async function ensure(
    spec: TableSpec,
    { mayCreate, latest = false }: { mayCreate: boolean; latest?: boolean },
  ): Promise<EnsuredTable> {
    const { table } = spec
    await logServerFindings()
    const found = await introspect(rows, at, table)
    let diff = await diffFound(spec, found, latest)
    if (diff.refused !== null) return unfit(diff.refused)
    const elsewhere = await refusedByReplicas(table, found)
    if (elsewhere !== null) return unfit(elsewhere)
    if (found.table === null) {
      if (!mayCreate) return unfit(gone(at, table))
      await makeDatabase()
    }
    const essential = diff.steps.filter((step) => step.essential)
    for (const { what, statement } of essential) {
      await run(statement)
      log.info({ table, change: what }, what === NEW_TABLE ? 'table made' : `table ${table} changed: ${what}`)
    }
    if (essential.length > 0) {
      const after = await introspect(rows, at, table)
      if (after.table === null) return unfit(invisible(at, table))
      diff = await diffFound(spec, after, latest)
      if (diff.refused !== null) return { ...unfit(diff.refused), changed: true }
    }
    await applyOptional(table, diff)
    return { failure: null, changed: essential.length > 0 }
  }

  /** A replica without the table is worth a warning, unless it is the one that was asked. */
  async function refusedByReplicas(table: string, found: ExistingTables): Promise<Finding | null> {
    const uneven = await unevenReplicas(rows, at, table, found)
    if (uneven?.severity === 'warning') warnOnce(table, uneven.name, `${uneven.message}; ${uneven.remedy}`)
    return uneven?.severity === 'refused' ? uneven : null
  }

  /** Logs each message once, since the table is checked often. */
  async function applyOptional(table: string, { steps, findings }: CheckedTable): Promise<void> {
    for (const { name, message, remedy } of findings) warnOnce(table, name, `${message}; ${remedy}`)
    for (const { what, statement, essential } of steps) {
      if (essential) continue
      const failure = await failureIn(() => run(statement).then(() => null))
      if (failure === null) log.info({ table, change: what }, `table ${table}: ${what} is new`)
      else warnOnce(table, failure.name, `table ${table}: ${what} could not be made: ${failure.message}`)
    }
  }

  /** A forbidden insert fails with an error of its own; these lines are logged before it, with the remedy. */
  async function logServerFindings(): Promise<void> {
    if (serverChecked) return
    const findings = await checkServer({ rows, text }, at, insertNeeds(at))
    serverChecked = true
    for (const { name, message, remedy } of findings) log.warn({ reason: name }, `${message}; ${remedy}`)
  }

  function warnOnce(table: string, reason: string, message: string): void {
    if (logged.has(message)) return
    logged.add(message)
    log.warn({ table, reason }, message)
  }

  async function diffFound(spec: TableSpec, found: ExistingTables, latest: boolean): Promise<CheckedTable> {
    await learnSpelling([...spec.columns, ...LOADER_COLUMNS].map(({ type }) => type))
    return diffTable(spec, found, { at, latest, canonical: (type) => spelled.get(type) ?? type })
  }

  /** Types are compared as ClickHouse writes them; an author may have written `Decimal(18,2)` or an alias. */
  async function learnSpelling(types: readonly string[]): Promise<void> {
    for (const type of new Set(types)) {
      if (spelled.has(type)) continue
      const [written] = await rows<{ type: string }>(
        `SELECT toTypeName(defaultValueOfTypeName(${textLiteral(type)})) AS type`,
      )
      spelled.set(type, written?.type ?? type)
    }
  }

  async function ensureLedgerTable(table: string, create: typeof createPageLedgerTable): Promise<Failure | null> {
    const found = await introspect(rows, at, table)
    const elsewhere = await refusedByReplicas(table, found)
    if (elsewhere !== null) return unfit(elsewhere).failure
    const statements = ledgerStatements(at, found, table, create)
    if (statements.length > 0) await makeDatabase()
    for (const statement of statements) await run(statement)
    return null
  }

  async function check(spec: TableSpec): Promise<CheckedTable> {
    const found = await introspect(rows, at, spec.table)
    const diff = await diffFound(spec, found, true)
    const uneven = await unevenReplicas(rows, at, spec.table, found)
    if (uneven === null) return diff
    if (uneven.severity === 'refused') return { steps: [], findings: [uneven], refused: uneven }
    return { ...diff, findings: [...diff.findings, uneven] }
  }

  async function makeDatabase(): Promise<void> {
    const known = await rows(`SELECT name FROM system.databases WHERE name = ${textLiteral(at.database)}`)
    if (known.length === 0) await run(createDatabase(at))
  }

  async function rows<T>(query: string): Promise<T[]> {
    const result = await client.query({ query, format: 'JSONEachRow' })
    return (await result.json()) as T[]
  }

  async function text(query: string): Promise<string> {
    const { stream } = await client.exec({ query })
    let answer = ''
    for await (const piece of stream) answer += String(piece)
    return answer
  }

  async function run(query: string): Promise<void> {
    const long = query.length < LONG_STATEMENT ? {} : { max_query_size: STATEMENT_BYTES_MAX }
    await client.command({ query, clickhouse_settings: { wait_end_of_query: 1, flatten_nested: 0, ...long } })
  }

  return {
    async ensure(spec, options) {
      let changed = false
      const failure = await failureIn(async () => {
        const ensured = await ensure(spec, options)
        changed = ensured.changed
        return ensured.failure
      })
      return { failure, changed }
    },
    ensureLedger: () => failureIn(() => ensureLedgerTable(LEDGER_TABLE, createPageLedgerTable)),
    ensureDeadLetterLedger: () => failureIn(() => ensureLedgerTable(LETTERS_TABLE, createDeadLetterTable)),
    explain: (failure, table) => explainByReplicas(failure, at, table, rows).catch(() => failure),
    dataParts: (table) => dataPartsOf(rows, at, table),
    server: () => checkServer({ rows, text }, at, insertNeeds(at)),
    check,
    ping: () =>
      failureIn(async () => {
        await rows('SELECT 1')
        return null
      }),
  }
}

const unfit = ({ name, message, remedy }: Named): EnsuredTable => ({
  failure: tableFailure(name, `${message}; ${remedy}`),
  changed: false,
})

async function failureIn(ask: () => Promise<Failure | null>): Promise<Failure | null> {
  try {
    return await ask()
  } catch (error) {
    if (!(error instanceof ClickHouseError)) return failureOfTransport(error)
    const code = Number(error.code)
    const failure = failureOfText(error.message, code)
    // A statement has no rows: an error that means bad data in an insert here means a table that cannot be created.
    const kind = kindOfCode(code)
    return {
      ...failure,
      name: error.type ?? failure.name,
      kind: kind === 'ambiguous' || kind === 'overload' ? kind : 'table',
    }
  }
}
