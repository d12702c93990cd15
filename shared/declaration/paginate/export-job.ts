/**
 * An export that the API makes as a job. The stream's own request creates it. Then its status is requested until it is
 * done, and its files are downloaded. A walk has one job; windows have one each. The job's name is part of the cursor,
 * so a restart continues with the same job.
 */
import { z } from 'zod'
import { MINUTE_MS, SECOND_MS } from '../../units.ts'
import { positiveDuration } from '../duration.ts'
import { headers } from '../headers.ts'
import type { JudgedResponse } from '../judge.ts'
import { originPattern } from '../origins.ts'
import { countGiven, pointer } from '../place.ts'
import { bodyFunction, headersFunction, pairs, pairsFunction } from '../request-functions.ts'
import type { ExportJobInput, JobAnswer, JobContext, JobHandle } from './export-job-input.ts'

export type { JobAnswer, JobContext, JobHandle } from './export-job-input.ts'

const functionOf = <Taken, Returned>(expected: string) =>
  z.custom<(taken: Taken) => Returned>((value) => typeof value === 'function', expected)

const HANDLE = "expected a JSON pointer such as /id, { header: 'content-location' }, or a function of the answer"
const handle = z.union(
  [pointer, z.strictObject({ header: z.string().min(1) }), functionOf<JudgedResponse, JobHandle>(HANDLE)],
  HANDLE,
)

const PATH = "expected a path such as /exports/{job}, '{job}' for a job that is known by its URL, or a function"
const path = z.union([z.string().regex(/^(\/|\{job\}$)/, PATH), functionOf<JobContext, string>(PATH)], PATH)

const requestFields = {
  path,
  params: z.union([pairs, pairsFunction]).default({}),
  headers: z.union([headers, headersFunction]).default({}),
  body: z.union([z.record(z.string(), z.unknown()), bodyFunction]).optional(),
  form: z.union([pairs, pairsFunction]).optional(),
}
const method = z.enum(['GET', 'POST'])
const jobRequest = z.union(
  [path, z.strictObject({ ...requestFields, method: method.default('GET') })],
  `${PATH}, or { method, path, params, headers, body }`,
)
const removal = z.union(
  [path, z.strictObject({ ...requestFields, method: z.enum(['DELETE', 'POST', 'GET']).default('DELETE') })],
  `${PATH}, or { method, path, params, headers, body }`,
)

const JUDGEMENT = 'expected a status, a list of them, or a function of { status, headers, body, job }'
const value = z.union([z.string(), z.number(), z.boolean()])
/** Values of the declared status, or a function of the answer. */
const statusRule = z.union([value, z.array(value).min(1), functionOf<JobAnswer, boolean>(JUDGEMENT)], JUDGEMENT)

const FOUND = 'expected a JSON pointer such as /urls, or a function of { status, headers, body, job }'
const answerPlace = z.union([pointer, functionOf<JobAnswer, unknown>(FOUND)], FOUND)
const found = z.union(
  [pointer, functionOf<JobAnswer, unknown>(FOUND), z.strictObject({ optional: answerPlace })],
  FOUND,
)

const download = z
  .strictObject({
    ...requestFields,
    path: path.optional(),
    method: method.default('GET'),
    urls: found.optional(),
    parts: found.optional(),
    origins: z.array(originPattern).default([]),
  })
  .refine((spec) => countGiven(spec.urls, spec.path) === 1, {
    error: 'name where the files are: urls (in the answer) or path',
    path: ['urls'],
    params: { rule: true },
  })
  .refine((spec) => spec.parts === undefined || spec.path !== undefined, {
    error: 'names parts for a path: add path',
    path: ['parts'],
    params: { rule: true },
  })

const INTERVAL_MS = 5 * SECOND_MS
const INTERVAL_MAX_MS = MINUTE_MS
const DEADLINE_MS = 360 * MINUTE_MS

/** What each field means is said where authors write it: `ExportJobInput`. */
export const exportJobSpec = z
  .strictObject({
    kind: z.literal('export-job'),
    job: handle,
    poll: jobRequest,
    status: answerPlace.optional(),
    done: statusRule,
    failed: statusRule.optional(),
    empty: statusRule.optional(),
    expired: statusRule.optional(),
    running: statusRule.optional(),
    message: answerPlace.optional(),
    download: z.union([found, download], `${FOUND}, or { urls, origins } or { path, parts }`),
    interval: positiveDuration.default(INTERVAL_MS),
    intervalMax: positiveDuration.optional(),
    deadline: positiveDuration.default(DEADLINE_MS),
    jobsMax: z.int().min(1).max(10).default(3),
    remove: removal.optional(),
  })
  .refine((spec) => spec.status !== undefined || !hasValues(spec), {
    error: 'is missing: done and the others name values of the status',
    path: ['status'],
    params: { rule: true },
  })
  .refine(({ interval, intervalMax = interval }) => intervalMax >= interval, {
    error: 'is less than interval',
    path: ['intervalMax'],
    params: { rule: true },
  })

export type ExportJobSpec = z.infer<typeof exportJobSpec>
export type StatusRule = z.infer<typeof statusRule>
export type AnswerPlace = z.infer<typeof answerPlace>
export type FoundPlace = z.infer<typeof found>
type JobRequest = Exclude<z.infer<typeof jobRequest>, string | ((...given: never[]) => unknown)>
/** A request about a job, written out. */
export type JobRequestSpec = Omit<JobRequest, 'method'> & { method: 'GET' | 'POST' | 'DELETE' }
export type DownloadSpec = z.infer<typeof download>

function hasValues({ done, failed, empty, expired, running }: Record<'done', StatusRule> & Partial<Rules>): boolean {
  return [done, failed, empty, expired, running].some((each) => each !== undefined && typeof each !== 'function')
}
type Rules = Record<'failed' | 'empty' | 'expired' | 'running', StatusRule | undefined>

const WRITTEN_OUT = { params: {}, headers: {} } as const

/** A path alone is a request without anything else. */
export function writtenOut(
  request: ExportJobSpec['poll'] | NonNullable<ExportJobSpec['remove']>,
  usual: 'GET' | 'DELETE',
): JobRequestSpec {
  return typeof request === 'object' ? request : { ...WRITTEN_OUT, path: request, method: usual }
}

export function downloadOf({ download: given }: ExportJobSpec): DownloadSpec {
  return typeof given === 'object' && !('optional' in given)
    ? given
    : { ...WRITTEN_OUT, method: 'GET', urls: given, origins: [] }
}

export const longestInterval = ({ interval, intervalMax }: ExportJobSpec): number =>
  intervalMax ?? Math.max(interval, INTERVAL_MAX_MS)

/** The job is known by a URL, which is resolved against the request that created it. */
export const isKnownByUrl = ({ poll }: ExportJobSpec): boolean => writtenOut(poll, 'GET').path === '{job}'

type ExportJobGiven = z.input<typeof exportJobSpec>

/**
 * `POST /exports` answers `{ "id": "x1" }`: exportJob({ job: '/id', poll: '/exports/{job}', status: '/status',
 * done: 'DONE', failed: 'FAILED', download: '/urls' }).
 */
export const exportJob = <Job extends JobHandle = string | number>(spec: ExportJobInput<Job>): ExportJobGiven =>
  ({ kind: 'export-job', ...spec }) as ExportJobGiven
