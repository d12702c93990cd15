import assert from 'node:assert/strict'
import { test } from 'node:test'
import { resolverFor } from '#shared/config/config.ts'
import { compileSource, type Stream } from '#shared/declaration/compile.ts'
import { cursor, parent, z } from '#shared/index.ts'
import { silentLog } from '#shared/log.ts'
import { describePreview } from '../../../services/cli/preview/describe.ts'
import { checkSource } from '../../../services/fetcher/authoring/check/check.ts'
import { previewStream } from '../../../services/fetcher/authoring/preview.ts'
import { walkRecording } from '../../../services/fetcher/authoring/recording/testing.ts'
import { startAccountsApi } from '../../support/accounts-api.ts'
import { fastClock } from '../../support/clocks.ts'
import { PATIENT } from '../authoring/authoring.ts'
import { order, orderSchema, STREAM } from '../declared.ts'

const ACCOUNTS = {
  path: '/accounts',
  records: '/data',
  paginate: cursor({ next: '/next', param: 'cursor' }),
  primaryKey: ['id'],
}

function declared(url: string) {
  const partitions = parent({ stream: 'accounts', over: 4, values: ({ id }) => ({ account: String(id) }) })
  const orders = { ...STREAM, path: '/accounts/{account}/orders', schema: orderSchema, partitions }
  const accounts = { ...ACCOUNTS, schema: z.object({ id: z.string(), open: z.boolean() }) }
  return compileSource({ name: 'shop', baseUrl: url, ...PATIENT, streams: { accounts, orders } }, 'shop.ts')
}

const tools = () => ({
  clock: fastClock(),
  log: silentLog,
  resolver: resolverFor({}),
  signal: new AbortController().signal,
})

test('a preview shows one share, says which, and its recording is walked without the API', async (t) => {
  const api = await startAccountsApi(t, ['a', 'b'])
  for (const account of ['a', 'b'])
    api.put(account, order(`${account}1`, 1), order(`${account}2`, 2), order(`${account}3`, 3))
  const stream = declared(api.url).streams.find(({ name }) => name === 'orders') as Stream
  const seen = new Set<string | null>()
  for (const partition of [0, 1, 2, 3]) {
    const { preview, recording, error } = await previewStream({ ...tools(), stream, partition, pages: 2, records: 10 })
    assert.equal(error, null)
    seen.add(preview.share)
    assert.equal(preview.counts.records, 3)
    const account = String(JSON.parse(preview.share ?? '{}').account)
    assert.deepEqual(
      preview.records.map(({ id }) => id),
      [1, 2, 3].map((at) => `${account}${at}`),
    )
    assert.match(describePreview(stream, preview, 120), /slice \{"account":"[ab]"\} only/)
    assert.ok(recording !== null)
    assert.equal((await walkRecording(stream, recording)).records.length, 3)
  }
  assert.ok([...seen].every((share) => share !== null))
})

test('a preview without any share says so', async (t) => {
  const api = await startAccountsApi(t, [])
  const stream = declared(api.url).streams.find(({ name }) => name === 'orders') as Stream
  const { preview } = await previewStream({ ...tools(), stream, partition: 0, pages: 1, records: 10 })
  assert.match(preview.error?.message ?? '', /discovery returned no values/)
})

test('check looks at one share of a stream whose partitions are found', async (t) => {
  const api = await startAccountsApi(t, ['a', 'b', 'c'])
  for (const account of ['a', 'b', 'c'])
    api.put(account, order(`${account}1`, 1), order(`${account}2`, 2), order(`${account}3`, 3))
  const source = declared(api.url)
  const { steps } = await checkSource({ ...tools(), source, streams: source.streams })
  assert.deepEqual(
    steps.filter(({ status }) => status === 'failed'),
    [],
  )
  assert.equal(steps.filter(({ stream, status }) => stream === 'shop.orders' && status === 'ok').length >= 5, true)
})
