/** How a run ended: decides the schedule, the summary and the exit status. */
import type { Attention } from '#shared/progress/attention.ts'

export type RunOutcome = {
  outcome: 'done' | 'failed' | 'stopped' | 'parked' | 'skipped'
  /** What a person should check after a run that ended well. */
  attention?: readonly Attention[]
  /** Why it failed, for a one-shot command to show. */
  error?: unknown
  /** Nothing was left to do: the range has been backfilled before. */
  already?: true
  /** Epoch milliseconds until which the API asks to wait. */
  parkedUntilMs?: number
}
