import assert from 'node:assert/strict'
import { describe, test } from 'node:test'
import { exportJobOf } from '#shared/declaration/paginate/paginate.ts'
import { exportJob } from '#shared/index.ts'
import type { PageResponse } from '../../../../services/fetcher/http/messages.ts'
import { endOfJob } from '../../../../services/fetcher/pages/export-job/wait-for-job.ts'
import { declareOrders } from '../../declared.ts'

const JOB = { job: '/id', poll: '/exports/{job}', status: '/status', done: 'DONE', failed: 'FAILED', download: '/urls' }
const START_MS = Date.UTC(2026, 0, 1)
const never = new AbortController().signal

type Given = {
  job?: Record<string, unknown>
  answers?: Record<string, unknown>
  headers?: readonly Record<string, string>[]
  /** Requests that are answered with RUNNING. */
  running: number
  ageMs?: number
  pollMs?: number
  stop?: AbortSignal
}

/** The end of a job, and when its status was requested: milliseconds since the start. */
async function waited({ job, answers, headers = [], running, ageMs = 0, pollMs = 0, stop = never }: Given) {
  let nowMs = START_MS
  const polls: number[] = []
  const stream = declareOrders({
    ...{ paginate: exportJob({ ...JOB, ...job } as never), records: undefined, watermark: undefined },
    ...(answers === undefined ? {} : { answers }),
  })
  const spec = exportJobOf(stream.paginate)
  if (spec === null) throw new RangeError('no job')
  const clock = {
    ...{ nowMs: () => nowMs, elapsedMs: () => nowMs, random: () => 0 },
    async sleep(ms: number, signal?: AbortSignal) {
      signal?.throwIfAborted()
      nowMs += ms
    },
  }
  const request = {
    method: 'GET' as const,
    url: new URL('https://api.example/exports/1'),
    headers: {},
    body: undefined,
  }
  const ask = async (): Promise<PageResponse> => {
    polls.push(nowMs - START_MS)
    const body = { status: polls.length > running ? 'DONE' : 'RUNNING', wait: 90 }
    const costs = { bytes: 1, attempts: 1, retries: 0, durationMs: 1 }
    return { status: 200, headers: headers[polls.length - 1] ?? {}, body, request, fetchedMs: nowMs, ...costs }
  }
  const createdMs = START_MS - ageMs
  const at = { job: 'j', jobs: 1, createdMs, pollMs: START_MS + pollMs, files: 0, names: null, record: 0, id: null }
  const { state } = await endOfJob({ stream, spec, clock, stop, ask }, at)
  return { state, polls }
}

describe('a job that runs', () => {
  test('is given up when the next request would be after its deadline', async () => {
    assert.deepEqual(await waited({ job: { interval: '1m', intervalMax: '1m', deadline: '3m' }, running: 100 }), {
      state: 'late',
      polls: [0, 59_000, 118_000, 177_000],
    })
    const headers = [{ 'retry-after': '600' }]
    assert.deepEqual((await waited({ job: { deadline: '3m' }, headers, running: 100 })).polls, [0])
  })

  test('and was created before a restart is asked for once, however old it is', async () => {
    assert.deepEqual(await waited({ job: { deadline: '3m' }, ageMs: 86_400_000, running: 0 }), {
      state: 'done',
      polls: [0],
    })
    assert.deepEqual(await waited({ job: { deadline: '3m' }, ageMs: 86_400_000, running: 1 }), {
      state: 'late',
      polls: [0],
    })
  })

  test('is not asked for before the time that was stored, nor if that is after its deadline', async () => {
    assert.deepEqual((await waited({ running: 0, pollMs: 7_000 })).polls, [7_000])
    assert.deepEqual(await waited({ job: { deadline: '5s' }, running: 0, pollMs: 7_000 }), { state: 'late', polls: [] })
  })

  test('is asked for in intervals that double up to the longest', async () => {
    const { polls } = await waited({ job: { interval: '10s', intervalMax: '30s' }, running: 5 })
    assert.deepEqual(
      polls,
      [0, 10_000, 30_000, 60_000, 90_000, 120_000].map((ms, at) => ms - jitter(at)),
    )
  })

  test('is asked for when the API says: Retry-After, a date, or the place of answers.waits', async () => {
    const date = new Date(START_MS + 8_000 + 20_000).toUTCString()
    const headers = [{ 'retry-after': '8' }, { 'retry-after': date }, { 'retry-after': '0' }]
    const { polls } = await waited({ headers, running: 3, job: { interval: '4s', intervalMax: '4s' } })
    assert.deepEqual(polls.slice(0, 3), [0, 8_000, 28_000])
    const stated = await waited({ answers: { waits: [{ body: '/wait' }] }, headers, running: 1 })
    assert.deepEqual(stated.polls, [0, 90_000])
  })

  test('is not asked for all the time, whatever the API says', async () => {
    const headers = Array.from({ length: 3 }, () => ({ 'retry-after-ms': '1' }))
    assert.deepEqual((await waited({ headers, running: 3 })).polls.slice(0, 3), [0, 100, 200])
  })

  test('is not asked for after a stop', async () => {
    const stop = AbortSignal.abort(new Error('stopped'))
    await assert.rejects(waited({ running: 1, pollMs: 1, stop }), /stopped/)
    await assert.rejects(waited({ running: 1, stop }), /stopped/)
  })
})

/** The jitter is within the longest interval, so a drawn 0 shortens it. */
const jitter = (waits: number): number => (waits < 3 ? 0 : (waits - 2) * 1_000)
