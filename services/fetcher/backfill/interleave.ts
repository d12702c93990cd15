/**
 * Alternates a backfill with the regular runs of its partition: a backfill of hours must not keep new records from the
 * warehouse. The backfill stops after a page when a regular run is due, and resumes from its cursor after it. Without a
 * running fetcher there are no regular runs to do.
 */
import type { Clock } from '#shared/clock.ts'
import type { Stream } from '#shared/declaration/compile.ts'
import type { Partition } from '../partition.ts'
import type { Job } from '../resume/job.ts'
import type { RunOutcome } from '../schedule/run-outcome.ts'
import { waitAfterMs } from '../schedule/schedule.ts'
import type { Stop } from '../schedule/stop-signal.ts'

export type InterleaveOptions = {
  stream: Pick<Stream, 'every' | 'cron'>
  partition: Partition
  job: Job
  stop: Stop
  clock: Clock
  /** Whether a fetcher runs that owned these partitions before. Throws if that cannot be found out. */
  isServed(): Promise<boolean>
}

/**
 * The backfill runs at least this long before the next regular run, and as long as the last one took: neither starves.
 */
const TURN_MIN_MS = 1_000
/** How often to check whether a fetcher is running. */
const LOOK_AGAIN_MS = 5_000
/** A longer wait wakes up and checks again. */
const WAIT_MAX_MS = 3_600_000

/** Resolves with the outcome of the backfill. */
export async function interleaveBackfill(options: InterleaveOptions): Promise<RunOutcome> {
  const { stream, partition, stop, clock } = options
  let notBeforeMs = clock.elapsedMs()
  let failures = 0
  for (;;) {
    const outcome = await backfillUntilDue(options, notBeforeMs)
    if (outcome.outcome !== 'stopped' || stop.soft.aborted) return outcome
    const startedMs = clock.elapsedMs()
    const regular = await partition.run(stop)
    failures = regular.outcome === 'failed' ? failures + 1 : 0
    const endedMs = clock.elapsedMs()
    const pauseMs =
      regular.outcome === 'done'
        ? endedMs - startedMs
        : waitAfterMs(stream, regular, failures, clock.nowMs(), clock.random())
    notBeforeMs = endedMs + Math.max(TURN_MIN_MS, pauseMs)
  }
}

async function backfillUntilDue(options: InterleaveOptions, notBeforeMs: number): Promise<RunOutcome> {
  const { partition, job, stop } = options
  const due = new AbortController()
  const ended = new AbortController()
  whenDue(options, notBeforeMs, ended.signal).then(
    () => due.abort(),
    () => {},
  )
  try {
    return await partition.run({ soft: AbortSignal.any([stop.soft, due.signal]), hard: stop.hard }, job)
  } finally {
    ended.abort()
  }
}

/** Resolves when a regular run is due that a fetcher would do; rejects if `ended` comes first. */
async function whenDue(
  { partition, clock, isServed }: InterleaveOptions,
  notBeforeMs: number,
  ended: AbortSignal,
): Promise<void> {
  for (;;) {
    const dueMs = Math.max(await partition.dueInMs(ended), notBeforeMs - clock.elapsedMs())
    if (dueMs <= 0 && (await isServed().catch(() => false))) return
    await clock.sleep(dueMs <= 0 ? LOOK_AGAIN_MS : Math.min(dueMs, WAIT_MAX_MS), ended)
    ended.throwIfAborted()
  }
}
