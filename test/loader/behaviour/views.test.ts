/** `<table>_current`: what a person reads without knowing what FINAL is. */
import assert from 'node:assert/strict'
import { after, describe, test } from 'node:test'
import { z } from '#shared/index.ts'
import { command, loadAll, query, startLoader, until } from '../../support/loading.ts'
import { closeAll, compileStream, order, orderSchema, ownPlace, publish } from '../../support/published.ts'

after(closeAll)

const QUICK = { LOADER_BATCH_AGE_MS: '100' }

describe('the view of the newest rows', () => {
  test('shows one row a key, the newest, none that is deleted, and no column of the machinery that says so', async () => {
    const place = await ownPlace(QUICK)
    const orders = await publish(place)
    await orders.page({ records: [order(1, 5), order(2), order(3)] })
    await loadAll(place)
    await orders.page({ records: [order(1, 2), order(2, 4)] })
    await loadAll(place)
    await command(
      place,
      `INSERT INTO {db}.${orders.table} (id, total, status, updated_at, _partition, _offset, _fetched_at, _deleted)
SELECT id, total, status, updated_at + 1, _partition, _offset, _fetched_at, 1 FROM {db}.${orders.table} WHERE id = 'order-3'`,
    )
    const shown = await query(place, `SELECT id, total FROM {db}.${orders.table}_current ORDER BY id`)
    assert.deepEqual(shown, [
      { id: 'order-1', total: 1.05 },
      { id: 'order-2', total: 2.04 },
    ])
    // The condition of a reader must not bring the version before a deletion back.
    const moved = `SELECT count() AS n FROM {db}.${orders.table}_current WHERE total > 0 SETTINGS optimize_move_to_prewhere_if_final = 1`
    assert.equal(Number((await query<{ n: string }>(place, moved))[0]?.n), 2)
    const columns = await query<{ name: string }>(place, `DESCRIBE TABLE {db}.${orders.table}_current`)
    assert.deepEqual(
      columns.map(({ name }) => name),
      ['id', 'total', 'status', 'note', 'updated_at', '_extra_text', '_partition', '_offset', '_fetched_at', '_extra'],
    )
    await orders.close()
  })

  test('gets the columns that the table gets, those made by hand too, while two loaders look at it', async () => {
    const place = await ownPlace(QUICK)
    const orders = await publish(place, undefined, 2)
    await orders.page({ records: [order(1)] })
    await orders.page({ partition: 1, records: [order(2)] })
    await loadAll(place)
    await command(place, `ALTER TABLE {db}.${orders.table} ADD COLUMN by_hand UInt8 DEFAULT 7`)
    const wider = compileStream({ schema: orderSchema.extend({ coupon: z.string().optional() }) })
    const { id } = await place.registry.register(place.names.subject(orders.topic), wider.wireSchema)
    const loaders = [startLoader(place), startLoader(place)]
    for (const partition of [0, 1]) {
      await orders.page({ partition, records: [{ ...order(10 + partition), coupon: 'SPRING' }], schemaId: id })
    }
    const sql = `SELECT coupon, by_hand FROM {db}.${orders.table}_current WHERE id >= 'order-10' AND id < 'order-12' ORDER BY id`
    await until('both are loaded, and shown', async () => (await query(place, sql)).length === 2)
    assert.deepEqual(await query(place, sql), [
      { coupon: 'SPRING', by_hand: 7 },
      { coupon: 'SPRING', by_hand: 7 },
    ])
    for (const loader of loaders) await loader.stop()
    assert.deepEqual(
      loaders.flatMap(({ lines }) => lines.filter(({ level }) => level === 'warn')),
      [],
    )
    await orders.close()
  })

  test('is never taken from a person: what has its name stays, is said once, and holds nothing up', async () => {
    const place = await ownPlace(QUICK)
    const orders = await publish(place)
    await command(place, 'CREATE DATABASE {db}')
    await command(place, `CREATE VIEW {db}.${orders.table}_current AS SELECT 1 AS mine`)
    await orders.page({ records: [order(1)] })
    const loading = startLoader(place)
    await until('it says so', () => loading.lines.some(({ reason }) => reason === 'VIEW_NAME'))
    await orders.page({ records: [order(2)] })
    await until(
      'loaded',
      async () =>
        Number((await query<{ n: string }>(place, `SELECT count() AS n FROM {db}.${orders.table}`))[0]?.n) === 2,
    )
    await loading.stop()
    assert.equal(loading.lines.filter(({ reason }) => reason === 'VIEW_NAME').length, 1)
    assert.deepEqual(await query(place, `SELECT * FROM {db}.${orders.table}_current`), [{ mine: 1 }])
    await orders.close()
  })
})
