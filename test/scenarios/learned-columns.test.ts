/**
 * Unknown fields that become columns, from the API to the table: at once, for good, within a bound, and never at the
 * cost of a record.
 */
import assert from 'node:assert/strict'
import { after, test } from 'node:test'
import { cursor, z } from '#shared/index.ts'
import { LEARNED_COLUMNS_MAX } from '#shared/schema/learned-columns.ts'
import { startServer } from '../support/http.ts'
import { closeAll } from '../support/published.ts'
import { through } from '../support/through.ts'

after(closeAll)

const schema = z.object({ id: z.string() })
const stream = (changes: Record<string, unknown> = {}) => ({
  ...{
    path: '/orders',
    records: '/data',
    paginate: cursor({ next: '/next', param: 'cursor' }),
    schema,
    primaryKey: ['id'],
  },
  ...{ unknownFields: 'columns', ...changes },
})
const nothing = { colour: null, size: null, paid: null, buyer: null, tags: null }

test('new fields become columns of their first type; other values of them, nested ones and odd names stay in _extra', async (t) => {
  let data: Record<string, unknown>[] = []
  const api = await startServer(t, () => ({ json: { data, next: null } }))
  const { fetch, load, query } = await through()
  const walk = async (changes: Record<string, unknown> = {}, ...records: Record<string, unknown>[]) => {
    data = records
    const summary = await fetch({ name: 'shop', baseUrl: api.url, streams: { orders: stream(changes) } })
    assert.deepEqual([summary.deadLetters, (await load()).deadLetters], [0, 0])
  }
  const row = async (id: string, columns = 'colour, size, paid, buyer, tags') => {
    const [found] = await query<Record<string, unknown>>(
      `SELECT ${columns}, _extra FROM {db}.shop_orders FINAL WHERE id = '${id}'`,
    )
    return found
  }

  await walk(
    {},
    { id: 'a' },
    { id: 'b', colour: 'red', size: 1.5, paid: true, buyer: { name: 'x' }, tags: [1, 'y'], 'odd name': 1, _own: 2 },
  )
  assert.deepEqual(await row('a'), { ...nothing, _extra: {} })
  const whole = { colour: 'red', size: 1.5, paid: true, buyer: '{"name":"x"}', tags: '[1,"y"]' }
  const { _extra: extra, ...columns } = (await row('b')) ?? {}
  assert.deepEqual(columns, whole)
  assert.deepEqual(Object.keys(extra as object).sort(), ['_own', 'odd name'])

  // A worker that starts anew knows them from the registry; null is no value, another type no field of the column.
  await walk({}, { id: 'c', colour: 7, size: null, paid: false })
  assert.deepEqual(await row('c'), { ...nothing, paid: false, _extra: { colour: 7 } })

  // What the author declares takes the place of what was learned, and the columns stay.
  await walk({ schema: schema.extend({ colour: z.string().optional() }) }, { id: 'd', colour: 'blue', paid: true })
  assert.deepEqual(await row('d'), { ...nothing, colour: 'blue', paid: true, _extra: {} })
  const types = await query<{ name: string; type: string }>(
    "SELECT name, type FROM system.columns WHERE database = '{db}' AND table = 'shop_orders' AND name IN ('colour', 'size', 'paid', 'buyer') ORDER BY name",
  )
  assert.deepEqual(
    types.map(({ type }) => type),
    ['Nullable(String)', 'Nullable(String)', 'Nullable(Bool)', 'Nullable(Float64)'],
  )

  // Back to keeping them: no column is lost, and no record.
  await walk({ unknownFields: 'keep', schema: schema.extend({ colour: z.string().optional() }) }, { id: 'e', size: 2 })
  assert.equal(String((await row('e'))?.size), 'null')
})

test('two partitions that learn at once end with the columns of both, and a bound holds', async (t) => {
  const many = Object.fromEntries(
    Array.from({ length: LEARNED_COLUMNS_MAX + 20 }, (_, number) => [`field${number}`, number]),
  )
  const api = await startServer(t, ({ query }) => {
    const region = query.get('region')
    return {
      json: {
        data: [{ id: region, [`of_${region}`]: 1 }, ...(query.has('cursor') ? [{ id: 'many', ...many }] : [])],
        next: query.has('cursor') ? null : '1',
      },
    }
  })
  const { fetch, load, query } = await through()
  const orders = stream({ partitions: [{ region: 'eu' }, { region: 'us' }] })
  assert.equal((await fetch({ name: 'shop', baseUrl: api.url, streams: { orders } })).deadLetters, 0)
  await load()
  assert.deepEqual(
    await query("SELECT id, of_eu, of_us FROM {db}.shop_orders FINAL WHERE id IN ('eu', 'us') ORDER BY id"),
    [
      { id: 'eu', of_eu: 1, of_us: null },
      { id: 'us', of_eu: null, of_us: 1 },
    ],
  )
  const [columns] = await query<{ n: string }>(
    "SELECT count() AS n FROM system.columns WHERE database = '{db}' AND table = 'shop_orders' AND match(name, '^(of_|field)')",
  )
  assert.equal(Number(columns?.n), LEARNED_COLUMNS_MAX)
})

test('fields called constructor and toString become columns like any other, and others after them; __proto__ stays in _extra', async (t) => {
  let data = '[]'
  const api = await startServer(t, () => ({ body: `{"data":${data},"next":null}` }))
  const { fetch, load, query } = await through()
  const walk = async (records: string, changes: Record<string, unknown> = {}) => {
    data = records
    const summary = await fetch({ name: 'shop', baseUrl: api.url, streams: { orders: stream(changes) } })
    assert.deepEqual([summary.deadLetters, (await load()).deadLetters], [0, 0])
  }
  await walk('[{"id":"a","constructor":"x","__proto__":{"b":1}}]')
  await walk('[{"id":"b","constructor":"y","toString":2,"colour":"red"},{"id":"c"}]')
  // Declared by the author now, and optional: no record lacks a function.
  await walk('[{"id":"d"},{"id":"e","constructor":"z"}]', {
    schema: schema.extend({ constructor: z.string().optional() }),
  })
  assert.deepEqual(
    await query(
      'SELECT id, constructor, toString, colour, toString(_extra) AS extra FROM {db}.shop_orders FINAL ORDER BY id',
    ),
    [
      { id: 'a', constructor: 'x', toString: null, colour: null, extra: '{"__proto__":{"b":1}}' },
      { id: 'b', constructor: 'y', toString: 2, colour: 'red', extra: '{}' },
      { id: 'c', constructor: null, toString: null, colour: null, extra: '{}' },
      { id: 'd', constructor: null, toString: null, colour: null, extra: '{}' },
      { id: 'e', constructor: 'z', toString: null, colour: null, extra: '{}' },
    ],
  )
})
