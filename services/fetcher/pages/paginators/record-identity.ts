/**
 * What identifies a record when it comes again: its primary key if the API sends it under that name, else the whole
 * record.
 */
import type { Stream } from '#shared/declaration/compile.ts'
import { digest } from '../../deduplicate/digest.ts'
import { rawText } from '../../validate/deep-json.ts'

/** Enough to tell the records of a few pages apart. */
const MARK_CHARS = 12

export function identityOf({ primaryKey, recordKey }: Stream, record: unknown): string {
  const fields = typeof record === 'object' && record !== null ? (record as Record<string, unknown>) : {}
  const isKeyed = recordKey === null && primaryKey.every((field) => Object.hasOwn(fields, field))
  return markOf(isKeyed ? primaryKey.map((field) => fields[field]) : record)
}

/** What identifies a version of a record: all that the API sent of it. */
export const versionOf = (record: unknown): string => markOf(record)

const markOf = (value: unknown): string => digest(rawText(value)).slice(0, MARK_CHARS)
