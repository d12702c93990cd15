/**
 * Where the walk of an export is: the job, and what was read of its files. It is all that a run knows of the job after
 * a restart. It holds the job's name and no URL of a file, since those may be signed. Pure.
 */
import type { Stream } from '#shared/declaration/compile.ts'
import { type ExportJobSpec, isKnownByUrl, type JobHandle } from '#shared/declaration/paginate/export-job.ts'
import { messageOf, Stopped } from '#shared/errors.ts'
import { valueAt } from '#shared/json-pointer.ts'
import { redactUrl } from '#shared/redact/url.ts'
import type { PageResponse } from '../../http/messages.ts'
import { linkCursor } from '../paginators/link-cursor.ts'
import { JobGone } from './job-gone.ts'

/**
 * `jobs`: created by this walk so far. `sinceMs`: creation of the last one, if that was given up. Nothing reads it: it
 * keeps two such cursors apart. If the next run fails too, its cursor must not be the one that it resumed from.
 */
export type JobCursor = { job: null; jobs: number; sinceMs?: number } | StartedJob

export type StartedJob = {
  job: JobHandle
  jobs: number
  createdMs: number
  /** Not to be asked before, epoch milliseconds. */
  pollMs: number
  /** Files that are read, and what they are named; null before the first answer that names them. */
  files: number
  names: string | null
  /** Of the next file: the number of the next record, and the identity of the file so far. */
  record: number
  id: string | null
}

const NO_JOB: JobCursor = { job: null, jobs: 0 }

/** What is stored of a job, beside everything else in a checkpoint. */
const HANDLE_BYTES_MAX = 1_024

/** Throws JobGone for a cursor of another way of paging: the walk then starts again. */
export function jobCursorOf({ label }: Stream, cursor: unknown): JobCursor {
  if (cursor === null) return NO_JOB
  const given = Object(cursor) as Partial<StartedJob>
  const { job, jobs, createdMs, pollMs = 0, files = 0, names = null, record = 0, id = null } = given
  if (typeof jobs === 'number' && job === null) return { job, jobs }
  if (typeof jobs === 'number' && job !== undefined && typeof createdMs === 'number')
    return { job, jobs, createdMs, pollMs, files, names, record, id }
  throw new JobGone(`${label}: the stored cursor names no export job: paginate was changed during a run`)
}

/** The job that an answer to the creation names. Throws Stopped (HR_JOB_HANDLE) if none can be stored. */
export function handleOf(
  stream: Stream,
  spec: ExportJobSpec,
  { status, headers, body, request }: PageResponse,
  conceal?: (link: URL) => URL,
): JobHandle {
  const found = read()
  if (!isHandle(found)) {
    const where =
      typeof spec.job === 'function' ? 'its function returns' : `there is ${kindOf(found)} at ${placeText()}:`
    throw wrong(stream, `${where} neither a text nor a number, nor an object of them`)
  }
  const handle = isKnownByUrl(spec) ? linkCursor(stream, String(found), request.url, conceal) : found
  if (Buffer.byteLength(JSON.stringify(handle)) > HANDLE_BYTES_MAX)
    throw wrong(stream, `it has more than ${HANDLE_BYTES_MAX} bytes`)
  if (textsOf(handle).some(isSecret)) throw wrong(stream, 'it is a signed URL, and what is stored may hold no secret')
  return handle

  function read(): unknown {
    const { job } = spec
    if (typeof job === 'string') return valueAt(body, job)
    if (typeof job === 'object') return headers[job.header.toLowerCase()]
    try {
      return job({ status, headers, body })
    } catch (error) {
      throw wrong(stream, `its function throws: ${messageOf(error)}`)
    }
  }

  function placeText(): string {
    return typeof spec.job === 'object' ? `the header ${spec.job.header}` : `"${String(spec.job)}"`
  }
}

const kindOf = (found: unknown): string =>
  found === undefined || found === null ? 'nothing' : Array.isArray(found) ? 'a list' : 'something else'

const isValue = (found: unknown): found is string | number | boolean =>
  (typeof found === 'string' && found !== '') || typeof found === 'boolean' || Number.isFinite(found)

const isHandle = (found: unknown): found is JobHandle =>
  isValue(found) ||
  (typeof found === 'object' && found !== null && !Array.isArray(found) && Object.values(found).every(isValue))

const textsOf = (handle: JobHandle): string[] =>
  (typeof handle === 'object' ? Object.values(handle) : [handle]).map(String)

const isSecret = (text: string): boolean => URL.canParse(text) && redactUrl(text) !== text

const wrong = ({ label }: Stream, what: string): Stopped =>
  new Stopped('HR_JOB_HANDLE', `${label}: the answer to the creation of the export job names none: ${what}`, {
    hint: "correct job in exportJob: a pointer such as /id, { header: 'location' }, or a function of the answer",
  })
