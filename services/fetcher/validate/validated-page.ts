/** What validation makes of a page: its records, its dead letters, and what it shows of the API's shape. */
import type { LearnedType } from '#shared/schema/learned-columns.ts'
import type { Position } from '#shared/watermark.ts'

export type ValidRecord = {
  /** The Kafka key: the primary key's text, so that one key's versions keep their order. */
  key: string
  payload: string
  position: Position | null
}
/** `times`: it came so often, where that is not once. */
export type RejectedRecord = { raw: string; reason: string; issues: string; times?: number }
export type Misfit = { column: LearnedType; type: string }
export type ValidatedPage = {
  records: ValidRecord[]
  rejected: RejectedRecord[]
  /** Of each raw record, in their order; null where it was not accepted, or has none. */
  positions: (Position | null)[]
  /** Unknown fields: path → type of the value. */
  drift: Map<string, string>
  /** What the first value at each of these paths looks like. */
  examples?: Map<string, string>
  /**
   * Values that do not fit the column that was learned for their field: field → type of the column and of the value.
   */
  misfits?: Map<string, Misfit>
  /** Optional fields of the schema that no accepted record had. */
  absent: Set<string>
  leftOut: number
}

/** Why a record is rejected. */
export type Refusal = { reason: string; issues: string }
