/**
 * The view for people, `<table>_current`: one row a primary key, the newest version, deleted records out. FINAL does
 * both, and it was faster than LIMIT 1 BY and argMax in every query that was measured. The columns are those of the
 * table, so it is written anew when they change. A condition on `_deleted` would be wrong here: moved in front of FINAL
 * it would show the version before the deletion.
 */
import { viewName } from '#shared/names.ts'
import { type Placement, place, quoted, textLiteral } from './ddl.ts'
import type { FoundView } from './introspect.ts'

/** Opens the comment by which the loader knows its own views. */
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
