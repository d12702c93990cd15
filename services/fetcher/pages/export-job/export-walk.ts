/**
 * Walks an export: creates the job, waits until it is done, and reads its files page by page. The page that names a new
 * job has no records. It is published before the status is requested, so that a restart continues with the same job. A
 * job that failed is replaced, a bounded number of times. One that the API has dropped is JobGone: the walk starts
 * again.
 */
import type { JobHandle } from '#shared/declaration/paginate/export-job.ts'
import { Stopped } from '#shared/errors.ts'
import { MINUTE_MS } from '#shared/units.ts'
import type { PageResponse } from '../../http/messages.ts'
import type { Page } from '../page.ts'
import type { Cursor } from '../paginators/paginator.ts'
import { isDeclaredEmpty } from '../records-of.ts'
import { handleOf, type JobCursor, jobCursorOf, type StartedJob } from './job-cursor.ts'
import { JobGone } from './job-gone.ts'
import { shownJob } from './job-status.ts'
import { clockOf, type Export, type ExportTools, exportTools, removeJob } from './job-tools.ts'
import { readFiles } from './read-files.ts'
import { nextWaitMs } from './wait-for-job.ts'

/** Its last page has the cursor null. Throws what ends the run. */
export async function* exportPages(given: Export): AsyncGenerator<Page> {
  const { walk, spec } = given
  const { stream, stop } = walk
  const { jobsMax } = spec
  let at: JobCursor = jobCursorOf(stream, given.cursor)
  const tools = exportTools(given, at.job !== null)
  for (;;) {
    if (at.job === null) {
      stop.soft.throwIfAborted()
      const created = await tools.ask(given.create())
      if (isDeclaredEmpty(stream, created)) return yield lastPage(tools, created)
      at = startedJob(tools, created, at.jobs + 1)
      walk.send.vetting?.cursor(at)
      walk.log?.debug({ job: at.job }, 'export job created')
      yield { ...step(at), response: tools.spent(created) }
    }
    const { state, says, response } = await tools.end(at)
    if (state === 'done' && response !== null) return yield* readFiles(tools, at, response)
    if (state === 'empty' && response !== null) {
      await removeJob(tools, at.job)
      return yield lastPage(tools, response)
    }
    if (state === 'expired') throw new JobGone(`${stream.label}: export job ${shownJob(at.job)} has expired: ${says}`)
    const error = state === 'late' ? late(tools, at, says) : failure(tools, at, says)
    await removeJob(tools, at.job)
    const isLast: boolean = state === 'late' || at.jobs >= jobsMax
    const { job, jobs, createdMs } = at
    // A restart does not ask for this job again.
    at = { job: null, jobs: isLast ? 0 : jobs, sinceMs: createdMs }
    yield { ...step(at), response: tools.spent(response ?? unasked(tools, job)) }
    if (isLast) throw error
    walk.log?.warn({ err: error }, 'export job failed; creating another one')
    if (response !== null)
      await clockOf(walk).sleep(nextWaitMs(stream, spec, response, at.jobs, clockOf(walk)), stop.soft)
  }
}

/** Without records; it is in the log before the walk continues. */
const step = (cursor: Cursor): Omit<Page, 'response'> => ({
  cursor,
  records: [],
  last: false,
  durable: true,
  bounded: true,
})

const lastPage = (tools: ExportTools, response: PageResponse): Page => ({
  ...{ cursor: null, records: [], last: true, bounded: true },
  response: tools.spent(response),
})

/** A job without any answer yet, after its deadline. */
function unasked({ walk, baseUrl }: ExportTools, job: JobHandle): PageResponse {
  const request = { method: 'GET' as const, url: new URL(baseUrl), headers: {}, body: { job } }
  const costs = { bytes: 0, attempts: 0, retries: 0, durationMs: 0 }
  return { status: 200, headers: {}, body: null, request, fetchedMs: clockOf(walk).nowMs(), ...costs }
}

function startedJob({ walk, spec }: ExportTools, created: PageResponse, jobs: number): StartedJob {
  const { stream, send } = walk
  const nowMs = Math.floor(clockOf(walk).nowMs())
  const waitMs = Math.ceil(nextWaitMs(stream, spec, created, 0, clockOf(walk)))
  return {
    ...{ job: handleOf(stream, spec, created, send.vetting?.link), jobs },
    ...{ createdMs: nowMs, pollMs: nowMs + waitMs, files: 0, names: null, record: 0, id: null },
  }
}

function failure({ stream, spec }: ExportTools, { job, jobs }: StartedJob, says: string): Stopped {
  const which = spec.jobsMax === 1 ? '' : ` (job ${jobs} of ${spec.jobsMax})`
  return new Stopped('HR_JOB_FAILED', `${stream.label}: export job ${shownJob(job)} failed: ${says}${which}`, {
    hint: 'the next run creates another job; if the API names a reason, correct the request of the stream',
  })
}

function late({ stream, spec }: ExportTools, { job }: StartedJob, says: string): Stopped {
  const minutes = Math.round(spec.deadline / MINUTE_MS)
  return new Stopped(
    'HR_JOB_LATE',
    `${stream.label}: export job ${shownJob(job)} is not done after ${minutes} minutes (deadline): ${says}`,
    { hint: 'the next run creates another job; raise deadline of exportJob if the API needs longer' },
  )
}
