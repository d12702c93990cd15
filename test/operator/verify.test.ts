/**
 * `headrace verify`: topic, ledger and table agree after a load, and each thing that is made to differ is found and
 * named.
 */
import assert from 'node:assert/strict'
import { after, before, beforeEach, describe, test } from 'node:test'
import { type ClickHouse, openClickHouse } from '#shared/clickhouse.ts'
import { systemClock } from '#shared/clock.ts'
import { frame, replayHeaders } from '#shared/messages/frame.ts'
import { LEDGER_TABLE, LETTERS_TABLE } from '#shared/names.ts'
import type { DifferenceKind } from '../../services/operator/verify/findings.ts'
import { type Verified, type VerifyOptions, verifyStream } from '../../services/operator/verify/verify.ts'
import { command, loadAll, query } from '../support/loading.ts'
import { run } from '../support/processes.ts'
import { closeAll, compileStream, order, ownPlace, type Place, type Published, publish } from '../support/published.ts'

const AT_MS = 1_790_000_000_000
/** Each of the keys 0 to 19 in two versions, the newer first in every other one. */
const KEYS = 20

let place: Place
let orders: Published
let clickhouse: ClickHouse

async function verify(options: Partial<VerifyOptions> = {}, stream = 'shop.orders'): Promise<Verified> {
  const tools = { ...place, clickhouse, clock: systemClock, database: place.config.clickhouse.database }
  return verifyStream(tools, stream, { examples: 3, ...options })
}

/** How many of each kind, over all partitions. */
function kinds({ partitions }: Verified): Partial<Record<DifferenceKind, number>> {
  const counts: Partial<Record<DifferenceKind, number>> = {}
  for (const { kind, count } of partitions.flatMap(({ differences }) => differences))
    counts[kind] = (counts[kind] ?? 0) + count
  return counts
}

const examples = ({ partitions }: Verified) =>
  partitions.flatMap(({ differences }) => differences.flatMap((each) => each.examples))
const remove = (table: string, where: string) =>
  command(place, `ALTER TABLE {db}.${table} DELETE WHERE ${where} SETTINGS mutations_sync = 1`)

/** The first page's version of a key in place of what the table has. */
async function showOlder(id: string, partition: number, offset: number): Promise<void> {
  await remove(orders.table, `id = '${id}'`)
  const values = `'${id}', 1, 'open', toDateTime64('2026-01-01 00:00:00', 6) + INTERVAL ${1 + (offset % 2)} SECOND`
  await insert(`${values}, ${partition}, ${offset}, fromUnixTimestamp64Milli(${AT_MS})`)
}

const insert = (values: string) =>
  command(
    place,
    `INSERT INTO {db}.${orders.table} (id, total, status, updated_at, _partition, _offset, _fetched_at) SELECT ${values}`,
  )

before(async () => {
  place = await ownPlace({ LOADER_BATCH_AGE_MS: '100' })
  clickhouse = openClickHouse(place.config.clickhouse)
  orders = await publish(place, compileStream({ deleted: '/deleted' }), 2)
  const watermark = '2026-01-01T00:00:02Z'
  for (const partition of [0, 1]) {
    const versions = (even: number, odd: number) =>
      Array.from({ length: KEYS }, (_, key) => order(partition * KEYS + key, key % 2 === 0 ? even : odd))
    await orders.page({ partition, records: versions(1, 2), atMs: AT_MS, marker: { run: 'first' } })
    await orders.page({ partition, records: versions(2, 1), atMs: AT_MS + 1000, marker: { run: 'second', watermark } })
  }
  const bad = '{"id":"bad","total":"no number","status":"open","updated_at":"2026-01-01T00:00:00Z"}'
  const payloads = [JSON.stringify(order(100)), bad, JSON.stringify({ ...order(3, 5), _deleted: 1 })]
  await orders.page({ records: [], payloads, atMs: AT_MS + 2000, marker: { run: 'third', watermark } })
  // What is no frame, and a dead letter that came back: both stand outside the pages.
  const again = {
    key: null,
    value: frame(orders.schemaId, JSON.stringify(order(101))),
    headers: replayHeaders(1, 'letters/0/0'),
  }
  await orders.raw(0, [again, { key: null, value: 'no frame' }])
  await loadAll(place)
  for (const table of tables()) {
    await command(
      place,
      `CREATE TABLE {db}.kept_${table} ENGINE = MergeTree ORDER BY tuple() AS SELECT * FROM {db}.${table}`,
    )
  }
})
beforeEach(async () => {
  for (const table of tables()) {
    await command(place, `TRUNCATE TABLE {db}.${table}`)
    await command(place, `INSERT INTO {db}.${table} SELECT * FROM {db}.kept_${table} SETTINGS insert_deduplicate = 0`)
  }
})
after(async () => {
  await orders?.close()
  await clickhouse?.close()
  await closeAll()
})

const tables = () => [orders.table, LEDGER_TABLE, LETTERS_TABLE]

describe('topic, ledger and table', () => {
  test('differ when the newest version of a key is gone: the older one is named, or that there is none', async () => {
    await showOlder('order-0', 0, 0)
    await remove(orders.table, "id = 'order-21'")
    const verified = await verify()
    assert.deepEqual(kinds(verified), { row_older: 1, row_missing: 2 })
    // Offsets: 20 records and a marker, then a control record, then the second page.
    assert.deepEqual(examples(verified), [
      "0:22 ('order-0'); the table has 0:0",
      "1:1 ('order-21')",
      "1:23 ('order-21')",
    ])
  })

  test('differ when a deletion is gone from the table', async () => {
    await showOlder('order-3', 0, 3)
    assert.deepEqual(kinds(await verify()), { row_older: 1 })
  })

  test('differ when the table has a row of no record, newer than what the topic has', async () => {
    await insert(
      `'order-2', 1, 'open', toDateTime64('2026-02-01 00:00:00', 6), 0, 3, fromUnixTimestamp64Milli(${AT_MS + 5000})`,
    )
    const verified = await verify()
    assert.deepEqual(kinds(verified), { row_unknown: 1 })
    assert.match(examples(verified)[0] ?? '', /^0:3, fetched /)
  })

  test('differ when pages are missing in the ledger, say something else, are unknown, twice, or were read short', async () => {
    await remove(LEDGER_TABLE, "partition = 1 AND run = 'first'")
    const from = `SELECT * REPLACE (now64(3) AS loaded_at`
    const enter = (values: string, where: string) =>
      command(
        place,
        `INSERT INTO {db}.${LEDGER_TABLE} ${from}, ${values}) FROM {db}.kept_${LEDGER_TABLE} WHERE ${where}`,
      )
    await enter('7 AS dead_letters', "partition = 0 AND run = 'second'")
    await enter('19 AS records_read', "partition = 1 AND run = 'second'")
    await enter('4 AS offset', "partition = 0 AND run = 'third'")
    const verified = await verify()
    assert.deepEqual(kinds(verified), {
      page_missing: 1,
      page_other: 1,
      page_twice: 1,
      page_miscounted: 1,
      page_unknown: 1,
    })
    assert.ok(examples(verified).some((each) => /^1:20, page 1 of run first$/.test(each)))
    assert.ok(examples(verified).some((each) => each.endsWith('20 records, 19 read')))
  })

  test('differ when a dead letter is missing in its ledger, or is in it alone', async () => {
    const [first] = await query<{ offset: string }>(place, `SELECT min(offset) AS offset FROM {db}.${LETTERS_TABLE}`)
    const all = `SELECT * REPLACE (1 AS partition, fromUnixTimestamp64Milli(${AT_MS + 9000}) AS fetched_at) FROM {db}.${LETTERS_TABLE}`
    await command(place, `INSERT INTO {db}.${LETTERS_TABLE} ${all} WHERE offset = ${first?.offset}`)
    await remove(LETTERS_TABLE, `partition = 0 AND offset = ${first?.offset}`)
    // The ledger of partition 1 counts as far as it has come.
    assert.deepEqual(kinds(await verify()), { letter_missing: 1 })
  })

  test('differ when the table is not there', async () => {
    await command(place, `RENAME TABLE {db}.${orders.table} TO {db}.aside`)
    try {
      assert.deepEqual(kinds(await verify()), { table_missing: 2 })
    } finally {
      await command(place, `RENAME TABLE {db}.aside TO {db}.${orders.table}`)
    }
  })

  test('of one run are compared alone, and of one partition', async () => {
    await showOlder('order-0', 0, 0)
    await remove(LEDGER_TABLE, "partition = 1 AND run = 'first'")
    assert.deepEqual(kinds(await verify({ run: 'first' })), { page_missing: 1 })
    assert.deepEqual(kinds(await verify({ run: 'second' })), { row_older: 1 })
    assert.deepEqual(kinds(await verify({ partition: 1 })), { page_missing: 1 })
    await assert.rejects(verify({ run: 'none' }), { code: 'HR_UNKNOWN_RUN' })
    await assert.rejects(verify({ partition: 2 }), { code: 'HR_PARTITION' })
    await assert.rejects(verify({}, 'shop.none'), { code: 'HR_UNKNOWN_STREAM' })
  })

  test('agree after a load, whatever was refused, deleted, replayed or superseded; the command says so and ends with 0', async (t) => {
    const done = await run(t, ['verify', 'shop.orders', '--json'], place.env)
    assert.equal(done.status, 0, done.stderr + done.stdout)
    const verified: Verified = JSON.parse(done.stdout)
    assert.deepEqual(kinds(verified), {})
    assert.equal(verified.differs, false)
    assert.deepEqual(
      verified.partitions.map(({ records, pages, pagesCounted, letters, lettersBehind, shown, refused }) => [
        ...[records, pages, pagesCounted, letters, lettersBehind, shown, refused],
      ]),
      [
        // Deleted: one. Not a record, and refused by ClickHouse: one each.
        [2 * KEYS + 5, 3, 3, 2, 0, KEYS - 1 + 2, 2],
        [2 * KEYS, 2, 2, 0, 0, KEYS, 0],
      ],
    )
    assert.deepEqual(verified.partitions[1]?.watermark, {
      ...{ committed: '2026-01-01T00:00:02Z', lastPage: '2026-01-01T00:00:02Z', table: '2026-01-01 00:00:02.000000' },
    })
  })

  test('end with 1 and examples when they differ', async (t) => {
    await remove(orders.table, "id = 'order-21'")
    const done = await run(t, ['verify', 'shop.orders'], place.env)
    assert.equal(done.status, 1, done.stderr)
    assert.match(
      done.stdout,
      /shop\.orders and shop_orders differ:\n! partition 1: 2: records of the topic are not in the table/,
    )
  })

  test('agree when more was published than is committed, when it is loaded and not committed, and when retention took the beginning', async () => {
    const committed = (await place.kafka.committed(place.names.loaderGroup, orders.topic)).map(
      (each) => each?.offset ?? 0,
    )
    await orders.page({ partition: 1, records: [order(21, 9), order(200)], atMs: AT_MS + 3000 })
    assert.deepEqual(kinds(await verify()), {})
    await loadAll(place)
    await place.kafka.resetOffsets(place.names.loaderGroup, orders.topic, new Map(committed.entries()))
    assert.deepEqual(kinds(await verify()), {})
    await place.kafka.deleteRecordsBelow(orders.topic, new Map([[1, 10]]))
    const verified = await verify()
    assert.deepEqual(kinds(verified), {})
    // Of the first ten, every other one is the newest of its key; one has a newer version by now.
    assert.equal(verified.partitions[1]?.before.rows, 4)
  })

  test('agree when the topic was made anew: rows and pages from before are counted apart, at whatever places', async () => {
    const other = await ownPlace({ LOADER_BATCH_AGE_MS: '100' })
    const before = await publish(other)
    await before.page({ records: [1, 2, 3, 4].map((key) => order(key)), atMs: AT_MS })
    await before.page({ records: [order(5)], atMs: AT_MS + 1000 })
    await loadAll(other)
    await before.close()
    await other.kafka.deleteTopic(before.topic)
    const anew = await publish(other)
    await anew.page({ records: [order(1, 1), order(9)], atMs: AT_MS + 2000, marker: { run: 'anew' } })
    for (let key = 20; key < 30; key++)
      await anew.page({ records: [order(key)], atMs: AT_MS + 3000, marker: { run: 'anew' } })
    await loadAll(other)
    const verified = await verifyStream(
      { ...other, clickhouse, clock: systemClock, database: other.prefix },
      'shop.orders',
      {
        examples: 3,
      },
    )
    assert.deepEqual(kinds(verified), {})
    assert.deepEqual(verified.partitions[0]?.before, { rows: 4, pages: 2 })
    await anew.close()
  })

  test('differ when a page is short, a watermark is not that of the last page, or offsets were moved over what can be no row', async () => {
    const other = await ownPlace({ LOADER_BATCH_AGE_MS: '100' })
    const own = await publish(other)
    const look = async () =>
      kinds(
        await verifyStream({ ...other, clickhouse, clock: systemClock, database: other.prefix }, 'shop.orders', {
          examples: 3,
        }),
      )
    await own.page({
      records: [order(1), order(2)],
      atMs: AT_MS,
      marker: { records: 5, watermark: '2026-01-01T00:00:00Z' },
    })
    await loadAll(other)
    assert.deepEqual(await look(), { page_short: 1, page_miscounted: 1 })

    const offset = (await other.kafka.committed(other.names.loaderGroup, own.topic))[0]?.offset ?? 0
    const metadata = JSON.stringify({ v: 1, offset, watermark: '2026-02-02T00:00:00Z' })
    const publisher = other.kafka.publisher(`${own.topic}-other`)
    await publisher.fence()
    const elsewhere = [
      { topic: other.names.deadLetters(own.topic), partition: 0, messages: [{ key: null, value: 'x' }] },
    ]
    await publisher.publish(elsewhere, () => ({
      group: other.names.loaderGroup,
      topic: own.topic,
      partition: 0,
      offset,
      metadata,
    }))
    await publisher.fence()
    assert.deepEqual(await look(), { page_short: 1, page_miscounted: 1, watermark: 1 })

    const bad = '{"id":"bad","total":"no number","status":"open","updated_at":"2026-01-01T00:00:00Z"}'
    const unreadable = '{"id":"bad","total":1,"status":"open","updated_at":"no instant"}'
    await own.page({ records: [], payloads: [JSON.stringify(order(7)), bad, unreadable], atMs: AT_MS + 1000 })
    await own.raw(0, [{ key: null, value: 'no frame' }])
    await own.refence()
    const high = (await other.kafka.logRanges(own.topic))[0]?.high ?? 0
    await other.kafka.resetOffsets(other.names.loaderGroup, own.topic, new Map([[0, high]]))
    // What no comparison can read, and what it can read and is not there.
    assert.deepEqual(await look(), {
      page_short: 1,
      page_miscounted: 1,
      page_missing: 1,
      row_missing: 2,
      row_unreadable: 2,
    })
    await publisher.close()
    await own.close()
  })
})
