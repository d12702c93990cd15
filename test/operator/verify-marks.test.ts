/**
 * `headrace verify` and deletion marks: those of a walk that counts are told, all others are differences, and so is an
 * old version that is shown.
 */
import assert from 'node:assert/strict'
import { after, describe, test } from 'node:test'
import { openClickHouse } from '#shared/clickhouse.ts'
import { systemClock } from '#shared/clock.ts'
import { none, z } from '#shared/index.ts'
import { frame, type PageMarker, replayHeaders } from '#shared/messages/frame.ts'
import { verifyStream } from '../../services/operator/verify/verify.ts'
import { command, count, loadAll } from '../support/loading.ts'
import { run } from '../support/processes.ts'
import { closeAll, compileStream, order, ownPlace, type Place, publish } from '../support/published.ts'

after(closeAll)

const AT_MS = 1_790_000_000_000
const YEAR_2200_MS = Date.UTC(2200, 0, 1)
const ALL = { paginate: none(), schema: z.object({ id: z.string() }), watermark: undefined }
const walked = compileStream({ ...ALL, deletes: 'full-walk' })
const undeclared = compileStream(ALL)
const ids = (from: number, to: number) =>
  Array.from({ length: to - from }, (_, index) => ({ id: `id-${from + index}` }))

async function verified(place: Place) {
  const clickhouse = openClickHouse(place.config.clickhouse)
  try {
    const tools = { ...place, clickhouse, clock: systemClock, database: place.config.clickhouse.database }
    const { partitions, differs } = await verifyStream(tools, 'shop.orders', { examples: 3 })
    const [partition] = partitions
    if (partition === undefined) throw new Error('no partition was compared')
    return {
      ...partition,
      differs,
      kinds: Object.fromEntries(partition.differences.map((each) => [each.kind, each.count])),
    }
  } finally {
    await clickhouse.close()
  }
}

/** As a loader without the present rules would have marked: every row from before that time. */
function markAll(place: Place, table: string, offset: number, startedMs: number, where = '1'): Promise<void> {
  const values = `toUInt8(1) AS _deleted, fromUnixTimestamp64Milli(${startedMs}, 'UTC') AS _fetched_at, toUInt64(${offset}) AS _offset`
  const from = `(SELECT * FROM {db}.${table} FINAL WHERE ${where})`
  return command(place, `INSERT INTO {db}.${table} SELECT * REPLACE (${values}) FROM ${from}`)
}

describe('deletion marks that are a difference', () => {
  const LOADED = 1_500

  for (const [what, stream, complete, startedMs] of [
    ['of a walk that would have started in the future', walked, { from: 1_502, startedMs: YEAR_2200_MS }, YEAR_2200_MS],
    ['of a walk in a stream that declares none', undeclared, { from: 1_502, startedMs: AT_MS + 1_000 }, AT_MS + 1_000],
    ['with another time than their walk', walked, { from: 1_502, startedMs: AT_MS + 1_000 }, AT_MS + 1_500],
    ['of a page that ended no walk', walked, undefined, AT_MS + 1_000],
  ] as const) {
    test(`${what}: 1,500 records and none shown do not agree`, async () => {
      const place = await ownPlace()
      const { page, table, close } = await publish(place, stream)
      await page({ records: ids(0, LOADED), atMs: AT_MS })
      const facts: Partial<PageMarker> = complete === undefined ? {} : { complete }
      const end = await page({ records: [], atMs: AT_MS + 2_000, marker: facts })
      await loadAll(place)
      await markAll(place, table, end - 1, startedMs)
      assert.equal(await count(place, table), 0)
      const { differs, kinds, marked, shown } = await verified(place)
      assert.deepEqual([differs, kinds, marked.rows, shown], [true, { mark_unfounded: LOADED }, 0, 0])
      const done = await run({ after: () => undefined }, ['verify', 'shop.orders'], place.env)
      assert.equal(done.status, 1, done.stdout)
      assert.match(done.stdout, /1500: rows are hidden by deletion marks of no complete walk/)
      await close()
    })
  }

  test('that hide what their own walk brought, or what came behind them in the log', async () => {
    const place = await ownPlace()
    const { page, table, close } = await publish(place, walked)
    const from = await page({ records: ids(0, 30), atMs: AT_MS })
    const end = await page({
      records: ids(0, 20),
      atMs: AT_MS + 3_000,
      marker: { run: 'walk', complete: { from, startedMs: AT_MS + 2_000, allowed: true } },
    })
    await loadAll(place)
    assert.equal(await count(place, table), 20)
    assert.deepEqual((await verified(place)).kinds, {})
    // As if a row had been marked twice, later than its walk brought it, and another one at the place of a record.
    await markAll(place, table, end - 1, AT_MS + 3_000, "id = 'id-8'")
    await markAll(place, table, 0, AT_MS + 4_000, "id = 'id-9'")
    const { kinds, differences } = await verified(place)
    assert.deepEqual(kinds, { row_hidden: 1, mark_unfounded: 1, row_stale: 2 })
    assert.match(differences.find(({ kind }) => kind === 'row_hidden')?.examples[0] ?? '', /id-8.* by walk walk/)
    await close()
  })

  test('of a believable walk that nobody released and that left no row', async () => {
    const place = await ownPlace()
    const { page, table, close } = await publish(place, walked)
    const from = await page({ records: ids(0, 12), atMs: AT_MS })
    const end = await page({
      records: [],
      atMs: AT_MS + 2_000,
      marker: { complete: { from, startedMs: AT_MS + 1_000 } },
    })
    await loadAll(place)
    assert.equal(await count(place, table), 12, 'the loader has withheld it')
    await markAll(place, table, end - 1, AT_MS + 1_000)
    assert.deepEqual((await verified(place)).kinds, { mark_all: 12 })
    await close()
  })
})

test('rows that a complete walk deleted are told with the walk, and are no difference', async () => {
  const place = await ownPlace()
  const { page, table, close } = await publish(place, walked)
  let from = await page({ records: ids(0, 30), atMs: AT_MS })
  for (const [left, at] of [
    [28, AT_MS + 2_000],
    [25, AT_MS + 4_000],
  ] as const) {
    from = await page({
      records: ids(0, left),
      atMs: at,
      marker: { run: `walk-${left}`, complete: { from, startedMs: at - 1_000 } },
    })
  }
  await loadAll(place)
  assert.equal(await count(place, table), 25)
  const { differs, marked } = await verified(place)
  const walks = marked.walks.map(({ run: name, rows, startedAt }) => [name, rows, startedAt])
  const started = (ms: number) => new Date(ms).toISOString()
  assert.deepEqual(
    [differs, marked.rows, walks],
    [
      false,
      5,
      [
        ['walk-25', 3, started(AT_MS + 3_000)],
        ['walk-28', 2, started(AT_MS + 1_000)],
      ],
    ],
  )
  const done = await run({ after: () => undefined }, ['verify', 'shop.orders'], place.env)
  assert.equal(done.status, 0)
  assert.match(done.stdout, /3 rows deleted by walk walk-25/)
  assert.match(done.stdout, /agree; 5 rows deleted by complete walks/)
  await close()
})

test('a key whose newest record in the log has an older time than the one shown is a difference; one of a dead letter is not', async () => {
  const place = await ownPlace()
  const { page, raw, schemaId, close } = await publish(place)
  await page({ records: [order(1), order(2), order(3, 2)], atMs: AT_MS + 7_200_000 })
  // A clock that is two hours behind: the same watermark in an older version, and a newer one, which is shown all the
  // same.
  await page({ records: [{ ...order(1), note: 'new' }, order(2, 2), order(3)], atMs: AT_MS })
  const again = {
    key: null,
    value: frame(schemaId, JSON.stringify(order(2, 2))),
    headers: replayHeaders(1, 'letters/0/0'),
    timestampMs: AT_MS - 5,
  }
  await raw(0, [again])
  await loadAll(place)
  const { kinds, differences } = await verified(place)
  assert.deepEqual(kinds, { row_stale: 1 })
  assert.match(differences[0]?.examples[0] ?? '', /order-1/)
  await close()
})
