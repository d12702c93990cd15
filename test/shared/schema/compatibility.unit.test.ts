/**
 * Which changes of a declared schema fit records, readers and tables that exist. One that is taken for fitting and is
 * not stops the loader or loses values; one that is not seen is never registered.
 */
import assert from 'node:assert/strict'
import { describe, test } from 'node:test'
import { Ajv } from 'ajv'
import { column, decimal, epochMs, epochSeconds, int64, z } from '#shared/index.ts'
import { joined } from '#shared/schema/column-types.ts'
import { columnType } from '#shared/schema/columns.ts'
import { type SchemaDifference, schemaDifferences } from '#shared/schema/compatibility.ts'
import { annotationOf, DELETES_DEFAULT, type JsonSchema, type StreamAnnotation } from '#shared/schema/json-schema.ts'
import { withColumns } from '#shared/schema/learned-columns.ts'
import { ANNOTATION, wire } from './orders-schema.ts'

/** As a person sees them: + fits what exists, ! breaks it. */
const shown = (found: SchemaDifference[]) =>
  found.map(({ path, change, additive }) => `${additive ? '+' : '!'} ${path}: ${change}`)
const changes = (before: z.ZodRawShape, after: z.ZodRawShape) => shown(schemaDifferences(wire(before), wire(after)))

/** Words that end in … open longer ones. */
function assertShown(found: string[], expected: readonly string[]): void {
  const cut = found.map((words, index) =>
    expected[index]?.endsWith('…') ? `${words.slice(0, expected[index].length - 1)}…` : words,
  )
  assert.deepEqual(cut, expected)
}

type Case = [name: string, before: z.ZodRawShape, after: z.ZodRawShape, expected: string[]]

describe('differences that break records, readers or tables', () => {
  const object = z.object({ x: z.int() })
  const broken: Case[] = [
    ['a field is gone', { id: z.string(), a: z.int() }, { id: z.string() }, ['! a: gone']],
    [
      'a field is new and required',
      { id: z.string() },
      { id: z.string(), a: z.int() },
      ['! a: new and required: records published before lack it'],
    ],
    [
      'a field is required now',
      { a: z.int().optional() },
      { a: z.int() },
      ['! a: required now: records published before may lack it'],
    ],
    [
      'an object is optional now',
      { a: object },
      { a: object.optional() },
      ['! a: optional now: its column cannot become one that may be empty'],
    ],
    [
      'an object may be null now',
      { a: object },
      { a: object.nullable() },
      ['! a: may be null now: its column cannot become one that may be empty'],
    ],
    [
      'an object is open now',
      { a: object },
      { a: z.looseObject({ x: z.int() }) },
      ['! a: additionalProperties false → {}'],
    ],
    [
      'an object is a map now',
      { a: object },
      { a: z.record(z.string(), z.int()) },
      [
        '! a: properties {"x":{"maximum":9007199254740991,"minimum":-9007199254740991,"type":"integer"}} → none',
        '! a: required ["x"] → none',
        '! a: additionalProperties false → {"maximum":9007199254740991,"minimum":-9007199254740991,"type":"integer"}',
        '! a: propertyNames none → {"type":"string"}',
      ],
    ],
    [
      'a map is an object now',
      { a: z.record(z.string(), z.int()) },
      { a: z.object({ x: z.int().optional() }) },
      [
        '! a: propertyNames {"type":"string"} → none',
        '! a: additionalProperties {"maximum":9007199254740991,"minimum":-9007199254740991,"type":"integer"} → false',
        '! a: properties none → {"x":{"maximum":9007199254740991,"minimum":-9007199254740991,"type":"integer"}}',
      ],
    ],
    [
      'an object gets a column of its own',
      { a: object },
      { a: column(object, 'JSON') },
      ['! a: column by type → JSON'],
    ],
    [
      'an object gets another column, and a field that would fit',
      { a: column(object, 'JSON') },
      { a: column(object.extend({ y: z.int().optional() }), 'String') },
      ['! a: column JSON → String', '+ a.y: new'],
    ],
    [
      'an object needs more of its fields',
      { a: object },
      { a: object.meta({ minProperties: 1 }) },
      ['! a: minProperties none → 1'],
    ],
    [
      'an object in a list gets a column of its own',
      { a: z.array(object) },
      { a: z.array(column(object, 'String')) },
      ['! a[]: column by type → String'],
    ],
    [
      'a value of a map is another',
      { a: z.record(z.string(), z.int()) },
      { a: z.record(z.string(), z.string()) },
      ['! a.*: integer → string'],
    ],
    [
      'a map holds anything now',
      { a: z.record(z.string(), z.int()) },
      { a: z.record(z.string(), z.unknown()) },
      ['! a.*: integer → {}'],
    ],
    [
      'an element of a fixed list is another',
      { a: z.tuple([z.string(), z.string()]) },
      { a: z.tuple([z.string(), z.boolean()]) },
      ['! a: items [{"type":"string"},{"type":"string"}] → [{"type":"string"},{"type":"boolean"}]'],
    ],
    [
      'a fixed list is one of any length',
      { a: z.tuple([z.string()]) },
      { a: z.array(z.string()) },
      [
        '! a: items [{"type":"string"}] → {"type":"string"}',
        '! a: additionalItems false → none',
        '+ a: minItems 1 → none',
        '+ a: maxItems 1 → none',
      ],
    ],
    [
      'a decimal has fewer digits',
      { a: decimal(12, 2) },
      { a: decimal(9, 2) },
      ['! a: pattern …', '! a: column Decimal(12, 2) → Decimal(9, 2)'],
    ],
    [
      'a decimal has more digits behind the point and as many in all',
      { a: decimal(9, 2) },
      { a: decimal(9, 4) },
      ['! a: pattern …', '! a: column Decimal(9, 2) → Decimal(9, 4)'],
    ],
    [
      'a decimal of the key has more digits',
      { id: decimal(9, 2) },
      { id: decimal(12, 2) },
      ['! id: pattern …', '! id: column Decimal(9, 2) → Decimal(12, 2)'],
    ],
    ['an element is another', { a: z.array(z.int()) }, { a: z.array(z.string()) }, ['! a[]: integer → string']],
    [
      'a column of the key is wider',
      { id: column(z.int(), 'Int32') },
      { id: column(z.int(), 'Int64') },
      ['! id: column Int32 → Int64'],
    ],
    [
      'a column is narrower',
      { a: column(z.int(), 'Int64') },
      { a: column(z.int(), 'Int32') },
      ['! a: column Int64 → Int32'],
    ],
    [
      'a column holds some of the values only',
      { a: column(z.int(), 'Int32') },
      { a: column(z.int(), 'UInt32') },
      ['! a: column Int32 → UInt32'],
    ],
    [
      'a column is of another kind',
      { a: column(z.int(), 'Int32') },
      { a: column(z.int(), 'String') },
      ['! a: column Int32 → String'],
    ],
    ['a column is chosen', { a: z.int() }, { a: column(z.int(), 'Int64') }, ['! a: column by type → Int64']],
    ['a column is no longer chosen', { a: column(z.int(), 'Int32') }, { a: z.int() }, ['! a: column Int32 → by type']],
    [
      'a column is no type',
      { a: column(z.int(), 'Int32') },
      { a: column(z.int(), "Int64') --") },
      ["! a: column Int32 → Int64') --"],
    ],
    [
      'a field of a column that is no type is optional now',
      { a: column(z.int(), "Int64') --") },
      { a: column(z.int(), "Int64') --").optional() },
      ['! a: optional now: its column cannot become one that may be empty'],
    ],
    [
      'a number is another instant',
      { a: epochMs().min(0).max(9) },
      { a: column(epochSeconds(), "DateTime64(3, 'UTC')").min(0).max(9) },
      ["! a: column DateTime64(3, 'UTC') → DateTime64(3, 'UTC')"],
    ],
    [
      'a wider column means another instant',
      { a: epochSeconds().min(0).max(9) },
      { a: epochMs().min(0).max(9) },
      ["! a: column DateTime64(0, 'UTC') → DateTime64(3, 'UTC')"],
    ],
    [
      'a bound is looser than the column that was chosen',
      { a: column(z.int().min(0).max(9), 'UInt8') },
      { a: column(z.int().min(0).max(999), 'UInt8') },
      ['! a: maximum 9 → 999'],
    ],
    [
      'a field is never null now',
      { a: z.string().nullable() },
      { a: z.string() },
      ['! a: never null now: records published before may be null'],
    ],
    ['a type is another', { a: z.int() }, { a: z.string() }, ['! a: integer → string']],
    [
      'a type is another, where null is',
      { a: z.int().nullable() },
      { a: z.string().nullable() },
      ['! a: integer or null → string or null'],
    ],
    [
      'a type is wider',
      { a: z.string() },
      { a: z.union([z.string(), z.number()]) },
      ['! a: string → {"type":["string","number"]}'],
    ],
    [
      'one of several types is another',
      { a: z.union([z.string(), z.number()]) },
      { a: z.union([z.string(), z.boolean()]) },
      ['! a: {"type":["string","number"]} → {"type":["string","boolean"]}'],
    ],
    [
      'a format is gone',
      { a: z.iso.datetime() },
      { a: z.string() },
      ['! a: format "date-time" → none', '+ a: pattern …'],
    ],
    ['a value is no longer allowed', { a: z.enum(['x', 'y']) }, { a: z.enum(['x', 'z']) }, ['! a: no longer allows y']],
    [
      'several values are no longer allowed',
      { a: z.enum(['x', 'y', 'z']) },
      { a: z.enum(['x']) },
      ['! a: no longer allows y, z'],
    ],
    ['a text is fixed to some values', { a: z.string() }, { a: z.enum(['x']) }, ['! a: enum none → ["x"]']],
    ['a text is no longer fixed', { a: z.enum(['x']) }, { a: z.string() }, ['! a: enum ["x"] → none']],
    ['a fixed value is another', { a: z.literal('x') }, { a: z.literal('y') }, ['! a: const "x" → "y"']],
    ['a rule is tighter', { a: z.string().max(9) }, { a: z.string().max(5) }, ['! a: maxLength 9 → 5']],
    ['a text has a pattern now', { a: z.string() }, { a: z.string().regex(/^a/) }, ['! a: pattern none → "^a"']],
    ['a number is a multiple now', { a: z.number() }, { a: z.number().multipleOf(5) }, ['! a: multipleOf none → 5']],
    [
      'a list has no doubles now',
      { a: z.array(z.int()) },
      { a: z.array(z.int()).meta({ uniqueItems: true }) },
      ['! a: uniqueItems none → true'],
    ],
    [
      'a bound is looser than a fixed column',
      { a: column(z.int().max(255), 'UInt8') },
      { a: column(z.int().max(300), 'UInt8') },
      ['! a: maximum 255 → 300'],
    ],
    [
      'a nested field is gone',
      { a: z.object({ b: z.string(), c: z.int() }) },
      { a: z.object({ b: z.string() }) },
      ['! a.c: gone'],
    ],
    [
      'a nested field is new and required',
      { a: object },
      { a: object.extend({ y: z.int() }) },
      ['! a.y: new and required: records published before lack it'],
    ],
    [
      'a nested field of an object that may be null',
      { a: z.object({ b: z.int() }).nullable() },
      { a: z.object({ b: z.string() }).nullable() },
      ['! a.b: integer → string'],
    ],
    ['a field called title is gone', { a: z.object({ title: z.string() }) }, { a: z.object({}) }, ['! a.title: gone']],
    ['a field called constructor is gone', { constructor: z.string() }, {}, ['! constructor: gone']],
  ]
  for (const [name, before, after, expected] of broken) test(name, () => assertShown(changes(before, after), expected))

  const bounds: [string, min: number, max: number, fits: boolean][] = [
    ['UInt8', 0, 255, true],
    ['UInt8', -1, 255, false],
    ['UInt8', 0, 256, false],
    ['UInt8', 1, 254, true],
    ['Int8', -128, 127, true],
    ['Int8', -129, 127, false],
    ['Int8', -128, 128, false],
    ['Nullable(Int16)', -32_768, 32_767, true],
    ['Nullable(Int16)', -32_769, 32_767, false],
    ['String', 2, 3, false],
  ]
  for (const [type, min, max, fits] of bounds) {
    test(`looser bounds from ${min} to ${max} ${fits ? 'fit' : 'do not fit'} a column ${type}`, () => {
      const before = { a: column(z.int().min(50).max(50), type) }
      const sign = fits ? '+' : '!'
      assert.deepEqual(changes(before, { a: column(z.int().min(min).max(max), type) }), [
        `${sign} a: minimum 50 → ${min}`,
        `${sign} a: maximum 50 → ${max}`,
      ])
    })
  }

  test('a number of any fraction between two whole ones fits a column as they do', () => {
    const of = (min: number, max: number) => ({ a: column(z.number().min(min).max(max), 'UInt8') })
    assert.deepEqual(changes(of(1, 1), of(-0.5, 255.5)), ['+ a: minimum 1 → -0.5', '+ a: maximum 1 → 255.5'])
    assert.deepEqual(changes(of(1, 1), of(-1.5, 255.5)), ['! a: minimum 1 → -1.5', '! a: maximum 1 → 255.5'])
  })

  test('a bound that is gone fits no integer column that was chosen', () => {
    const low = { type: 'integer', minimum: 0, 'x-headrace': { column: 'UInt8' } }
    const both = { ...low, maximum: 9 }
    const of = (a: JsonSchema) => ({ properties: { a } })
    assert.deepEqual(shown(schemaDifferences(of(both), of(low))), ['! a: maximum 9 → none'])
    const { minimum: _, ...high } = both
    assert.deepEqual(shown(schemaDifferences(of(both), of(high))), ['! a: minimum 0 → none'])
  })

  test('another primary key, table or watermark', () => {
    const after = { primaryKey: ['id', 'line'], table: 'orders', watermark: null }
    assert.deepEqual(shown(schemaDifferences(wire({ id: z.string() }), wire({ id: z.string() }, after))), [
      '! primaryKey: [id] → [id, line]: the identity of every row would change',
      '! table: shop_orders → orders',
      '! watermark: at (iso) → none',
    ])
  })

  for (const [was, is, words] of [
    [
      { primaryKey: ['id', 'line'] },
      { primaryKey: ['line', 'id'] },
      '! primaryKey: [id, line] → [line, id]: the identity of every row would change',
    ],
    [{ watermark: null }, {}, '! watermark: none → at (iso)'],
    [{}, { watermark: { field: 'at', kind: 'text' } }, '! watermark: at (iso) → at (text)'],
    [{}, { watermark: { field: 'seen', kind: 'iso' } }, '! watermark: at (iso) → seen (iso)'],
    [{}, { partitionBy: 'id' }, '! partitionBy: none → id: a table keeps the partitions that it was made with'],
    [{ partitionBy: 'id' }, {}, '! partitionBy: id → none: a table keeps the partitions that it was made with'],
    [
      { partitionBy: 'id' },
      { partitionBy: 'at' },
      '! partitionBy: id → at: a table keeps the partitions that it was made with',
    ],
    [{ partitionBy: 'id' }, { partitionBy: 'id' }, null],
  ] as [Partial<StreamAnnotation>, Partial<StreamAnnotation>, string | null][]) {
    test(`of the stream: ${words ?? 'the same partitionBy is none'}`, () =>
      assert.deepEqual(shown(schemaDifferences(wire({}, was), wire({}, is))), words === null ? [] : [words]))
  }

  test('a wider column of a field that was in the key, or comes into it', () => {
    const [narrow, wide] = [z.int32(), z.int()]
    const found = schemaDifferences(
      wire(
        { a: column(narrow, 'Int32'), b: column(narrow, 'Int32'), c: column(narrow, 'Int32') },
        { primaryKey: ['a'] },
      ),
      wire({ a: column(wide, 'Int64'), b: column(wide, 'Int64'), c: column(wide, 'Int64') }, { primaryKey: ['b'] }),
    )
    const columns = shown(found).filter((words) => words.includes(': column'))
    assert.deepEqual(columns, ['! a: column Int32 → Int64', '! b: column Int32 → Int64', '+ c: column Int32 → Int64'])
  })

  test('unknown fields are no longer kept', () => {
    assert.deepEqual(shown(schemaDifferences(wire({}), wire({}, {}, false))), ['! _extra: gone'])
  })

  test('unknown fields are kept, and their text is not any more', () => {
    const { _extra_text: _, ...properties } = wire({}).properties as JsonSchema
    assert.deepEqual(shown(schemaDifferences(wire({}), { ...wire({}), properties })), ['! _extra_text: gone'])
  })

  test('a field is gone that a schema had before anything was required', () => {
    assert.deepEqual(shown(schemaDifferences({ properties: { a: { type: 'string' } } }, {})), ['! a: gone'])
    assert.deepEqual(shown(schemaDifferences({}, { properties: { a: { type: 'string' } } })), ['+ a: new'])
    assert.deepEqual(schemaDifferences({}, {}), [])
  })
})

describe('differences that fit what exists', () => {
  const shares = (before: string[], after: string[]) =>
    shown(
      schemaDifferences(
        wire({}, { shares: before, partitions: before.length }),
        wire({}, { shares: after, partitions: after.length }),
      ),
    )

  test('the ten first of other partitions are said, and how many more there are', () => {
    const list = (from: number, count: number) => Array.from({ length: count }, (_, at) => `s${from + at}`)
    const words = (from: number, count: number) => list(from, count).map((share) => `+ partitions: new: ${share}`)
    assert.deepEqual(shares(['s0'], list(0, 11)), ['+ partitions: 1 → 11', ...words(1, 10)])
    assert.deepEqual(shares(['s0'], list(0, 12)), ['+ partitions: 1 → 12', ...words(1, 10), '+ partitions: and 1 more'])
  })

  test('partitions that begin anew, by what is registered after', () => {
    const startsFrom = { change: 1, watermarks: [null], log: { partition: 0, offset: 0 } }
    const again = { startsFrom: { ...startsFrom, change: 2 } }
    const of = (was: Partial<StreamAnnotation>, is: Partial<StreamAnnotation>) =>
      shown(schemaDifferences(wire({}, was), wire({}, is)))
    assert.deepEqual(of({ startsFrom }, again), ['+ partitions: begin anew'])
    assert.deepEqual(of({}, again), ['+ partitions: begin anew'])
    assert.deepEqual(of({ startsFrom }, { startsFrom }), [])
    // A declaration says nothing about it.
    assert.deepEqual(of({ startsFrom }, {}), [])
  })

  test('partitions that one of the two does not name', () => {
    const { shares: _, ...unnamed } = ANNOTATION
    const without = { ...wire({}), 'x-headrace': unnamed }
    const other = wire({}, { shares: ['eu', 'us'] })
    assert.deepEqual(
      [schemaDifferences(without, other), schemaDifferences(other, without), schemaDifferences(without, without)],
      [[], [], []],
    )
  })

  test('other bounds of what a complete walk may delete', () => {
    const deletes = DELETES_DEFAULT
    const of = (was: Partial<StreamAnnotation>, is: Partial<StreamAnnotation>) =>
      shown(schemaDifferences(wire({}, was), wire({}, is)))
    const usual = 'full-walk, shareMax 0.2, rowsMin 10'
    assert.deepEqual(of({}, { deletes }), [`+ deletes: none → ${usual}`])
    assert.deepEqual(of({ deletes }, {}), [`+ deletes: ${usual} → none`])
    assert.deepEqual(of({ deletes }, { deletes: { ...deletes, rowsMin: 11 } }), [
      `+ deletes: ${usual} → full-walk, shareMax 0.2, rowsMin 11`,
    ])
    assert.deepEqual(of({ deletes }, { deletes: { ...deletes, allowAll: true } }), [
      `+ deletes: ${usual} → ${usual}, allowAll`,
    ])
    assert.deepEqual(of({ deletes }, { deletes: { ...deletes } }), [])
  })

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

  test('other partitions, each said', () => {
    assert.deepEqual(shares(['eu', 'us'], ['us', 'asia']), [
      '+ partitions: 2 → 2',
      '+ partitions: gone: eu',
      '+ partitions: new: asia',
    ])
    assert.deepEqual(shares(['eu', 'us'], ['us', 'eu']), ['+ partitions: 2 → 2'])
    assert.equal(
      shares(
        ['0 of 2', '1 of 2'],
        Array.from({ length: 40 }, (_, at) => `${at} of 40`),
      ).at(-1),
      '+ partitions: and 32 more',
    )
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
