import assert from 'node:assert/strict'
import { describe, test } from 'node:test'
import fc from 'fast-check'
import { decimal, int64, z } from '#shared/index.ts'
import { unknownFields } from '../../../services/fetcher/validate/drift.ts'
import { fastReaderOf } from '../../../services/fetcher/validate/fast-read.ts'
import { testSeed } from '../../support/seed.ts'
import { schemasWithValues } from './random-schemas.ts'

const seed = testSeed()

function drift(value: unknown, known: unknown) {
  const seen: [string, string][] = []
  const extra = unknownFields(value as object, known as object, (path, type) => seen.push([path, type]))
  return { extra: JSON.stringify(extra), seen }
}

const NOTHING = { extra: 'null', seen: [] }

describe('a record that is read without zod', () => {
  test('of whatever schema and value, is what zod makes of it, with the same unknown fields', () => {
    let read = 0
    let looked = 0
    let more = 0
    const property = fc.property(schemasWithValues, ({ schema, value }) => {
      looked += 1
      const reader = fastReaderOf(schema)
      const data = reader?.read(value) ?? null
      if (reader === null || data === null) return
      read += 1
      const parsed = schema.safeParse(value)
      assert.ok(parsed.success, 'zod refuses it')
      // The order of the fields included: it is the text that is published.
      assert.equal(JSON.stringify(data), JSON.stringify(parsed.data))
      const byZod = drift(value, parsed.data)
      assert.deepEqual(reader.mayHaveMore() ? drift(value, data) : NOTHING, byZod)
      if (byZod.seen.length > 0) more += 1
    })
    fc.assert(property, { seed, numRuns: 4000 })
    assert.ok(read > looked / 8, `only ${read} of ${looked} were read without zod: the test shows little`)
    assert.ok(more > looked / 400, `only ${more} of ${looked} had unknown fields: the test shows little`)
  })

  const schema = z.object({
    id: z.string(),
    number: int64(),
    total: decimal(10, 2),
    note: z.string().nullish(),
    to: z.object({ city: z.string(), fee: decimal(10, 2).optional() }),
    lines: z.array(z.object({ sku: z.string(), price: decimal(10, 2) })),
  })
  const usual = { lines: [{ price: 1.5, sku: 'x' }], to: { city: 'Vik' }, id: 'a', number: 7, total: 1.5 }

  test('has its numbers as exact texts, in the order of the schema', () => {
    const reader = fastReaderOf(schema)
    const data = reader?.read({ ...usual, extra: 1, to: { city: 'Vik', far: true } })
    assert.equal(
      JSON.stringify(data),
      '{"id":"a","number":"7","total":"1.5","to":{"city":"Vik"},"lines":[{"sku":"x","price":"1.5"}]}',
    )
    assert.equal(reader?.mayHaveMore(), true)
    reader?.read(usual)
    assert.equal(reader?.mayHaveMore(), false)
  })

  for (const [what, value] of [
    ['a field too few', { ...usual, to: undefined }],
    ['a wrong value', { ...usual, id: 7 }],
    ['a decimal with too many digits', { ...usual, total: 1.234 }],
    ['an integer of more than 64 bits', { ...usual, number: '9223372036854775808' }],
    ['an undefined field, which zod tells from a missing one', { ...usual, note: undefined }],
    ['a prototype', Object.create(usual)],
    ['a hole in a list', { ...usual, lines: [undefined] }],
  ] as const)
    test(`is left to zod with ${what}`, () => assert.equal(fastReaderOf(schema)?.read(value), null))

  test('is left to zod where unknown fields are a matter of the schema', () => {
    for (const kind of [z.strictObject, z.looseObject] as const) {
      const reader = fastReaderOf(kind({ id: z.string(), total: decimal(10, 2) }))
      assert.deepEqual(reader?.read({ id: 'a', total: 1.5 }), { id: 'a', total: '1.5' })
      assert.equal(reader?.read({ id: 'a', total: 1.5, more: 1 }), null)
    }
    assert.equal(fastReaderOf(z.object({ id: z.string() }).refine(() => true)), null)
  })
})
