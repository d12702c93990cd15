/**
 * A parent stream: its records name the slices of another stream. `values` takes them from each record, by a function
 * or by JSON pointers. A part `*` of a pointer is every element of a list. `{name}` is a value of the parent's own
 * slice or partition, such as that of a grandparent.
 */
import { z } from 'zod'
import { DAY_MS } from '../units.ts'
import { positiveDuration } from './duration.ts'
import type { Scalar } from './paginate/generator.ts'

/** Of a slice, by name. */
export type ScalarValues = Readonly<Record<string, Scalar>>

export type ParentContext = {
  /** Of the parent's own slice or partition, such as values of a grandparent. */
  values: ScalarValues
}
/**
 * `record`: as the parent's schema gives it. Several value sets are several slices. Null skips the record. So does
 * undefined, unless it is returned for every parent: then a field has disappeared. Declared as a method, so that an
 * author may write `({ id }: z.infer<typeof account>) => …`.
 */
export type ParentFunction = {
  values(
    record: Readonly<Record<string, unknown>>,
    context: ParentContext,
  ): ScalarValues | readonly ScalarValues[] | null | undefined
}['values']
/** A pointer into the record, or `{name}`, by the name of the value. */
export type ParentPointers = Readonly<Record<string, string>>
export type ParentValues = ParentFunction | ParentPointers

const EXPECTED_POINTER = "expected a JSON pointer into the record such as /id or /tags/*, or a value such as '{region}'"
const parentPointer = z.string().regex(/^((\/([^~/]|~[01])*)*|\{[^{}]+\})$/, EXPECTED_POINTER)
const parentPointers = z
  .record(z.string().min(1), parentPointer)
  .refine((pointers) => Object.keys(pointers).length > 0, 'names no value')
const parentFunction = z.custom<ParentFunction>(
  (value) => typeof value === 'function',
  'expected a function of one record of the parent',
)
const optionalValues = z.strictObject({
  /** The values, which all records may lack; write `optional({ account: '/id' })`. */
  optional: z.union([parentFunction, parentPointers]),
})

/** In milliseconds. */
type Incremental = { fullEvery: number }
const FULL_EVERY_MS = 7 * DAY_MS
const incrementalSpec = z.strictObject({
  /** How often all parents are read and all slices are walked: `'1d'`. @default '7d' */
  fullEvery: positiveDuration.optional(),
})

export const parentShape = {
  kind: z.literal('parent'),
  /** The parent: another stream of the same source. */
  stream: z.string(),
  /**
   * The values of a slice, by pointers into a record of the parent: `{ account: '/id' }`. A `*` is each element of a
   * list, `'{region}'` a value of the parent's own slice. Or by a function: `(record) => ({ account:
   * String(record.id) })`.
   */
  values: z.union([parentFunction, optionalValues, parentPointers]),
  /**
   * Further values of the record for requests and envelopes: `{ name: '/name' }`. They do not identify the slice:
   * another one makes no new slice. Only a function of the request sends them as parameters.
   */
  extra: parentPointers.optional(),
  /**
   * True: only what has changed in the parent since the last run is read, and only the slices of those records are
   * walked. The parent needs a watermark. All slices again every seven days, or by `{ fullEvery: '1d' }`.
   */
  incremental: z
    .union([z.literal(true), incrementalSpec])
    .transform((given): Incremental => ({ fullEvery: (given === true ? null : given.fullEvery) ?? FULL_EVERY_MS }))
    .optional(),
}
/** Without the number of partitions. */
export const parentPart = z.strictObject(parentShape)

/** Without `optional()`. A value may have that name, and is then a text. */
export function parentValuesOf(given: z.input<typeof parentPart>['values']): { at: ParentValues; isOptional: boolean } {
  if (typeof given === 'object' && 'optional' in given && typeof given.optional !== 'string')
    return { at: given.optional, isOptional: true }
  return { at: given as ParentValues, isOptional: false }
}

/** The name in `{name}`; null for a pointer. */
export const sliceValueName = (pointer: string): string | null =>
  pointer.startsWith('{') ? pointer.slice(1, -1) : null

/** A pointer through a list: the pointer of the list, and that into each of its elements. */
export type ListPointer = { list: string; element: string }
const EVERY = '*'

/** Null for a pointer without `*`. */
export function listPointerOf(pointer: string): ListPointer | null {
  const steps = pointer.startsWith('/') ? pointer.slice(1).split('/') : []
  const at = steps.indexOf(EVERY)
  return at === -1 ? null : { list: pointerTo(steps.slice(0, at)), element: pointerTo(steps.slice(at + 1)) }
}

const pointerTo = (steps: readonly string[]): string => steps.map((step) => `/${step}`).join('')
