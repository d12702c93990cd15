/**
 * Waits that an API states in a way of its own: where a response names one, and how its value is meant. Without `as`,
 * a large number is a point in time. That guess would park a stream for hours where the API means milliseconds.
 */
import { z } from 'zod'
import { pointer } from './place.ts'

const WAITS_MAX = 10

const waitSpec = z
  .strictObject({
    /** The header that holds the wait, such as `'x-retry-in'`; in any case. */
    header: z
      .string()
      .regex(/^[\w!#$%&'*+.^`|~-]+$/, 'expected the name of a header')
      .transform((name) => name.toLowerCase())
      .optional(),
    /** Or the JSON pointer to it in the body, such as `'/error/retry_after'`. */
    body: pointer.optional(),
    /** `'delta'`: from now on; `'epoch'`: a point in time. Without it, a large number is a point in time. */
    as: z.enum(['delta', 'epoch']).optional(),
    /** Unit of a number: seconds or milliseconds. Without it, a delta is in seconds; the size of an epoch says it. */
    unit: z.enum(['s', 'ms']).optional(),
  })
  .refine(({ header, body }) => (header === undefined) !== (body === undefined), {
    error: 'names one of header and body',
    params: { rule: true },
  })

export const waitsSpec = z.array(waitSpec).min(1).max(WAITS_MAX)
export type WaitSpec = z.infer<typeof waitSpec>

/** For logs and hints. */
export const waitPlace = ({ header, body }: WaitSpec): string =>
  header === undefined ? `the body at "${body ?? ''}"` : `the header ${header}`
