/**
 * The view for people, `<table>_current`: one row for each primary key, its newest version, without deleted records.
 * FINAL does both, and was faster than LIMIT 1 BY and argMax in every query measured. The view names the table's
 * columns, so it is created again when they change. It has no condition on `_deleted`: moved before FINAL, it would
 * show the version before the deletion.
 */
import { viewName } from '#shared/names.ts'
import { type Placement, place, quoted, textLiteral } from './ddl.ts'
import type { FoundView } from './introspect.ts'

/** Start of the comment by which the loader recognizes its own views. */
const OWN = 'Headrace:'

export type ViewColumn = { name: string; type: string }

export function createView(at: Placement, table: string, columns: readonly ViewColumn[]): string {
  const names = columns.map(({ name }) => quoted(name)).join(', ')
  const comment = `${OWN} the newest version of each row of ${table}, without deleted ones`
  return `CREATE OR REPLACE VIEW ${place(at, viewName(table))} AS
SELECT ${names} FROM ${quoted(at.database)}.${quoted(table)} FINAL COMMENT ${textLiteral(comment)}`
}

export const isOwnView = ({ engine, comment }: FoundView): boolean => engine === 'View' && comment.startsWith(OWN)

/** Whether the view shows these columns, in this order. */
export function shows(view: FoundView, columns: readonly ViewColumn[]): boolean {
  const [is, wanted] = [[...view.columns], columns.map(({ name, type }) => [name, type])]
  return JSON.stringify(is) === JSON.stringify(wanted)
}
