import assert from 'node:assert/strict'
import { after, before, describe, test } from 'node:test'
import { column, decimal, epochMs, epochSeconds, int64, z } from '#shared/index.ts'
import { loadAll, query } from '../../support/loading.ts'
import { closeAll, compileStream, ownPlace, type Place, publish } from '../../support/published.ts'

after(closeAll)

const everything = z.object({
  id: z.string(),
  money: decimal(38, 10),
  big: int64(),
  whole: z.int(),
  real: z.number(),
  yes: z.boolean(),
  day: z.iso.date(),
  at: z.iso.datetime({ offset: true }),
  ms: epochMs(),
  seconds: epochSeconds(),
  status: z.enum(['a', 'b']),
  fixed: z.literal('x'),
  short: column(z.string(), 'LowCardinality(String)'),
  tags: z.array(z.string()),
  points: z.array(z.array(z.number())),
  lines: z.array(z.object({ sku: z.string(), count: z.int() })),
  place: z.object({ city: z.string(), at: z.array(z.number()) }),
  labels: z.record(z.string(), z.string()),
  mixed: z.union([z.string(), z.number(), z.object({ a: z.int() })]),
  anything: z.unknown(),
  maybe: z.string().optional(),
  nothing: z.string().nullable(),
  maybeMoney: decimal(10, 2).nullable().optional(),
  maybeStatus: z.enum(['a', 'b']).nullable(),
  maybeTags: z.array(z.string()).nullable(),
  holes: z.array(z.int().nullable()),
  maybePlace: z.object({ city: z.string() }).nullable(),
  'odd `name" é': z.string(),
})
type Everything = z.input<typeof everything>

const full: Everything = {
  id: 'full',
  money: '1234567890123456789012345678.0123456789',
  big: '-9223372036854775808',
  whole: Number.MIN_SAFE_INTEGER,
  real: -1.5e-7,
  yes: true,
  day: '2026-02-28',
  at: '2026-01-01T01:00:00.123456+01:00',
  ms: -1,
  seconds: 1_700_000_000,
  status: 'b',
  fixed: 'x',
  short: 'kurz',
  tags: ['é', '', '\u{1F600}', 'a"b\\c\n'],
  points: [[1, 2.5], []],
  lines: [
    { sku: 'a', count: 1 },
    { sku: 'b', count: 2 },
  ],
  place: { city: 'Zürich \u{1F600} 東京', at: [47.3, 8.5] },
  labels: { 'a key': 'a value' },
  mixed: { a: 1 },
  anything: [1, 'two', null, { three: 3 }],
  maybe: 'there',
  nothing: 'something',
  maybeMoney: '0.10',
  maybeStatus: 'a',
  maybeTags: ['one'],
  holes: [1, null, 3],
  maybePlace: { city: 'Bern' },
  'odd `name" é': 'odd',
}
const { maybe: _, maybeMoney: __, ...lacking } = full
const bare: Everything = {
  ...lacking,
  id: 'bare',
  big: '9223372036854775807',
  whole: Number.MAX_SAFE_INTEGER,
  mixed: 12.5,
  anything: null,
  nothing: null,
  maybeStatus: null,
  maybeTags: null,
  maybePlace: null,
  tags: [],
}

describe('types on their way into the table', () => {
  let place: Place
  let rows: Record<string, unknown>[]
  before(async () => {
    place = await ownPlace({ LOADER_BATCH_AGE_MS: '100' })
    const stream = compileStream({
      name: 'everything',
      schema: everything,
      watermark: { field: 'at', param: 'since' } as never,
    })
    const published = await publish(place, stream)
    const records = [full, bare].map((record) => everything.parse(record))
    await published.page({
      records: records.map((record) => ({ ...record, _extra: { new_field: { deep: [1, null] } } })),
    })
    const summary = await loadAll(place)
    assert.deepEqual([summary.rows, summary.deadLetters], [2, 0])
    rows = await query(
      place,
      `SELECT *, money::String AS money, big::String AS big, whole::String AS whole FROM {db}.shop_everything FINAL ORDER BY id DESC`,
    )
    await published.close()
  })

  test('decimals, 64-bit and 53-bit integers are exact', () => {
    assert.equal(rows[0]?.money, '1234567890123456789012345678.0123456789')
    assert.deepEqual([rows[0]?.big, rows[1]?.big], [full.big, bare.big])
    assert.deepEqual(
      [rows[0]?.whole, rows[1]?.whole],
      [String(Number.MIN_SAFE_INTEGER), String(Number.MAX_SAFE_INTEGER)],
    )
  })

  test('instants are instants, whatever they were written as', () => {
    const { at, ms, seconds, day } = rows[0] ?? {}
    assert.deepEqual(
      { at, ms, seconds, day },
      {
        at: '2026-01-01 00:00:00.123456',
        ms: '1969-12-31 23:59:59.999',
        seconds: '2023-11-14 22:13:20',
        day: '2026-02-28',
      },
    )
  })

  test('null and missing are null where there is a null, and empty where there is none', () => {
    const { maybe, nothing, maybeMoney, maybeStatus, maybeTags, maybePlace } = rows[1] ?? {}
    assert.deepEqual(
      { maybe, nothing, maybeMoney, maybeStatus, maybeTags, maybePlace },
      {
        ...{ maybe: null, nothing: null, maybeMoney: null, maybeStatus: null, maybeTags: null, maybePlace: null },
      },
    )
  })

  test('texts, arrays and objects keep every character and element', () => {
    const {
      tags,
      points,
      lines,
      place: city,
      labels,
      holes,
      maybeTags,
      maybePlace,
      'odd `name" é': odd,
    } = rows[0] ?? {}
    assert.deepEqual(
      { tags, points, lines, city, labels, holes, maybeTags, maybePlace, odd },
      {
        ...{ tags: full.tags, points: full.points, lines: full.lines, city: full.place, labels: full.labels },
        ...{ holes: full.holes, maybeTags: full.maybeTags, maybePlace: full.maybePlace, odd: 'odd' },
      },
    )
  })

  test('a value of several types is kept as the text of its JSON', () => {
    assert.deepEqual([rows[0]?.mixed, rows[1]?.mixed], ['{"a":1}', '12.5'])
    assert.deepEqual([rows[0]?.anything, rows[1]?.anything], ['[1,"two",null,{"three":3}]', null])
  })

  test('what the schema does not know is in _extra', () => {
    assert.deepEqual(rows[0]?._extra, { new_field: { deep: [1, null] } })
  })

  test('the version follows from the record: a later watermark wins over any fetch time, then the later fetch, then the later offset', async () => {
    const versioned = await publish(
      place,
      compileStream({
        name: 'versions',
        schema: z.object({ id: z.string(), at: epochMs(), n: z.int() }),
        watermark: { field: 'at', param: 'since' } as never,
      }),
    )
    const record = (id: string, at: number, n: number) => ({ id, at, n })
    await versioned.page({
      atMs: 2_000_000,
      records: [
        record('watermark', 10, 1),
        record('fetch', 5, 0),
        record('offset', 5, 0),
        record('offset', 5, 1),
        record('early', 0, 1),
      ],
    })
    await versioned.page({
      atMs: 3_000_000,
      records: [record('watermark', 9, 0), record('fetch', 5, 1), record('early', -5, 0)],
    })
    await loadAll(place)
    const final = await query<{ id: string; n: number }>(
      place,
      `SELECT id, n FROM {db}.shop_versions FINAL ORDER BY id`,
    )
    assert.deepEqual(
      final.map(({ id, n }) => `${id} ${n}`),
      ['early 1', 'fetch 1', 'offset 1', 'watermark 1'],
    )
    await versioned.close()
  })
})
