import assert from 'node:assert/strict'
import { describe, test } from 'node:test'
import { compileSource } from '#shared/declaration/compile.ts'
import { downloadOf, longestInterval } from '#shared/declaration/paginate/export-job.ts'
import { exportJobOf } from '#shared/declaration/paginate/paginate.ts'
import { DeclarationError } from '#shared/errors.ts'
import { csv, exportJob, type JobAnswer, type JudgedResponse, windows, z } from '#shared/index.ts'
import { sameType } from '../../../support/same-type.ts'

type Loose = Record<string, unknown>

const JOB = { job: '/id', poll: '/exports/{job}', status: '/status', done: 'DONE', download: '/urls' }
const schema = z.object({ id: z.string(), at: z.iso.datetime() })
const watermark = { field: 'at', start: '2026-01-01T00:00:00Z' }

function compiled(job: Loose, stream: Loose = {}) {
  const paginate = exportJob({ ...JOB, ...job } as never)
  const given = { path: '/exports', schema, primaryKey: ['id'], paginate, ...stream }
  const orders = Object.fromEntries(Object.entries(given).filter(([, value]) => value !== undefined))
  const [found] = compileSource(
    { name: 'shop', baseUrl: 'https://api.example', streams: { orders } },
    'shop.ts',
  ).streams
  if (found === undefined) throw new RangeError('no stream')
  return found
}

/** Name, job, the rest of the stream, field, words of the message, words of the hint. */
const MISTAKES: [string, Loose, Loose, string, RegExp, RegExp][] = [
  [
    'no status for the values of done',
    { status: undefined },
    {},
    'paginate.status',
    /done and the others name values/,
    /status: /,
  ],
  ['no done', { done: undefined }, {}, 'paginate.done', /is missing/, /done: 'DONE'/],
  ['no download', { download: undefined }, {}, 'paginate.download', /is missing/, /urls/],
  ['a path of another kind', { poll: 'exports/{job}' }, {}, 'paginate.poll', /expected a path/, /\{job\}/],
  ['a placeholder without a value', { poll: '/exports/{id}' }, {}, 'paginate.poll', /\{id\} has no value/, /\{job\}/],
  [
    'a part without parts',
    { download: { path: '/f/{part}' } },
    {},
    'paginate.download.path',
    /\{part\} has no value/,
    /\{job\}/,
  ],
  [
    'URLs and a path',
    { download: { urls: '/urls', path: '/f' } },
    {},
    'paginate.download.urls',
    /name where the files are/,
    /urls/,
  ],
  [
    'parts without a path',
    { download: { urls: '/urls', parts: '/p' } },
    {},
    'paginate.download.parts',
    /add path/,
    /part/,
  ],
  [
    'an origin with a path',
    { download: { urls: '/urls', origins: ['https://a.example/b'] } },
    {},
    'paginate.download.origins[0]',
    /expected an origin/,
    /origins/,
  ],
  [
    'an interval above the longest',
    { interval: '5m', intervalMax: '1m' },
    {},
    'paginate.intervalMax',
    /less than interval/,
    /intervalMax/,
  ],
  [
    'a remove by another method',
    { remove: { path: '/x', method: 'PUT' } },
    {},
    'paginate.remove',
    /expected a path/,
    /remove/,
  ],
  [
    'empty jobs where walks delete',
    { empty: 'NONE' },
    { deletes: 'full-walk' },
    'paginate.empty',
    /mark every row deleted/,
    /take empty/,
  ],
  ['an unknown field', { polls: 1 }, {}, 'paginate.polls', /is not a known field/, /./],
  ['a watermark that no place takes', {}, { watermark }, 'watermark.param', /name the one place/, /function of from/],
]

describe('an export job', () => {
  for (const [name, job, stream, field, message, hint] of MISTAKES) {
    test(`is refused with ${name}`, () => {
      assert.throws(
        () => compiled(job, stream),
        (error: unknown) => {
          assert.ok(error instanceof DeclarationError, String(error))
          assert.match(error.message, new RegExp(`field ${field.replace(/[.[\]]/g, '\\$&')}: `))
          assert.match(error.message, message)
          assert.match(error.hint ?? '', hint)
          return true
        },
      )
    })
  }

  test('is refused in windows with a cap', () => {
    const paginate = windows({ size: '1d', to: 'until', cap: 10, pages: exportJob(JOB) })
    const stream = { paginate, watermark: { ...watermark, param: 'since' } }
    assert.throws(() => compiled({}, stream), /field paginate\.cap: an export is whole/)
    assert.equal(compiled({}, { ...stream, paginate: { ...paginate, cap: undefined } }).paginate.kind, 'windows')
  })

  test('is created by a POST, unless the declaration says otherwise', () => {
    assert.equal(compiled({}).method, 'POST')
    assert.equal(compiled({}, { method: 'GET' }).method, 'GET')
    assert.deepEqual(compiled({}, { body: { kind: 'orders' } }).body, { kind: 'orders' })
  })

  test('may be read in chunks', () => {
    assert.notEqual(compiled({}, { decode: csv({ chunks: true }) }).decode.chunks, undefined)
  })

  test('may have values of the partition in its paths', () => {
    assert.equal(
      compiled({ poll: '/{shop}/{job}' }, { path: '/{shop}', partitions: [{ shop: 'a' }] }).partitions.length,
      1,
    )
  })

  test('has its defaults', () => {
    const job = exportJobOf(compiled({}).paginate)
    assert.ok(job !== null)
    assert.deepEqual([job.interval, longestInterval(job), job.deadline, job.jobsMax], [5_000, 60_000, 21_600_000, 3])
    assert.deepEqual(downloadOf(job).origins, [])
    const slow = exportJobOf(compiled({ interval: '5m' }).paginate)
    assert.equal(slow === null ? null : longestInterval(slow), 300_000)
  })

  test('gives its functions the job as it is named, by types alone', () => {
    const paginate = exportJob({
      job: ({ headers }) => ({ id: headers['x-id'] ?? '', region: 'eu' }),
      poll: ({ job, values }) => `/${job.region}/${job.id}/${values.shop}`,
      done: ({ status, job }) => status === 200 && job.id !== '',
      download: { path: ({ job }) => `/files/${job.id}`, params: { format: 'csv' } },
      remove: { path: ({ job }) => `/files/${job.id}`, method: 'POST' },
    })
    const typed = exportJob({
      job: ({ body }: JudgedResponse<{ id: string }>) => sameType<string>()(body.id) && body.id,
      poll: '/exports/{job}',
      done: ({ body }: JobAnswer<string, { files?: string[] }>) => body.files !== undefined,
      download: ({ body }: JobAnswer<string, { files: string[] }>) => body.files,
    })
    const named = exportJob({ ...JOB, poll: ({ job }) => `/${sameType<string | number>()(job) && job}` })
    assert.deepEqual([paginate.kind, typed.kind, named.kind], ['export-job', 'export-job', 'export-job'])
  })
})
