/**
 * Which records are marked as deleted, and what must still be valid about them. APIs send little more than the key of a
 * deleted record. So a record that is marked deleted and does not fit the schema needs only its primary key and its
 * watermark. Of its other fields, those that fit are kept.
 */
import { z } from 'zod'
import type { Stream } from '#shared/declaration/compile.ts'
import { valueAt } from '#shared/json-pointer.ts'
import type { Fields } from './drift.ts'

/** Texts that mean no; any other text, such as the instant of the deletion, means yes. */
const NO = new Set(['', 'false', '0', 'no', 'n', 'f'])

/** Whether a value marks a deletion: not if it is missing, null, false, 0, or a text that means no. */
export function isMark(value: unknown): boolean {
  if (value === undefined || value === null || value === false || value === 0) return false
  return typeof value !== 'string' || !NO.has(value.trim().toLowerCase())
}

/**
 * Whether a raw record is marked as deleted; null for a stream without such marks. Throws the errors of the author's
 * function.
 */
export function deletionOf({
  deleted,
}: {
  deleted?: string | ((raw: unknown) => boolean) | undefined
}): ((raw: unknown) => boolean) | null {
  if (deleted === undefined) return null
  return typeof deleted === 'string' ? (raw) => isMark(valueAt(raw, deleted)) : (raw) => isMark(deleted(raw))
}

/**
 * The path of the mark as drift names paths, if it is a field outside the schema. The author knows it, so it is not
 * drift.
 */
export function markPath({ deleted, schema }: Stream): string | null {
  if (typeof deleted !== 'string') return null
  const [first = '', ...rest] = deleted.slice(1).split('/')
  const name = first.replaceAll('~1', '/').replaceAll('~0', '~')
  return rest.length === 0 && !Object.hasOwn(schema.shape, name) ? name : null
}

/** The tombstone of a raw record: its key, its watermark and any other field that fits. */
export type Tombstones = (record: unknown) => z.ZodSafeParseResult<Fields>

export function tombstonesOf({ schema, primaryKey, watermark }: Stream): Tombstones {
  const needed = [...new Set([...primaryKey, ...(watermark === null ? [] : [watermark.field])])]
  const fields = Object.entries(schema.shape) as [string, z.ZodType][]
  const identity = z.object(Object.fromEntries(fields.filter(([name]) => needed.includes(name))))
  const others = fields.filter(([name]) => !needed.includes(name))
  return (record) => {
    const parsed = identity.safeParse(record)
    if (!parsed.success) return parsed
    const data: Fields = { ...parsed.data }
    for (const [name, type] of others) {
      const value = (record as Fields)[name]
      const fits = value === undefined ? null : type.safeParse(value)
      if (fits?.success === true) data[name] = fits.data
    }
    return { success: true, data }
  }
}
