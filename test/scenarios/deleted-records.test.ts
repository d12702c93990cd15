/** Records that say of themselves that they are deleted, filters and envelopes, from the API to the table. */
import assert from 'node:assert/strict'
import { after, test } from 'node:test'
import { cursor, z } from '#shared/index.ts'
import { startServer } from '../support/http.ts'
import { closeAll } from '../support/published.ts'
import { through } from '../support/through.ts'

after(closeAll)

const at = (second: number) => new Date(Date.UTC(2026, 0, 1) + second * 1000).toISOString()

const schema = z.object({
  id: z.string(),
  total: z.number(),
  kind: z.enum(['a', 'b']),
  tags: z.array(z.string()),
  day: z.iso.date(),
  updated_at: z.iso.datetime({ offset: true }),
})
const whole = (id: string, second: number) => ({
  id,
  total: second,
  kind: 'a',
  tags: ['x'],
  day: '2026-01-01',
  updated_at: at(second),
})

const stream = (changes: Record<string, unknown> = {}) => ({
  ...{
    path: '/orders',
    records: '/data',
    paginate: cursor({ next: '/next', param: 'cursor' }),
    schema,
    primaryKey: ['id'],
  },
  watermark: { field: 'updated_at', param: 'since' },
  ...changes,
})

const DELETED = 'SELECT id, _deleted FROM {db}.shop_orders ORDER BY id, _version'

test('a record that is marked deleted is gone under FINAL, there without it, and back when a newer version is not marked', async (t) => {
  let answer: unknown[] = []
  const api = await startServer(t, () => ({ json: { data: answer, next: null } }))
  const { fetch, load, query } = await through()
  const declared = { name: 'shop', baseUrl: api.url, streams: { orders: stream({ deleted: '/deleted' }) } }
  const ids = async () =>
    (await query<{ id: string }>('SELECT id FROM {db}.shop_orders FINAL ORDER BY id')).map(({ id }) => id)

  answer = [whole('a', 1), whole('b', 1), { ...whole('c', 1), deleted: false }]
  await fetch(declared)
  await load()
  assert.deepEqual(await ids(), ['a', 'b', 'c'])

  // One tells all of the record, one no more than its key.
  answer = [
    { ...whole('a', 2), deleted: true },
    { id: 'b', updated_at: at(2), deleted: '2026-01-01T00:00:02Z' },
  ]
  assert.equal((await fetch(declared)).deadLetters, 0)
  assert.equal((await load()).deadLetters, 0)
  assert.deepEqual(await ids(), ['c'])
  const versions = await query<{ id: string; _deleted: number }>(DELETED)
  assert.deepEqual(
    versions.filter(({ id, _deleted }) => id !== 'c' && _deleted === 1).map(({ id }) => id),
    ['a', 'b'],
  )

  // An older version that comes late changes nothing; a newer one brings the record back.
  answer = [whole('a', 1), whole('b', 3)]
  await fetch(declared)
  await load()
  assert.deepEqual(await ids(), ['b', 'c'])
})

test('a tombstone that is little more than a key is not blamed when another row is refused', async (t) => {
  const odd = z.object({
    id: z.string(),
    code: z.string().meta({ 'x-headrace': { column: 'UInt8' } }),
    updated_at: z.iso.datetime({ offset: true }),
  })
  const bad = Array.from({ length: 5 }, (_, number) => ({ id: `bad-${number}`, code: 'none', updated_at: at(1) }))
  const good = Array.from({ length: 400 }, (_, number) => ({ id: `good-${number}`, code: '7', updated_at: at(1) }))
  const gone = { id: 'gone', updated_at: at(1), deleted: true }
  const api = await startServer(t, () => ({ json: { data: [...bad, ...good, gone], next: null } }))
  const { fetch, load, query } = await through()
  await fetch({ name: 'shop', baseUrl: api.url, streams: { orders: stream({ schema: odd, deleted: '/deleted' }) } })
  const { deadLetters } = await load()
  assert.equal(deadLetters, bad.length)
  assert.equal((await query("SELECT id FROM {db}.shop_orders WHERE id = 'gone' AND _deleted = 1")).length, 1)
})

test('pages whose records are all left out are walked through, and the envelope is a column of the others', async (t) => {
  const pages = [
    { data: [{ ...whole('a', 1), draft: true }], next: '1', account: { id: 7 } },
    { data: [{ ...whole('b', 1), draft: true }], next: '2', account: { id: 7 } },
    { data: [whole('c', 1), { ...whole('d', 1), draft: true }], next: null, account: { id: 7 } },
  ]
  const api = await startServer(t, ({ query: asked }) => ({ json: pages[Number(asked.get('cursor') ?? 0)] }))
  const { fetch, load, query, metrics } = await through()
  const orders = stream({
    schema: schema.extend({ account_id: z.int(), region: z.string() }),
    envelope: { account_id: '/account/id', region: '{region}' },
    filter: (raw: unknown) => (raw as { draft?: boolean }).draft !== true,
    partitions: [{ region: 'eu' }],
    emptyPagesMax: 1,
  })
  const summary = await fetch({ name: 'shop', baseUrl: api.url, streams: { orders } })
  assert.deepEqual([summary.pages, summary.records, summary.leftOut, summary.deadLetters], [3, 1, 3, 0])
  assert.equal((await metrics.omitted.get()).values[0]?.value, 3)
  await load()
  assert.deepEqual(await query('SELECT id, account_id, region FROM {db}.shop_orders FINAL'), [
    { id: 'c', account_id: 7, region: 'eu' },
  ])
})
