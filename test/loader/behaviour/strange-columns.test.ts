/**
 * Whatever passes the declaration as a column is one that the real ClickHouse makes, takes as it is the next time, and
 * gives back as it came.
 */
import assert from 'node:assert/strict'
import { after, before, describe, test } from 'node:test'
import { connectClickHouse } from '#shared/clickhouse.ts'
import { column, epochMs, epochSeconds, z } from '#shared/index.ts'
import { silentLog } from '#shared/log.ts'
import { columnTypeMistake } from '#shared/schema/column-text.ts'
import { createTables } from '../../../services/loader/table/tables.ts'
import { command, loadAll, query } from '../../support/loading.ts'
import { atEnd, closeAll, compileStream, ownPlace, type Place, publish } from '../../support/published.ts'

after(closeAll)

let place: Place
before(async () => {
  place = await ownPlace({ LOADER_BATCH_AGE_MS: '100' })
  await command(place, 'CREATE DATABASE {db}')
})

const TYPES = [
  ...[
    "Enum8('a\\'b' = 1, 'c\\\\d' = -5)",
    "Enum16('ü' = 1000)",
    "Enum('x', 'y')",
    'Decimal(76, 76)',
    'Decimal(10)',
    'Decimal256(3)',
    'FixedString(3)',
  ],
  ...[
    "DateTime('Europe/Berlin')",
    "DateTime64(9, 'UTC')",
    'Time',
    'LowCardinality(Nullable(String))',
    'LowCardinality(FixedString(2))',
    'Int256',
  ],
  ...[
    'Map(LowCardinality(String), Array(Nullable(Int8)))',
    'Tuple(`a b` Int8, c Array(Tuple(d String)))',
    'Tuple(Int8, String)',
    'Nested(a Int8)',
  ],
  ...[
    'Variant(String, Array(String))',
    'JSON(max_dynamic_paths = 8, a.b Int64, SKIP c)',
    'Nullable(JSON)',
    'Dynamic',
    'Point',
    'varchar(10)',
    'BIGINT',
  ],
  ...['SimpleAggregateFunction(max, Int64)', 'BFloat16', "Array(Enum8('(' = 1, ')' = 2))"],
]

describe('a column type', () => {
  for (const type of TYPES)
    test(`${type} is accepted, and makes a column that is the same at the next look`, async () => {
      assert.equal(columnTypeMistake(type), null)
      const client = connectClickHouse(place.config.clickhouse)
      atEnd(() => client.close())
      const tables = createTables(client, place.config.clickhouse, silentLog)
      const spec = {
        ...{ table: `type_${TYPES.indexOf(type)}`, primaryKey: ['id'], watermark: null },
        columns: [
          { name: 'id', type: 'String', optional: false },
          { name: 't', type, optional: true },
        ],
      }
      assert.deepEqual(await tables.ensure(spec, { mayCreate: true }), { failure: null, changed: true })
      assert.deepEqual(await tables.ensure(spec, { mayCreate: false }), { failure: null, changed: false })
    })

  for (const type of [
    'Strng',
    'Nullable(Array(String))',
    "Enum8('a' = 200)",
    'FixedString(257)',
    'LowCardinality(Date)',
    'Nullable(Point)',
    'Variant(Int8, Int16)',
  ])
    test(`${type} is refused, by ClickHouse too`, async () => {
      assert.notEqual(columnTypeMistake(type), null)
      await assert.rejects(
        command(place, `CREATE TABLE {db}.refused (id Int8, t ${type}) ENGINE = ReplacingMergeTree ORDER BY id`),
      )
    })
})

test('names with dots, quotes and words of SQL come back as they came, as keys too, and the table is taken as it is at the next start', async () => {
  const own = await ownPlace({ LOADER_BATCH_AGE_MS: '100' })
  const schema = z.object({
    ...{
      'i d': z.string(),
      'k.1': z.int(),
      'p.q': z.int(),
      'p.r': z.string(),
      p: z.string(),
      'a`b': z.int(),
      "it's": z.int(),
      'a\\b': z.int(),
    },
    ...{
      select: z.int(),
      '%2E': z.int(),
      ü: z.int().optional(),
      ['x'.repeat(400)]: z.int(),
      o: z.object({ null: z.int(), 'x.y': z.int() }),
    },
    ...{
      n: z.array(z.object({ 'a.b': z.int(), 'c d': z.string() })),
      status: column(z.enum(["a'b", 'c']), "Enum8('a\\'b' = 1, 'c' = 2)"),
    },
  })
  const stream = compileStream({
    name: 'odd',
    schema,
    primaryKey: ['i d', 'k.1'],
    watermark: { field: 'p.q', param: 'since' } as never,
  })
  const odd = await publish(own, stream)
  const record = {
    ...{
      'i d': 'a',
      'k.1': 1,
      'p.q': 2,
      'p.r': 'x',
      p: 'y',
      'a`b': 3,
      "it's": 4,
      'a\\b': 5,
      select: 6,
      '%2E': 7,
      ['x'.repeat(400)]: 8,
    },
    ...{ o: { null: 9, 'x.y': 10 }, n: [{ 'a.b': 11, 'c d': 'z' }], status: "a'b" },
  }
  await odd.page({ records: [record] })
  await loadAll(own)
  await odd.page({ records: [{ ...record, p: 'newer', 'p.q': 3 }] })
  assert.deepEqual([(await loadAll(own)).rows, (await odd.deadLetters()).length], [1, 0])
  const [row] = await query(
    own,
    `SELECT * EXCEPT (_partition, _offset, _fetched_at, _extra, _extra_text) FROM {db}.${odd.table} FINAL`,
  )
  // `null` cannot be an element of a Tuple: the object is JSON, where a dot is a path.
  assert.deepEqual(row, { ...record, p: 'newer', 'p.q': 3, o: { null: 9, x: { y: 10 } }, ü: null, _deleted: 0 })
  await odd.close()
})

test('a watermark in any column that the declaration lets pass orders the versions', async () => {
  const own = await ownPlace({ LOADER_BATCH_AGE_MS: '100' })
  const iso = z.iso.datetime()
  const [early, late] = ['2026-01-01T00:00:00Z', '2026-01-02T00:00:00Z']
  for (const [name, type, older, newer] of [
    ['ms', column(epochMs(), 'Int64'), 1_700_000_000, 1_700_000_001],
    ['s', column(epochSeconds(), 'UInt32'), 1_700_000_000, 1_700_000_001],
    ['iso-text', column(iso, 'String'), early, late],
    ['iso-words', column(iso, 'LowCardinality(String)'), early, late],
    ['iso-seconds', column(iso, 'DateTime'), early, late],
    ['iso-day', column(z.iso.date(), 'Date'), '2026-01-01', '2026-01-02'],
    ['uint', column(z.int(), 'UInt8'), 1, 2],
    ['decimal', column(z.int(), 'Decimal(18, 0)'), 1, 2],
    ['fixed', column(z.string(), 'FixedString(12)'), 'a', 'b'],
    ['enum', column(z.enum(['a', 'b']), "Enum8('a' = 2, 'b' = 1)"), 'a', 'b'],
    ['words', column(z.string(), 'LowCardinality(String)'), 'a', 'b'],
  ] as const) {
    const schema = z.object({ id: z.string(), at: type as z.ZodType, v: z.int() })
    const times = await publish(
      own,
      compileStream({ name, schema, watermark: { field: 'at', param: 'since' } as never }),
    )
    await times.page({
      records: [
        { id: 'a', at: newer, v: 2 },
        { id: 'a', at: older, v: 1 },
      ],
    })
    assert.equal((await loadAll(own)).rows, 2, name)
    assert.deepEqual(await query(own, `SELECT toInt32(v) AS v FROM {db}.${times.table} FINAL`), [{ v: 2 }], name)
    await times.close()
  }
  for (const [type, watermark] of [
    [column(z.string(), 'IPv4'), 'at'],
    [column(epochMs(), 'String'), 'at'],
    [column(z.iso.datetime(), 'UInt32'), 'at'],
  ] as const) {
    const schema = z.object({ id: z.string(), at: type as z.ZodType })
    assert.throws(
      () => compileStream({ schema, watermark: { field: watermark, param: 'since' } as never }),
      /does not order a watermark/,
    )
  }
})

test('thousands of columns with long descriptions make a table', async () => {
  const own = await ownPlace({ LOADER_BATCH_AGE_MS: '100' })
  const fields = Array.from(
    { length: 2_000 },
    (_, n) => [`column_number_${n}`, z.int().optional().describe('d'.repeat(200))] as const,
  )
  const wide = await publish(
    own,
    compileStream({
      name: 'wide',
      schema: z.object({ id: z.string(), ...Object.fromEntries(fields) }),
      watermark: undefined as never,
    }),
  )
  await wide.page({ records: [{ id: 'a', column_number_7: 7 }] })
  assert.equal((await loadAll(own)).rows, 1)
  await wide.close()
})
