/** How a run ended: what the schedule, the summary and the exit status go by. */
export type RunOutcome = {
  outcome: 'done' | 'failed' | 'stopped' | 'parked' | 'skipped'
  /** Why it failed, for a one-shot command to show. */
  error?: unknown
  /** Nothing was left to do: the range has been backfilled before. */
  already?: true
  /** Epoch milliseconds before which the API does not want to be asked. */
  parkedUntilMs?: number
}
