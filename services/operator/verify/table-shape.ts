/**
 * The table as a comparison needs it: its key, and how it orders the versions of a key. The order is the table's own
 * `_version` expression. ClickHouse evaluates it over the record's text as the loader would insert it, so this code
 * computes no version itself.
 */

import { type ClickHouse, quoted, textLiteral } from '#shared/clickhouse.ts'
import { HEADRACE } from '#shared/config/called-as.ts'
import { Stopped } from '#shared/errors.ts'
import { VERSION_COLUMN } from '#shared/names.ts'
import type { StreamAnnotation } from '#shared/schema/json-schema.ts'

export type Shape = {
  /** Database and table, quoted. */
  from: string
  keys: readonly string[]
  /** Name and type of the columns that decide a version, as `format` takes them. */
  structure: string
  version: string
  watermark: string | null
}

type ColumnRow = { name: string; type: string; default_expression: string }

const PLACE_COLUMNS = ['_partition', '_offset', '_fetched_at', '_deleted']

export const tableAt = (database: string, table: string): string => `${quoted(database)}.${quoted(table)}`

export async function exists(clickhouse: ClickHouse, database: string, table: string): Promise<boolean> {
  const where = `database = ${textLiteral(database)} AND name = ${textLiteral(table)}`
  return (await clickhouse.rows(`SELECT name FROM system.tables WHERE ${where}`)).length > 0
}

/** Null if there is no such table. Throws Stopped for one that the loader would refuse. */
export async function shapeOf(
  clickhouse: ClickHouse,
  database: string,
  annotation: StreamAnnotation,
): Promise<Shape | null> {
  const { table, primaryKey, watermark } = annotation
  const where = `database = ${textLiteral(database)} AND table = ${textLiteral(table)}`
  const columns = await clickhouse.rows<ColumnRow>(
    `SELECT name, type, default_expression FROM system.columns WHERE ${where}`,
  )
  if (columns.length === 0) return null
  const version = columns.find(({ name }) => name === VERSION_COLUMN)?.default_expression ?? ''
  const needed = [...new Set([...primaryKey, ...(watermark === null ? [] : [watermark.field]), ...PLACE_COLUMNS])]
  const structure = needed.flatMap((wanted) => {
    const column = columns.find(({ name }) => name === wanted)
    return column === undefined ? [] : [`${quoted(column.name)} ${column.type}`]
  })
  if (version === '' || structure.length < needed.length) {
    throw new Stopped('HR_VERIFY_TABLE', `table ${database}.${table} is not one that the loader would load`, {
      hint: `${HEADRACE} plan says what is wrong with it`,
    })
  }
  const field = watermark === null ? null : quoted(watermark.field)
  return {
    from: tableAt(database, table),
    keys: primaryKey.map(quoted),
    structure: structure.join(', '),
    version,
    watermark: field,
  }
}
