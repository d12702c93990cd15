/**
 * Times in forms of an API, from the API to the table: a feed that cannot be asked for changes is walked newest first,
 * by a watermark whose field is no RFC 3339.
 */
import assert from 'node:assert/strict'
import { after, test } from 'node:test'
import { cursor, instant, z } from '#shared/index.ts'
import { startServer } from '../support/http.ts'
import { closeAll } from '../support/published.ts'
import { through } from '../support/through.ts'

after(closeAll)

test('times in forms of the API arrive as instants, and those in no form are dead letters', async (t) => {
  const rows = [
    { id: 'c', at: '02/01/2026 10:00', seen: '1767344400.25' },
    { id: 'b', at: '01/01/2026 00:30', seen: '1767222000' },
    { id: 'odd', at: '2026-01-01T00:00:00Z', seen: '1767222000' },
    { id: 'a', at: '31/12/2025 23:00', seen: '1767218400' },
  ]
  const api = await startServer(t, ({ query }) => {
    const skip = Number(query.get('skip') ?? 0)
    return { json: { data: rows.slice(skip, skip + 2), next: skip + 2 < rows.length ? skip + 2 : null } }
  })
  const orders = {
    path: '/orders',
    records: '/data',
    paginate: cursor({ next: '/next', param: 'skip' }),
    schema: z.object({
      id: z.string(),
      at: instant({ formats: ['%d/%m/%Y %H:%M'], zone: '+01:00' }),
      seen: instant({ formats: ['%s'] }),
    }),
    primaryKey: ['id'],
    watermark: { field: 'at', walk: 'newest-first' },
    rejectedShareMax: 1,
  }
  const declared = { name: 'shop', baseUrl: api.url, streams: { orders } }
  const { fetch, load, query } = await through()
  const first = await fetch(declared)
  assert.equal(first.partitions['shop.orders/0']?.error, undefined)
  assert.deepEqual([first.records, first.deadLetters, first.requests], [3, 1, 2])
  await load()

  rows.unshift({ id: 'd', at: '03/01/2026 01:00', seen: '1767398400' })
  const second = await fetch(declared)
  assert.deepEqual([second.records, second.requests], [1, 2], 'the walk ends at the watermark')
  await load()
  const read = `SELECT id, toString(at) AS at, toString(seen) AS seen FROM {db}.shop_orders FINAL ORDER BY id`
  assert.deepEqual(await query(read), [
    { id: 'a', at: '2025-12-31 22:00:00.000000', seen: '2025-12-31 22:00:00.000000' },
    { id: 'b', at: '2025-12-31 23:30:00.000000', seen: '2025-12-31 23:00:00.000000' },
    { id: 'c', at: '2026-01-02 09:00:00.000000', seen: '2026-01-02 09:00:00.250000' },
    { id: 'd', at: '2026-01-03 00:00:00.000000', seen: '2026-01-03 00:00:00.000000' },
  ])
})
