/**
 * A nightly CSV export by jobs, declared as a new user would, on the whole way: from the API and its files to the
 * table. The fetcher is killed while it waits.
 */
import assert from 'node:assert/strict'
import { test } from 'node:test'
import { exportApi } from '../support/export-api.ts'
import { startServer } from '../support/http.ts'
import { until } from '../support/loading.ts'
import { pipeline } from '../support/pipeline.ts'

const TEST_MS_MAX = 120_000

const declarationOf = (api: string, files: string): string => `
import { bearer, csv, defineSource, exportJob, gunzip, secret, z } from 'headrace'

export default defineSource({
  name: 'shop',
  baseUrl: '${api}',
  auth: bearer(secret('SHOP_KEY')),
  quota: { requests: 20, per: '1s' },
  streams: {
    orders: {
      path: '/exports',
      body: ({ from }) => ({ kind: 'orders', format: 'csv', since: from }),
      paginate: exportJob({
        job: '/id',
        poll: '/exports/{job}',
        status: '/status',
        done: 'DONE',
        failed: ['FAILED', 'CANCELLED'],
        download: { urls: '/urls', origins: ['${files}'] },
      }),
      decode: [gunzip(), csv()],
      schema: z.object({ id: z.string(), region: z.string(), total: z.coerce.number(), updated_at: z.iso.datetime() }),
      primaryKey: ['id'],
      watermark: { field: 'updated_at' },
      cron: '0 2 * * *',
    },
  },
})
`

/** Of a day in May 2026. */
const table = (day: number, ids: readonly string[]): string =>
  `id,region,total,updated_at\n${ids.map((id, at) => `${id},eu,${day}.5,2026-05-0${day}T00:00:0${at}Z\n`).join('')}`

test('a nightly export that is killed while it waits has one job, and its rows are in the table', {
  timeout: TEST_MS_MAX,
}, async (t) => {
  const nights = [[table(1, ['a', 'b']), table(1, ['c'])], [table(2, ['b', 'd'])]]
  let isReady = false
  const exports = await exportApi(t, {
    files: ({ id }) => nights[Number(id.replace('job-', '')) - 1] ?? [],
    script: (_, { jobs }) => {
      const [first] = jobs
      if (first !== undefined && !isReady) first.status = first.polls === 0 ? 'PENDING' : 'RUNNING'
      else if (first !== undefined) delete first.status
      return undefined
    },
  })
  const api = await startServer(t, exports.script)
  const p = await pipeline(t, {
    declaration: () => declarationOf(api.url, new URL(exports.files.url).origin),
    env: { SHOP_KEY: 'k3y-of-the-shop' },
  })

  const killed = p.fetcher('--once')
  await until('its status was requested', () => (exports.jobs[0]?.polls ?? 0) >= 2)
  killed.kill('SIGKILL')
  await killed.exit
  assert.deepEqual(await p.published(), [])
  const [stored] = await p.checkpoints()
  assert.equal(Object(stored?.cursor).job, 'job-1')

  isReady = true
  await p.fetchOnce()
  await p.loadAll()
  assert.equal(exports.jobs.length, 1, 'exactly one job was created')
  assert.deepEqual(exports.jobs[0]?.body, { kind: 'orders', format: 'csv', since: null })
  const rows = () => p.query<{ id: string; total: number }>('SELECT id, total FROM {db}.shop_orders FINAL ORDER BY id')
  assert.deepEqual(await rows(), [
    { id: 'a', total: 1.5 },
    { id: 'b', total: 1.5 },
    { id: 'c', total: 1.5 },
  ])

  // The next night exports what has changed since.
  await p.fetchOnce()
  await p.loadAll()
  assert.equal(exports.jobs.length, 2)
  assert.match(String(exports.jobs[1]?.body.since), /^2026-05-01T00:00:0/)
  assert.deepEqual(await rows(), [
    { id: 'a', total: 1.5 },
    { id: 'b', total: 2.5 },
    { id: 'c', total: 1.5 },
    { id: 'd', total: 2.5 },
  ])
  assert.ok(exports.files.requests.every(({ headers }) => headers.authorization === undefined))
  await p.assertLedger()
  const signed = JSON.stringify([await p.markers(), await p.checkpoints()]) + killed.stderr()
  assert.doesNotMatch(signed, /k3y-/)
})
