import assert from 'node:assert/strict'
import { after, before, describe, test } from 'node:test'
import { commits, count, loadAll, query } from '../support/loading.ts'
import { order, ownPlace, type Place, publish } from '../support/published.ts'

describe('from topic to table', () => {
  let place: Place
  before(async () => {
    place = await ownPlace()
  })
  after(() => place.kafka.close())

  test('published records are in the table, and the commit carries offset and watermark', async () => {
    const orders = await publish(place, undefined, 2)
    const watermark = '2026-01-01T00:00:05Z'
    const end0 = await orders.page({ records: [order(1), order(2, 5)], marker: { watermark } })
    const end1 = await orders.page({ partition: 1, records: [order(3)] })
    const summary = await loadAll(place)
    assert.equal(summary.rows, 3)
    assert.equal(summary.deadLetters, 0)
    assert.deepEqual(summary.watermarks, { [`${orders.topic}/0`]: watermark, [`${orders.topic}/1`]: null })
    assert.equal(await count(place, orders.table), 3)
    const [c0, c1] = await commits(place, orders.topic)
    assert.deepEqual([c0?.watermark, c0?.open, c1?.watermark], [watermark, 0, null])
    assert.ok((c0?.offset ?? 0) >= end0 && (c1?.offset ?? 0) >= end1)
    const rows = await query(place, `SELECT id, total, status, _partition, _offset FROM {db}.${orders.table} FINAL ORDER BY id`)
    assert.deepEqual(rows[1], { id: 'order-2', total: 2.05, status: 'paid', _partition: 0, _offset: 1 })
    const pages = await query(
      place,
      `SELECT topic, partition, offset, records, records_read, watermark FROM {db}.headrace_pages FINAL ORDER BY partition`,
    )
    assert.deepEqual(pages[0], { topic: orders.topic, partition: 0, offset: 2, records: 2, records_read: 2, watermark })
  })
})
