/**
 * The walk of a stream that is exported by jobs: one job for the whole walk, or one for each window of it. In windows,
 * the cursor is that of the window, and the job's is inside it.
 */
import type { ExportJobSpec } from '#shared/declaration/paginate/export-job.ts'
import { Stopped } from '#shared/errors.ts'
import { boundsOf } from '../../watermark/request-window.ts'
import { firstRequest } from '../first-request.ts'
import type { Page, Walk } from '../page.ts'
import type { Cursor, Paginator } from '../paginators/paginator.ts'
import { paginatorFor } from '../paginators/paginator-for.ts'
import { fieldsOf } from '../paginators/read-response.ts'
import { exportPages } from './export-walk.ts'
import { JobGone } from './job-gone.ts'

export async function* walkExports(walk: Walk, spec: ExportJobSpec): AsyncGenerator<Page> {
  const { stream, partition, baseUrl } = walk
  if (stream.paginate.kind === 'windows') {
    yield* exportsInWindows(walk, spec)
    return
  }
  const { since: from, until: to } = boundsOf(walk).texts
  const create = () => firstRequest(stream, baseUrl, partition, from, to)
  yield* exportPages({ ...{ walk, spec, stream, partition, baseUrl, from, to }, cursor: walk.cursor, create })
}

async function* exportsInWindows(walk: Walk, spec: ExportJobSpec): AsyncGenerator<Page> {
  const { stream, partition, baseUrl } = walk
  const windows = paginatorFor(stream)
  const { since, until, texts } = boundsOf(walk)
  let at: Cursor | null = walk.cursor ?? windows.start?.({ since, until, startedMs: walk.startedMs }) ?? null
  while (at !== null) {
    const window = at
    const seen = seenOf(windows, window)
    const create = () => {
      const first = firstRequest(stream, baseUrl, partition, texts.since, texts.until, seen)
      return windows.at(first, { ...fieldsOf(window), inner: null })
    }
    const { inner = null } = fieldsOf<{ inner: unknown }>(window)
    const range = { from: seen.from ?? null, to: seen.to ?? null }
    at = null
    for await (const page of exportPages({
      ...{ walk, spec, stream, partition, baseUrl, ...range },
      cursor: inner,
      create,
    })) {
      if (!page.last) {
        yield { ...page, cursor: { ...fieldsOf(window), inner: page.cursor } }
        continue
      }
      const step = windows.end?.(window) ?? { cursor: null }
      at = step.cursor
      yield { ...page, ...step, last: step.cursor === null }
    }
  }
}

type Seen = ReturnType<NonNullable<Paginator['seen']>>

/** Throws JobGone for a cursor of another way of paging: the walk then starts again. */
function seenOf(windows: Paginator, window: Cursor): Seen {
  try {
    return windows.seen?.({ ...fieldsOf(window), inner: null }) ?? { cursor: null }
  } catch (error) {
    if (!(error instanceof Stopped)) throw error
    throw new JobGone(error.message, error)
  }
}
