/**
 * Splits the unknown fields of one record into those with a learned column and the rest. Pure; a value of another type
 * than its column's belongs to the rest.
 */
import { type LearnedType, learnedType } from '#shared/schema/learned-columns.ts'
import { type Fields, typeName } from './drift.ts'
import type { Learned } from './learned-columns.ts'

/** Whether a value of a JSON type fits a column; null is its absence. */
export const fitsColumn = (column: LearnedType | undefined, jsonType: string): boolean =>
  column !== undefined && (jsonType === 'null' || learnedType(jsonType) === column)

/** Null if there are none. */
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
