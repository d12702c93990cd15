/** Places in an answer or a request: RFC 6901 JSON pointers, or functions of the body where an answer needs more than a pointer. */
import { z } from 'zod'

export const pointer = z
  .string()
  .regex(/^(\/([^~/]|~[01])*)*$/, 'expected a JSON pointer (RFC 6901) such as /meta/next, or "" for the whole body')
export const bodyFunction = z.custom<(body: unknown) => unknown>((value) => typeof value === 'function', 'expected a function of the body')
export const place = z.union([pointer, bodyFunction], 'expected a JSON pointer (RFC 6901) such as /meta/next, or a function of the body')
export type Place = z.infer<typeof place>

/** The parameter that sets a page's size, and the size. It must be one that the API gives: not above its own maximum. */
export const sizeSpec = z.strictObject({ param: z.string(), value: z.int().min(1) })

/** A specification as an author gives it to the function of its kind. */
export type Given<T extends z.ZodType> = Omit<z.input<T>, 'kind'>

/** True if exactly one, or at most one, of these is given. */
export const countGiven = (...values: unknown[]): number => values.filter((value) => value !== undefined).length
