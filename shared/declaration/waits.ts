/**
 * Waits that an API states in a way of its own: where a response names one, and how its value is meant. Without `as`,
 * a large number is a point in time. That guess would park a stream for hours where the API means milliseconds.
 */
import { z } from 'zod'
import { pointer } from './place.ts'

const WAITS_MAX = 10

const waitSpec = z
  .strictObject({
    /** Of the response, in any case. */
    header: z
      .string()
      .regex(/^[\w!#$%&'*+.^`|~-]+$/, 'expected the name of a header')
      .transform((name) => name.toLowerCase())
      .optional(),
    /** JSON pointer into the body. */
    body: pointer.optional(),
    /** `delta`: from now on; `epoch`: a point in time. */
    as: z.enum(['delta', 'epoch']).optional(),
    /** Of a number; a delta without it is in seconds, an epoch in what its size says. */
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
