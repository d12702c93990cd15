/**
 * The requests about a job: built as the stream's own request is, without the watermark. The job, or each value of it,
 * can stand in the path. A partition's values can too, and are not sent otherwise. Pure.
 */
import type { PartitionValues, Stream } from '#shared/declaration/compile.ts'
import type { JobContext, JobHandle, JobRequestSpec } from '#shared/declaration/paginate/export-job.ts'
import type { ComputedPairs, RequestContext } from '#shared/declaration/request-functions.ts'
import { DeclarationError } from '#shared/errors.ts'
import type { PageRequest } from '../../http/messages.ts'
import { firstRequest } from '../first-request.ts'
import { linkRequest } from '../paginators/link-cursor.ts'

/** What the requests of one walk have in common. `from`, `to`: as the request of the creation writes them. */
export type JobPlace = { stream: Stream; partition: number; baseUrl: string; from: string | null; to: string | null }

export type NamedRequest = { field: 'poll' | 'download' | 'remove'; spec: JobRequestSpec }

/** `part`: stands for {part} in the path. Throws DeclarationError, or Stopped for a job that is not a URL. */
export function jobRequest(
  place: JobPlace,
  { field, spec }: NamedRequest,
  job: JobHandle,
  part?: string | number,
): PageRequest {
  try {
    return requestBy(place, spec, job, part)
  } catch (error) {
    if (!(error instanceof DeclarationError)) throw error
    const message = error.message.replace(/, field /, `, field paginate.${field}.`)
    throw new DeclarationError(error.code, message, error.hint === undefined ? {} : { hint: error.hint })
  }
}

function requestBy(place: JobPlace, spec: JobRequestSpec, job: JobHandle, part?: string | number): PageRequest {
  const { stream, partition } = place
  const values: PartitionValues = {
    ...stream.partitions[partition],
    ...(typeof job === 'object' ? job : { job }),
    ...(part === undefined ? {} : { part }),
  }
  const unsent = Object.fromEntries(Object.keys(values).map((name) => [name, null]))
  const given = <Returned>(taken: Returned | ((context: JobContext) => Returned)) =>
    typeof taken === 'function'
      ? (context: RequestContext) => (taken as (context: JobContext) => Returned)({ ...context, job })
      : taken
  const params = given(spec.params)
  let link: string | null = null
  const path = given(spec.path)
  const asked = {
    ...stream,
    method: 'GET' as const,
    watermark: null,
    paginate: { kind: 'none' as const },
    path: (context: RequestContext): string => {
      const text = typeof path === 'function' ? path(context) : path
      const isLink = text === '{job}' || /^https?:/i.test(String(text))
      link = isLink ? (text === '{job}' ? String(job) : text) : null
      return isLink ? '/' : text
    },
    params: (context: RequestContext): ComputedPairs => ({
      ...unsent,
      ...(typeof params === 'function' ? params(context) : params),
    }),
    headers: given(spec.headers),
    body: given(spec.body),
    form: given(spec.form),
    partitions: stream.partitions.with(partition, values),
  }
  const request = firstRequest(asked as Stream, place.baseUrl, partition, place.from, place.to)
  const sent = { ...request, method: spec.method }
  return link === null ? sent : linkRequest(stream, sent, link)
}
