/**
 * Guessed types of fields, as data. Each says what it was guessed from. `type-text.ts` writes them as zod types.
 */

import type { z } from 'zod'

export type ScalarType = {
  kind: 'scalar'
  /** The zod type as a declaration writes it. */
  code: string
  /** What it needs from 'headrace', besides z. */
  imports: readonly string[]
  type: z.ZodType
  fits(value: unknown): boolean
}
export type ValueType =
  | ScalarType
  | { kind: 'object'; fields: readonly FieldType[] }
  | { kind: 'list'; item: NullableType }
  | { kind: 'map'; value: NullableType }
export type NullableType = { type: ValueType; nullable: boolean }
export type FieldType = NullableType & {
  name: string
  /** May be missing. */
  optional: boolean
  /** What it was guessed from. */
  why: string
}
