/** What is known of the last attempt of one owned partition, and how it is described to others. Pure. */
import { HeadraceError, messageOf } from '#shared/errors.ts'
import type { EndedAttempt, LastAttempt, Release } from '#shared/progress/last-attempt.ts'
import { Parked } from '../http/errors.ts'
import type { Owned } from './assigned-partitions.ts'
import type { RunOutcome } from './run-outcome.ts'

export type AttemptState = Owned & {
  topic: string
  last: LastAttempt | null
  release: Release | null
  writtenMs: number
  /** Kafka stores nothing for a topic that does not exist. */
  hasTopic: boolean
  /** Why Kafka or the registry refused the last attempt in this process. */
  refusal: string | null
}

export type FailingPartition = {
  partition: string
  outcome: string
  code?: string
  message?: string
  failingSince: string
  failures: number
}

/** `redact`: removes the source's secrets from a text. */
export function endedAttempt(outcome: RunOutcome, atMs: number, redact: (text: string) => string): EndedAttempt | null {
  const { outcome: how, error, parkedUntilMs, attention } = outcome
  if (how === 'stopped') return null
  return {
    outcome: how,
    atMs,
    ...(error === undefined || how === 'skipped' ? {} : { error: factsOf(error, redact) }),
    ...(parkedUntilMs === undefined ? {} : { parkedUntilMs }),
    ...(error instanceof Parked && error.wholeSource ? { wholeSource: true } : {}),
    ...(attention === undefined ? {} : { attention }),
  }
}

function factsOf(error: unknown, redact: (text: string) => string): NonNullable<EndedAttempt['error']> {
  const message = redact(messageOf(error))
  if (error instanceof HeadraceError)
    return { code: error.code, message, ...(error.hint === undefined ? {} : { hint: redact(error.hint) }) }
  return { code: 'HR_DEFECT', message }
}

/** Both say the same of the partition, at different times. */
export const isSameSuccess = (before: LastAttempt | null, next: LastAttempt): boolean =>
  before?.outcome === 'done' &&
  next.outcome === 'done' &&
  before.attention === undefined &&
  next.attention === undefined

export function failingOf(
  partition: string,
  { outcome, code, message, failingSinceMs, failures }: LastAttempt,
): FailingPartition[] {
  if (failingSinceMs === null) return []
  return [
    {
      ...{ partition, outcome, failingSince: new Date(failingSinceMs).toISOString(), failures },
      ...(code === undefined ? {} : { code }),
      ...(message === undefined ? {} : { message }),
    },
  ]
}

/** The state itself, and all that the same pause of the whole source parks. */
export const parkedTogether = <S extends AttemptState>(state: S, states: readonly S[]): S[] =>
  states.filter(
    (each) =>
      each === state ||
      (state.last?.wholeSource === true &&
        each.last?.wholeSource === true &&
        each.stream.source === state.stream.source),
  )
