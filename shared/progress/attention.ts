/**
 * What a successful run leaves for a person to look at. `fetch --once` then exits with 3, and `status` shows it until a
 * later run is free of it. A failed run has an error instead.
 */
import { z } from 'zod'

export const ATTENTION_KINDS = ['watermark_held', 'deletes_withheld', 'page_skipped'] as const

export const attention = z.object({
  kind: z.enum(ATTENTION_KINDS),
  /** One sentence: what happened and what to do. */
  message: z.string(),
})
export type Attention = z.infer<typeof attention>

/** `all` with `more` added: one of a kind, the first of a run, since later ones follow from it. */
export const withAttention = (all: readonly Attention[], more: Attention): readonly Attention[] =>
  all.some(({ kind }) => kind === more.kind) ? all : [...all, more]
