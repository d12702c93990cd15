/**
 * An export job as an author writes it, with a comment for each field, which editors show. Functions get the job as the
 * function `job` returns it.
 */
import type { JudgedResponse } from '../judge.ts'
import type { Optional } from '../place.ts'
import type { ComputedHeaders, ComputedPairs, RequestContext } from '../request-functions.ts'

export type JobValue = string | number | boolean
/** What identifies a job, and is all that later requests have of it. It is stored, so it holds no secret. */
export type JobHandle = JobValue | Readonly<Record<string, JobValue>>

/** What a function of a job's requests gets: what those of the stream's request get, and the job. */
export type JobContext<Job = JobHandle> = RequestContext & {
  /** As `job` of exportJob has found it. */
  job: Job
}
/** The answer to a request about the job. `Body`: what the author expects. */
export type JobAnswer<Job = JobHandle, Body = unknown> = JudgedResponse<Body> & {
  /** As `job` of exportJob has found it. */
  job: Job
}

/** A method, so that an author may write `({ body }: JobAnswer<string, { urls: string[] }>) => body.urls`. */
type Of<Taken, Returned> = { call(taken: Taken): Returned }['call']
type Placed<Job> = string | Of<JobAnswer<Job>, unknown>
type Foundable<Job> = Placed<Job> | Optional<Placed<Job>>
type Judging<Job> = JobValue | JobValue[] | Of<JobAnswer<Job>, boolean>
type Computed<Job, Value> = Value | Of<JobContext<Job>, Value>
type ComputedBody = Readonly<Record<string, unknown>> | readonly unknown[] | null
type Asked<Job, Method> =
  | Computed<Job, string>
  | (Parts<Job> & {
      /** A path with {job}, or '{job}' for a job that is known by its URL. */
      path: Computed<Job, string>
      /** The HTTP method. Without it GET, of `remove` DELETE. */
      method?: Method
    })

type Parts<Job> = {
  /** Parameters of the query. */
  params?: Computed<Job, ComputedPairs>
  /** Headers besides those of the source; credentials go into `auth`. */
  headers?: Record<string, string> | Of<JobContext<Job>, ComputedHeaders>
  /** A JSON body. */
  body?: Record<string, unknown> | Of<JobContext<Job>, ComputedBody>
  /** Or a form. */
  form?: Computed<Job, ComputedPairs>
}

type Downloaded<Job> = Parts<Job> & {
  /** Where the answer names the URL of the file, or a list of URLs. They may be signed, so their query is secret. */
  urls?: Foundable<Job>
  /** Or the path of the file: '/exports/{job}/file'. */
  path?: Computed<Job, string>
  /** With `path`: where the answer lists the parts; each stands for {part} in the path. */
  parts?: Foundable<Job>
  /** The HTTP method. @default 'GET' */
  method?: 'GET' | 'POST'
  /** Other origins that the files may come from: `['https://*.files.example']`. No credentials go there. @default [] */
  origins?: string[]
}

export type ExportJobInput<Job> = {
  /** What the answer to the creation names the job by. It is stored: an id, or a URL without a secret. */
  job:
    | string
    | {
        /** The header that names it: `'location'`. */
        header: string
      }
    | Of<JudgedResponse, Job>
  /** The request for the status: '/exports/{job}'. */
  poll: Asked<Job, 'GET' | 'POST'>
  /** Where an answer holds the status. */
  status?: Placed<Job>
  /** The status of a job whose files can be downloaded, a list of such, or a function of the answer. */
  done: Judging<Job>
  /** The job has failed: another one is created, at most `jobsMax` in a run. */
  failed?: Judging<Job>
  /** The job has ended without any data. */
  empty?: Judging<Job>
  /** The API has dropped the job, which a 404 or 410 says too: the walk starts again with another one. */
  expired?: Judging<Job>
  /** Where it is declared, a status that is none of these stops the run. Otherwise any other means that it runs. */
  running?: Judging<Job>
  /** Where an answer says why the job has failed. */
  message?: Placed<Job>
  /** Where the files are: a place in the answer that says that the job is done, or a request. */
  download: Foundable<Job> | Downloaded<Job>
  /**
   * Between two requests for the status, doubled each time; a Retry-After or `answers.waits` precedes it.
   * @default '5s'
   */
  interval?: string
  /** The longest interval. @default '1m' */
  intervalMax?: string
  /** A job that is not done this long after it was created is given up. @default '6h' */
  deadline?: string
  /** Jobs of one run, where one fails. @default 3 */
  jobsMax?: number
  /** The request that deletes a job that was read, failed or given up. If it is refused, the job stays. */
  remove?: Asked<Job, 'DELETE' | 'POST' | 'GET'>
}
