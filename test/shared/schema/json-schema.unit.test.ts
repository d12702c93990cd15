import assert from 'node:assert/strict'
import { describe, test } from 'node:test'
import { decimal, epochMs, epochSeconds, int64, z } from '#shared/index.ts'
import { annotationOf, type JsonSchema, propertyKind, typeOf } from '#shared/schema/json-schema.ts'
import { ANNOTATION, wire } from './orders-schema.ts'

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
    for (const type of [z.string(), z.int(), z.number(), z.boolean(), z.enum(['a']), z.literal(5)])
      assert.equal(kind(type)?.scalar, true)
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
