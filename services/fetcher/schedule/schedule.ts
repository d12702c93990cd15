/**
 * When runs start: first when the last one is due, then by interval or cron, sooner after a failure, and never during a
 * run. The outcome of a run decides the wait that follows it. A stop ends the waits, never a run: that ends by itself.
 */
import { Cron } from 'croner'
import { backoffWithEqualJitterMs } from '#shared/backoff.ts'
import type { Clock } from '#shared/clock.ts'
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
/** For a cron expression that never comes. */
const NEVER_DUE_MS = 24 * 3_600_000

/** Milliseconds from a moment to the next regular run. */
export function regularWaitMs(schedule: Schedule, fromMs: number): number {
  if (schedule.cron === undefined) return Math.max(EVERY_MIN_MS, schedule.every ?? EVERY_DEFAULT_MS)
  const next = new Cron(schedule.cron, { timezone: 'UTC' }).nextRun(new Date(fromMs))
  return next === null ? NEVER_DUE_MS : next.getTime() - fromMs
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
  clock: Clock
  /** No further run starts once it aborts. */
  stop: AbortSignal
  /** Registers what ends the current wait early. Returns the function that removes it. */
  onWake?(wake: () => void): () => void
}

/** Runs one after the other, the first after `firstMs`. Resolves after the stop, when the current run has ended. */
export async function runsOf(
  schedule: Schedule,
  firstMs: number,
  run: () => Promise<RunOutcome>,
  tools: ScheduleTools,
): Promise<void> {
  const { clock, stop } = tools
  let failures = 0
  for (let waitMs = firstMs; ; ) {
    await waitOrWake(waitMs, tools)
    if (stop.aborted) return
    const last = await run()
    if (last.outcome === 'stopped') return
    failures = last.outcome === 'failed' ? failures + 1 : 0
    waitMs = waitAfterMs(schedule, last, failures, clock.nowMs(), clock.random())
  }
}

/** Resolves when the time has passed, at a wake, or at the stop. */
async function waitOrWake(ms: number, { clock, stop, onWake }: ScheduleTools): Promise<void> {
  if (stop.aborted) return
  const over = new AbortController()
  const end = () => over.abort()
  stop.addEventListener('abort', end)
  const removeWake = onWake?.(end)
  try {
    await clock.sleep(ms, over.signal)
  } catch (error) {
    // A sleep that is ended early rejects with the signal's reason.
    if (error !== over.signal.reason) throw error
  } finally {
    stop.removeEventListener('abort', end)
    removeWake?.()
  }
}
