/**
 * Reads the files of a job that is done, one after the other. Each is a page, or each chunk of a large file is one. The
 * cursor counts the files that are read. A list of other files than before is read from its first file. A signed URL
 * that is refused has expired: the status is requested once more for another one.
 */
import { mayMeanExpiredCursor, PageRefused } from '../../http/errors.ts'
import type { Exchange, PageResponse } from '../../http/messages.ts'
import { fileChunks } from '../file-chunks.ts'
import type { Page } from '../page.ts'
import { isDeclaredEmpty, recordsOf } from '../records-of.ts'
import type { StartedJob } from './job-cursor.ts'
import { filesOf, type JobFile, type JobFiles } from './job-files.ts'
import { JobGone } from './job-gone.ts'
import { shownJob } from './job-status.ts'
import { type ExportTools, removeJob } from './job-tools.ts'

/** `done`: the answer that says that the job is done. */
export async function* readFiles(tools: ExportTools, started: StartedJob, done: PageResponse): AsyncGenerator<Page> {
  const { spec, stream, isResumed } = tools
  let list = filesOf(tools, spec, started.job, done)
  let at = begun(started, list)
  let last: PageResponse = done
  const repeats = started.names !== null && at.names !== started.names ? { repeats: 'all' as const } : {}
  const isRemoved = spec.remove !== undefined
  /** Where URLs were requested again. */
  let renewedAt = ''
  while (at.files < list.files.length) {
    const file = list.files[at.files] as JobFile
    try {
      for await (const page of pagesOf(tools, file, at)) {
        at = page.at
        last = page.response
        const isEnd = at.files >= list.files.length
        const isLast = isEnd && !isRemoved
        // The job is deleted only when all of its files are in the log.
        const held = isEnd && isRemoved ? { durable: true as const } : {}
        const own = { cursor: isLast ? null : at, response: tools.spent(last), last: isLast, bounded: true as const }
        yield { ...repeats, ...page.page, ...held, ...own }
        if (isLast) return
      }
    } catch (error) {
      const place = `${at.files} ${at.record}`
      if (!(error instanceof PageRefused) || error.declared) throw error
      if (file.isSigned && renewedAt !== place) {
        renewedAt = place
        list = await renewed(tools, at)
        at = begun(at, list)
      } else if (isResumed && mayMeanExpiredCursor(error, stream)) {
        throw new JobGone(
          `${stream.label}: the files of export job ${shownJob(at.job)} are gone: ${error.message}`,
          error,
        )
      } else throw error
    }
  }
  await removeJob(tools, at.job)
  yield { cursor: null, records: [], response: tools.spent(last), last: true, bounded: true }
}

/** From the first file, if these are not the files that were read before. */
const begun = (at: StartedJob, { names }: JobFiles): StartedJob =>
  at.names === null || at.names === names ? { ...at, names } : { ...at, names, files: 0, record: 0, id: null }

async function renewed(tools: ExportTools, at: StartedJob): Promise<JobFiles> {
  const { state, says, response } = await tools.end({ ...at, pollMs: 0 })
  if (state === 'done' && response !== null) return filesOf(tools, tools.spec, at.job, response)
  throw new JobGone(`${tools.stream.label}: export job ${shownJob(at.job)} is not done any more: ${says}`)
}

type FilePage = { page: Pick<Page, 'records' | 'repeats'>; response: PageResponse; at: StartedJob }

/** Pages of one file. `at`: behind each. */
async function* pagesOf(tools: ExportTools, file: JobFile, at: StartedJob): AsyncGenerator<FilePage> {
  const { walk, stream, count } = tools
  const { send, stop } = walk
  const own: Partial<Exchange> = { file: file.access }
  const next = { ...at, files: at.files + 1, record: 0, id: null }
  const { decode } = stream
  if (decode.chunks !== undefined) {
    const from = { record: at.record, id: at.id }
    for await (const chunk of fileChunks({ ...walk, decode, bounds: decode.chunks }, file.request, from, own)) {
      const { records, response, restarted } = chunk
      count(response)
      const page = restarted ? { records, repeats: 'all' as const } : { records }
      yield { page, response, at: chunk.isLast ? next : { ...at, ...chunk.at } }
    }
    return
  }
  stop.soft.throwIfAborted()
  const response = count(await send(file.request, { signal: stop.hard, stream: stream.label, decode, ...own }))
  const records = isDeclaredEmpty(stream, response) ? [] : recordsOf(stream, response)
  yield { page: { records }, response, at: next }
}
