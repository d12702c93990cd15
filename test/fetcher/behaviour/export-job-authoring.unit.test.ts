/** What an author sees of an export job, on real servers: `check`, `preview`, its recording, and a walk over that. */
import assert from 'node:assert/strict'
import { mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { describe, type TestContext, test } from 'node:test'
import { resolverFor } from '#shared/config/config.ts'
import { compileSource } from '#shared/declaration/compile.ts'
import { bearer, csv, defineSource, exportJob, gunzip, secret, z } from '#shared/index.ts'
import { silentLog } from '#shared/log.ts'
import { checkSource } from '../../../services/fetcher/authoring/check/check.ts'
import { previewStream } from '../../../services/fetcher/authoring/preview.ts'
import { writeRecording } from '../../../services/fetcher/authoring/recording/recording.ts'
import { walkRecorded } from '../../../services/fetcher/authoring/recording/testing.ts'
import { fastClock } from '../../support/clocks.ts'
import { type ExportApiOptions, exportApi } from '../../support/export-api.ts'
import { startServer } from '../../support/http.ts'
import { PATIENT } from '../authoring/authoring.ts'
import { streamOf } from '../declared.ts'

const files = () => ['id,total\na,1\nb,2\n', 'id,total\nc,3\n']

async function author(t: TestContext, options: ExportApiOptions = {}, job: Record<string, unknown> = {}) {
  const api = await exportApi(t, { files, ...options })
  const server = await startServer(t, api.script)
  const declared = defineSource({
    ...{ name: 'shop', baseUrl: server.url, auth: bearer(secret('SHOP_KEY')), ...PATIENT },
    streams: {
      orders: {
        path: '/exports',
        paginate: exportJob({
          ...{ job: '/id', poll: '/exports/{job}', status: '/status', done: 'DONE', failed: 'FAILED', interval: '1s' },
          ...{ message: '/error', remove: '/exports/{job}' },
          download: { urls: '/urls', origins: [new URL(api.files.url).origin] },
          ...job,
        }),
        decode: [gunzip(), csv()],
        schema: z.object({ id: z.string(), total: z.coerce.number() }),
        primaryKey: ['id'],
      },
    },
  })
  const source = compileSource(declared.input, 'shop.ts')
  const tools = {
    ...{ clock: fastClock(), log: silentLog, resolver: resolverFor({ SHOP_KEY: 'k3y-of-shop' }) },
    signal: new AbortController().signal,
  }
  return {
    ...{ api, server, declared },
    check: () => checkSource({ ...tools, source, streams: source.streams }),
    preview: (pages: number) => previewStream({ ...tools, stream: streamOf(source), partition: 0, pages, records: 10 }),
  }
}

describe('check of an export job', () => {
  test('says why the job has failed', async (t) => {
    const script: ExportApiOptions['script'] = (_, { jobs }) => {
      for (const job of jobs) Object.assign(job, { status: 'FAILED', reason: 'no such kind' })
      return undefined
    }
    const { check } = await author(t, { script }, { jobsMax: 1 })
    const failed = (await check()).steps.find(({ status }) => status === 'failed')
    assert.equal(failed?.step, 'first page')
    assert.match(failed?.says ?? '', /export job job-1 failed: FAILED: no such kind/)
  })

  test('creates a job, waits for it, and checks the records of two files', async (t) => {
    const { check, api } = await author(t)
    const { steps } = await check()
    const says = (name: string) => steps.find(({ step }) => step === name)
    assert.deepEqual(
      steps.filter(({ status }) => status === 'failed'),
      [],
    )
    assert.equal(says('first page')?.says, '2 records from the files of an export job')
    assert.match(says('second page')?.says ?? '', /^1 records, 1 of them new/)
    assert.match(says('schema')?.says ?? '', /^3 of 3 records fit/)
    assert.equal(api.jobs.length, 1)
  })
})

describe('preview of an export job', () => {
  test('shows the records of its files and the requests, without a signature', async (t) => {
    const { preview } = await author(t)
    const { preview: shown, error } = await preview(5)
    assert.equal(error, null)
    assert.deepEqual(
      shown.records.map(({ id }) => id),
      ['a', 'b', 'c'],
    )
    assert.match(
      shown.requests.map(({ method, url }) => `${method} ${new URL(url).pathname}`).join(),
      /^POST \/exports,GET \/exports\/job-1,.*GET \/job-1\/0\.csv\.gz/,
    )
    assert.doesNotMatch(JSON.stringify(shown), /k3y-/)
  })

  test('shows what the answer has in place of the files, without a signature', async (t) => {
    const { preview } = await author(t, {}, { download: '/links' })
    const { preview: shown } = await preview(5)
    assert.equal(shown.error?.code, 'HR_JOB_FILES')
    assert.equal(shown.error?.field, 'paginate.download')
    assert.match(shown.error?.answer ?? '', /0\.csv\.gz\?\*\*\*/)
    assert.doesNotMatch(JSON.stringify(shown), /k3y-/)
  })

  test('is recorded as a whole, and walked again without an API, a wait or a secret', async (t) => {
    const { preview, declared, server } = await author(t)
    const { recording } = await preview(100)
    assert.ok(recording !== null)
    assert.doesNotMatch(JSON.stringify(recording), /k3y-/)
    const dir = mkdtempSync(join(tmpdir(), 'headrace-export-'))
    t.after(() => rmSync(dir, { recursive: true, force: true }))
    const file = join(dir, 'shop.orders.recording.json')
    writeRecording(file, recording)
    const before = server.requests.length
    const walked = await walkRecorded(declared, 'orders', file)
    assert.equal(server.requests.length, before)
    assert.deepEqual(
      walked.records.map(({ id }) => id),
      ['a', 'b', 'c'],
    )
    assert.deepEqual(
      walked.requests.map(({ method }) => method),
      ['POST', 'GET', 'GET', 'GET', 'GET', 'GET', 'DELETE'],
    )
  })
})
