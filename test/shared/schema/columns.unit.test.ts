import assert from 'node:assert/strict'
import { describe, test } from 'node:test'
import { column, decimal, epochMs, int64, z } from '#shared/index.ts'
import { columnsOf, columnType, keptColumnsOf } from '#shared/schema/columns.ts'
import { quorumOf } from '../../../services/loader/insert/writer.ts'
import { createView } from '../../../services/loader/table/current-view.ts'
import {
  addColumn,
  commentColumn,
  createDatabase,
  createDeadLetterTable,
  createPageLedgerTable,
  createTable,
  modifyColumn,
  rememberInserts,
} from '../../../services/loader/table/ddl.ts'
import { compileStream } from '../../support/published.ts'

function types(shape: z.ZodRawShape): Record<string, string> {
  const schema = z.object({ id: z.string(), ...shape })
  const { wireSchema } = compileStream({ schema, watermark: undefined as never })
  return Object.fromEntries(columnsOf(wireSchema).map(({ name, type }) => [name, type]))
}

describe('columns from a schema', () => {
  test('each type has its own, and may be missing or null where the field may be', () => {
    assert.deepEqual(
      types({
        text: z.string().optional(),
        day: z.iso.date().nullable(),
        at: z.iso.datetime(),
        small: z.int32(),
        count: z.uint32().optional(),
        uid: z.uuid(),
        moneys: z.array(decimal(10, 2).nullable()),
        bounded: z.int().min(0).max(255),
        share: z.number().nullish(),
        money: decimal(18, 2).optional(),
        big: int64(),
        kind: z.enum(['a', 'b']).optional(),
        kinds: z.array(z.enum(['a', 'b']).nullable()),
        own: column(z.string(), 'LowCardinality(String)').nullable(),
        ms: epochMs().nullable(),
        one: z.literal('x'),
        several: z.literal(['x', 1]),
        odd: z.literal([null, 'x']),
        number: z.literal(5),
      }),
      {
        id: 'String',
        text: 'Nullable(String)',
        day: 'Nullable(Date32)',
        at: "DateTime64(6, 'UTC')",
        small: 'Int32',
        count: 'Nullable(UInt32)',
        uid: 'UUID',
        moneys: 'Array(Nullable(Decimal(10, 2)))',
        bounded: 'Int64',
        share: 'Nullable(Float64)',
        money: 'Nullable(Decimal(18, 2))',
        big: 'Int64',
        kind: 'LowCardinality(Nullable(String))',
        kinds: 'Array(Nullable(String))',
        own: 'LowCardinality(Nullable(String))',
        ms: "Nullable(DateTime64(3, 'UTC'))",
        one: 'LowCardinality(String)',
        several: 'String',
        odd: 'LowCardinality(Nullable(String))',
        number: 'Float64',
      },
    )
  })

  test('closed objects are Tuples, records Maps, and what may be missing, open or several things is JSON or text', () => {
    const a = z.object({ kind: z.literal('a') })
    const b = z.object({ kind: z.literal('b') })
    const deep = z.object({
      total: decimal(10, 2),
      note: z.string().optional(),
      'odd `name': z.int(),
      inner: a,
      maybe: b.optional(),
    })
    assert.deepEqual(
      types({
        object: a,
        deep,
        maybe: a.optional(),
        none: a.nullable(),
        either: z.union([a, b]),
        open: z.looseObject({ x: z.string() }),
        empty: z.object({}),
        record: z.record(z.string(), z.int()),
        byEnum: z.record(z.enum(['x', 'y']), z.number().nullable()),
        recordOrNull: z.record(z.string(), z.int()).nullable(),
        ofObjects: z.record(z.string(), a),
        anyRecord: z.record(z.string(), z.unknown()),
        list: z.array(z.string()).optional(),
        listOrNull: z.array(z.int()).nullable(),
        nested: z.array(z.array(z.number())),
        objects: z.array(a),
        holes: z.array(a.nullable()),
        mixed: z.array(z.union([z.string(), z.number()])),
        pair: z.tuple([z.string(), z.number()]),
        textOrNumber: z.union([z.string(), z.number()]),
        anything: z.any(),
        nothing: z.null(),
      }),
      {
        id: 'String',
        object: 'Tuple(kind LowCardinality(String))',
        deep: 'Tuple(total Decimal(10, 2), note Nullable(String), `odd \\`name` Int64, inner Tuple(kind LowCardinality(String)), maybe JSON)',
        maybe: 'JSON',
        none: 'Nullable(JSON)',
        either: 'JSON',
        open: 'JSON',
        empty: 'JSON',
        record: 'Map(String, Int64)',
        byEnum: 'Map(String, Nullable(Float64))',
        recordOrNull: 'Variant(Map(String, Int64))',
        ofObjects: 'Map(String, Tuple(kind LowCardinality(String)))',
        anyRecord: 'JSON',
        list: 'Array(String)',
        listOrNull: 'Variant(Array(Int64))',
        nested: 'Array(Array(Float64))',
        objects: 'Array(Tuple(kind LowCardinality(String)))',
        holes: 'Array(Nullable(JSON))',
        mixed: 'Array(Nullable(String))',
        pair: 'Array(Nullable(String))',
        textOrNumber: 'String',
        anything: 'Nullable(String)',
        nothing: 'Nullable(String)',
      },
    )
  })

  test('a schema that another tool wrote has them too', () => {
    const types: [schema: Record<string, unknown>, required: string, optional: string][] = [
      [{ const: 'x' }, 'LowCardinality(String)', 'LowCardinality(Nullable(String))'],
      [{ const: 5 }, 'Float64', 'Nullable(Float64)'],
      [{ const: true }, 'Bool', 'Nullable(Bool)'],
      [{ const: null }, 'Nullable(String)', 'Nullable(String)'],
      [{ enum: ['x', null] }, 'LowCardinality(Nullable(String))', 'LowCardinality(Nullable(String))'],
      [{ enum: [1, 'x'] }, 'String', 'Nullable(String)'],
      [{ enum: [{ a: 1 }] }, 'String', 'Nullable(String)'],
      [{ enum: [] }, 'String', 'Nullable(String)'],
      [{ type: 'integer', enum: [0, 1] }, 'Int64', 'Nullable(Int64)'],
      [{ type: 'number', enum: [0, 1] }, 'Float64', 'Nullable(Float64)'],
      [{ type: ['integer', 'null'] }, 'Nullable(Int64)', 'Nullable(Int64)'],
      [{ type: ['integer', 'string'] }, 'String', 'Nullable(String)'],
      [{ type: ['array', 'object'] }, 'String', 'Nullable(String)'],
      [{}, 'Nullable(String)', 'Nullable(String)'],
      [{ $ref: '#/definitions/a' }, 'String', 'Nullable(String)'],
      [{ type: 'array' }, 'Array(Nullable(String))', 'Array(Nullable(String))'],
      [{ type: 'array', items: {} }, 'Array(Nullable(String))', 'Array(Nullable(String))'],
      [{ type: 'array', items: { type: 'null' } }, 'Array(Nullable(String))', 'Array(Nullable(String))'],
      [{ type: 'object' }, 'JSON', 'JSON'],
      [{ type: 'object', additionalProperties: false }, 'JSON', 'JSON'],
      [{ type: 'object', additionalProperties: true }, 'JSON', 'JSON'],
      [{ type: 'object', additionalProperties: null }, 'JSON', 'JSON'],
      [{ type: 'object', additionalProperties: {} }, 'JSON', 'JSON'],
      [{ type: 'object', additionalProperties: { type: 'boolean' } }, 'Map(String, Bool)', 'Map(String, Bool)'],
      [
        { type: 'object', properties: { a: { type: 'boolean' } }, additionalProperties: { type: 'boolean' } },
        'JSON',
        'JSON',
      ],
      [
        { type: 'object', properties: { a: { type: 'boolean' } }, additionalProperties: false },
        'Tuple(a Nullable(Bool))',
        'JSON',
      ],
      [{ oneOf: [{ type: 'object' }, { type: 'object' }] }, 'JSON', 'JSON'],
      [{ allOf: [{ type: 'object' }, { type: 'object' }] }, 'JSON', 'JSON'],
      [{ anyOf: [{ type: 'object' }, { type: 'object' }, { type: 'null' }] }, 'Nullable(JSON)', 'Nullable(JSON)'],
      [{ anyOf: [{ type: 'object' }, { type: 'string' }] }, 'String', 'Nullable(String)'],
      [{ anyOf: [{ type: 'array' }, { type: 'string' }, { type: 'null' }] }, 'Nullable(String)', 'Nullable(String)'],
      [{ type: 'integer', minimum: -(2 ** 31) }, 'Int64', 'Nullable(Int64)'],
      [{ type: 'integer', maximum: 2 ** 31 - 1 }, 'Int64', 'Nullable(Int64)'],
      [{ type: 'integer', minimum: 0 }, 'Int64', 'Nullable(Int64)'],
      [{ type: 'integer', maximum: 2 ** 32 - 1 }, 'Int64', 'Nullable(Int64)'],
      [{ type: 'integer', minimum: 0, maximum: 2 ** 31 - 1 }, 'Int64', 'Nullable(Int64)'],
      [{ type: 'string', format: 'uuid', enum: ['x'] }, 'LowCardinality(String)', 'LowCardinality(Nullable(String))'],
      [{ type: 'string', format: 'email' }, 'String', 'Nullable(String)'],
      [{ 'x-headrace': { column: 'Nullable(UInt8)' } }, 'Nullable(UInt8)', 'Nullable(UInt8)'],
      [{ type: 'array', 'x-headrace': { column: 'Array(UInt8)' } }, 'Array(UInt8)', 'Array(UInt8)'],
      [{ type: ['array', 'null'], 'x-headrace': { column: 'Array(UInt8)' } }, 'Array(UInt8)', 'Array(UInt8)'],
      [{ type: 'string', 'x-headrace': { column: 'JSONish' } }, 'JSONish', 'Nullable(JSONish)'],
      [{ type: 'string', 'x-headrace': { learned: true } }, 'String', 'Nullable(String)'],
    ]
    for (const [schema, required, optional] of types)
      assert.deepEqual(
        [columnType('f', schema, true), columnType('f', schema, false)],
        [required, optional],
        JSON.stringify(schema),
      )
  })

  test('elements and values that have a column of their own, or may be null, or are called as none may be', () => {
    const a = z.object({ kind: z.literal('a') })
    assert.deepEqual(
      types({
        codes: z.array(column(z.string(), 'FixedString(2)')),
        holes: z.array(column(z.string(), 'FixedString(2)').nullable()),
        words: z.array(column(z.string(), 'LowCardinality(String)').nullable()),
        rows: z.array(z.array(z.number()).nullable()),
        nothing: z.array(z.null()),
        amounts: z.record(z.string(), decimal(9, 2)),
        objects: z.record(z.string(), a.nullable()),
        null: z.object({ null: z.int(), b: z.int() }),
        unnamed: z.object({ b: z.int(), '': z.int() }),
        quoted: z.object({ 'a\\b': z.int(), '1a': z.int(), a1: z.int() }),
        either: z.union([a, z.string()]),
      }),
      {
        id: 'String',
        codes: 'Array(FixedString(2))',
        holes: 'Array(Nullable(FixedString(2)))',
        words: 'Array(Nullable(String))',
        rows: 'Array(Nullable(String))',
        nothing: 'Array(Nullable(String))',
        amounts: 'Map(String, Decimal(9, 2))',
        objects: 'Map(String, Nullable(JSON))',
        null: 'JSON',
        unnamed: 'JSON',
        quoted: 'Tuple(`a\\\\b` Int64, `1a` Int64, a1 Int64)',
        either: 'String',
      },
    )
  })

  test('say what may be missing and what is said about them, in the order of the schema, without what is not a field of the API', () => {
    const text = { type: 'string' }
    const properties = { b: text, a: { ...text, description: 'what it is' }, c: { ...text, description: 5 } }
    const own = { _extra: { type: 'object' }, _extra_text: text, _deleted: { type: 'integer' } }
    assert.deepEqual(columnsOf({ properties: { ...properties, ...own }, required: ['a'] }), [
      { name: 'b', type: 'Nullable(String)', optional: true },
      { name: 'a', type: 'String', optional: false, comment: 'what it is' },
      { name: 'c', type: 'Nullable(String)', optional: true },
    ])
    assert.deepEqual(columnsOf({}), [])
  })

  test('of unknown fields there is one that keeps their text, where the schema has it', () => {
    for (const schema of [{}, { properties: {} }, { properties: { _extra: { type: 'object' } } }])
      assert.deepEqual(keptColumnsOf(schema), [])
    const kept = { name: '_extra_text', type: 'Nullable(String)', optional: true }
    assert.deepEqual(keptColumnsOf({ properties: { _extra_text: { type: 'string' } } }), [kept])
    assert.deepEqual(keptColumnsOf({ properties: { _extra_text: { type: 'string', description: 'as it came' } } }), [
      { ...kept, comment: 'as it came' },
    ])
  })

  test('a description is the comment of its column, wherever it is said', () => {
    const schema = z.object({
      id: z.string().describe('who'),
      a: z.int().describe("it's").nullable(),
      b: z.int().nullable().describe('b'),
    })
    const { wireSchema } = compileStream({ schema, watermark: undefined as never })
    assert.deepEqual(
      columnsOf(wireSchema).map(({ comment }) => comment),
      ['who', "it's", 'b'],
    )
  })

  test('a column type that would end its statement is refused', () => {
    assert.throws(() => types({ bad: column(z.string(), 'String; DROP TABLE x') }), /field bad/)
    assert.throws(() => types({ bad: column(z.string(), 'String`') }), /not a column type/)
  })
})

describe('statements', () => {
  const spec = {
    table: 'shop_orders',
    columns: [
      { name: 'id', type: 'String', optional: false },
      { name: 'a`b', type: 'Int64', optional: false },
    ],
    primaryKey: ['id', 'a`b'],
    watermark: { field: 'a`b', kind: 'integer' },
  } as const
  const alone = { database: 'db', cluster: undefined }
  const cluster = { database: 'db', cluster: 'main' }

  test('one server: ReplacingMergeTree by version and deletion, with a memory of inserts', () => {
    const text = createTable(alone, { ...spec, columns: [...spec.columns] })
    assert.match(text, /^CREATE TABLE IF NOT EXISTS `db`\.`shop_orders` \(/)
    assert.match(
      text,
      /ENGINE = ReplacingMergeTree\(_version, _deleted\) ORDER BY \(`id`, `a\\`b`\) SETTINGS non_replicated_deduplication_window = 100$/,
    )
  })

  test('a partition key stands between engine and order', () => {
    const text = createTable(alone, { ...spec, columns: [...spec.columns], partitionBy: 'cityHash64(id) % 8' })
    assert.match(text, /_deleted\) PARTITION BY cityHash64\(id\) % 8 ORDER BY \(/)
  })

  test('a quorum is waited for on a cluster only', () => {
    assert.deepEqual(quorumOf({ cluster: 'main', insertQuorum: 'auto' }), { insert_quorum: 'auto' })
    assert.deepEqual(quorumOf({ cluster: undefined, insertQuorum: '2' }), {})
    assert.deepEqual(quorumOf({ cluster: 'main', insertQuorum: undefined }), {})
  })

  test('changes of a table on a cluster are made everywhere at once', () => {
    for (const statement of [
      modifyColumn(cluster, 't', { name: 'a', type: 'Int64' }),
      commentColumn(cluster, 't', { name: 'a', comment: "it's" }),
      rememberInserts(cluster, 't'),
      createView(cluster, 't', [{ name: 'a', type: 'Int64' }]),
    ]) {
      assert.match(statement, /`db`\.`t(_current)?` ON CLUSTER `main` /)
    }
    assert.match(rememberInserts(cluster, 't'), / replicated_deduplication_window = 100$/)
  })

  test('a ledger without days keeps its rows for ever, and with days it drops them so long after they were written', () => {
    for (const create of [createPageLedgerTable, createDeadLetterTable]) {
      assert.doesNotMatch(create(cluster), /TTL/)
      assert.doesNotMatch(create({ ...cluster, ledgerDays: 0 }), /TTL/)
      assert.match(
        create({ database: 'db', cluster: undefined, ledgerDays: 400 }),
        /`offset`\) TTL toDateTime\(`loaded_at`\) \+ INTERVAL 400 DAY SETTINGS /,
      )
    }
  })

  test('a cluster: the Replicated engine, everywhere at once', () => {
    const text = createTable(cluster, { ...spec, columns: [...spec.columns] })
    assert.match(text, /`shop_orders` ON CLUSTER `main` \(/)
    assert.match(text, /ENGINE = ReplicatedReplacingMergeTree\(_version, _deleted\)/)
    assert.match(createDatabase(cluster), /ON CLUSTER `main`$/)
    assert.match(createPageLedgerTable(cluster), /`headrace_pages` ON CLUSTER `main` .*ReplicatedReplacingMergeTree/s)
    assert.match(
      addColumn(cluster, 't', spec.columns[0]),
      /^ALTER TABLE `db`\.`t` ON CLUSTER `main` ADD COLUMN IF NOT EXISTS `id` String$/,
    )
  })
})
