import assert from 'node:assert/strict'
import { describe, test } from 'node:test'
import { exportJobOf } from '#shared/declaration/paginate/paginate.ts'
import { exportJob } from '#shared/index.ts'
import type { PageResponse } from '../../../../services/fetcher/http/messages.ts'
import { jobStatus, shownJob } from '../../../../services/fetcher/pages/export-job/job-status.ts'
import { declareOrders } from '../../declared.ts'

const BASE = { job: '/id', poll: '/exports/{job}', download: '/urls' }
const VALUES = {
  ...{ status: '/state', done: ['DONE', 3], failed: 'FAILED', empty: 'NONE', expired: 'EXPIRED', message: '/why' },
}

function statusOf(job: Record<string, unknown>, body: unknown, status = 200) {
  const stream = declareOrders({
    paginate: exportJob({ ...BASE, ...job } as never),
    answers: { empty: [207] },
    records: undefined,
    watermark: undefined,
  })
  const spec = exportJobOf(stream.paginate)
  if (spec === null) throw new RangeError('no job')
  const request = {
    method: 'GET' as const,
    url: new URL('https://api.example/exports/1'),
    headers: {},
    body: undefined,
  }
  const costs = { bytes: 1, attempts: 1, retries: 0, durationMs: 1 }
  const response: PageResponse = { status, headers: { 'x-state': 'ready' }, body, request, fetchedMs: 0, ...costs }
  return jobStatus(stream, spec, 'job-1', response)
}

describe('an answer about a job', () => {
  test('without the declared status is an error, unless it says 202', () => {
    assert.throws(
      () => statusOf(VALUES, { other: 1 }),
      /shop\.orders: the status of export job job-1: nothing is at "\/state"/,
    )
    assert.throws(() => statusOf(VALUES, null), /nothing is at/)
    assert.equal(statusOf(VALUES, null, 202).state, 'running')
  })

  test('with a status that is not declared means that the job runs, unless these are declared too', () => {
    assert.deepEqual(statusOf(VALUES, { state: 'QUEUED' }), { state: 'running', says: 'QUEUED' })
    assert.equal(statusOf({ ...VALUES, running: ['QUEUED'] }, { state: 'QUEUED' }).state, 'running')
    assert.throws(() => statusOf({ ...VALUES, running: ['QUEUED'] }, { state: 'ODD' }), /"ODD" is not declared/)
  })

  for (const [state, body, says] of [
    ['failed', { state: 'FAILED', why: 'no memory' }, 'FAILED: no memory'],
    ['failed', { state: 'FAILED' }, 'FAILED'],
    ['expired', { state: 'EXPIRED' }, 'EXPIRED'],
    ['empty', { state: 'NONE', why: 'not shown' }, 'NONE'],
    ['done', { state: 'DONE' }, 'DONE'],
    ['done', { state: 3 }, '3'],
    ['done', { state: '3' }, '3'],
  ] as const)
    test(`that has ${JSON.stringify(body)} means ${state}`, () =>
      assert.deepEqual(statusOf(VALUES, body), { state, says }))

  test('with a status of HTTP that is declared empty has no data', () => {
    assert.equal(statusOf(VALUES, null, 207).state, 'empty')
  })

  test('is decided by functions of the whole answer', () => {
    const judged = {
      done: ({ headers, job }: { headers: Record<string, string>; job: string }) =>
        headers['x-state'] === 'ready' && job === 'job-1',
      failed: ({ status }: { status: number }) => status === 218,
    }
    assert.deepEqual(statusOf(judged, null), { state: 'done', says: 'status 200' })
    assert.equal(statusOf(judged, null, 218).state, 'failed')
  })

  test('that a function throws on is an error that names the function', () => {
    const fail = () => {
      throw new TypeError('x is undefined')
    }
    assert.throws(() => statusOf({ done: fail }, {}), /the function done throws: x is undefined/)
    assert.throws(() => statusOf({ ...VALUES, status: fail }, {}), /the function status throws/)
  })
})

test('a job is shown by its name, or by its values', () => {
  assert.equal(shownJob(12), '12')
  assert.equal(shownJob({ id: 'a', part: 2 }), '{"id":"a","part":2}')
})
