import assert from 'node:assert/strict'
import { test } from 'node:test'
import { describedFields } from '../../../../services/cli/init/guess/described-types.ts'
import { fieldsText } from '../../../../services/cli/init/guess/type-text.ts'

const described = (schema: Record<string, unknown>, ...records: Record<string, unknown>[]) =>
  fieldsText(describedFields(schema, records), '').replaceAll(/ *\/\/.*\n?/g, '')

test('values that are not as described precede the description, and say so', () => {
  const schema = { properties: { id: { type: 'integer' }, at: { type: 'string', format: 'date-time' } } }
  assert.equal(described(schema, { id: 'x1', at: 'soon' }), 'id: z.string(),at: z.string(),')
  assert.match(describedFields(schema, [{ id: 'x1', at: 'soon' }])[0]?.why ?? '', /which is not as described/)
})

test('a null that is not described, a missing field and a field that is not described are added', () => {
  const schema = { properties: { a: { type: 'string' }, b: { type: 'string' } }, required: ['a', 'b'] }
  assert.equal(
    described(schema, { a: null, b: 'x', c: 1 }, { a: 'y', c: 2 }),
    'a: z.string().nullable(),b: z.string().optional(),c: z.int(),',
  )
})

test('what the records do not show is taken from the description: other values, enums, fields, nulls', () => {
  const schema = {
    properties: {
      status: { type: 'string', enum: ['open', 'paid', 'void'] },
      total: { type: 'number' },
      note: { type: ['string', 'null'] },
      closed_at: { type: 'string', format: 'date-time' },
    },
  }
  assert.equal(
    described(schema, { status: 'open', total: 1, note: 'x' }),
    "status: z.enum(['open', 'paid', 'void']),total: z.number(),note: z.string().nullable()," +
      'closed_at: z.iso.datetime({ offset: true }).nullish(),',
  )
})

test('references, allOf, branches with null, lists, maps and objects', () => {
  const schema = {
    $defs: { money: { type: 'object', properties: { amount: { type: 'integer' } } } },
    allOf: [
      { properties: { id: { type: 'string', format: 'uuid' } } },
      { properties: { price: { $ref: '#/$defs/money' } } },
    ],
    properties: {
      discount: { anyOf: [{ $ref: '#/$defs/money' }, { type: 'null' }] },
      tags: { type: 'array', items: { type: 'string' } },
      counts: { type: 'object', additionalProperties: { type: 'integer' } },
      any: {},
    },
  }
  const id = 'bbe3b1ba-7a1c-4f0b-8d53-3f2f3a8b0c11'
  const text = described(schema, { id, price: { amount: 1 }, discount: null, tags: [], counts: { a: 1 }, any: 1 })
  assert.equal(
    text,
    'id: z.uuid(),price: z.looseObject({\n  amount: z.int(),}),\n' +
      'discount: z.nullable(\n  z.looseObject({\n    amount: z.int(),  }),\n),\n' +
      'tags: z.array(z.string()),counts: z.record(z.string(), z.int()),any: z.int(),',
  )
})

test('a schema that refers to itself ends', () => {
  const schema = {
    $defs: { node: { type: 'object', properties: { child: { $ref: '#/$defs/node' } } } },
    $ref: '#/$defs/node',
  }
  assert.match(described(schema, { child: { child: {} } }), /^child: z\.looseObject/)
  assert.equal(described({ $defs: { a: { $ref: '#/$defs/a' } }, $ref: '#/$defs/a' }, { x: true }), 'x: z.boolean(),')
})
