import assert from 'node:assert/strict'
import { describe, test } from 'node:test'
import fc from 'fast-check'
import { z } from 'zod'
import { createProblems } from '../../../../services/cli/init/openapi/problems.ts'
import { FIELDS_MAX, readShape, VALUES_CHARS_MAX } from '../../../../services/cli/init/openapi/read-shape.ts'
import { resolverOf } from '../../../../services/cli/init/openapi/references.ts'
import { schemaOf } from '../../../../services/cli/init/openapi/shape-schema.ts'

function read(schema: unknown, schemas: object = {}) {
  const problems = createProblems()
  const resolve = resolverOf({ components: { schemas } }, problems)
  return schemaOf(readShape(schema, { resolve, problems }))
}
const ref = (name: string) => ({ $ref: `#/components/schemas/${name}` })
const object = (properties: object, required?: string[]) => ({
  type: 'object',
  properties,
  ...(required && { required }),
})
const text = { type: 'string' }
const whole = { type: 'integer' }

describe('a schema of a document, without references', () => {
  test('allOf is one object: all fields, required where any part says so', () => {
    const schema = { allOf: [ref('Base'), object({ b: whole, a: { maxLength: 3 } }), { required: ['b'] }] }
    assert.deepEqual(read(schema, { Base: object({ a: text }, ['a']) }), object({ a: text, b: whole }, ['a', 'b']))
  })

  test('what stands beside a reference counts as well', () => {
    assert.deepEqual(read(object({ a: { $ref: '#/components/schemas/T', description: 'of a' } }), { T: text }), {
      type: 'object',
      properties: { a: { type: 'string', description: 'of a' } },
    })
  })

  test('objects of oneOf and anyOf are one looser object, with a remark', () => {
    const schema = {
      oneOf: [object({ id: text, card: text }, ['id', 'card']), object({ id: text, iban: text }, ['id', 'iban'])],
    }
    assert.deepEqual(read(schema), {
      ...object({ id: text, card: text, iban: text }, ['id']),
      description: 'one of 2 shapes',
    })
    const beside = { ...object({ kind: text }, ['kind']), anyOf: schema.oneOf }
    assert.deepEqual(read(beside), object({ kind: text, id: text, card: text, iban: text }, ['kind', 'id']))
  })

  test('scalars of several types stay apart, up to a bound', () => {
    assert.deepEqual(read({ anyOf: [text, whole] }), { anyOf: [text, whole] })
    assert.deepEqual(read({ type: ['string', 'integer', 'null'] }), { anyOf: [text, whole, { type: 'null' }] })
    assert.deepEqual(read({ oneOf: [{ type: 'number' }, whole] }), { type: 'number' })
    assert.deepEqual(read({ oneOf: [text, {}] }), {})
    const many = [text, { type: 'boolean' }, whole, { type: 'array', items: text }, object({})]
    assert.deepEqual(read({ oneOf: many }), {})
  })

  test('null is said in every way that documents have', () => {
    const nullable = { type: ['string', 'null'] }
    for (const schema of [
      nullable,
      { type: 'string', nullable: true },
      { type: 'string', 'x-nullable': true },
      { anyOf: [text, { type: 'null' }] },
      { oneOf: [{ type: 'null' }, text] },
      { nullable: true, allOf: [text] },
      { anyOf: [ref('T'), { type: 'null' }] },
    ])
      assert.deepEqual(read(schema, { T: text }), nullable, JSON.stringify(schema))
    assert.deepEqual(read({ enum: ['a', null] }), { type: ['string', 'null'], enum: ['a', null] })
  })

  test('listed values are kept for texts, if they are few', () => {
    assert.deepEqual(read({ enum: ['a', 'b', 'a'] }), { type: 'string', enum: ['a', 'b'] })
    assert.deepEqual(read({ const: 'order' }), { type: 'string', enum: ['order'] })
    assert.deepEqual(read({ type: 'integer', enum: [1, 2] }), whole)
    const long = 'v'.repeat(VALUES_CHARS_MAX)
    assert.deepEqual(read({ type: 'string', enum: [long] }), { type: 'string', enum: [long] })
    assert.deepEqual(read({ type: 'string', enum: [`${long}v`] }), text)
    assert.deepEqual(read({ oneOf: [{ const: 'a' }, { const: 'b' }] }), { type: 'string', enum: ['a', 'b'] })
    assert.deepEqual(read({ anyOf: [{ enum: ['a'] }, text] }), text)
  })

  test('maps, lists and types that follow from keywords', () => {
    assert.deepEqual(read({ additionalProperties: whole }), { type: 'object', additionalProperties: whole })
    assert.deepEqual(read({ items: text }), { type: 'array', items: text })
    assert.deepEqual(read({ type: 'array', prefixItems: [text, whole] }), {
      type: 'array',
      items: { anyOf: [text, whole] },
    })
    assert.deepEqual(read({ properties: { a: true } }), object({ a: {} }))
    assert.deepEqual(read({ type: 'object', additionalProperties: true }), object({}))
  })

  test('what a response never has, and rules that lose records, are not kept', () => {
    const schema = object({ password: { ...text, writeOnly: true }, code: { ...text, pattern: '^a', maxLength: 2 } })
    assert.deepEqual(read(schema), object({ code: text }))
  })
})

describe('bounds', () => {
  test('a schema that contains itself ends at itself', () => {
    const Node = object({ name: text, parent: ref('Node'), children: { type: 'array', items: ref('Node') } })
    assert.deepEqual(read(ref('Node'), { Node }), {
      type: 'object',
      properties: {
        name: text,
        parent: { description: 'Node again' },
        children: { type: 'array', items: { description: 'Node again' } },
      },
    })
    assert.deepEqual(
      read(ref('A'), { A: { allOf: [ref('B')] }, B: { allOf: [ref('A'), object({ b: text })] } }),
      object({ b: text }),
    )
  })

  test('a record with too many fields loses its deepest objects first, never its own fields', () => {
    const wide = (of: unknown) =>
      object(Object.fromEntries(Array.from({ length: 12 }, (_, index) => [`f${index}`, of])))
    const schema = read(wide(wide(wide(text))))
    const top = Object.entries(schema.properties as object)
    assert.equal(top.length, 12)
    for (const [, field] of top) assert.deepEqual(Object.keys(field.properties).length, 12)
    assert.ok(JSON.stringify(schema).split('"type"').length < FIELDS_MAX + 2)
  })

  test('a schema that doubles with each level does not grow without end', () => {
    const schemas = Object.fromEntries(
      Array.from({ length: 60 }, (_, index) => [
        `S${index}`,
        { oneOf: [object({ a: ref(`S${index + 1}`) }), object({ b: ref(`S${index + 1}`) })] },
      ]),
    )
    assert.ok(JSON.stringify(read(ref('S0'), schemas)).length < 100_000)
  })
})

test('whatever a schema says, the result is a schema that zod takes', () => {
  const words = [
    'string',
    'integer',
    'number',
    'boolean',
    'object',
    'array',
    'null',
    'date',
    7,
    null,
    ['string', 'null'],
  ]
  const { schema } = fc.letrec<{ schema: unknown; tree: unknown }>((tie) => ({
    schema: fc.oneof({ maxDepth: 4 }, fc.constantFrom<unknown>({}, true, null, [], 'x', ref('A')), tie('tree')),
    tree: fc.record(
      {
        type: fc.constantFrom(...words),
        format: fc.constantFrom('date', 'uuid', 'x', 3),
        nullable: fc.boolean(),
        enum: fc.array(fc.constantFrom('a', 1, null, true)),
        properties: fc.dictionary(fc.constantFrom('a', 'b', '__proto__', 'constructor'), tie('schema')),
        required: fc.array(fc.constantFrom('a', 'b')),
        items: tie('schema'),
        additionalProperties: tie('schema'),
        allOf: fc.array(tie('schema'), { maxLength: 3 }),
        oneOf: fc.array(tie('schema'), { maxLength: 3 }),
        anyOf: fc.array(tie('schema'), { maxLength: 3 }),
      },
      { requiredKeys: [] },
    ),
  }))
  fc.assert(
    fc.property(schema, schema, (given, A) => {
      z.fromJSONSchema(read(given, { A }))
    }),
    { numRuns: 200 },
  )
})
