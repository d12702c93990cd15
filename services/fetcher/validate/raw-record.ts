/**
 * Checks a raw record by the `raw` type of its stream, before a function of the author gets it. The record stays as it
 * is: defaults and conversions of the type do not apply, and unknown fields are still found by the schema.
 */
import type { Stream } from '#shared/declaration/compile.ts'
import { messageOf } from '#shared/errors.ts'
import { issuesText } from './issues.ts'
import type { Refusal } from './validated-page.ts'

/** Null for a record that has the type. */
export type RawCheck = (raw: unknown) => Refusal | null

/** The reason of its dead letter. */
export const RAW_INVALID = 'raw_invalid'

/** Null for a stream without the type. */
export function rawCheckOf({ raw: type }: Stream): RawCheck | null {
  if (type === undefined) return null
  return (raw) => {
    try {
      const { error } = type.safeParse(raw)
      return error === undefined ? null : { reason: RAW_INVALID, issues: `raw: ${issuesText(error)}` }
    } catch (error) {
      // A refinement of the author that throws, or a record too deep for the type.
      return { reason: RAW_INVALID, issues: `raw threw: ${messageOf(error)}` }
    }
  }
}
