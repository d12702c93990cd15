/**
 * Requests the status of a job until it has ended. The API says when to ask again; otherwise the declared interval
 * doubles. Guarantees: no request earlier than the API asks, and none after the deadline, but one after a restart. A
 * stop ends a wait at once.
 */
import { backoffWithAddedJitterMs } from '#shared/backoff.ts'
import type { Clock } from '#shared/clock.ts'
import type { Stream } from '#shared/declaration/compile.ts'
import { type ExportJobSpec, longestInterval } from '#shared/declaration/paginate/export-job.ts'
import type { Log } from '#shared/log.ts'
import { MINUTE_MS, SECOND_MS } from '#shared/units.ts'
import type { PageResponse } from '../../http/messages.ts'
import { namedWait } from '../../http/retry-after/retry-after.ts'
import { statedWait } from '../../http/retry-after/stated-wait.ts'
import type { StartedJob } from './job-cursor.ts'
import { type JobState, type JobStatus, jobStatus, shownJob } from './job-status.ts'

export type JobWait = {
  stream: Stream
  spec: ExportJobSpec
  clock: Clock
  log?: Log | undefined
  /** Ends a wait at once. */
  stop: AbortSignal
  /** Requests the status. */
  ask(): Promise<PageResponse>
}

/** `late`: it is not done at its deadline. */
export type JobEnd = { state: Exclude<JobState, 'running'> | 'late'; says: string; response: PageResponse | null }

/** Whatever an API names, it is not asked more often. */
const WAIT_MIN_MS = 100
const JITTER_MAX_MS = SECOND_MS
/** A job that takes longer is logged, and then each time that its age has doubled. */
const LOGGED_MS = MINUTE_MS

/** Throws Stopped for an answer without a status, what `ask` throws, or the reason of the stop. */
export async function endOfJob(wait: JobWait, at: StartedJob): Promise<JobEnd> {
  const { stream, spec, clock, stop } = wait
  const lateMs = at.createdMs + spec.deadline
  let loggedMs = LOGGED_MS
  let response: PageResponse | null = null
  let status: JobStatus = { state: 'running', says: 'created' }
  for (let askMs = at.pollMs, polls = 1; ; polls++) {
    const nowMs = clock.nowMs()
    if (askMs > Math.max(lateMs, nowMs)) return { state: 'late', says: status.says, response }
    if (nowMs - at.createdMs >= loggedMs) {
      wait.log?.info({ status: status.says, ageMs: nowMs - at.createdMs }, `waiting for export job ${shownJob(at.job)}`)
      loggedMs = 2 * (nowMs - at.createdMs)
    }
    if (askMs > nowMs) await clock.sleep(askMs - nowMs, stop)
    stop.throwIfAborted()
    response = await wait.ask()
    status = jobStatus(stream, spec, at.job, response)
    if (status.state !== 'running') return { ...status, state: status.state, response }
    askMs = clock.nowMs() + nextWaitMs(stream, spec, response, polls, clock)
    if (askMs > lateMs) return { state: 'late', says: status.says, response }
  }
}

/** Until the next request for the status. `polls`: requests so far, 0 for a job that was just created. */
export function nextWaitMs(
  stream: Stream,
  spec: ExportJobSpec,
  response: PageResponse,
  polls: number,
  clock: Pick<Clock, 'nowMs' | 'random'>,
): number {
  const nowMs = clock.nowMs()
  const { waits } = stream.answers
  const named = statedWait(waits, response, nowMs, () => undefined) ?? namedWait(response, nowMs)
  if (named !== null) return Math.max(WAIT_MIN_MS, named)
  const bounds = { firstMs: spec.interval, maxMs: longestInterval(spec), failures: Math.max(1, polls) }
  const jitterMs = Math.min(JITTER_MAX_MS, spec.interval / 2)
  return Math.max(WAIT_MIN_MS, backoffWithAddedJitterMs(bounds, jitterMs, clock.random()))
}
