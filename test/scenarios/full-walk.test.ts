/**
 * Deletions that an API does not tell: after a walk that brought everything, what it did not bring is gone; after any
 * other, nothing is.
 */
import assert from 'node:assert/strict'
import { after, type TestContext, test } from 'node:test'
import { systemClock } from '#shared/clock.ts'
import { cursor, z } from '#shared/index.ts'
import { silentLog } from '#shared/log.ts'
import { createMetrics } from '#shared/metrics/metrics.ts'
import { rebuild } from '../../services/loader/rebuild/rebuild.ts'
import { type Answer, startServer } from '../support/http.ts'
import { command } from '../support/loading.ts'
import { closeAll } from '../support/published.ts'
import { through } from '../support/through.ts'
import { assertVerified } from '../support/verified.ts'

after(closeAll)

const schema = z.object({ id: z.string(), total: z.number() })
const TOPIC = 'shop.orders'

type Given = Record<string, unknown>

/** An API of pages of two, and the stream in front of it. */
async function walked(t: TestContext, stream: Given = {}, columns: z.ZodObject = schema) {
  let records: Given[] = []
  let answerInPlace: ((at: number) => Answer | null) | null = null
  const api = await startServer(t, ({ query }) => {
    const at = Number(query.get('cursor') ?? 0)
    const data = records.slice(at, at + 2)
    return answerInPlace?.(at) ?? { json: { data, next: at + 2 < records.length ? String(at + 2) : null } }
  })
  const tools = await through()
  const orders = {
    ...{
      path: '/orders',
      records: '/data',
      paginate: cursor({ next: '/next', param: 'cursor' }),
      schema: columns,
      primaryKey: ['id'],
    },
    ...{ deletes: 'full-walk', rejectedShareMax: 1, ...stream },
  }
  const declared = { name: 'shop', baseUrl: api.url, attemptsMax: 1, streams: { orders } }
  const { place } = tools
  const topic = place.names.records({ source: 'shop', stream: 'orders' })
  return {
    ...{ ...tools, topic },
    has: (...ids: (string | Given)[]) => {
      records = ids.map((id) => (typeof id === 'string' ? { id, total: 1 } : id))
    },
    answer: (script: typeof answerInPlace) => {
      answerInPlace = script
    },
    walk: () => tools.fetch(declared),
    async ids(): Promise<string> {
      await tools.load()
      return (await tools.query<{ id: string }>('SELECT id FROM {db}.shop_orders FINAL ORDER BY id'))
        .map(({ id }) => id)
        .join('')
    },
    /** As a loader that was killed after its inserts, or as a person who replays. */
    again: (from: number) => place.kafka.resetOffsets(place.names.loaderGroup, topic, new Map([[0, from]])),
    end: async () => (await place.kafka.logRanges(topic))[0]?.high ?? 0,
  }
}

test('what a complete walk does not bring is gone under FINAL, there without it, and back when a later walk brings it', async (t) => {
  const { has, walk, ids, query, again, place } = await walked(t)
  has('a', 'b', 'c', 'd', 'e')
  await walk()
  assert.equal(await ids(), 'abcde')
  has('a', 'c', 'f')
  const second = await walk()
  assert.deepEqual([second.records, second.unchanged], [3, 0], 'what is unchanged is published as well')
  assert.equal(await ids(), 'acf')
  const gone = await query('SELECT id, total, _deleted FROM {db}.shop_orders WHERE _deleted = 1 ORDER BY id')
  assert.deepEqual(
    gone,
    ['b', 'd', 'e'].map((id) => ({ id, total: 1, _deleted: 1 })),
  )
  has('a', 'b')
  await walk()
  assert.equal(await ids(), 'ab')
  // Old marks come again behind newer rows, and hide none of them.
  await again(0)
  assert.equal(await ids(), 'ab')
  assert.equal(await ids(), 'ab')
  await assertVerified(place)
  const given = {
    config: place.config,
    clock: systemClock,
    log: silentLog,
    metrics: createMetrics(),
    stream: 'shop.orders',
    onlyLog: true,
  }
  await rebuild({ ...given, signal: new AbortController().signal })
  assert.equal(await ids(), 'ab', 'in a new table too')
  await assertVerified(place)
})

test('a loader that was killed between the marks and the commit, or before the marks, ends with the same table', async (t) => {
  const { has, walk, ids, again, end, place } = await walked(t)
  has('a', 'b', 'c')
  await walk()
  assert.equal(await ids(), 'abc')
  const before = await end()
  has('a', 'c')
  await walk()
  assert.equal(await ids(), 'ac')
  // The rows and the marks are there, the commit is not.
  await again(before)
  assert.equal(await ids(), 'ac')
  // The rows are there, the marks are not.
  await command(place, 'ALTER TABLE {db}.shop_orders DELETE WHERE _deleted = 1 SETTINGS mutations_sync = 2')
  await again(before)
  assert.equal(await ids(), 'ac')
})

test('a walk with a dead letter marks nothing, nor one that brings no record at all', async (t) => {
  const { has, walk, ids } = await walked(t)
  has('a', 'b', 'c')
  await walk()
  assert.equal(await ids(), 'abc')
  has('a', { id: 'b', total: 'many' })
  assert.equal((await walk()).deadLetters, 1)
  assert.equal(await ids(), 'abc')
  // The same reject comes again: it is no new dead letter, and still a record that the walk did not bring.
  assert.equal((await walk()).deadLetters, 0)
  assert.equal(await ids(), 'abc')
  has()
  await walk()
  assert.equal(await ids(), 'abc')
  has('a')
  await walk()
  assert.equal(await ids(), 'a')
})

test('a walk that is interrupted marks nothing until it has come to its end, and then nothing that it brought before', async (t) => {
  const { has, walk, ids, answer } = await walked(t)
  has('a', 'b', 'c', 'd')
  await walk()
  assert.equal(await ids(), 'abcd')
  has('a', 'b', 'd')
  answer((at) => (at === 2 ? { status: 500 } : null))
  const cut = await walk()
  assert.equal(cut.partitions[`${TOPIC}/0`]?.outcome, 'failed')
  assert.equal(await ids(), 'abcd')
  answer((at) => (at === 0 ? { status: 500 } : null))
  assert.equal((await walk()).pages, 1, 'it goes on behind the first page')
  assert.equal(await ids(), 'abd')
})

test('a row that ClickHouse refuses keeps its walk from marking, also when the loader starts again in the middle of it', async (t) => {
  const columns = z.object({
    id: z.string(),
    total: z.number(),
    code: z.string().meta({ 'x-headrace': { column: 'UInt8' } }),
  })
  const { has, walk, ids, answer } = await walked(t, {}, columns)
  const record = (id: string, code = '1') => ({ id, total: 1, code })
  has(record('a'), record('b'), record('c'), record('d'))
  await walk()
  assert.equal(await ids(), 'abcd')
  has(record('a', 'none'), record('b'), record('c'))
  answer((at) => (at === 2 ? { status: 500 } : null))
  await walk()
  assert.equal(await ids(), 'abcd')
  answer(null)
  assert.equal((await walk()).pages, 1)
  assert.equal(await ids(), 'abcd')
  has(record('b'), record('c'))
  await walk()
  assert.equal(await ids(), 'bc')
})

test('a walk of which only a part is read marks nothing', async (t) => {
  const { has, walk, ids, again, end, query } = await walked(t)
  has('a', 'b', 'c')
  await walk()
  assert.equal(await ids(), 'abc')
  const before = await end()
  has('a', 'b')
  await walk()
  // As a person may set it, into the middle of a page.
  await again(before + 1)
  assert.equal(await ids(), 'abc')
  assert.equal((await query('SELECT 1 FROM {db}.shop_orders WHERE _deleted = 1')).length, 0)
})

test('a topic that was made anew counts from 0 again, and the first whole walk of it marks what the table has from before', async (t) => {
  const { has, walk, ids, place, topic } = await walked(t)
  has('a', 'b', 'c', 'd', 'e')
  await walk()
  assert.equal(await ids(), 'abcde')
  await place.kafka.deleteTopic(topic)
  has('e')
  await walk()
  assert.equal(await ids(), 'e')
  await assertVerified(place)
})

test('each partition marks its own rows only', async (t) => {
  const all = { eu: ['a', 'b'], us: ['c', 'd'] } as Record<string, string[]>
  const api = await startServer(t, ({ query }) => ({
    json: { data: (all[query.get('region') ?? ''] ?? []).map((id) => ({ id, total: 1 })), next: null },
  }))
  const { fetch, load, query } = await through()
  const orders = {
    ...{
      path: '/orders',
      records: '/data',
      paginate: cursor({ next: '/next', param: 'cursor' }),
      schema,
      primaryKey: ['id'],
    },
    ...{ deletes: 'full-walk', partitions: [{ region: 'eu' }, { region: 'us' }] },
  }
  const walk = () => fetch({ name: 'shop', baseUrl: api.url, streams: { orders } })
  const ids = async () => {
    await load()
    return (await query<{ id: string }>('SELECT id FROM {db}.shop_orders FINAL ORDER BY id'))
      .map(({ id }) => id)
      .join('')
  }
  await walk()
  assert.equal(await ids(), 'abcd')
  all.eu = ['b']
  all.us = []
  await walk()
  assert.equal(await ids(), 'bcd', 'an API that has nothing at all is not believed')
  // A record that has moved is the other partition's.
  all.us = ['a', 'd']
  await walk()
  assert.equal(await ids(), 'abd')
})
