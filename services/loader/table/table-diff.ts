/**
 * What to change so that rows of a schema fit their table: pure. `steps` only add (a column, a wider type, a comment, a
 * view), and the loader takes them itself. A `refused` finding would change or lose existing data, so it blocks the
 * table until a person runs its remedy.
 */

import { viewName } from '#shared/names.ts'
import { joined } from '#shared/schema/column-types.ts'
import { createView, isOwnView, shows, type ViewColumn } from './current-view.ts'
import {
  addColumn,
  commentColumn,
  createTable,
  LOADER_COLUMNS,
  modifyColumn,
  type Placement,
  place,
  rememberInserts,
  type TableSpec,
  windowSetting,
} from './ddl.ts'
import { createDistributed, distributedOf, localName, shardingKeyOf } from './distributed.ts'
import { distributedMistake } from './distributed-check.ts'
import { engineFindings, type Finding, partitionFindings, putAside, refusal, warning } from './findings.ts'
import type { ExistingTables, FoundTable } from './introspect.ts'

/** `essential`: rows do not fit before it is done. Any other step can wait for a person without delaying rows. */
export type TableChange = { what: string; statement: string; essential: boolean }
export type TableDiff = { steps: TableChange[]; findings: Finding[] }

export type CheckedTable = TableDiff & { refused: Finding | null }

/** The step that creates the table itself. */
export const NEW_TABLE = 'table'

const DELETED = '_deleted'
const HIDDEN_KINDS = ['MATERIALIZED', 'ALIAS', 'EPHEMERAL']

/**
 * `latest`: the spec comes from the newest schema, so its descriptions count. `canonical`: a type as ClickHouse writes
 * it.
 */
export type DiffContext = { at: Placement; latest: boolean; canonical(type: string): string }

export function diffTable(spec: TableSpec, found: ExistingTables, context: DiffContext): CheckedTable {
  const { at } = context
  const table = at.sharded === true ? shardsDiff(spec, found, context) : rowsTableDiff(spec, found.table, context)
  const view = table.after === null ? NOTHING : viewDiff(spec, found, table.after, at)
  return checked([...table.steps, ...view.steps], [...table.findings, ...view.findings])
}

const NOTHING: TableDiff = { steps: [], findings: [] }

/** `after`: the columns that it has then; null where a person has to decide about the table first. */
type DiffWithColumns = TableDiff & { after: ViewColumn[] | null }

function rowsTableDiff(spec: TableSpec, table: FoundTable | null, context: DiffContext): DiffWithColumns {
  const { at } = context
  if (table === null) {
    const step = { what: NEW_TABLE, statement: createTable(at, spec), essential: true }
    return { steps: [step], findings: [], after: [...spec.columns, ...LOADER_COLUMNS] }
  }
  const { steps, findings, after } = columnDiff(spec, table, context)
  const wrong = [...engineFindings(spec, table, at), ...partitionFindings(spec, table, at)]
  return { steps: [...steps, ...windowSteps(spec, table, at)], findings: [...wrong, ...findings], after }
}

/** The local table is changed first, so the Distributed table never sends it what it cannot take. */
function shardsDiff(
  spec: TableSpec,
  { table, distributed, weights }: ExistingTables,
  context: DiffContext,
): DiffWithColumns {
  const { at } = context
  const wrong = distributed === null ? null : distributedMistake(spec, distributed, at, weights)
  if (wrong !== null) return { steps: [], findings: [refusal(wrong.name, wrong.message, wrong.remedy)], after: null }
  const local = (distributed === null ? null : distributedOf(distributed.engineFull))?.table ?? localName(spec.table)
  const rows = rowsTableDiff({ ...spec, table: local }, table, context)
  if (distributed === null) {
    const statement = createDistributed(at, spec.table, {
      table: local,
      shardingKey: shardingKeyOf(spec.primaryKey),
      weights,
    })
    return { ...rows, steps: [...rows.steps, { what: 'table over the shards', statement, essential: true }] }
  }
  const columns = columnDiff(spec, distributed, context)
  return {
    steps: [...rows.steps, ...columns.steps],
    findings: [...rows.findings, ...columns.findings],
    after: columns.after,
  }
}

const checked = (steps: TableChange[], findings: Finding[]): CheckedTable => ({
  steps,
  findings,
  refused: findings.find(({ severity }) => severity === 'refused') ?? null,
})

type ColumnDiff = TableDiff & { after: ViewColumn[] }

function columnDiff(spec: TableSpec, { columns }: FoundTable, { at, latest, canonical }: DiffContext): ColumnDiff {
  const { table, primaryKey } = spec
  const after = new Map(
    [...columns].filter(([, { kind }]) => !HIDDEN_KINDS.includes(kind)).map(([name, { type }]) => [name, type]),
  )
  const steps: TableChange[] = []
  const findings: Finding[] = []
  for (const column of [...spec.columns, ...LOADER_COLUMNS]) {
    const { name, comment } = column
    const is = columns.get(name)
    const type = canonical(column.type)
    if (is === undefined && column.optional) {
      steps.push({ what: `column ${name} ${column.type}`, statement: addColumn(at, table, column), essential: true })
      after.set(name, type)
    } else if (is === undefined) {
      const message = `table ${table} has no column ${name} ${column.type}`
      findings.push(refusal('MISSING_COLUMN', message, addColumn(at, table, column)))
    } else if (HIDDEN_KINDS.includes(is.kind)) {
      const message = `table ${table}: column ${name} is ${is.kind}, so nothing can be inserted into it`
      findings.push(refusal('COLUMN_KIND', message, modifyColumn(at, table, column)))
    } else {
      const wide = joined(is.type, type)
      if (wide === null || (wide !== is.type && primaryKey.includes(name))) {
        const message = `table ${table}: column ${name} is ${is.type}, its field needs ${column.type}`
        findings.push(
          refusal('COLUMN_TYPE', message, wide === null ? modifyColumn(at, table, column) : putAside(at, spec)),
        )
      } else if (wide !== is.type) {
        const statement = modifyColumn(at, table, { name, type: wide })
        steps.push({ what: `column ${name} ${is.type} → ${wide}`, statement, essential: true })
        after.set(name, wide)
      }
      if (latest && comment !== undefined && comment !== is.comment) {
        steps.push({ what: `comment of ${name}`, statement: commentColumn(at, table, column), essential: false })
      }
    }
  }
  return { steps, findings, after: [...after].map(([name, type]) => ({ name, type })) }
}

/** If the table does not remember inserts, a repeated one would be stored twice, until FINAL or a merge removes one. */
function windowSteps({ table }: TableSpec, { engineFull }: FoundTable, at: Placement): TableChange[] {
  const setting = windowSetting(at)
  const given = new RegExp(`\\b${setting} = (\\d+)`).exec(engineFull)?.[1]
  const byDefault = at.cluster === undefined ? '0' : '1'
  if (Number(given ?? byDefault) > 0) return []
  return [{ what: setting, statement: rememberInserts(at, table), essential: false }]
}

function viewDiff(
  { table }: TableSpec,
  { view }: ExistingTables,
  after: readonly ViewColumn[],
  at: Placement,
): TableDiff {
  const columns = after.filter(({ name }) => name !== DELETED)
  const name = viewName(table)
  if (view !== null && !isOwnView(view)) {
    const message = `${name} is a ${view.engine} that the loader did not make: people have no view of the newest rows`
    return { steps: [], findings: [warning('VIEW_NAME', message, `rename it: RENAME TABLE ${place(at, name)} TO …`)] }
  }
  if (view !== null && shows(view, columns)) return { steps: [], findings: [] }
  return {
    steps: [{ what: `view ${name}`, statement: createView(at, table, columns), essential: false }],
    findings: [],
  }
}
