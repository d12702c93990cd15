/**
 * Slices that are products of declared regions and accounts that are found, through all commands on real servers. Only
 * accounts that have changed are asked again. The values of a slice reach the table by `map`, also those of a dead
 * letter that is replayed.
 */
import assert from 'node:assert/strict'
import { test } from 'node:test'
import { type Answer, type Asked, startServer } from '../support/http.ts'
import { type Pipeline, pipeline } from '../support/pipeline.ts'

const TEST_MS_MAX = 180_000

const declaration = (url: string, map = '') => `
import { defineSource, none, parent, product, z } from 'headrace'
export default defineSource({
  name: 'shop', baseUrl: '${url}', attemptsMax: 1,
  streams: {
    accounts: {
      path: '/accounts', paginate: none(), primaryKey: ['id'], watermark: { field: 'changed_at', param: 'since' },
      schema: z.object({ id: z.string(), name: z.string(), changed_at: z.iso.datetime() }),
    },
    orders: {
      path: '/{region}/{account}/orders', paginate: none(), records: '/data',
      partitions: product({
        over: 2,
        of: [
          [{ region: 'eu' }, { region: 'us' }],
          parent({ stream: 'accounts', values: { account: '/id' }, extra: { name: '/name' }, incremental: true }),
        ],
      }),
      envelope: { name: '{name}' },
      map: (raw, { values }) => ({ ...Object(raw), region: values.region, account: values.account ${map} }),
      schema: z.object({ id: z.string(), total: z.number(), region: z.string(), account: z.string(), name: z.string() }),
      primaryKey: ['region', 'account', 'id'],
    },
  },
})
`

const rows = async (p: Pipeline) =>
  (
    await p.query<Record<string, unknown>>(
      'SELECT region, account, toString(sum(total)) AS total, any(name) AS name FROM {db}.shop_orders FINAL GROUP BY region, account ORDER BY region, account',
    )
  ).map(({ region, account, total, name }) => `${region} ${account} ${total} ${name}`)

const ORDERS = ['o1', 'o2', 'o3', 'o4', 'o5', 'o6']

test('each order of each region and account is one row, and only changed accounts are asked again', {
  timeout: TEST_MS_MAX,
}, async (t) => {
  const accounts = [
    { id: 'a', name: 'Acme', changed_at: '2026-01-01T00:00:01Z' },
    { id: 'b', name: 'Bolt', changed_at: '2026-01-01T00:00:02Z' },
    { id: 'c', name: 'Core', changed_at: '2026-01-01T00:00:03Z' },
  ]
  const asked: string[] = []
  const bad = '/us/b/orders'
  // The only slice of its partition.
  let refused = '/us/c/orders'
  const api = await startServer(t, ({ path, query }: Asked): Answer => {
    const since = query.get('since')
    if (path === '/accounts')
      return {
        json: accounts.filter(({ changed_at }) => since === null || Date.parse(changed_at) >= Date.parse(since)),
      }
    asked.push(path)
    if (path === refused) return { status: 500, json: {} }
    return { json: { data: ORDERS.map((id) => ({ id, total: id === 'o6' && path === bad ? 'many' : 1 })) } }
  })
  const p = await pipeline(t, { declaration: () => declaration(api.url) })
  const slices = ['eu', 'us'].flatMap((region) => accounts.map(({ id }) => `/${region}/${id}/orders`)).sort()

  const preview = await p.run('preview', 'shop.orders')
  assert.match(preview.stdout, /Slices:\n {2}6 slices in 2 partitions/, preview.stdout + preview.stderr)
  assert.match((await p.run('check', 'shop')).stdout, /6 slices found for 2 partitions/)

  // One slice fails, and the next run asks all of its partition again, and of the other one what has changed.
  asked.length = 0
  assert.equal((await p.run('fetch', 'shop.orders', '--once')).status, 1)
  assert.deepEqual(asked.toSorted(), slices)
  refused = ''
  asked.length = 0
  await p.fetchOnce()
  assert.deepEqual(asked.toSorted(), ['/eu/c/orders', '/us/c/orders'])
  await p.loadAll()
  const all = ['eu a 6 Acme', 'eu b 6 Bolt', 'eu c 6 Core', 'us a 6 Acme', 'us b 6 Bolt', 'us c 6 Core']
  assert.deepEqual(
    await rows(p),
    all.map((each) => each.replace('us b 6', 'us b 5')),
  )

  // The dead letter knows the values of its slice.
  const corrected = ', total: Number(Object(raw).total) || 9'
  await p.declare({ declaration: () => declaration(api.url, corrected) })
  const replayed = await p.run('dead-letters', 'replay', 'shop.orders')
  assert.equal(replayed.status, 0, replayed.stdout + replayed.stderr)
  await p.loadAll()
  assert.deepEqual(
    await rows(p),
    all.map((each) => each.replace('us b 6', 'us b 14')),
  )

  // Only what has changed since, and the account that has the very position.
  accounts[0] = { id: 'a', name: 'Apex', changed_at: '2026-01-01T00:00:09Z' }
  asked.length = 0
  await p.fetchOnce()
  assert.deepEqual(
    asked.toSorted(),
    slices.filter((path) => !path.includes('/b/')),
  )
  await p.loadAll()
  assert.equal((await rows(p))[0], 'eu a 6 Apex')

  asked.length = 0
  await p.fetchOnce()
  assert.deepEqual(asked.toSorted(), ['/eu/a/orders', '/us/a/orders'])
  const verified = await p.run('verify', 'shop.orders', '--json')
  assert.equal(verified.status, 0, verified.stdout + verified.stderr)
})
