/**
 * When runs start: first when the last one is due, then by interval or cron, sooner after a failure, and never during a
 * run. The outcome of a run decides the wait that follows it. A stop ends the waits, never a run: that ends by itself.
 */
import { Cron } from 'croner'
import {
  firstValueFrom,
  map,
  NEVER,
  type Observable,
  of,
  race,
  type SchedulerLike,
  switchMap,
  takeUntil,
  timer,
} from 'rxjs'
import { backoffWithEqualJitterMs } from '#shared/backoff.ts'
import type { Stream } from '#shared/declaration/compile.ts'
import type { RunOutcome } from './run-outcome.ts'

type Schedule = Pick<Stream, 'every' | 'cron'>

/** For a stream without a schedule of its own. */
const EVERY_DEFAULT_MS = 5 * 60_000
/** The shortest interval, whatever is declared. */
const EVERY_MIN_MS = 100
const RETRY_MS = 10_000
const RETRY_MAX_MS = 10 * 60_000
/** A time that the API named may already be over when it is read. */
const PARKED_MIN_MS = 1_000
/** Node's timers fire at once above 2^31 - 1 ms; a longer wait wakes up and checks again. */
const WAIT_MAX_MS = 24 * 3_600_000

/** Milliseconds from a moment to the next regular run. */
export function regularWaitMs(schedule: Schedule, fromMs: number): number {
  if (schedule.cron === undefined) return Math.max(EVERY_MIN_MS, schedule.every ?? EVERY_DEFAULT_MS)
  const next = new Cron(schedule.cron, { timezone: 'UTC' }).nextRun(new Date(fromMs))
  return next === null ? WAIT_MAX_MS : next.getTime() - fromMs
}

/** Milliseconds from now to the run that follows one which started at `startedMs`. Pure. */
export function dueInMs(schedule: Schedule, startedMs: number, nowMs: number): number {
  const due = startedMs + regularWaitMs(schedule, startedMs) - nowMs
  // A start in the future means that a clock was wrong.
  return Math.max(0, Math.min(due, regularWaitMs(schedule, nowMs)))
}

/** Milliseconds from now to the run that follows `last`. `failures`: failures in a row; `random` is in [0, 1). Pure. */
export function waitAfterMs(
  schedule: Schedule,
  last: RunOutcome,
  failures: number,
  nowMs: number,
  random: number,
): number {
  if (last.outcome === 'parked') return Math.max(PARKED_MIN_MS, (last.parkedUntilMs ?? nowMs) - nowMs)
  const regular = regularWaitMs(schedule, nowMs)
  if (last.outcome !== 'failed') return regular
  // Workers that failed together do not retry together.
  return Math.min(regular, backoffWithEqualJitterMs({ firstMs: RETRY_MS, maxMs: RETRY_MAX_MS, failures }, random))
}

export type ScheduleTools = {
  nowMs(): number
  random(): number
  /** Emits when no further run may start, even to a late subscriber. */
  stopped: Observable<unknown>
  /** Emits when a wait is over early. */
  woken?: Observable<unknown>
  scheduler?: SchedulerLike
}

/** Runs one after the other, the first after `firstMs`. Resolves after the stop, when the current run has ended. */
export async function runsOf(
  schedule: Schedule,
  firstMs: number,
  run: () => Promise<RunOutcome>,
  tools: ScheduleTools,
): Promise<void> {
  let failures = 0
  for (let waitMs = firstMs; await isOver(waitMs, tools); ) {
    const last = await run()
    if (last.outcome === 'stopped') return
    failures = last.outcome === 'failed' ? failures + 1 : 0
    waitMs = waitAfterMs(schedule, last, failures, tools.nowMs(), tools.random())
  }
}

/** Waits: true when the time has passed or the wait was ended early, false at the stop. */
const isOver = (ms: number, { scheduler, stopped, woken = NEVER }: ScheduleTools): Promise<boolean> => {
  const over = race(sleep(ms, scheduler), woken).pipe(map(() => true))
  return firstValueFrom(over.pipe(takeUntil(stopped)), { defaultValue: false })
}

function sleep(ms: number, scheduler: SchedulerLike | undefined): Observable<unknown> {
  const piece = Math.min(ms, WAIT_MAX_MS)
  return timer(piece, scheduler).pipe(switchMap(() => (ms > piece ? sleep(ms - piece, scheduler) : of(null))))
}
