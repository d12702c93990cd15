/** Changes of a declared schema that fit records, readers and tables that exist: one by one, and for any two types. */
import assert from 'node:assert/strict'
import { describe, test } from 'node:test'
import { Ajv } from 'ajv'
import { column, decimal, epochMs, epochSeconds, int64, z } from '#shared/index.ts'
import { joined } from '#shared/schema/column-types.ts'
import { columnType } from '#shared/schema/columns.ts'
import { schemaDifferences } from '#shared/schema/compatibility.ts'
import { annotationOf, type JsonSchema } from '#shared/schema/json-schema.ts'
import { withColumns } from '#shared/schema/learned-columns.ts'
import { assertShown, type Case, changes, shown } from '../schema/differences.ts'
import { wire } from '../schema/orders-schema.ts'

describe('differences that fit what exists', () => {
  test('a learned column stays without being declared, and is said when it is', () => {
    const declared = wire({ id: z.string() })
    const learned = withColumns(declared, new Map([['colour', 'string'] as const, ['tags', 'json'] as const]))
    assert.deepEqual(shown(schemaDifferences(declared, learned)), ['+ colour: new', '+ tags: new'])
    assert.deepEqual(shown(schemaDifferences(learned, declared)), [])
    assert.deepEqual(shown(schemaDifferences(learned, learned)), [])
    assert.deepEqual(shown(schemaDifferences(learned, wire({ id: z.string(), colour: z.string().optional() }))), [
      '+ colour: declared now; it was learned before',
    ])
    assert.deepEqual(shown(schemaDifferences(learned, wire({ id: z.string(), colour: z.int().optional() }))), [
      '! colour: string → integer',
      '+ colour: declared now; it was learned before',
    ])
  })

  const additive: Case[] = [
    ['an optional field is new', { id: z.string() }, { id: z.string(), a: z.int().optional() }, ['+ a: new']],
    ['a nested optional field is new', { a: z.object({}) }, { a: z.object({ b: z.int().optional() }) }, ['+ a.b: new']],
    ['a value is allowed too', { a: z.enum(['x']) }, { a: z.enum(['x', 'y']) }, ['+ a: allows y too']],
    [
      'a value is allowed too, where null is',
      { a: z.enum(['x']).nullable() },
      { a: z.enum(['x', 'y']).nullable() },
      ['+ a: allows y too'],
    ],
    [
      'a rule is looser',
      { a: z.string().min(2).max(5) },
      { a: z.string().max(9) },
      ['+ a: minLength 2 → none', '+ a: maxLength 5 → 9'],
    ],
    ['a bound is looser', { a: z.number().min(0) }, { a: z.number().min(-5) }, ['+ a: minimum 0 → -5']],
    ['a field is optional now', { a: z.int() }, { a: z.int().optional() }, ['+ a: optional now']],
    ['a list is optional now', { a: z.array(z.int()) }, { a: z.array(z.int()).optional() }, ['+ a: optional now']],
    ['a field may be null now', { a: z.int() }, { a: z.int().nullable() }, ['+ a: may be null now']],
    [
      'an integer is wider',
      { a: z.int32() },
      { a: z.int() },
      ['+ a: minimum -2147483648 → -9007199254740991', '+ a: maximum 2147483647 → 9007199254740991'],
    ],
    [
      'a column that was chosen is wider, and its bounds with it',
      { a: column(z.int().min(0).max(9), 'UInt8') },
      { a: column(z.int().min(0).max(999), 'UInt16') },
      ['+ a: maximum 9 → 999', '+ a: column UInt8 → UInt16'],
    ],
    [
      'a decimal has more digits',
      { a: decimal(9, 2) },
      { a: decimal(12, 2) },
      ['+ a: pattern …', '+ a: column Decimal(9, 2) → Decimal(12, 2)'],
    ],
    [
      'a field in a list of objects is new',
      { a: z.array(z.object({ x: z.int() })) },
      { a: z.array(z.object({ x: z.int(), y: z.int().optional() })) },
      ['+ a[].y: new'],
    ],
    ['a field is described anew', { a: z.string() }, { a: z.string().describe('what it is') }, ['+ a: described anew']],
    [
      'a nested field is optional now, in an object with a column of its own',
      { a: column(z.object({ b: z.int() }), 'JSON') },
      {
        a: column(z.object({ b: z.int().optional() }), 'JSON'),
      },
      ['+ a.b: optional now'],
    ],
    [
      'a column holds what it did and null',
      { id: z.string(), a: column(z.int(), 'Int32') },
      { id: z.string(), a: column(z.int(), 'Int32').nullish() },
      ['+ a: optional now', '+ a: may be null now'],
    ],
    ['a key may be of more texts', { id: z.enum(['x']) }, { id: z.enum(['x', 'y']) }, ['+ id: allows y too']],
    [
      'a key of texts is shorter or longer',
      { id: z.string().max(5) },
      { id: z.string().max(9) },
      ['+ id: maxLength 5 → 9'],
    ],
    ['a pattern is gone', { a: z.string().regex(/^a/) }, { a: z.string() }, ['+ a: pattern "^a" → none']],
    ['a number is any multiple', { a: z.number().multipleOf(5) }, { a: z.number() }, ['+ a: multipleOf 5 → none']],
    [
      'a number may be the bound',
      { a: z.number().gt(0).lt(9) },
      { a: z.number().gt(-1).lt(10) },
      ['+ a: exclusiveMinimum 0 → -1', '+ a: exclusiveMaximum 9 → 10'],
    ],
    [
      'a list is of other lengths',
      { a: z.array(z.int()).min(2).max(5) },
      { a: z.array(z.int()).min(1).max(6) },
      ['+ a: minItems 2 → 1', '+ a: maxItems 5 → 6'],
    ],
    [
      'a list has no bounds',
      { a: z.array(z.int()).min(2).max(5) },
      { a: z.array(z.int()) },
      ['+ a: minItems 2 → none', '+ a: maxItems 5 → none'],
    ],
    ['an element may be null', { a: z.array(z.int()) }, { a: z.array(z.int().nullable()) }, ['+ a[]: may be null now']],
    [
      'a value of a map may be null',
      { a: z.record(z.string(), z.int()) },
      { a: z.record(z.string(), z.int().nullable()) },
      ['+ a.*: may be null now'],
    ],
    [
      'a field of the objects of a map is new',
      { a: z.record(z.string(), z.object({})) },
      { a: z.record(z.string(), z.object({ b: z.int().optional() })) },
      ['+ a.*.b: new'],
    ],
    [
      'an object is described anew, deep inside',
      { a: z.object({ b: z.array(z.object({ c: z.int() })) }) },
      {
        a: z.object({ b: z.array(z.object({ c: z.int().describe('what it is') })) }),
      },
      ['+ a: described anew'],
    ],
    [
      'one of several types is described anew',
      { a: z.union([z.string(), z.object({ b: z.int() })]) },
      { a: z.union([z.string().describe('what it is'), z.object({ b: z.int().describe('a number') })]) },
      ['+ a: described anew'],
    ],
    [
      'a field called properties is described anew',
      { a: z.object({ properties: z.string() }) },
      {
        a: z.object({ properties: z.string().describe('what it is') }),
      },
      ['+ a: described anew'],
    ],
    ['a field called constructor is new', {}, { constructor: z.string().optional() }, ['+ constructor: new']],
    [
      'a field called title is new',
      { a: z.object({}) },
      { a: z.object({ title: z.string().optional() }) },
      ['+ a.title: new'],
    ],
  ]
  for (const [name, before, after, expected] of additive)
    test(name, () => assertShown(changes(before, after), expected))

  test('the order of fields and keys is no difference, and neither is the same schema', () => {
    assert.deepEqual(changes({ a: z.int(), b: z.string() }, { b: z.string(), a: z.int() }), [])
    const schema = wire({ a: z.enum(['x']).nullable(), b: epochMs() })
    const turned = JSON.parse(JSON.stringify(schema), (_, value) =>
      typeof value === 'object' && value !== null && !Array.isArray(value)
        ? Object.fromEntries(Object.entries(value).reverse())
        : value,
    ) as JsonSchema
    assert.deepEqual(schemaDifferences(schema, turned), [])
  })

  test('the order of allowed values is no difference, and that of a list of types is', () => {
    assert.deepEqual(changes({ a: z.enum(['x', 'y']) }, { a: z.enum(['y', 'x']) }), [])
    assert.deepEqual(
      changes({ a: z.tuple([z.string(), z.boolean()]) }, { a: z.tuple([z.boolean(), z.string()]) }).length,
      1,
    )
  })

  test('a schema that Headrace did not write is compared by its fields', () => {
    const own = wire({ a: z.int() }, { table: 'other' })
    const { 'x-headrace': _, ...foreign } = wire({ a: z.int() })
    assert.equal(annotationOf(foreign), null)
    assert.deepEqual(
      [schemaDifferences(foreign, own), schemaDifferences(own, foreign), schemaDifferences(foreign, foreign)],
      [[], [], []],
    )
    const wider = wire({ id: column(z.int(), 'Int64') }, { primaryKey: ['id'] })
    const { 'x-headrace': __, ...narrow } = wire({ id: column(z.int(), 'Int32') })
    assert.deepEqual(
      shown(schemaDifferences(narrow, wider)),
      ['! id: column Int32 → Int64'],
      'the key is that of the other',
    )
  })
})

describe('any two types of a field', () => {
  const object = z.object({ x: z.int(), y: z.string().optional() })
  const plain: z.ZodType[] = [
    ...[
      z.string(),
      z.string().max(3),
      z.string().regex(/^a/),
      z.enum(['a', 'b']),
      z.enum(['a']),
      z.literal('a'),
      z.uuid(),
      z.iso.date(),
    ],
    ...[
      z.iso.datetime(),
      column(z.string(), 'LowCardinality(String)'),
      decimal(9, 2),
      decimal(12, 2),
      decimal(9, 4),
      int64(),
    ],
    ...[
      z.int(),
      z.int32(),
      z.uint32(),
      z.int().min(0).max(9),
      column(z.int().min(0).max(255), 'UInt8'),
      column(z.int().max(9), 'Int16'),
    ],
    ...[
      column(z.int().min(0).max(256), 'UInt8'),
      column(z.int().min(0).max(256), 'UInt16'),
      z.literal([1, 2]),
      epochMs(),
      epochSeconds(),
    ],
    ...[z.number(), z.number().min(0), z.number().gt(0), z.number().multipleOf(0.5), z.boolean(), z.literal(true)],
    ...[z.unknown(), z.union([z.string(), z.int()]), z.null(), z.literal(['a', 1])],
    ...[
      object,
      object.extend({ z: z.int().optional() }),
      object.extend({ z: z.int() }),
      z.looseObject({ x: z.int() }),
      column(object, 'JSON'),
    ],
    ...[
      z.record(z.string(), z.int()),
      z.record(z.string(), z.int().nullable()),
      z.record(z.string(), z.unknown()),
      z.object({}),
    ],
    ...[
      z.array(z.int()),
      z.array(z.int().nullable()),
      z.array(z.int()).min(1),
      z.array(z.string()),
      z.array(object),
      z.tuple([z.string(), z.int()]),
    ],
  ]
  const pairs = () => {
    const types = [
      ...plain,
      ...plain.flatMap((type, index) => (index % 4 === 0 ? [type.nullable(), type.optional()] : [])),
    ]
    const schemas = types.map((a) => wire({ a }, {}, false))
    return schemas.flatMap((before) =>
      schemas.map((after) => ({ before, after, found: schemaDifferences(before, after) })),
    )
  }
  const words = ({ before, after }: { before: JsonSchema; after: JsonSchema }) =>
    `${JSON.stringify(before.properties)} → ${JSON.stringify(after.properties)}`
  const values: unknown[] = [
    ...[
      undefined,
      null,
      'a',
      'b',
      'abcd',
      '',
      '1.25',
      '123456789012',
      '12345678.12',
      '2026-01-01',
      '2026-01-01T00:00:00Z',
      true,
      false,
    ],
    ...[0, 1, 2, 9, 10, 255, 256, 300, -1, -32_768, 2 ** 31, 2 ** 32, 2 ** 53 - 1, 0.5, 1.25, -0.25],
    ...[
      {},
      { x: 1 },
      { x: null },
      { x: 'a' },
      { x: 1, y: 'a' },
      { x: 1, y: 'a', z: 1 },
      { x: 1, other: 1 },
      { a: 'b' },
    ],
    ...[[], [1], [null], ['a'], ['a', 1], [1, 1], [{ x: 1 }], [{ x: 1, z: 1 }]],
  ]

  test('differ only in what every record that was valid stays, and in a column that holds both, where the change fits', () => {
    const ajv = new Ajv({ strict: false, ownProperties: true, validateFormats: false })
    const column = ({ properties, required = [] }: JsonSchema) =>
      columnType('a', (properties as Record<string, JsonSchema>).a ?? {}, (required as string[]).includes('a'))
    for (const pair of pairs().filter(({ found }) => found.every(({ additive }) => additive))) {
      const { before, after } = pair
      const [was, is] = [ajv.compile(before), ajv.compile(after)]
      const records = values.map((a) => (a === undefined ? {} : { a }))
      const lost = records.find((record) => was(record) && !is(record))
      assert.ok(lost === undefined, `${JSON.stringify(lost)}: ${words(pair)}`)
      assert.ok(joined(column(before), column(after)) !== null, words(pair))
    }
  })

  test('show it where they are not the same', () => {
    for (const pair of pairs()) assert.ok((pair.found.length === 0) === (pair.before === pair.after), words(pair))
  })
})
