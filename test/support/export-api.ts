/**
 * An API that exports by jobs, as the documents of such APIs describe it. A POST answers 202 with the id of a job and a
 * Retry-After. Its status goes from PENDING over RUNNING to DONE. Then it names files on another server by signed URLs.
 * That server refuses a signature that is wrong or too old, and a request with credentials, as storage services do.
 */
import type { TestContext } from 'node:test'
import { gzipSync } from 'node:zlib'
import { type Answer, type Asked, startServer, type TestServer } from './http.ts'

export type ExportedJob = {
  id: string
  /** What it was created with. */
  body: Record<string, unknown>
  /** How often its status was requested. */
  polls: number
  removed: boolean
  /** In place of the status that follows from the polls. */
  status?: string
  /** Why it failed. */
  reason?: string
}

export type ExportApiOptions = {
  /** Rows of each file, as text; by default one file of two rows. */
  files?: (job: ExportedJob) => readonly string[]
  /** Requests for the status that are answered before it is done. */
  pollsMin?: number
  /** Seconds that an answer asks to wait; null for no such header. */
  retryAfter?: number | null
  /** Plain CSV instead of gzip. */
  plain?: boolean
  /** Called with each request for a file, with its number from 0; what it returns is the answer. */
  onFile?: (api: ExportApi, number: number) => Answer | undefined
  /** Answers in the API's place, when it returns something. */
  script?: (asked: Asked, api: ExportApi) => Answer | undefined | Promise<Answer | undefined>
}

export type ExportApi = {
  /** Of the API. */
  script: (asked: Asked) => Promise<Answer>
  jobs: ExportedJob[]
  /** The server of the files. */
  files: TestServer
  /** URLs that were named until now are refused. */
  expire(): void
  /** A URL of a file that is valid now. */
  sign(job: ExportedJob, at: number): string
}

const KEY = 'k3y-that-signs'

export async function exportApi(t: TestContext | null, options: ExportApiOptions = {}): Promise<ExportApi> {
  const { files = () => ['id,total\na,1\nb,2\n'], pollsMin = 2, retryAfter = 1, plain = false } = options
  const jobs: ExportedJob[] = []
  let oldest = 0
  let signed = 0
  const jobOf = (id: string) => jobs.find((job) => job.id === id && !job.removed)
  const signatureOf = (path: string, number: string) => `${KEY}-${Buffer.from(path).toString('hex')}-${number}`

  const server = await startServer(t, ({ path, query, headers }, count) => {
    const own = options.onFile?.(api, count)
    if (own !== undefined) return own
    if (headers.authorization !== undefined) return { status: 400, body: '<Error>only one way to sign in</Error>' }
    const [, id = '', at = ''] = path.split('/')
    const number = query.get('n') ?? ''
    if (query.get('X-Signature') !== signatureOf(path, number) || Number(number) < oldest)
      return { status: 403, body: `<Error>AccessDenied<Given>${query.get('X-Signature')}</Given></Error>` }
    const job = jobOf(id)
    const text = job === undefined ? undefined : files(job)[Number.parseInt(at, 10)]
    if (text === undefined) return { status: 404, body: '<Error>NoSuchKey</Error>' }
    return { body: plain ? text : gzipSync(text), headers: { 'content-type': 'application/octet-stream' } }
  })

  function sign({ id }: ExportedJob, at: number): string {
    const path = `/${id}/${at}.csv.gz`
    return `${server.url}${path}?X-Signature=${signatureOf(path, String(signed))}&n=${signed}`
  }

  function urlsOf(job: ExportedJob): string[] {
    signed += 1
    return files(job).map((_, at) => sign(job, at))
  }

  const waits: Record<string, string> = retryAfter === null ? {} : { 'retry-after': String(retryAfter) }

  function create(asked: Asked): Answer {
    const job = {
      id: `job-${jobs.length + 1}`,
      body: asked.body === '' ? {} : JSON.parse(asked.body),
      polls: 0,
      removed: false,
    }
    jobs.push(job)
    return { status: 202, json: { id: job.id, status: 'PENDING' }, headers: waits }
  }

  function statusOf(job: ExportedJob): Answer {
    job.polls += 1
    const status = job.status ?? (job.polls > pollsMin ? 'DONE' : job.polls === 1 ? 'PENDING' : 'RUNNING')
    const more = status === 'DONE' ? { urls: urlsOf(job) } : job.reason === undefined ? {} : { error: job.reason }
    return { json: { id: job.id, status, ...more }, headers: status === 'DONE' ? {} : waits }
  }

  const api: ExportApi = {
    jobs,
    sign,
    files: server,
    expire: () => {
      oldest = signed + 1
    },
    async script(asked) {
      const own = await options.script?.(asked, api)
      if (own !== undefined) return own
      if (asked.method === 'POST' && asked.path === '/exports') return create(asked)
      const job = jobOf(asked.path.split('/')[2] ?? '')
      if (job === undefined) return { status: 404, json: { error: 'no such export' } }
      if (asked.method !== 'DELETE') return statusOf(job)
      job.removed = true
      return { status: 204 }
    },
  }
  return api
}
