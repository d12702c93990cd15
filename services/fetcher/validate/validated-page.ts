/** The result of validating a page: its records, its dead letters, and what it shows about the API's shape. */
import type { LearnedType } from '#shared/schema/learned-columns.ts'
import type { Position } from '#shared/watermark.ts'

export type ValidRecord = {
  /** The Kafka key: the primary key's text, so that the versions of a key keep their order. */
  key: string
  payload: string
  position: Position | null
  /** Where the key is a hash: identifies what it does not cover. */
  beyondKey?: string
}
/** `times`: how often it came, if more than once. */
export type RejectedRecord = { raw: string; reason: string; issues: string; times?: number }
export type Misfit = { column: LearnedType; type: string }
export type ValidatedPage = {
  records: ValidRecord[]
  rejected: RejectedRecord[]
  /** One for each raw record, in their order; null if it was not accepted, or has none. */
  positions: (Position | null)[]
  /** Unknown fields: path → type of the value. */
  drift: Map<string, string>
  /** The shape of the first value at each of these paths. */
  examples?: Map<string, string>
  /** Values that do not fit the learned column of their field: field → type of the column and of the value. */
  misfits?: Map<string, Misfit>
  /** Optional fields of the schema that no accepted record had. */
  absent: Set<string>
  /** Records that `filter` or `map` drops. */
  omitted: number
}

/** Why a record is rejected. */
export type Refusal = { reason: string; issues: string }
