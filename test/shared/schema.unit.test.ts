import assert from 'node:assert/strict'
import { describe, test } from 'node:test'
import { differences, type SchemaDifference } from '../../shared/differences.ts'
import { column, decimal, epochMs, epochSeconds, int64, z } from '../../shared/index.ts'
import { annotationOf, type JsonSchema, propertyKind, type StreamAnnotation, typeOf, wireSchema } from '../../shared/schema.ts'

const ANNOTATION: StreamAnnotation = {
  v: 1,
  source: 'shop',
  stream: 'orders',
  table: 'shop_orders',
  primaryKey: ['id'],
  watermark: { field: 'at', kind: 'iso' },
  partitions: 1,
  shares: ['0 of 1'],
}

const wire = (shape: z.ZodRawShape, annotation: Partial<StreamAnnotation> = {}, keepUnknown = true): JsonSchema =>
  wireSchema({ schema: z.object(shape), keepUnknown, annotation: { ...ANNOTATION, ...annotation } })

/** As a person sees them: + fits what exists, ! breaks it. */
const shown = (found: SchemaDifference[]) => found.map(({ path, change, additive }) => `${additive ? '+' : '!'} ${path}: ${change}`)
const changes = (before: z.ZodRawShape, after: z.ZodRawShape) => shown(differences(wire(before), wire(after)))

describe('differences that break records, readers or tables', () => {
  const broken: [string, z.ZodRawShape, z.ZodRawShape, string[]][] = [
    ['a field is gone', { id: z.string(), a: z.int() }, { id: z.string() }, ['! a: gone']],
    [
      'a field is new and required',
      { id: z.string() },
      { id: z.string(), a: z.int() },
      ['! a: new and required: records published before lack it'],
    ],
    ['a field is required now', { a: z.int().optional() }, { a: z.int() }, ['! a: required now: records published before may lack it']],
    [
      'an object is optional now',
      { a: z.object({ x: z.int() }) },
      { a: z.object({ x: z.int() }).optional() },
      ['! a: optional now: its column cannot become one that may be empty'],
    ],
    [
      'an object is open now',
      { a: z.object({ x: z.int() }) },
      { a: z.looseObject({ x: z.int() }) },
      ['! a: additionalProperties false → {}'],
    ],
    [
      'a decimal has fewer digits',
      { a: decimal(12, 2) },
      { a: decimal(9, 2) },
      ['! a: pattern', '! a: column Decimal(12, 2) → Decimal(9, 2)'],
    ],
    ['an element is another', { a: z.array(z.int()) }, { a: z.array(z.string()) }, ['! a[]: integer → string']],
    ['a column of the key is wider', { id: column(z.int(), 'Int32') }, { id: column(z.int(), 'Int64') }, ['! id: column Int32 → Int64']],
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
    ['a type is wider', { a: z.string() }, { a: z.union([z.string(), z.number()]) }, ['! a: string → {"type":["string","number"]}']],
    ['a format is gone', { a: z.iso.datetime() }, { a: z.string() }, ['! a: format "date-time" → none', '+ a: pattern']],
    ['a value is no longer allowed', { a: z.enum(['x', 'y']) }, { a: z.enum(['x', 'z']) }, ['! a: no longer allows y']],
    ['a text is fixed to some values', { a: z.string() }, { a: z.enum(['x']) }, ['! a: enum none → ["x"]']],
    ['a rule is tighter', { a: z.string().max(9) }, { a: z.string().max(5) }, ['! a: maxLength 9 → 5']],
    [
      'a bound is looser than a fixed column',
      { a: column(z.int().max(255), 'UInt8') },
      { a: column(z.int().max(300), 'UInt8') },
      ['! a: maximum 255 → 300'],
    ],
    ['a nested field is gone', { a: z.object({ b: z.string(), c: z.int() }) }, { a: z.object({ b: z.string() }) }, ['! a.c: gone']],
    [
      'a nested field of an object that may be null',
      { a: z.object({ b: z.int() }).nullable() },
      { a: z.object({ b: z.string() }).nullable() },
      ['! a.b: integer → string'],
    ],
  ]
  for (const [name, before, after, expected] of broken) {
    test(name, () => {
      const found = changes(before, after)
      assert.equal(found.length, expected.length, found.join('\n'))
      for (const [index, words] of expected.entries()) assert.ok(found[index]?.startsWith(words), `${found[index]} is not ${words}`)
    })
  }

  test('another primary key, table or watermark', () => {
    const after = { primaryKey: ['id', 'line'], table: 'orders', watermark: null }
    assert.deepEqual(shown(differences(wire({ id: z.string() }), wire({ id: z.string() }, after))), [
      '! primaryKey: [id] → [id, line]: the identity of every row would change',
      '! table: shop_orders → orders',
      '! watermark: at (iso) → none',
    ])
  })

  test('unknown fields are no longer kept', () => {
    assert.deepEqual(shown(differences(wire({}), wire({}, {}, false))), ['! _extra: gone'])
  })
})

describe('differences that fit what exists', () => {
  const shares = (before: string[], after: string[]) =>
    shown(differences(wire({}, { shares: before, partitions: before.length }), wire({}, { shares: after, partitions: after.length })))

  test('other partitions, each said', () => {
    assert.deepEqual(shares(['eu', 'us'], ['us', 'asia']), ['+ partitions: 2 → 2', '+ partitions: gone: eu', '+ partitions: new: asia'])
    assert.deepEqual(shares(['eu', 'us'], ['us', 'eu']), ['+ partitions: 2 → 2'])
    assert.equal(
      shares(
        ['0 of 2', '1 of 2'],
        Array.from({ length: 40 }, (_, at) => `${at} of 40`),
      ).at(-1),
      '+ partitions: and 32 more',
    )
  })

  const additive: [string, z.ZodRawShape, z.ZodRawShape, string[]][] = [
    ['an optional field is new', { id: z.string() }, { id: z.string(), a: z.int().optional() }, ['+ a: new']],
    ['a nested optional field is new', { a: z.object({}) }, { a: z.object({ b: z.int().optional() }) }, ['+ a.b: new']],
    ['a value is allowed too', { a: z.enum(['x']) }, { a: z.enum(['x', 'y']) }, ['+ a: allows y too']],
    ['a value is allowed too, where null is', { a: z.enum(['x']).nullable() }, { a: z.enum(['x', 'y']).nullable() }, ['+ a: allows y too']],
    ['a rule is looser', { a: z.string().min(2).max(5) }, { a: z.string().max(9) }, ['+ a: minLength 2 → none', '+ a: maxLength 5 → 9']],
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
      ['+ a: pattern', '+ a: column Decimal(9, 2) → Decimal(12, 2)'],
    ],
    [
      'a field in a list of objects is new',
      { a: z.array(z.object({ x: z.int() })) },
      { a: z.array(z.object({ x: z.int(), y: z.int().optional() })) },
      ['+ a[].y: new'],
    ],
    ['a field is described anew', { a: z.string() }, { a: z.string().describe('what it is') }, ['+ a: described anew']],
    ['a field called title is new', { a: z.object({}) }, { a: z.object({ title: z.string().optional() }) }, ['+ a.title: new']],
  ]
  for (const [name, before, after, expected] of additive) {
    test(name, () => {
      const found = changes(before, after)
      assert.equal(found.length, expected.length, found.join('\n'))
      for (const [index, words] of expected.entries()) assert.ok(found[index]?.startsWith(words), `${found[index]} is not ${words}`)
    })
  }

  test('the order of fields and keys is no difference, and neither is the same schema', () => {
    assert.deepEqual(changes({ a: z.int(), b: z.string() }, { b: z.string(), a: z.int() }), [])
    const schema = wire({ a: z.enum(['x']).nullable(), b: epochMs() })
    const turned = JSON.parse(JSON.stringify(schema), (_, value) =>
      typeof value === 'object' && value !== null && !Array.isArray(value) ? Object.fromEntries(Object.entries(value).reverse()) : value,
    ) as JsonSchema
    assert.deepEqual(differences(schema, turned), [])
  })

  test('a schema that Headrace did not write is compared by its fields', () => {
    const { 'x-headrace': _, ...foreign } = wire({ a: z.int() })
    assert.equal(annotationOf(foreign), null)
    assert.deepEqual(shown(differences(foreign, wire({ a: z.int() }))), [])
  })
})

describe('the schema that is registered', () => {
  test('refuses names of the loader and types without a JSON form', () => {
    assert.throws(() => wire({ _id: z.string() }), /_id/)
    assert.throws(() => wire({ a: z.date() }))
    assert.throws(() => wire({ a: z.string().transform(Number) }))
  })

  test('is closed, carries its annotation, and has _extra only where unknown fields are kept', () => {
    const kept = wire({ id: z.string(), a: z.int().default(5) })
    assert.equal(kept.additionalProperties, false)
    assert.deepEqual(kept.required, ['id', 'a'])
    assert.deepEqual((kept.properties as JsonSchema)._extra, { type: 'object' })
    assert.deepEqual(annotationOf(kept), ANNOTATION)
    assert.equal(Object.hasOwn(wire({ id: z.string() }, {}, false).properties as JsonSchema, '_extra'), false)
  })
})

describe('what a field can serve as', () => {
  const kind = (type: z.ZodType) => propertyKind(z.object({ field: type }), 'field')

  test('no field, and a field without a JSON form, are nothing', () => {
    assert.equal(propertyKind(z.object({ a: z.string() }), 'b'), null)
    assert.equal(propertyKind(z.object({}), 'constructor'), null)
    assert.equal(kind(z.date()), null)
  })

  test('what may be missing or null gives no watermark', () => {
    for (const type of [z.int().nullable(), z.int().optional(), z.iso.datetime().nullish(), epochMs().nullable()]) {
      assert.deepEqual([kind(type)?.optional, kind(type)?.watermark], [true, null])
    }
  })

  test('a watermark follows from the type', () => {
    const kinds: [z.ZodType, string | null][] = [
      [z.iso.datetime({ offset: true }), 'iso'],
      [z.iso.date(), 'iso'],
      [epochMs(), 'epochMs'],
      [epochSeconds(), 'epochSeconds'],
      [z.int(), 'integer'],
      [int64(), 'integer'],
      [z.string(), 'text'],
      [z.number(), null],
      [z.boolean(), null],
      [decimal(9, 2), null],
      [z.array(z.string()), null],
      [z.union([z.string(), z.int()]), null],
    ]
    for (const [type, expected] of kinds) assert.equal(kind(type)?.watermark, expected)
  })

  test('a key is a text, a number or a boolean', () => {
    for (const type of [z.string(), z.int(), z.number(), z.boolean(), z.enum(['a']), z.literal(5)]) assert.equal(kind(type)?.scalar, true)
    for (const type of [z.object({}), z.array(z.int()), z.unknown(), z.union([z.string(), z.int()])])
      assert.equal(kind(type)?.scalar, false)
  })
})

describe('the one type of a property', () => {
  const of = (type: z.ZodType) => {
    const { type: name, nullable } = typeOf(z.toJSONSchema(type, { target: 'draft-7' }) as JsonSchema)
    return `${name}${nullable ? '?' : ''}`
  }
  test('null is taken out, and several types are json', () => {
    assert.deepEqual(
      [
        z.string(),
        z.string().nullable(),
        z.enum(['a', 'b']).nullable(),
        z.literal(['a', 1]),
        z.literal([1, 2]),
        z.union([z.string(), z.int()]),
        z.union([z.string(), z.int()]).nullable(),
        z.null(),
        z.unknown(),
        z.object({}).nullable(),
      ].map(of),
      ['string', 'string?', 'string?', 'json', 'number', 'json', 'json?', 'null?', 'json', 'object?'],
    )
  })
})
