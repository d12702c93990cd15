/** Slices of several parts: lists in a parent's record, products, unions, grandparents, and what does not identify. */
import assert from 'node:assert/strict'
import { describe, type TestContext, test } from 'node:test'
import { resolverFor } from '#shared/config/config.ts'
import { compileSource, type Stream } from '#shared/declaration/compile.ts'
import { discover, none, parent, product, type RecordContext, union, z } from '#shared/index.ts'
import { silentLog } from '#shared/log.ts'
import { describePreview } from '../../../services/cli/preview/describe.ts'
import { checkSource } from '../../../services/fetcher/authoring/check/check.ts'
import { previewStream } from '../../../services/fetcher/authoring/preview.ts'
import { walkRecording } from '../../../services/fetcher/authoring/recording/testing.ts'
import { fastClock } from '../../support/clocks.ts'
import { type Asked, startServer } from '../../support/http.ts'
import { PATIENT } from '../authoring/authoring.ts'

const ACCOUNTS = {
  eu: [
    { id: 'a', name: 'Acme', tags: ['x', 'y'] },
    { id: 'b', name: 'Bolt', tags: [] },
  ],
  us: [{ id: 'c', name: 'Core', tags: ['x'] }],
}

function answer({ path, query }: Asked) {
  const region = /^\/regions\/(\w+)\/accounts$/.exec(path)?.[1]
  if (path === '/regions') return { json: { data: Object.keys(ACCOUNTS).map((code) => ({ code })) } }
  if (path === '/accounts') return { json: { data: Object.values(ACCOUNTS).flat() } }
  if (region !== undefined) return { json: { data: ACCOUNTS[region as keyof typeof ACCOUNTS] } }
  return { json: { unit: 'EUR', data: [{ id: `${path}?${query}` }] } }
}

const BASE = { paginate: none(), records: '/data' }
const accountSchema = z.object({ id: z.string(), name: z.string(), tags: z.array(z.string()) })
const STREAMS = {
  regions: { ...BASE, path: '/regions', schema: z.object({ code: z.string() }), primaryKey: ['code'] },
  accounts: { ...BASE, path: '/accounts', schema: accountSchema, primaryKey: ['id'] },
  of_regions: {
    ...{ ...BASE, path: '/regions/{region}/accounts', schema: accountSchema, primaryKey: ['id'] },
    partitions: parent({ stream: 'regions', over: 2, values: { region: '/code' } }),
  },
}

const tools = () => ({
  ...{ clock: fastClock(), log: silentLog, resolver: resolverFor({}), signal: new AbortController().signal },
})

async function shop(t: TestContext, partitions: unknown, more: Record<string, unknown> = {}) {
  const server = await startServer(t, answer)
  const orders = { ...BASE, path: '/orders', schema: z.object({ id: z.string() }), primaryKey: ['id'], partitions }
  const streams = { ...STREAMS, orders: { ...orders, ...more } }
  const source = compileSource({ name: 'shop', baseUrl: server.url, ...PATIENT, streams }, 'shop.ts')
  const stream = source.streams.at(-1) as Stream
  const look = (partition = 0) => previewStream({ ...tools(), stream, partition, pages: 1, records: 10 })
  return { server, source, stream, look }
}

async function slicesOf(t: TestContext, partitions: unknown, more: Record<string, unknown> = {}): Promise<string[]> {
  const { preview } = await (await shop(t, partitions, more)).look()
  assert.equal(preview.error, null)
  return (preview.slices?.first ?? []).map(({ values }) => values).sort()
}
const texts = (...values: Record<string, unknown>[]) => values.map((each) => JSON.stringify(each)).sort()

describe('the slices of a stream', () => {
  test('are each element of a list of the parent, by pointers or by a function', async (t) => {
    const expected = texts({ account: 'a', tag: 'x' }, { account: 'a', tag: 'y' }, { account: 'c', tag: 'x' })
    const pointers = { account: '/id', tag: '/tags/*' }
    assert.deepEqual(await slicesOf(t, parent({ stream: 'accounts', over: 3, values: pointers })), expected)
    const values = ({ id, tags }: Record<string, unknown>) =>
      (tags as string[]).map((tag) => ({ account: String(id), tag }))
    assert.deepEqual(await slicesOf(t, parent({ stream: 'accounts', over: 3, values })), expected)
  })

  test('are products of lists and parents', async (t) => {
    const kinds = [{ kind: 'sale' }, { kind: 'refund' }]
    const of = [kinds, parent({ stream: 'accounts', values: { account: '/id' } })]
    const expected = ['a', 'b', 'c'].flatMap((account) => kinds.map(({ kind }) => ({ account, kind })))
    assert.deepEqual(await slicesOf(t, product({ over: 3, of })), texts(...expected))
    assert.deepEqual(await slicesOf(t, product({ over: 3, of: [kinds] })), texts(...kinds))
  })

  test('of a product beyond its bound are refused before any of them is asked', async (t) => {
    const of = [[{ kind: 'sale' }, { kind: 'refund' }], parent({ stream: 'accounts', values: { account: '/id' } })]
    const { look, server } = await shop(t, product({ over: 3, of, slicesMax: 5 }))
    const { preview } = await look()
    assert.match(preview.error?.message ?? '', /2 × 3 are 6 slices, more than 5/)
    assert.deepEqual(
      server.requests.map(({ path }) => path),
      ['/accounts'],
    )
  })

  test('are a union of parents, functions and lists, each slice once', async (t) => {
    const of = [
      parent({ stream: 'accounts', values: { account: '/id' } }),
      [{ account: 'main' }, { account: 'a' }],
      discover({ values: async () => [{ account: 'main' }, { account: 'late' }] }),
    ]
    const expected = ['a', 'b', 'c', 'late', 'main'].map((account) => ({ account }))
    assert.deepEqual(await slicesOf(t, union({ over: 3, of })), texts(...expected))
  })

  test('have values of a grandparent', async (t) => {
    const expected = texts(
      { account: 'a', region: 'eu' },
      { account: 'b', region: 'eu' },
      { account: 'c', region: 'us' },
    )
    const pointers = { account: '/id', region: '{region}' }
    assert.deepEqual(await slicesOf(t, parent({ stream: 'of_regions', over: 3, values: pointers })), expected)
    const values = ({ id }: Record<string, unknown>, { values: own }: { values: object }) => ({
      ...own,
      account: String(id),
    })
    assert.deepEqual(await slicesOf(t, parent({ stream: 'of_regions', over: 3, values })), expected)
  })

  test('that lack what the path needs are an error that shows them', async (t) => {
    const { look } = await shop(t, parent({ stream: 'accounts', over: 3, values: ({ id }) => ({ id: String(id) }) }), {
      path: '/accounts/{account}/orders',
    })
    const { preview } = await look()
    assert.match(preview.error?.message ?? '', /returns values without \{account\}, which the path needs: \{"id":"a"\}/)
  })

  test('that are no texts, numbers or booleans are an error that says where', async (t) => {
    for (const [values, at] of [
      [{ account: '/tags' }, /at 0\.account/],
      [{ account: '/name/*' }, /at 0\.account/],
    ] as const) {
      const { look } = await shop(t, parent({ stream: 'accounts', over: 3, values }))
      const { preview } = await look()
      assert.match(preview.error?.message ?? '', /does not return a list of values/)
      assert.match(preview.error?.message ?? '', at)
    }
  })
})

describe('values of a parent that do not identify the slice', () => {
  const partitions = parent({ stream: 'accounts', over: 1, values: { account: '/id' }, extra: { name: '/name' } })
  const more = {
    path: '/{name}/orders',
    params: ({ values }: { values: Record<string, unknown> }) => ({ shop: `${values.account} of ${values.name}` }),
    envelope: { name: '{name}' },
    map: (raw: object, { values }: RecordContext) => ({ ...raw, told: values.name }),
    schema: z.object({ id: z.string(), name: z.string(), told: z.string() }),
    primaryKey: 'record',
  }

  test('are in the path, for functions, for the envelope and for map, and are no parameters', async (t) => {
    const { look, stream } = await shop(t, partitions, more)
    const { preview, recording } = await look()
    assert.deepEqual([preview.error, preview.share], [null, '{"account":"a"}'])
    const { _record_key, ...record } = preview.records[0] ?? {}
    assert.deepEqual(record, { id: '/Acme/orders?account=a&shop=a+of+Acme', name: 'Acme', told: 'Acme' })
    assert.deepEqual(preview.recordKey?.partitionValues, ['account'])
    assert.ok(recording !== null)
    assert.deepEqual((await walkRecording(stream, recording)).records, preview.records)
  })

  test('make no other slice when they change', async (t) => {
    const { look } = await shop(t, partitions, more)
    const before = await look()
    const [first] = ACCOUNTS.eu
    t.after(() => Object.assign(first ?? {}, { name: 'Acme' }))
    Object.assign(first ?? {}, { name: 'Apex' })
    const after = await look()
    assert.deepEqual(after.preview.slices, before.preview.slices)
    assert.equal(after.preview.records[0]?.name, 'Apex')
  })
})

test('a record key does not change with what does not identify the slice', async (t) => {
  const partitions = parent({ stream: 'accounts', over: 1, values: { account: '/id' }, extra: { name: '/name' } })
  const { look } = await shop(t, partitions, { primaryKey: 'record' })
  const before = await look()
  const [first] = ACCOUNTS.eu
  t.after(() => Object.assign(first ?? {}, { name: 'Acme' }))
  Object.assign(first ?? {}, { name: 'Apex' })
  assert.ok(before.preview.records[0]?._record_key)
  assert.deepEqual((await look()).preview.records, before.preview.records)
})

test('preview and check show the slices', async (t) => {
  const { look, stream, source } = await shop(t, parent({ stream: 'accounts', over: 1, values: { account: '/id' } }))
  const { preview } = await look()
  assert.deepEqual(preview.slices, {
    ...{ slices: 3, partitions: 1 },
    first: ['a', 'b', 'c'].map((account) => ({ partition: 0, values: JSON.stringify({ account }) })),
  })
  assert.match(describePreview(stream, preview, 100), /Slices:\n {2}3 slices in 1 partition\n {2}0: \{"account":"a"\}/)
  const { steps } = await checkSource({ ...tools(), source, streams: [stream] })
  const notes = steps.flatMap((step) => step.notes ?? [])
  assert.ok(notes.includes('3 slices found for 1 partitions; this is {"account":"a"}'), notes.join('\n'))
})
