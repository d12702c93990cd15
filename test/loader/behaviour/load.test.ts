import assert from 'node:assert/strict'
import { after, before, describe, test } from 'node:test'
import { z } from '#shared/index.ts'
import { frame } from '#shared/messages/frame.ts'
import { command, commits, count, loadAll, query, startLoader, until } from '../../support/loading.ts'
import { closeAll, compileStream, order, orderSchema, ownPlace, type Place, publish } from '../../support/published.ts'

after(closeAll)

const QUICK = { LOADER_BATCH_AGE_MS: '100' }

describe('from topic to table', () => {
  let place: Place
  before(async () => {
    place = await ownPlace(QUICK)
  })

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
    const rows = await query(
      place,
      `SELECT id, total, status, _partition, _offset FROM {db}.${orders.table} FINAL ORDER BY id`,
    )
    assert.deepEqual(rows[1], { id: 'order-2', total: 2.05, status: 'paid', _partition: 0, _offset: 1 })
    const columns = 'topic, partition, offset, records, records_read, watermark'
    const pages = await query(place, `SELECT ${columns} FROM {db}.headrace_pages FINAL ORDER BY partition`)
    assert.deepEqual(pages[0], { topic: orders.topic, partition: 0, offset: 2, records: 2, records_read: 2, watermark })
    await orders.close()
  })
})

describe('what comes later', () => {
  let place: Place
  before(async () => {
    place = await ownPlace(QUICK)
  })

  test('with no topic at all it waits, and a topic that appears is loaded without a restart', async () => {
    const loading = startLoader(place)
    await until('it waits', () => loading.lines.some(({ msg }) => msg.includes('no topic of records yet')))
    const orders = await publish(place)
    await orders.page({ records: [order(1)] })
    await until('the first stream is loaded', async () => (await count(place, orders.table)) === 1)
    const refunds = await publish(place, compileStream({ name: 'refunds' }))
    await refunds.page({ records: [order(1), order(2)] })
    await until('the second stream is loaded', async () => (await count(place, refunds.table)) === 2)
    await orders.page({ records: [order(2)] })
    await until('the first goes on', async () => (await count(place, orders.table)) === 2)
    await loading.stop()
    await orders.close()
    await refunds.close()
  })

  test('an optional field that is new in the schema becomes a column before its first row is inserted', async () => {
    const invoices = await publish(place, compileStream({ name: 'invoices' }))
    await invoices.page({ records: [order(1)] })
    const loading = startLoader(place)
    await until('the old schema is loaded', async () => (await count(place, invoices.table)) === 1)
    const wider = orderSchema.extend({ coupon: z.string().optional(), weights: z.array(z.number()).optional() })
    const { id } = await place.registry.register(
      place.names.subject(invoices.topic),
      compileStream({ name: 'invoices', schema: wider }).wireSchema,
    )
    await invoices.page({ records: [{ ...order(2), coupon: 'SPRING', weights: [1, 2.5] }], schemaId: id })
    await invoices.page({ records: [order(3)] })
    await until('all are loaded', async () => (await count(place, invoices.table)) === 3)
    const rows = await query(place, `SELECT coupon, weights FROM {db}.${invoices.table} FINAL ORDER BY id`)
    assert.deepEqual(rows, [
      { coupon: null, weights: [] },
      { coupon: 'SPRING', weights: [1, 2.5] },
      { coupon: null, weights: [] },
    ])
    await loading.stop()
    await invoices.close()
  })
})

describe('replay', () => {
  test('offsets reset to the beginning, with older versions after newer ones, twice: FINAL stays the same', async () => {
    const place = await ownPlace(QUICK)
    const orders = await publish(place, undefined, 2)
    const wanted = new Map<string, number>()
    for (const version of [3, 7, 5, 1, 6]) {
      for (const partition of [0, 1]) {
        const records = Array.from({ length: 20 }, (_, key) => order(partition * 100 + key, version + (key % 2)))
        for (const record of records)
          if ((wanted.get(record.id) ?? -1) < record.total) wanted.set(record.id, record.total)
        await orders.page({ partition, records, marker: { watermark: '2026-01-01T00:00:01Z' } })
      }
    }
    const final = () =>
      query<{ id: string; total: number }>(place, `SELECT id, total FROM {db}.${orders.table} FINAL ORDER BY id`)
    const oracle = [...wanted].map(([id, total]) => ({ id, total })).sort((a, b) => (a.id < b.id ? -1 : 1))
    assert.equal((await loadAll(place)).rows, 200)
    assert.deepEqual(await final(), oracle)
    const checkpoints = await place.kafka.committed(place.names.fetcherGroup, orders.topic)
    for (const round of [1, 2]) {
      await place.kafka.resetOffsets(
        place.names.loaderGroup,
        orders.topic,
        new Map([0, 1].map((partition) => [partition, 0])),
      )
      const summary = await loadAll(place)
      assert.equal(summary.rows, 200, `everything again in round ${round}`)
      assert.deepEqual(await final(), oracle)
    }
    assert.deepEqual(await place.kafka.committed(place.names.fetcherGroup, orders.topic), checkpoints)
    assert.equal((await commits(place, orders.topic))[0]?.watermark, '2026-01-01T00:00:01Z')
    await orders.close()
  })

  test('a replay of a table that was dropped makes it anew', async () => {
    const place = await ownPlace(QUICK)
    const orders = await publish(place)
    await orders.page({ records: [order(1), order(2)] })
    await loadAll(place)
    await command(place, `DROP TABLE {db}.${orders.table} SYNC`)
    await place.kafka.resetOffsets(place.names.loaderGroup, orders.topic, new Map([[0, 0]]))
    await loadAll(place)
    assert.equal(await count(place, orders.table), 2)
    await orders.close()
  })
})

describe('the count of each page', () => {
  test('a marker that counts other than what was read is said, and counted in the ledger', async () => {
    const place = await ownPlace(QUICK)
    const orders = await publish(place)
    await orders.page({ records: [order(1)], marker: { records: 2 } })
    await orders.page({ records: [order(2)] })
    const loading = startLoader(place)
    await until('loaded', async () => (await commits(place, orders.topic))[0]?.open === 0)
    await loading.stop()
    assert.equal(loading.lines.filter(({ msg }) => msg.includes('a page of 2 records, 1 read')).length, 1)
    const metric = await loading.metrics.countMismatches.get()
    assert.deepEqual(
      metric.values.map(({ value }) => value),
      [1],
    )
    const ledger = await query(place, `SELECT records, records_read FROM {db}.headrace_pages FINAL ORDER BY offset`)
    assert.deepEqual(ledger, [
      { records: 2, records_read: 1 },
      { records: 1, records_read: 1 },
    ])
    await orders.close()
  })

  test('a restart in the middle of a page still checks its count, a reset into it does not', async () => {
    const place = await ownPlace(QUICK)
    const orders = await publish(place)
    const half = [1, 2].map((key) => ({ key: null, value: frame(orders.schemaId, JSON.stringify(order(key))) }))
    await orders.raw(0, half)
    await loadAll(place)
    assert.equal((await commits(place, orders.topic))[0]?.open, 2)
    await orders.page({ records: [order(3)], marker: { records: 3 } })
    await loadAll(place)
    const read = async () =>
      (await query<{ records_read: number | null }>(place, 'SELECT records_read FROM {db}.headrace_pages FINAL')).map(
        (row) => row.records_read,
      )
    assert.deepEqual(await read(), [3])
    await place.kafka.resetOffsets(place.names.loaderGroup, orders.topic, new Map([[0, 1]]))
    await loadAll(place)
    assert.deepEqual(await read(), [null])
    await orders.close()
  })
})
