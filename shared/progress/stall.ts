/**
 * What the loader waits for in one partition, as offset metadata of a group without members. So `status` names a
 * stalled table and its reason, even while the loader restarts. Empty metadata: it does not wait.
 */
import { z } from 'zod'
import { oneLine } from './last-attempt.ts'

export const stall = z.object({
  v: z.literal(1),
  /**
   * Since when nothing of the partition's topic is loaded, epoch milliseconds; it outlives a change of the reason and a
   * restart.
   */
  sinceMs: z.int(),
  /** Stable: ClickHouse's name of the error, or `HR_…`. */
  reason: z.string(),
  /** One line: what is wrong and what to do. */
  message: z.string(),
})
export type Stall = z.infer<typeof stall>

export const NO_STALL = ''
const REASON_CHARS_MAX = 64

export const stallText = ({ sinceMs, reason, message }: Omit<Stall, 'v'>): string =>
  JSON.stringify({
    v: 1,
    sinceMs,
    reason: reason.slice(0, REASON_CHARS_MAX),
    message: oneLine(message),
  } satisfies Stall)

export function parseStall(metadata: string): Stall | null {
  try {
    const result = stall.safeParse(JSON.parse(metadata))
    return result.success ? result.data : null
  } catch {
    return null
  }
}
