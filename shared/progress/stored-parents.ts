/** What a checkpoint holds of a parent that is read incrementally. */
import { z } from 'zod'

export const storedParents = z.object({
  /** Of the declaration that found the slices. */
  id: z.string(),
  /** Position of the parent: of all its records up to here, the children are published. Null: of none. */
  at: z.string().nullable(),
  /** When reading all parents began, epoch milliseconds, of the last run that walked all slices to their end. */
  fullMs: z.int(),
  /** The watermark at the end of that run. */
  whole: z.string().nullable().optional(),
  /** Of the run under way: the position at its end, when its slices were discovered, and whether it walks all. */
  run: z.object({ to: z.string().nullable(), foundMs: z.int(), full: z.literal(true).optional() }).optional(),
})
