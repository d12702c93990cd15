/** Streams that an API exports by jobs, on real servers: which requests are sent, what is published, what is stored. */
import assert from 'node:assert/strict'
import { describe, type TestContext, test } from 'node:test'
import { bearer, csv, exportJob, gunzip, secret, windows, z } from '#shared/index.ts'
import type { Checkpoint } from '#shared/progress/offset-metadata.ts'
import type { RunPlan } from '../../../services/fetcher/resume/run-plan.ts'
import { type ExportApi, type ExportApiOptions, type ExportedJob, exportApi } from '../../support/export-api.ts'
import type { Answer, Asked } from '../../support/http.ts'
import { confirmed, keysOf, type Ran, runOnce } from '../pages/paginators/running.ts'

const JOB = {
  job: '/id',
  poll: '/exports/{job}',
  status: '/status',
  done: 'DONE',
  failed: ['FAILED', 'CANCELLED'],
  expired: 'EXPIRED',
  message: '/error',
  interval: '1s',
}
const schema = z.object({ id: z.string(), total: z.coerce.number() })
const table = (...ids: string[]): string => `id,total\n${ids.map((id, at) => `${id},${at}\n`).join('')}`
const CHUNKED = [gunzip(), csv({ chunks: { recordsMax: 2 } })]

type Given = {
  api?: ExportApiOptions
  job?: Record<string, unknown> | ((origin: string) => Record<string, unknown>)
  stream?: Record<string, unknown>
  source?: Record<string, unknown>
  before?: Exported
  plan?: Partial<RunPlan>
  paginate?: (job: ReturnType<typeof exportJob>) => unknown
}
type Exported = { ran: Ran; api: ExportApi }

/** One run; `before`: one that was interrupted behind its last page. */
async function exported(
  t: TestContext,
  { api: options, job, stream, source, before, paginate, plan }: Given = {},
): Promise<Exported> {
  const api = before?.api ?? (await exportApi(t, options))
  const { origin } = new URL(api.files.url)
  const own = typeof job === 'function' ? job(origin) : job
  const declared = exportJob({ ...JOB, download: { urls: '/urls', origins: [origin] }, ...own })
  const ran = await runOnce(t, api.script, {
    stream: {
      ...{ path: '/exports', records: undefined, schema, decode: [gunzip(), csv()] },
      paginate: paginate?.(declared) ?? declared,
      ...stream,
    },
    source: { auth: bearer(secret('SHOP_KEY')), attemptsMax: 1, ...source },
    plan: { ...plan, ...planOf(before?.ran.put.at(-1)?.checkpoint) },
  })
  return { ran, api }
}

const planOf = (checkpoint: Checkpoint | undefined) => (checkpoint === undefined ? {} : { ...checkpoint })
const jobIn = (page: Ran['put'][number] | undefined): unknown => Object(page?.checkpoint.cursor).job
const asked = ({ requests }: Ran): string[] => requests.map(({ method, path }) => `${method} ${path}`)
const downloads = ({ files }: ExportApi): string[] => files.requests.map(({ path }) => path)
/** As if the run had been killed behind so many pages. */
const behind = ({ ran, api }: Exported, pages: number): Exported => ({
  api,
  ran: { ...ran, put: ran.put.slice(0, pages) },
})
/** Ends a run behind the page that it has published last, as a kill does. */
const until = (isMoment: (asked: Asked) => boolean): ExportApiOptions['script'] => {
  let isOver = false
  return (request) => {
    if (isOver || !isMoment(request)) return undefined
    isOver = true
    return { status: 500, json: {} }
  }
}

describe('an export job', () => {
  test('is created once, waited for as the API says, and read file by file without credentials', async (t) => {
    const files = () => [table('a', 'b'), table('c')]
    const { ran, api } = await exported(t, { api: { files }, stream: { body: { kind: 'orders' } } })
    assert.equal(ran.error, undefined)
    assert.deepEqual(asked(ran), ['POST /exports', ...Array.from({ length: 3 }, () => 'GET /exports/job-1')])
    assert.deepEqual(api.jobs[0]?.body, { kind: 'orders' })
    assert.deepEqual(downloads(api), ['/job-1/0.csv.gz', '/job-1/1.csv.gz'])
    assert.ok(ran.requests.every(({ headers }) => headers.authorization !== undefined))
    assert.deepEqual(keysOf(ran), ['a', 'b', 'c'])
    assert.deepEqual(
      ran.put.map(({ marker }) => [marker.records, marker.requests, marker.last]),
      [
        [0, 1, false],
        [2, 4, false],
        [1, 1, true],
      ],
    )
    const [created, polled] = ran.requests.map(({ atMs }) => atMs)
    assert.ok((polled ?? 0) - (created ?? 0) >= 4, 'a second of the API passes, 200 times as fast')
  })

  test('is in the log before its status is requested', async (t) => {
    const { ran } = await exported(t)
    assert.deepEqual(ran.flushes[0], { put: 1, requests: 1 })
    assert.equal(jobIn(ran.put[0]), 'job-1')
  })

  for (const moment of [0, 1, 2] as const) {
    test(`that was interrupted while it was waited for continues with the same job, after ${moment} polls`, async (t) => {
      let polls = 0
      const script = until(({ method }) => method === 'GET' && polls++ === moment)
      const before = await exported(t, { api: { script } })
      assert.match(String(before.ran.error), /failed 1 times/)
      const { ran, api } = await exported(t, { before })
      assert.equal(ran.error, undefined)
      assert.equal(api.jobs.length, 1)
      assert.deepEqual(keysOf(ran), ['a', 'b'])
    })
  }

  test('that was interrupted between its files continues with the next one, by new URLs', async (t) => {
    const files = () => [table('a', 'b'), table('c'), table('d')]
    const before = await exported(t, { api: { files } })
    before.api.expire()
    before.api.files.requests.length = 0
    const { ran, api } = await exported(t, { before: behind(before, 2) })
    assert.equal(ran.error, undefined)
    assert.equal(api.jobs.length, 1)
    assert.deepEqual(keysOf(ran), ['c', 'd'])
    assert.deepEqual(downloads(api), ['/job-1/1.csv.gz', '/job-1/2.csv.gz'])
  })

  test('whose files are others than before is read from the first one', async (t) => {
    let names = [table('a', 'b'), table('c')]
    const before = await exported(t, { api: { files: () => names } })
    names = [table('x'), table('a', 'b'), table('c')]
    const { ran } = await exported(t, { before: behind(before, 2) })
    assert.equal(ran.error, undefined)
    assert.deepEqual(keysOf(ran), ['x', 'a', 'b', 'c'])
  })

  test('holds no URL of a file in a cursor, a marker, a log or an error', async (t) => {
    const quoted = ({ files }: ExportApi): Answer => ({
      status: 403,
      body: `<Error>${files.requests.at(-1)?.target}</Error>`,
    })
    const { ran, api } = await exported(t, { api: { onFile: quoted, pollsMin: 0 } })
    assert.match(String(ran.error), /GET .*\/job-1\/0\.csv\.gz was refused with 403/)
    const said = `${JSON.stringify(ran.put)} ${String(ran.error)} ${JSON.stringify(ran.error)} ${ran.logged()}`
    assert.doesNotMatch(said, /k3y-that-signs/)
    assert.ok(api.files.requests.length > 0 && api.files.requests.every(({ query }) => query.has('X-Signature')))
  })
})

describe('a URL that has expired', () => {
  test('is requested again once', async (t) => {
    const onFile: ExportApiOptions['onFile'] = ({ expire }, number) =>
      (number === 0 ? expire() : undefined) ?? undefined
    const { ran, api } = await exported(t, { api: { onFile, pollsMin: 0 } })
    assert.equal(ran.error, undefined)
    assert.deepEqual(keysOf(ran), ['a', 'b'])
    assert.equal(api.jobs.length, 1)
    assert.deepEqual([api.jobs[0]?.polls, api.files.requests.length], [2, 2])
  })

  test('and is refused again fails the run; the next run continues with the same job', async (t) => {
    const onFile: ExportApiOptions['onFile'] = (_, number) => (number < 2 ? { status: 403, body: '' } : undefined)
    const before = await exported(t, { api: { onFile, pollsMin: 0 } })
    assert.match(String(before.ran.error), /was refused with 403/)
    const { ran, api } = await exported(t, { before })
    assert.equal(ran.error, undefined)
    assert.deepEqual(keysOf(ran), ['a', 'b'])
    assert.equal(api.jobs.length, 1)
  })

  test('of files that are gone gives way to the best watermark in a later run', async (t) => {
    const onFile: ExportApiOptions['onFile'] = () => ({ status: 404, body: '' })
    const before = await exported(t, { api: { onFile, pollsMin: 0 } })
    assert.match(String(before.ran.error), /was refused with 404/)
    const { ran } = await exported(t, { before })
    assert.equal(ran.result?.refused?.code, 'HR_JOB_GONE')
  })
})

describe('a job that has ended without files', () => {
  test('that failed is replaced within the run, and the reason is logged', async (t) => {
    const script: ExportApiOptions['script'] = (_, { jobs }) => {
      const [first] = jobs
      if (first !== undefined) Object.assign(first, { status: 'FAILED', reason: 'out of memory' })
      return undefined
    }
    const { ran, api } = await exported(t, { api: { script } })
    assert.equal(ran.error, undefined)
    assert.equal(api.jobs.length, 2)
    assert.deepEqual(keysOf(ran), ['a', 'b'])
  })

  test('that fails each time stops the run after jobsMax, and the next run creates another one', async (t) => {
    const script: ExportApiOptions['script'] = (_, { jobs }) => {
      for (const job of jobs.slice(0, 2)) Object.assign(job, { status: 'CANCELLED', reason: 'not now' })
      return undefined
    }
    const before = await exported(t, { api: { script }, job: { jobsMax: 2 } })
    assert.match(String(before.ran.error), /export job job-2 failed: CANCELLED: not now \(job 2 of 2\)/)
    const { ran, api } = await exported(t, { before })
    assert.equal(ran.error, undefined)
    assert.equal(api.jobs.length, 3)
    assert.deepEqual(keysOf(ran), ['a', 'b'])
  })

  test('that fails again in the next run stops it by the same error, not by a cycle', async (t) => {
    const script: ExportApiOptions['script'] = (_, { jobs }) => {
      for (const job of jobs) job.status = 'FAILED'
      return undefined
    }
    const before = await exported(t, { api: { script }, job: { jobsMax: 1 } })
    const { ran } = await exported(t, { before, job: { jobsMax: 1 } })
    assert.match(String(ran.error), /export job job-2 failed: FAILED/)
  })

  test('that is not done at its deadline is given up, and deleted', async (t) => {
    const { ran, api } = await exported(t, {
      api: { pollsMin: 1000, retryAfter: null },
      job: { deadline: '10s', remove: '/exports/{job}' },
    })
    assert.match(String(ran.error), /export job job-1 is not done after .* \(deadline\): RUNNING/)
    assert.equal(api.jobs[0]?.removed, true)
    assert.deepEqual(jobIn(ran.put.at(-1)), null)
  })

  test('that would be asked for after its deadline only is given up at once', async (t) => {
    const { ran } = await exported(t, { api: { pollsMin: 1000, retryAfter: 3600 }, job: { deadline: '10s' } })
    assert.match(String(ran.error), /is not done after/)
    assert.equal(ran.requests.length, 1)
  })

  test('that has no data is an empty run', async (t) => {
    const script: ExportApiOptions['script'] = (_, { jobs }) => {
      for (const job of jobs) job.status = 'NO_DATA'
      return undefined
    }
    const { ran } = await exported(t, { api: { script }, job: { empty: 'NO_DATA' } })
    assert.equal(ran.error, undefined)
    assert.deepEqual(
      ran.put.map(({ marker }) => [marker.records, marker.last]),
      [
        [0, false],
        [0, true],
      ],
    )
  })
})

describe('a job that the API has dropped', () => {
  for (const [name, status, script] of [
    ['by a 404', undefined, (api: ExportApi) => api.jobs.splice(0, 1, { ...api.jobs[0]!, id: 'other' })],
    ['by its status', 'EXPIRED', (api: ExportApi) => Object.assign(api.jobs[0] ?? {}, { status: 'EXPIRED' })],
  ] as const) {
    test(`gives way to the best watermark: ${name}`, async (t) => {
      const before = await exported(t, { api: { script: until(({ method }) => method === 'GET') } })
      script(before.api)
      const { ran } = await exported(t, { before })
      assert.equal(ran.error, undefined)
      assert.equal(ran.result?.refused?.code, 'HR_JOB_GONE', status)
    })
  }

  test('a moment after it was created is an error: the declaration asks for another one', async (t) => {
    const { ran, api } = await exported(t, { job: { poll: '/export/x{job}' } })
    assert.match(String(ran.error), /GET .*\/export\/xjob-1 was refused with 404/)
    assert.equal(api.jobs.length, 1)
  })
})

describe('a job that is known by its URL', () => {
  const byUrl = {
    ...{ job: { header: 'content-location' }, poll: '{job}', status: undefined, failed: undefined, expired: undefined },
    done: ({ status }: { status: number }) => status === 200,
  }
  /** 202 without a body until it is done, and then a list of files. */
  const bulk =
    (location: string): ExportApiOptions['script'] =>
    ({ method, target }, { jobs, sign }): Answer => {
      if (method === 'POST') {
        jobs.push({ id: 'job-1', body: {}, polls: 0, removed: false })
        return { status: 202, headers: { 'content-location': location } }
      }
      const [job] = jobs
      if (job === undefined || target !== '/bulk/status?id=7') return { status: 404, json: {} }
      job.polls += 1
      return job.polls < 3
        ? { status: 202, headers: { 'retry-after': '1' } }
        : { json: { output: [{ url: sign(job, 0) }] } }
    }
  const download = (origin: string) => ({
    ...byUrl,
    download: {
      urls: ({ body }: { body: { output: { url: string }[] } }) => body.output.map(({ url }) => url),
      origins: [origin],
    },
  })

  test('is refused if that URL holds a secret, since it is stored', async (t) => {
    const { ran } = await exported(t, { api: { script: bulk('/bulk/status?token=s3cret-of-job') }, job: download })
    assert.match(String(ran.error), /names none: it is a signed URL/)
    assert.doesNotMatch(`${String(ran.error)} ${JSON.stringify(ran.put)}`, /s3cret-of-job/)
  })

  test('is waited for there, by answers without a body', async (t) => {
    const { ran, api } = await exported(t, { api: { script: bulk('/bulk/status?id=7') }, job: download })
    assert.equal(ran.error, undefined)
    assert.equal(jobIn(ran.put[0]), `${ran.url}/bulk/status?id=7`)
    assert.deepEqual(keysOf(ran), ['a', 'b'])
    assert.equal(api.jobs[0]?.polls, 3)
  })
})

describe('the files of a job', () => {
  test('of any size are read in chunks, and a run continues behind the last one', async (t) => {
    const files = () => [table('a', 'b', 'c', 'd', 'e'), table('f')]
    const { ran, api } = await exported(t, { api: { files }, stream: { decode: CHUNKED } })
    assert.equal(ran.error, undefined)
    assert.deepEqual(
      ran.put.map(({ records }) => records.map(({ key }) => key).join('')),
      ['', 'ab', 'cd', 'e', 'f'],
    )
    const resumed = await exported(t, { before: behind({ ran, api }, 3), stream: { decode: CHUNKED } })
    assert.equal(resumed.ran.error, undefined)
    assert.deepEqual(keysOf(resumed.ran), ['e', 'f'])
    assert.equal(api.jobs.length, 1)
  })

  test('may come from a path with the job, and be listed as parts', async (t) => {
    const parts = [table('a'), table('b')]
    const script: ExportApiOptions['script'] = ({ path }) => {
      const at = /^\/exports\/job-1\/parts\/(\d)$/.exec(path)?.[1]
      if (at !== undefined) return { body: parts[Number(at)] ?? '', headers: { 'content-type': 'text/csv' } }
      return path === '/exports/job-1' ? { json: { status: 'DONE', parts: [0, 1] } } : undefined
    }
    const { ran } = await exported(t, {
      api: { script },
      job: { download: { path: '/exports/{job}/parts/{part}', parts: '/parts', params: { format: 'csv' } } },
      stream: { decode: csv() },
    })
    assert.equal(ran.error, undefined)
    assert.deepEqual(keysOf(ran), ['a', 'b'])
    assert.deepEqual(
      ran.requests.slice(2).map(({ target, headers }) => [target, headers.authorization !== undefined]),
      [
        ['/exports/job-1/parts/0?format=csv', true],
        ['/exports/job-1/parts/1?format=csv', true],
      ],
    )
  })

  test('may be behind a redirect to a signed URL, if its origin is declared', async (t) => {
    const script: ExportApiOptions['script'] = ({ path }, { sign, jobs }) => {
      const [job] = jobs
      if (job === undefined || path !== '/exports/job-1/file') return undefined
      return { status: 302, headers: { location: sign(job, 0) } }
    }
    const path = '/exports/{job}/file'
    const refused = await exported(t, { api: { script }, job: { download: { path } } })
    assert.match(String(refused.ran.error), /GET http:[^?]*0\.csv\.gz leads away from/)
    const { ran, api } = await exported(t, {
      api: { script },
      job: (origin) => ({ download: { path, origins: [origin] } }),
    })
    assert.equal(ran.error, undefined)
    assert.deepEqual(keysOf(ran), ['a', 'b'])
    assert.equal(api.files.requests.length, 1)
    assert.doesNotMatch(`${JSON.stringify(ran.put)} ${ran.logged()}`, /k3y-that-signs/)
  })

  test('from an origin that is not declared are not requested, and the hint says what to declare', async (t) => {
    const { ran, api } = await exported(t, { job: { download: '/urls' } })
    assert.match(String(ran.error), /leads away from/)
    assert.match((ran.error as { hint: string }).hint, /add it to origins of download/)
    assert.equal(api.files.requests.length, 0)
  })

  test('are deleted behind the last page that is in the log, and the run ends well if that is refused', async (t) => {
    const { ran, api } = await exported(t, { job: { remove: '/exports/{job}' } })
    assert.equal(ran.error, undefined)
    assert.equal(api.jobs[0]?.removed, true)
    assert.deepEqual(ran.flushes[1], { put: 2, requests: 4 })
    assert.equal(ran.requests.length, 5)
    const refused = await exported(t, {
      api: { script: ({ method }) => (method === 'DELETE' ? { status: 403, json: {} } : undefined) },
      job: { remove: '/exports/{job}' },
    })
    assert.equal(refused.ran.error, undefined)
    assert.equal(refused.ran.put.at(-1)?.marker.last, true)
  })
})

describe('an export of everything', () => {
  const deletes = { deletes: 'full-walk' }
  const walk = { from: 0, atMs: Date.UTC(2026, 5, 1) }

  test('that was not read to its end deletes nothing', async (t) => {
    const onFile: ExportApiOptions['onFile'] = (_, number) => (number === 1 ? { status: 500, body: '' } : undefined)
    const files = () => [table('a'), table('b')]
    const { ran } = await exported(t, { api: { onFile, files }, stream: deletes, plan: { walk } })
    assert.notEqual(ran.error, undefined)
    assert.ok(ran.put.every(({ marker }) => marker.complete === undefined))
  })

  test('is a complete walk, which shows what is deleted, also after an interruption', async (t) => {
    const files = () => [table('a'), table('b')]
    const before = await exported(t, { api: { files }, stream: deletes, plan: { walk } })
    assert.equal(before.ran.put.at(-1)?.marker.complete?.from, 0)
    const { ran, api } = await exported(t, { before: behind(before, 2), stream: deletes })
    assert.deepEqual([ran.error, api.jobs.length, keysOf(ran)], [undefined, 1, ['b']])
    assert.equal(ran.put.at(-1)?.marker.complete?.from, 0)
  })
})

describe('an export with a watermark', () => {
  const rows = 'id,total,at\na,1,2026-05-01T00:00:00Z\nb,2,2026-05-02T12:00:00Z\n'
  const dated = schema.extend({ at: z.iso.datetime() })
  const watermark = { field: 'at', start: '2026-05-01T00:00:00Z', as: 'isoSeconds' }

  test('requests the range in the body of the creation, and confirms it at its end', async (t) => {
    const { ran, api } = await exported(t, {
      api: { files: () => [rows] },
      stream: { schema: dated, watermark: { ...watermark, body: '/since' }, body: { kind: 'orders' } },
    })
    assert.equal(ran.error, undefined)
    assert.deepEqual(api.jobs[0]?.body, { kind: 'orders', since: '2026-05-01T00:00:00Z' })
    assert.deepEqual(confirmed(ran), [null, '2026-05-02T12:00:00Z'])
  })

  test('of a backfill requests both ends, publishes what is in them, and confirms nothing', async (t) => {
    const range = { from: '2026-05-01T00:00:00Z', to: '2026-05-02T00:00:00Z' }
    const { ran, api } = await exported(t, {
      api: { files: () => [rows] },
      stream: { schema: dated, watermark: { ...watermark, to: { body: '/to' }, body: '/from' }, body: {} },
      plan: { range, from: range.from },
    })
    assert.equal(ran.error, undefined)
    assert.deepEqual(api.jobs[0]?.body, { from: '2026-05-01T00:00:00Z', to: '2026-05-02T00:00:00Z' })
    assert.deepEqual(keysOf(ran), ['a'])
    assert.deepEqual(new Set(confirmed(ran)), new Set([null]))
  })

  test('has one job for each window, and confirms window by window', async (t) => {
    const rowsOf = ({ id, body }: ExportedJob) => [`id,total,at\n${id},1,${body.from}\n`]
    const inWindows = (job: unknown) => windows({ size: '15d', pages: job })
    const stream = {
      schema: dated,
      watermark,
      body: ({ from, to }: { from: string; to: string }) => ({ from, to }),
    }
    const { ran, api } = await exported(t, { api: { files: rowsOf }, stream, paginate: inWindows })
    assert.equal(ran.error, undefined)
    assert.deepEqual(
      api.jobs.map(({ body }) => body),
      [
        { from: '2026-05-01T00:00:00Z', to: '2026-05-16T00:00:00Z' },
        { from: '2026-05-16T00:00:00Z', to: '2026-05-31T00:00:00Z' },
        { from: '2026-05-31T00:00:00Z', to: '2026-06-01T00:00:00Z' },
      ],
    )
    assert.deepEqual(
      confirmed(ran)
        .filter((text) => text !== null)
        .slice(0, 2),
      ['2026-05-16T00:00:00Z', '2026-05-31T00:00:00Z'],
    )
    const resumed = await exported(t, { before: behind({ ran, api }, 3), stream, paginate: inWindows })
    assert.equal(resumed.ran.error, undefined)
    assert.equal(api.jobs.length, 4, 'the job of the second window is used, and the third one is created')
  })

  test('starts again if its cursor is of another way of paging', async (t) => {
    const first = await exported(t, { api: { script: until(({ method }) => method === 'GET') } })
    const { ran } = await exported(t, {
      before: first,
      stream: { schema: dated, watermark, body: () => ({}) },
      paginate: (job) => windows({ size: '15d', pages: job }),
    })
    assert.equal(ran.result?.refused?.code, 'HR_JOB_GONE')
  })
})
