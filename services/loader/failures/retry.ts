/**
 * Waiting between attempts. Attempts go on until they succeed: a loader that gives up loses nothing, but it also loads
 * nothing. What ends a wait is the end of the assignment, or a stop: then one more attempt is made at once, and if it
 * fails the work is abandoned, uncommitted.
 */
import type { Clock } from '#shared/clock.ts'
import { HeadraceError, messageOf } from '#shared/errors.ts'
import { type Failure, type FailureKind, needsPerson } from './classify-error.ts'
import type { Stalls, TopicStall } from './stalls.ts'

/** The work is given up without a commit; it will be read again. */
export class Abandoned extends Error {}

export type RetryPolicy = {
  clock: Clock
  stalls: Stalls
  /** The assignment has ended: whatever is in hand is another member's. */
  over: AbortSignal
  /** The process is to end. */
  stopping: AbortSignal
  /** Of records, whose work this is. */
  topic?: string
}

const WAIT_FIRST_MS = 200
const DOUBLINGS_MAX = 12
export const WAIT_MAX_MS: Readonly<Record<FailureKind, number>> = {
  ambiguous: 5_000,
  overload: 10_000,
  memory: 10_000,
  table: 30_000,
  cut: 1_000,
  data: 30_000,
}

/**
 * Doubled at each attempt up to the bound, then spread over its upper half, so that many loaders do not knock at once.
 */
export function waitMs(attempt: number, maxMs: number, random: number): number {
  return Math.min(WAIT_FIRST_MS * 2 ** Math.min(attempt, DOUBLINGS_MAX), maxMs) * (0.5 + random / 2)
}

/**
 * Repeats while the failure may pass. Null: it succeeded. Otherwise a failure of the rows (data, memory), which
 * repeating does not cure.
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

/** Repeats until it is true; errors of the call are what it waits for. */
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

/** One wait. Throws Abandoned when the assignment is over, or when a stop has been asked for before it began. */
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
    // Woken early; what woke it decides.
  }
  endIfOver(retryPolicy)
}

function endIfOver({ over }: RetryPolicy): void {
  if (over.aborted) throw new Abandoned('the assignment has ended')
}

/** Errors of ours carry a code like HR_KAFKA_UNREACHABLE; anything else is a defect. */
const isPassing = (error: unknown): error is HeadraceError => error instanceof HeadraceError

export const stallOf = (failure: Failure): TopicStall => ({
  name: failure.name,
  message: failure.message,
  needsPerson: needsPerson(failure),
})

/** Servers that are away come back; what refuses a login, a right, a size or a shape does not change by itself. */
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
 * One wait after an error that nobody expected. It holds up its own topic and no other, since the other topics have no
 * part in it, and is tried again as if something outside had to be put right. Throws Abandoned as `pause` does.
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
