/**
 * The files of a job that is done: URLs that the answer names, or requests with a path. Queries of named URLs are kept
 * apart, since they may be signed. `names` identifies the list without them, so that a later answer can be compared.
 */
import { hash } from 'node:crypto'
import type { Stream } from '#shared/declaration/compile.ts'
import {
  downloadOf,
  type ExportJobSpec,
  type FoundPlace,
  type JobHandle,
  type JobRequestSpec,
} from '#shared/declaration/paginate/export-job.ts'
import { unwrapped } from '#shared/declaration/place.ts'
import { messageOf, Stopped } from '#shared/errors.ts'
import { valueAt } from '#shared/json-pointer.ts'
import type { FileAccess, PageRequest, PageResponse } from '../../http/messages.ts'
import { signedUrl } from '../../http/signed-urls.ts'
import { type JobPlace, jobRequest } from './job-request.ts'

export type JobFile = { request: PageRequest; access: FileAccess; isSigned: boolean }
export type JobFiles = { files: JobFile[]; names: string }

const NAMES_CHARS = 12
const FILES_MAX = 100_000

/** Throws Stopped (HR_JOB_FILES) for an answer that does not name its files. */
export function filesOf(place: JobPlace, spec: ExportJobSpec, job: JobHandle, response: PageResponse): JobFiles {
  const { stream } = place
  const download = downloadOf(spec)
  const { origins, urls, parts, path } = download
  const byPath = (part?: string | number): JobFile => ({
    request: jobRequest(place, { field: 'download', spec: download as JobRequestSpec }, job, part),
    access: { origins, query: '' },
    isSigned: false,
  })
  if (path !== undefined && parts === undefined) return { files: [byPath()], names: '' }
  const field = urls === undefined ? 'parts' : 'urls'
  const listed = listAt(stream, (urls ?? parts) as FoundPlace, job, response, field)
  if (urls === undefined) return { files: listed.map(byPath), names: nameOf(listed.map(String)) }
  // Headers of the API are for the API: the next layers keep them from other origins.
  const own = jobRequest(place, { field: 'download', spec: { ...(download as JobRequestSpec), path: '/' } }, job)
  const signed = listed.map((text) => {
    const base = response.request.url.href
    if (typeof text !== 'string' || !URL.canParse(text, base))
      throw wrong(stream, 'it names a file by something other than a URL')
    return signedUrl(new URL(text, base))
  })
  return {
    files: signed.map(({ url, query }) => ({ request: { ...own, url }, access: { origins, query }, isSigned: true })),
    names: nameOf(signed.map(({ url }) => url.href)),
  }
}

/** One value, or a list of them. */
function listAt(
  stream: Stream,
  place: FoundPlace,
  job: JobHandle,
  { status, headers, body }: PageResponse,
  field: string,
): (string | number)[] {
  const { at, isOptional } = unwrapped<Exclude<FoundPlace, object> | ((answer: never) => unknown)>(place)
  let found: unknown
  try {
    found = typeof at === 'string' ? valueAt(body, at) : at({ status, headers, body, job } as never)
  } catch (error) {
    throw wrong(stream, `the function ${field} throws: ${messageOf(error)}`)
  }
  const where = typeof at === 'string' ? `at "${at}"` : 'from its function'
  if (found === undefined || found === null) {
    if (isOptional) return []
    throw wrong(stream, `there is nothing ${where}`, ' if the API omits it when there is no data: optional(…)')
  }
  const list = Array.isArray(found) ? found : [found]
  if (list.length > FILES_MAX) throw wrong(stream, `it names more than ${FILES_MAX} files`)
  if (list.every((each) => (typeof each === 'string' && each !== '') || typeof each === 'number')) return list
  throw wrong(stream, `there is neither a text nor a list of texts ${where}`)
}

const nameOf = (names: readonly string[]): string =>
  hash('sha256', JSON.stringify(names), 'base64url').slice(0, NAMES_CHARS)

const wrong = ({ label }: Stream, what: string, more = ''): Stopped =>
  new Stopped('HR_JOB_FILES', `${label}: the export job is done, but its answer names no files: ${what}`, {
    hint: `correct download in exportJob: a pointer such as /urls, or a function of the answer;${more}`,
  })
