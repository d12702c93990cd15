import assert from 'node:assert/strict'
import { describe, type TestContext, test } from 'node:test'
import { compileSource, type Source } from '#shared/declaration/compile.ts'
import { cursor, discover, parent, z } from '#shared/index.ts'
import { statusOf } from '../../../services/operator/status/status.ts'
import { type AccountsApi, startAccountsApi } from '../../support/accounts-api.ts'
import { instant, order, orderSchema, STREAM } from '../declared.ts'
import { ownPlace, type Place } from '../fetching.ts'

const iso = (second: number) => new Date(instant(second)).toISOString()
const REFUSED = { status: 403, json: { error: 'not yours' } }
const DOWN = { status: 500, json: {} }

const ORDERS = {
  ...STREAM,
  path: '/accounts/{account}/orders',
  envelope: { account: '{account}' },
  schema: orderSchema.extend({ account: z.string() }),
  primaryKey: ['account', 'id'],
}
const ACCOUNTS = {
  path: '/accounts',
  records: '/data',
  paginate: cursor({ next: '/next', param: 'cursor' }),
  schema: z.object({ id: z.string(), open: z.boolean() }),
  primaryKey: ['id'],
}

type Listed = { data: { id: string }[]; next: string | null }

function discovered(api: AccountsApi, over: number): Source {
  const partitions = discover({
    over,
    async values({ request }) {
      const found: { account: string }[] = []
      for (let next: string | null = '0'; next !== null; ) {
        const { data, next: following } = (await request({ path: '/accounts', params: { cursor: next } }))
          .body as Listed
        found.push(...data.map(({ id }) => ({ account: id })))
        next = following
      }
      return found
    },
  })
  const orders = { ...ORDERS, partitions }
  return compileSource({ name: 'shop', baseUrl: api.url, attemptsMax: 1, streams: { orders } }, 'shop.ts')
}

function ofParents(api: AccountsApi, over: number): Source {
  const partitions = parent({
    stream: 'accounts',
    over,
    values: ({ id, open }) => (open ? { account: String(id) } : null),
  })
  const streams = { accounts: ACCOUNTS, orders: { ...ORDERS, partitions } }
  return compileSource({ name: 'shop', baseUrl: api.url, attemptsMax: 1, streams }, 'shop.ts')
}

const ordersOf = ({ streams }: Source) => streams.find(({ name }) => name === 'orders')!
const only = (source: Source): Source => ({ ...source, streams: [ordersOf(source)] })

async function bench(t: TestContext, over: number, declare = discovered) {
  const place = await ownPlace(t)
  const api = await startAccountsApi(t, ['a', 'b', 'c', 'd'])
  // Not in the order of time.
  for (const { id } of api.accounts) api.put(id, order('o3', 3), order('o1', 1), order('o2', 2))
  const source = declare(api, over)
  return { place, api, source, fetch: () => place.fetchOnce({ ...source, ...only(source) }) }
}

async function keys(place: Place, source: Source): Promise<string[]> {
  const stream = ordersOf(source)
  const all = await Promise.all(stream.partitions.map((_, partition) => place.entries(stream, partition)))
  return all
    .flat()
    .flatMap(({ record }) => (record === null ? [] : [`${record.account} ${record.id} ${record.updated_at}`]))
    .sort()
}

const versions = (accounts: string, seconds: readonly number[], second = (at: number) => at) =>
  [...accounts].flatMap((account) => seconds.map((at) => `${account} o${at} ${instant(second(at))}`)).sort()
const asked = (api: AccountsApi) => api.log.map(({ account, since, after }) => `${account} ${since ?? 'ever'} ${after}`)

for (const [how, declare] of [
  ['a function', discovered],
  ['the records of a parent', ofParents],
] as const) {
  test(`shares that ${how} finds are spread over the partitions, found once, and walked in the order of their text`, async (t) => {
    const { place, api, source, fetch } = await bench(t, 3, declare)
    const first = await fetch()
    assert.deepEqual(
      Object.values(first.summary.partitions).map(({ outcome }) => outcome),
      ['done', 'done', 'done'],
    )
    assert.deepEqual(await keys(place, source), versions('abcd', [1, 2, 3]))
    assert.equal(api.listed, 1)
    const stream = ordersOf(source)
    const last = await Promise.all(stream.partitions.map((_, partition) => place.checkpoint(stream, partition)))
    const walked = last.map((each) => (each?.known?.length ?? 0) / 8)
    assert.equal(
      walked.reduce((sum, each) => sum + each, 0),
      4,
    )
    const [status] = await statusOf(place.kafka, place.names, [stream.label], Date.now())
    assert.deepEqual(
      status?.partitions.map(({ shares }) => shares),
      walked,
    )
    // A partition without a share has an end as well, and confirms nothing.
    assert.deepEqual(
      last.map((each) => [each?.done, each?.watermark]),
      walked.map((count) => [true, count > 0 ? instant(3) : null]),
    )

    api.log.length = 0
    api.put('b', order('o9', 9))
    const next = await fetch()
    assert.equal(next.summary.records, 1)
    assert.ok(api.log.every(({ since }) => since === iso(3)))
  })
}

describe('of the shares of one partition', () => {
  test('a new one is asked from the start, the others from the watermark', async (t) => {
    const { place, api, source, fetch } = await bench(t, 1)
    await fetch()
    api.log.length = 0
    api.accounts.push({ id: 'bb' })
    api.put('bb', order('o1', 1), order('o2', 2), order('o3', 3))
    await fetch()
    assert.deepEqual(asked(api), [
      `a ${iso(3)} 0`,
      `b ${iso(3)} 0`,
      'bb ever 0',
      'bb ever 2',
      `c ${iso(3)} 0`,
      `d ${iso(3)} 0`,
    ])
    assert.equal((await keys(place, source)).filter((key) => key.startsWith('bb')).length, 3)
  })

  test('one that fails stops none of the others; it is named, the run fails, and the watermark stays until all are read', async (t) => {
    const { place, api, source, fetch } = await bench(t, 1)
    await fetch()
    for (const account of 'abcd') api.put(account, order('o7', 7))
    for (const status of [403, 404, 500]) {
      api.log.length = 0
      api.script = ({ account }) => (account === 'b' ? { ...REFUSED, status } : undefined)
      const failed = await fetch()
      const partition = failed.summary.partitions['shop.orders/0']
      assert.equal(partition?.outcome, 'failed')
      assert.match(partition?.error ?? '', /1 of 4 slices failed[\s\S]*\{"account":"b"\}/)
      assert.match(failed.log.join(''), /"share":"\{\\"account\\":\\"b\\"\}".*slice failed/)
      assert.deepEqual(
        asked(api),
        ['a', 'b', 'c', 'd'].map((account) => `${account} ${iso(3)} 0`),
      )
      assert.deepEqual(
        (await keys(place, source)).filter((key) => key.endsWith(instant(7))),
        versions('acd', [7]),
      )
      assert.equal((await place.checkpoint(ordersOf(source)))?.watermark, instant(3))
    }
    api.script = undefined
    const good = await fetch()
    assert.deepEqual([good.summary.records, (await place.checkpoint(ordersOf(source)))?.watermark], [1, instant(7)])
  })

  test('the last one that fails, or a new one, is asked again in full with the next run', async (t) => {
    const { api, fetch, place, source } = await bench(t, 1)
    api.script = ({ account, after }) => (account === 'd' && after > 0 ? DOWN : undefined)
    await fetch()
    assert.equal((await place.checkpoint(ordersOf(source)))?.watermark, null)
    api.log.length = 0
    api.script = undefined
    await fetch()
    assert.deepEqual(asked(api).slice(-2), ['d ever 0', 'd ever 2'])
    assert.equal(api.log.length, 8)
    assert.deepEqual(await keys(place, source), versions('abcd', [1, 2, 3]))
    assert.equal((await place.checkpoint(ordersOf(source)))?.watermark, instant(3))
  })

  test('the one in whose middle a run was stopped is gone on with, and what came before it is not asked again', async (t) => {
    const { place, api, source } = await bench(t, 1)
    const stop = new AbortController()
    api.script = ({ account, after }) => {
      if (account === 'b' && after === 0) stop.abort()
      return undefined
    }
    const stopped = await place.fetchOnce(only(source), stop.signal)
    assert.equal(stopped.summary.partitions['shop.orders/0']?.outcome, 'stopped')
    api.log.length = 0
    api.script = undefined
    // One that comes before, and one that goes: the first is for the next run, the second is forgotten.
    api.accounts = ['aa', 'b', 'd'].map((id) => ({ id }))
    api.put('aa', order('o1', 1))
    await place.fetchOnce(only(source))
    assert.deepEqual(asked(api), ['b ever 2', 'd ever 0', 'd ever 2'])
    assert.deepEqual(await keys(place, source), versions('abd', [1, 2, 3]))
    assert.equal((await place.checkpoint(ordersOf(source)))?.watermark, instant(3))

    api.log.length = 0
    api.accounts.push({ id: 'c' })
    await place.fetchOnce(only(source))
    assert.deepEqual(asked(api), ['aa ever 0', `b ${iso(3)} 0`, 'c ever 0', 'c ever 2', `d ${iso(3)} 0`])
  })

  test('a cursor that has expired is forgotten, and its share walked anew', async (t) => {
    const { place, api, source, fetch } = await bench(t, 1)
    let gone = 0
    api.script = ({ account, after }) =>
      account === 'b' && after > 0 && gone++ === 0 ? { status: 410, json: {} } : undefined
    const { summary } = await fetch()
    assert.equal(summary.partitions['shop.orders/0']?.outcome, 'done')
    assert.deepEqual(asked(api).slice(2, 6), ['b ever 0', 'b ever 2', 'b ever 0', 'b ever 2'])
    assert.deepEqual(await keys(place, source), versions('abcd', [1, 2, 3]))
  })

  test('all are asked from the start, loudly, when the log has lost what was not loaded', async (t) => {
    const { place, api, source, fetch } = await bench(t, 1)
    await fetch()
    const stream = ordersOf(source)
    const end = (await place.checkpoint(stream))?.offset ?? 0
    await place.load(stream, 4, instant(2))
    await place.kafka.deleteRecordsBelow(place.topicOf(stream), new Map([[0, end]]))
    api.log.length = 0
    const filled = await fetch()
    assert.ok(api.log.every(({ since }) => since === null))
    assert.match(filled.log.join(''), /"level":40,[^\n]*unknown which slices were read before/)
    assert.deepEqual(await keys(place, source), versions('abcd', [1, 2, 3]))
  })
})

for (const [how, declare] of [
  ['function', discovered],
  ['parent', ofParents],
] as const) {
  test(`a list that cannot be found by a ${how} fails the run before anything is asked, and forgets no share`, async (t) => {
    const { place, api, source, fetch } = await bench(t, 1, declare)
    await fetch()
    api.log.length = 0
    for (const answer of [DOWN, { status: 404, json: {} }]) {
      api.listScript = (after) => (after > 0 ? answer : undefined)
      const failed = await fetch()
      assert.equal(failed.summary.partitions['shop.orders/0']?.outcome, 'failed')
    }
    assert.deepEqual(api.log, [])
    api.listScript = undefined
    await fetch()
    assert.deepEqual(
      asked(api),
      [...'abcd'].map((account) => `${account} ${iso(3)} 0`),
    )
    assert.equal((await place.checkpoint(ordersOf(source)))?.known?.length, 4 * 8)
  })
}

test('parents that their schema refuses have no children, which is said, and come back from their start', async (t) => {
  const { place, api, source } = await bench(t, 1, ofParents)
  await place.fetchOnce(only(source))
  const { accounts } = api
  api.accounts = [{ id: 'a', open: true }, ...accounts.slice(1).map(({ id }) => ({ id }))]
  const refused = await place.fetchOnce(only(source))
  assert.match(refused.log.join(''), /parent records do not fit their schema/)
  api.accounts = accounts
  api.log.length = 0
  await place.fetchOnce(only(source))
  assert.deepEqual(asked(api), [
    `a ${iso(3)} 0`,
    'b ever 0',
    'b ever 2',
    'c ever 0',
    'c ever 2',
    'd ever 0',
    'd ever 2',
  ])
})

for (const [what, values, words] of [
  ['throws', () => Promise.reject(new Error('no luck')), /the function values of partitions throws: no luck/],
  ['gives no list', async () => 'a', /does not return a list of values/],
  ['forgets what the path needs', async () => [{ region: 'eu' }], /returns values without \{account\}/],
  [
    'asks for nothing in particular',
    async ({ request }: { request(changes: object): Promise<unknown> }) => [await request({})],
    /makes a request without a path/,
  ],
] as const) {
  test(`a function that ${what} fails the run and says so`, async (t) => {
    const place = await ownPlace(t)
    const api = await startAccountsApi(t, ['a'])
    const orders = { ...ORDERS, partitions: { kind: 'discover', over: 1, values } }
    const source = compileSource({ name: 'shop', baseUrl: api.url, streams: { orders } }, 'shop.ts')
    const { summary } = await place.fetchOnce(source)
    assert.equal(summary.partitions['shop.orders/0']?.outcome, 'failed')
    assert.match(summary.partitions['shop.orders/0']?.error ?? '', words)
  })
}
