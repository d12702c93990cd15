/**
 * Waiting between attempts. Attempts continue until one succeeds: a loader that gives up loses nothing, but also loads
 * nothing. A wait ends early when the assignment ends or a stop begins. In a stop one more attempt is made at once; if
 * it fails, the work is abandoned uncommitted.
 */
import { backoffWithEqualJitterMs } from '#shared/backoff.ts'
import type { Clock } from '#shared/clock.ts'
import { HeadraceError, messageOf } from '#shared/errors.ts'
import { CLICKHOUSE_TLS_OPTIONS, tlsFaultOf } from '#shared/tls/explain.ts'
import { type Failure, type FailureKind, needsPerson } from './classify-error.ts'
import type { Stalls, TopicStall } from './stalls.ts'

/** The work is abandoned without a commit; it will be read again. */
export class Abandoned extends Error {}

export type RetryPolicy = {
  clock: Clock
  stalls: Stalls
  /** The assignment has ended: another member owns the work in progress. */
  over: AbortSignal
  /** The process has to stop. */
  stopping: AbortSignal
  /** The record topic that this work belongs to. */
  topic?: string
}

const WAIT_FIRST_MS = 200
export const WAIT_MAX_MS: Readonly<Record<FailureKind, number>> = {
  ambiguous: 5_000,
  overload: 10_000,
  memory: 10_000,
  table: 30_000,
  cut: 1_000,
  data: 30_000,
}

/** `attempt` counts from 0. Has jitter, so that many loaders do not retry at the same moment. */
export const waitMs = (attempt: number, maxMs: number, random: number): number =>
  backoffWithEqualJitterMs({ firstMs: WAIT_FIRST_MS, maxMs, failures: attempt + 1 }, random)

/**
 * Repeats while the failure may pass. Null: it succeeded. Otherwise a failure of the rows (data, memory) that a retry
 * does not fix.
 */
export async function untilDecided(
  what: string,
  retryPolicy: RetryPolicy,
  attempt: () => Promise<Failure | null>,
): Promise<Failure | null> {
  let wasCut = false
  for (let count = 0; ; count++) {
    endIfOver(retryPolicy)
    const failure = await attempt()
    if (
      failure === null ||
      failure.kind === 'data' ||
      failure.kind === 'memory' ||
      (failure.kind === 'cut' && wasCut)
    ) {
      retryPolicy.stalls.clear(what)
      return failure
    }
    wasCut ||= failure.kind === 'cut'
    await pause(what, stallOf(failure), WAIT_MAX_MS[failure.kind], count, retryPolicy)
  }
}

/** Repeats until the call succeeds. Waits and retries on errors of Headrace; throws any other error. */
export async function untilDone<T>(
  what: string,
  retryPolicy: RetryPolicy,
  maxMs: number,
  attempt: () => Promise<T>,
): Promise<T> {
  for (let count = 0; ; count++) {
    endIfOver(retryPolicy)
    try {
      const value = await attempt()
      retryPolicy.stalls.clear(what)
      return value
    } catch (error) {
      if (!isPassing(error)) throw error
      await pause(what, stallOfError(error), maxMs, count, retryPolicy)
    }
  }
}

/** One wait. Throws Abandoned when the assignment is over, or when a stop was requested before the wait began. */
export async function pause(
  what: string,
  stall: TopicStall,
  maxMs: number,
  attempt: number,
  retryPolicy: RetryPolicy,
): Promise<void> {
  const { clock, over, stopping, stalls } = retryPolicy
  endIfOver(retryPolicy)
  if (stopping.aborted) throw new Abandoned(`${what}: stopped while waiting: ${stall.message}`)
  stalls.hold(what, stall, retryPolicy.topic)
  try {
    await clock.sleep(waitMs(attempt, maxMs, clock.random()), AbortSignal.any([over, stopping]))
  } catch {
    // Woken early; the check below decides.
  }
  endIfOver(retryPolicy)
}

function endIfOver({ over }: RetryPolicy): void {
  if (over.aborted) throw new Abandoned('the assignment has ended')
}

/** Our errors carry a code such as HR_KAFKA_UNREACHABLE; any other error is a defect. */
const isPassing = (error: unknown): error is HeadraceError => error instanceof HeadraceError

export function stallOf(failure: Failure): TopicStall {
  const { name, code, message } = failure
  const fault = code === null ? tlsFaultOf({ code: name, message }, CLICKHOUSE_TLS_OPTIONS) : null
  if (fault === null) return { name, message, needsPerson: needsPerson(failure) }
  return { name, message: `no connection to ClickHouse: ${fault.message}; ${fault.hint}`, needsPerson: true }
}

/**
 * Unreachable servers come back. A refused login, a missing permission, a wrong size or a wrong shape does not change
 * by itself.
 */
const PASSING = [
  'HR_REGISTRY',
  'HR_KAFKA_UNREACHABLE',
  'HR_KAFKA_REQUEST',
  'HR_KAFKA_TIMEOUT',
  'HR_KAFKA_NO_ANSWER',
  'HR_KAFKA_METADATA',
]

export const stallOfError = ({ code, message, hint }: HeadraceError): TopicStall => ({
  name: code,
  message: hint === undefined ? message : `${message}; ${hint}`,
  needsPerson: !PASSING.includes(code),
})

/**
 * One wait after an unexpected error. It stalls its own topic only, since other topics are not involved. It is retried
 * like a failure that a person has to fix. Throws Abandoned as `pause` does.
 */
export function pauseForDefect(
  topic: string,
  where: string,
  error: unknown,
  attempt: number,
  retryPolicy: RetryPolicy,
): Promise<void> {
  const message = `${where}: ${messageOf(error)}; see the log, and report it`
  return pause(topic, { name: 'HR_DEFECT', message, needsPerson: true }, WAIT_MAX_MS.table, attempt, retryPolicy)
}
