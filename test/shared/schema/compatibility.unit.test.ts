/**
 * Changes of a declared schema that break records, readers or tables. One that is taken for fitting and is not stops
 * the loader or loses values; one that is not seen is never registered.
 */
import assert from 'node:assert/strict'
import { describe, test } from 'node:test'
import { column, decimal, epochMs, epochSeconds, z } from '#shared/index.ts'
import { schemaDifferences } from '#shared/schema/compatibility.ts'
import type { JsonSchema } from '#shared/schema/json-schema.ts'
import { assertShown, type Case, changes, shown } from './differences.ts'
import { wire } from './orders-schema.ts'

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
