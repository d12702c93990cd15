/**
 * The unknown fields of one record that have a column, and those that have none. Pure; a value of another type than the
 * column's is no field of it.
 */
import { type LearnedType, learnedType } from '#shared/schema/learned-columns.ts'
import { type Fields, typeName } from './drift.ts'
import type { Learned } from './learned-columns.ts'

/** Whether a value of a JSON type goes into a column; null is its absence. */
export const fitsColumn = (column: LearnedType | undefined, jsonType: string): boolean =>
  column !== undefined && (jsonType === 'null' || learnedType(jsonType) === column)

/** Null stands for none. */
export function intoColumns(extra: Fields | null, learned: Learned): { columns: Fields | null; rest: Fields | null } {
  if (extra === null || learned.size === 0) return { columns: null, rest: extra }
  const columns: Fields = {}
  const rest: Fields = Object.create(null)
  for (const [name, value] of Object.entries(extra)) {
    if (!fitsColumn(learned.get(name), typeName(value))) rest[name] = value
    else if (value !== null) columns[name] = value
  }
  return {
    columns: Object.keys(columns).length === 0 ? null : columns,
    rest: Object.keys(rest).length === 0 ? null : rest,
  }
}
