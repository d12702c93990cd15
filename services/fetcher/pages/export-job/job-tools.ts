/** What the walk of an export does with the API: requests about its job, and their costs since the last page. */
import { type Clock, systemClock } from '#shared/clock.ts'
import { type ExportJobSpec, type JobHandle, writtenOut } from '#shared/declaration/paginate/export-job.ts'
import { messageOf } from '#shared/errors.ts'
import { mayMeanExpiredCursor } from '../../http/errors.ts'
import type { PageRequest, PageResponse } from '../../http/messages.ts'
import type { Walk } from '../page.ts'
import type { Cursor } from '../paginators/paginator.ts'
import type { StartedJob } from './job-cursor.ts'
import { JobGone } from './job-gone.ts'
import { type JobPlace, jobRequest } from './job-request.ts'
import { shownJob } from './job-status.ts'
import { createSpending } from './spending.ts'
import { endOfJob, type JobEnd } from './wait-for-job.ts'

/** A walk's part that one job exports: all of it, or a window. Cursors are those of the job. */
export type Export = JobPlace & {
  walk: Walk
  spec: ExportJobSpec
  cursor: Cursor | null
  /** The request that creates a job. */
  create(): PageRequest
}

/** What a walk of an export does with the API. */
export type ExportTools = Export & {
  /** An earlier run has created the job. */
  isResumed: boolean
  /** Requests about the job. */
  ask(request: PageRequest): Promise<PageResponse>
  /** The answer, with what all requests since the last page have cost. */
  spent(response: PageResponse): PageResponse
  count(response: PageResponse): PageResponse
  /** Waits until the job has ended. Throws JobGone. */
  end(at: StartedJob): Promise<JobEnd>
}

export const clockOf = ({ clock = systemClock }: Walk): Clock => clock

export function exportTools(given: Export, isResumed: boolean): ExportTools {
  const { walk, spec } = given
  const { stream, send, stop } = walk
  const spending = createSpending()
  let isKnown = isResumed
  const poll = { field: 'poll' as const, spec: writtenOut(spec.poll, 'GET') }

  const ask = async (request: PageRequest): Promise<PageResponse> =>
    spending.add(await send(request, { signal: stop.hard, stream: stream.label, job: true }))

  async function askStatus(job: JobHandle): Promise<PageResponse> {
    try {
      const response = await ask(jobRequest(given, poll, job))
      isKnown = true
      return response
    } catch (error) {
      // Of a job that was created a moment ago, this is rather a mistake in the declaration.
      if (!isKnown || !mayMeanExpiredCursor(error, stream)) throw error
      throw new JobGone(`${stream.label}: the API has no export job ${shownJob(job)} any more: ${error.message}`, error)
    }
  }

  return {
    ...given,
    isResumed,
    ask,
    spent: spending.spent,
    count: spending.add,
    end: (at) =>
      endOfJob(
        { stream, spec, clock: clockOf(walk), log: walk.log, stop: stop.soft, ask: () => askStatus(at.job) },
        at,
      ),
  }
}

/** Best effort: a job that is not deleted is the API's to delete, and changes nothing here. */
export async function removeJob(tools: ExportTools, job: JobHandle): Promise<void> {
  const { spec, walk } = tools
  if (spec.remove === undefined) return
  try {
    await tools.ask(jobRequest(tools, { field: 'remove', spec: writtenOut(spec.remove, 'DELETE') }, job))
  } catch (error) {
    walk.stop.hard.throwIfAborted()
    walk.log?.info({ err: error }, `export job ${shownJob(job)} was not deleted: ${messageOf(error)}`)
  }
}
