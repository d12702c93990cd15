/**
 * Keeps the runs of a partition from sending refused credentials again, until the wait is over or the credentials have
 * changed. A run that is held back fails with the error of the one before, without a request and without a line in the
 * log.
 */
import type { Clock } from '#shared/clock.ts'
import { refusalWaitMs } from '../http/auth/refusal-wait.ts'
import { CredentialsRefused } from '../http/errors.ts'

export type RefusedRuns = {
  /** The error that is still valid. */
  current(): Promise<CredentialsRefused | null>
  /** `stamp`: of the credentials when the run began. */
  ended(error: unknown, stamp: string): void
  /** Identifies the current credentials; never shown. */
  stamp(): Promise<string>
}

export function createRefusedRuns(clock: Pick<Clock, 'elapsedMs'>, given: () => Promise<string>): RefusedRuns {
  // A missing secret reports its own error in the run.
  const stamp = () => given().catch(() => 'none')
  let refusal: { error: CredentialsRefused; stamp: string; untilMs: number } | null = null
  let refusals = 0
  return {
    stamp,
    async current() {
      if (refusal === null || clock.elapsedMs() >= refusal.untilMs) return null
      return (await stamp()) === refusal.stamp ? refusal.error : null
    },
    ended(error, before) {
      if (!(error instanceof CredentialsRefused)) {
        refusal = null
        refusals = 0
        return
      }
      refusals = refusal !== null && refusal.stamp !== before ? 1 : refusals + 1
      refusal = { error, stamp: before, untilMs: clock.elapsedMs() + refusalWaitMs(error, refusals) }
    },
  }
}
