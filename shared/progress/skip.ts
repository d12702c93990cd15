/**
 * The last page that was skipped because the declaration's `answers` say so. It is offset metadata of a group without
 * members.
 */
import { z } from 'zod'
import { type Checkpoint, instantMs, parseJson } from './offset-metadata.ts'

export const skip = z.object({
  v: z.literal(1),
  run: z.string(),
  /** The run ended before this page. */
  page: z.int().min(1),
  /** That the page was answered with. */
  status: z.int(),
  /** When, epoch milliseconds. */
  atMs: instantMs,
})
export type Skip = z.infer<typeof skip>

export const skipText = (value: Skip): string => JSON.stringify(value)

export const parseSkip = (metadata: string): Skip | null => parseJson(skip, metadata)

/** Whether the page has not been published since: by its own run, or by a whole run that began later. */
export function isStillSkipped({ run, page, atMs }: Skip, checkpoint: Checkpoint | null): boolean {
  if (checkpoint === null) return true
  return checkpoint.run === run
    ? checkpoint.page < page && !checkpoint.done
    : !checkpoint.done || checkpoint.startedMs < atMs
}
