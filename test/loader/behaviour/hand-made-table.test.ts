/**
 * A table that a person made is taken as it is where its engine, key, version and partitions keep the promises, and
 * refused with a remedy where not.
 */
import assert from 'node:assert/strict'
import { after, before, describe, test } from 'node:test'
import type { ClickHouseClient } from '@clickhouse/client'
import { connectClickHouse } from '#shared/clickhouse.ts'
import { silentLog } from '#shared/log.ts'
import { columnsOf } from '#shared/schema/columns.ts'
import { createTable, type TableSpec } from '../../../services/loader/table/ddl.ts'
import { createTables, type Tables } from '../../../services/loader/table/tables.ts'
import { command, query } from '../../support/loading.ts'
import { atEnd, closeAll, compileStream, ownPlace, type Place } from '../../support/published.ts'

after(closeAll)

const { wireSchema } = compileStream()
const spec = (table: string, more: Partial<TableSpec> = {}): TableSpec => ({
  ...{ table, columns: columnsOf(wireSchema), primaryKey: ['id'], watermark: { field: 'updated_at', kind: 'iso' } },
  ...more,
})

let place: Place
let tables: Tables
let client: ClickHouseClient
before(async () => {
  place = await ownPlace()
  client = connectClickHouse(place.config.clickhouse)
  atEnd(() => client.close())
  tables = createTables(client, place.config.clickhouse, silentLog)
  await command(place, 'CREATE DATABASE {db}')
})

const made = (table: string, more: Partial<TableSpec> = {}): string =>
  createTable(place.config.clickhouse, spec(table, more))
async function refusal(table: string): Promise<string | undefined> {
  const { failure } = await tables.ensure(spec(table), { mayCreate: true })
  if (failure !== null) assert.match(failure.message, /; RENAME TABLE|; ALTER TABLE/)
  return failure?.name
}

describe('a table made by hand', () => {
  for (const [what, name, turn] of [
    ['no version', 'VERSION_COLUMN', (text: string) => text.replace('(_version, _deleted)', '')],
    ['another version', 'VERSION_COLUMN', (text: string) => text.replace('(_version, _deleted)', '(updated_at)')],
    [
      'a version that inserts would leave at 0',
      'VERSION_COLUMN',
      (text: string) => text.replace(/`_version` UInt128 MATERIALIZED [^\n]*/, '`_version` UInt128'),
    ],
    ['no mark of deletions', 'DELETED_COLUMN', (text: string) => text.replace('(_version, _deleted)', '(_version)')],
    ['another key', 'TABLE_KEY', (text: string) => text.replace('ORDER BY (`id`)', 'ORDER BY (`id`, `status`)')],
    [
      'partitions by what changes',
      'PARTITION_KEY',
      (text: string) => text.replace(' ORDER BY', ' PARTITION BY toYYYYMM(updated_at) ORDER BY'),
    ],
    [
      'a column that is computed',
      'COLUMN_KIND',
      (text: string) => text.replace('`total` Float64', '`total` Float64 ALIAS 1'),
    ],
  ] as const) {
    test(`with ${what} is refused`, async () => {
      const table = `t_${what.replaceAll(/\W/g, '_')}`
      const text = turn(made(table))
      assert.notEqual(text, made(table), 'the statement is another one')
      await command(place, text)
      assert.equal(await refusal(table), name)
    })
  }

  test('of the right form is taken, with what it has besides, and its inserts are remembered from then on', async () => {
    const text = made('right')
      .replace(/ SETTINGS .*/, '')
      .replace('`total` Float64', '`by_hand` UInt8 DEFAULT 7,\n  `total` Nullable(Float64)')
    await command(place, text)
    assert.equal(await refusal('right'), undefined)
    const [found] = await query<{ engine_full: string }>(
      place,
      `SELECT engine_full FROM system.tables WHERE database = '{db}' AND name = 'right'`,
    )
    assert.match(found?.engine_full ?? '', /non_replicated_deduplication_window = 100/)
    const shown = await query<{ name: string; type: string }>(place, 'DESCRIBE TABLE {db}.right_current')
    assert.deepEqual(
      shown.filter(({ name }) => ['by_hand', 'total'].includes(name)).map(({ name, type }) => `${name} ${type}`),
      ['by_hand UInt8', 'total Nullable(Float64)'],
    )
    const { changed } = await tables.ensure(spec('right'), { mayCreate: false })
    assert.equal(changed, false)
  })

  test('in partitions by its key shows one row a key', async () => {
    const parted = spec('parted', { partitionBy: 'cityHash64(id) % 4' })
    assert.equal((await tables.ensure(parted, { mayCreate: true })).failure, null)
    for (const version of [1, 2]) {
      await command(
        place,
        `INSERT INTO {db}.parted (id, total, status, updated_at, _partition, _offset, _fetched_at)
SELECT toString(number), ${version}, 'open', toDateTime64(${version}, 6, 'UTC'), 0, number, now64(3) FROM numbers(100)`,
      )
    }
    const [sums] = await query<{ n: string; total: number }>(
      place,
      'SELECT count() AS n, sum(total) AS total FROM {db}.parted_current',
    )
    assert.deepEqual([Number(sums?.n), sums?.total], [100, 200])
  })
})
