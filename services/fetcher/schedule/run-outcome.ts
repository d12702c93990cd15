/** How a run ended: what the schedule, the summary and the exit status go by. */
import type { Attention } from '#shared/progress/attention.ts'

export type RunOutcome = {
  outcome: 'done' | 'failed' | 'stopped' | 'parked' | 'skipped'
  /** What a run that ended well leaves for a person to look at. */
  attention?: readonly Attention[]
  /** Why it failed, for a one-shot command to show. */
  error?: unknown
  /** Nothing was left to do: the range has been backfilled before. */
  already?: true
  /** Epoch milliseconds before which the API does not want to be asked. */
  parkedUntilMs?: number
}
