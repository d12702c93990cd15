import assert from 'node:assert/strict'
import { describe, test } from 'node:test'
import fc from 'fast-check'
import { asDeclaredBy } from '../../services/fetcher/as-declared.ts'
import { unknownFields } from '../../services/fetcher/drift.ts'
import { column, decimal, epochMs, epochSeconds, int64, z } from '../../shared/index.ts'
import { testSeed } from '../support/seed.ts'

const seed = testSeed()

/** Types that an author may declare, and a few values of each that fit, nearly fit, or come out changed. */
const scalars: readonly (readonly [type: z.ZodType, values: readonly unknown[]])[] = [
  [z.string(), ['', 'a']],
  [z.string().min(2), ['ab', 'a']],
  [z.string().trim(), ['a', ' a ']],
  [z.string().refine((text) => text !== 'no'), ['yes', 'no']],
  [column(z.string(), 'LowCardinality(String)'), ['a', 1]],
  [z.coerce.string(), ['a', 1]],
  [z.string().regex(/^a+$/), ['aa', 'ab']],
  [z.string().regex(/a/g), ['aa', 'b']],
  [z.string().regex(/^a/).regex(/b$/), ['ab', 'a', 'b']],
  [z.coerce.string().regex(/^1/), ['1', 1, '2']],
  [z.email(), ['a@b.example', 'a']],
  [z.uuid(), ['2f1f3e6c-3f0e-4c9a-8a5e-0d5f1f1f1f1f', 'a']],
  [z.enum(['open', 'paid']), ['open', 'sent']],
  [z.enum({ One: 1, Two: 2 }), [1, 3, 'One']],
  [z.literal(['a', 7, null]), ['a', 7, null, 'b']],
  [z.number(), [0, -0, 1.5, Number.POSITIVE_INFINITY, Number.NaN, '1']],
  [z.number().max(5), [5, 6]],
  [z.coerce.number(), [1, '1']],
  [z.int(), [1, 1.5, 2 ** 53]],
  [z.int32(), [1, 2 ** 31]],
  [z.int().positive(), [1, 0]],
  [z.boolean(), [true, 0]],
  [z.boolean().refine((value) => value), [true, false]],
  [z.enum(['open', 'paid']).refine((value) => value !== 'paid'), ['open', 'paid']],
  [decimal(10, 2).refine((text) => text !== '0'), ['1', '0']],
  [z.null(), [null, 0]],
  [z.any(), [1, { deep: [{}] }]],
  [z.unknown(), [null, [1]]],
  [z.union([z.string(), z.int()]), ['a', 1, 1.5]],
  [z.string().default('none'), ['a', 'none']],
  [z.string().catch('caught'), ['a', 5]],
  [z.string().transform((text) => text.length), ['a']],
  [z.record(z.string(), z.int()), [{}, { a: 1 }]],
  [z.tuple([z.string(), z.int()]), [['a', 1], ['a']]],
  [z.union([z.object({ a: z.int() }), z.object({ b: z.int() })]), [{ a: 1 }, { b: 1 }, { a: 1, b: 1 }]],
  [decimal(10, 2), ['12.30', '12.345', 12.3]],
  [int64(), ['9223372036854775807', '9223372036854775808', 5]],
  [epochMs(), [1_767_225_600_000, 1.5]],
  [epochSeconds(), [1_767_225_600, -3_000_000_000]],
  [z.iso.date(), ['2026-01-31', '2026-02-31']],
  [z.iso.datetime(), ['2026-01-31T00:00:00Z', '2026-01-31T00:00:00.123Z', '2026-01-31T00:00:00+01:00', '2026-01-31 00:00:00Z']],
  [z.iso.datetime({ offset: true }), ['2026-02-28T23:59:59Z', '2026-02-30T00:00:00Z', '2026-01-01T00:00:00+01:00', '2026-01-01T24:00:00Z']],
  [z.iso.datetime({ precision: 0 }), ['2026-01-01T00:00:00Z', '2026-01-01T00:00:00.123Z']],
  [z.iso.datetime().max(20), ['2026-01-01T00:00:00Z', '2026-01-01T00:00:00.123Z']],
]

type Case = { type: z.ZodType; values: fc.Arbitrary<unknown> }

const wrapped = ({ type, values }: Case): fc.Arbitrary<Case> =>
  fc.constantFrom<Case>(
    ...Array<Case>(6).fill({ type, values }),
    { type: type.nullable(), values: fc.option(values) },
    { type: type.nullable().refine((value) => value !== null), values: fc.option(values) },
    { type: type.optional().refine((value) => value !== undefined), values: fc.option(values, { nil: undefined }) },
    { type: type.nullish(), values: fc.option(fc.option(values), { nil: undefined }) },
    { type: type.optional(), values: fc.option(values, { nil: undefined }) },
    { type: z.array(type), values: fc.array(values, { maxLength: 3 }) },
    { type: z.array(type).max(1), values: fc.array(values, { maxLength: 2 }) },
    { type: type.readonly(), values },
  )

const scalarCase: fc.Arbitrary<Case> = fc.constantFrom(...scalars).chain(([type, values]) => {
  const fits = { arbitrary: fc.constant(values[0]), weight: 20 }
  return wrapped({ type, values: fc.oneof(fits, { arbitrary: fc.constantFrom(...values), weight: 9 }, fc.jsonValue()) })
})

const names = fc.oneof(
  { arbitrary: fc.uniqueArray(fc.constantFrom('id', 'name', 'a b', 'deep'), { minLength: 1, maxLength: 3 }), weight: 9 },
  fc.constant(['id', 'constructor']),
)

/** An object's schema, and values of it: some without a field, some with one more. */
function objectCase(fields: fc.Arbitrary<Case>): fc.Arbitrary<Case> {
  return names.chain((keys) =>
    fc.tuple(fc.array(fields, { minLength: keys.length, maxLength: keys.length }), fc.constantFrom(...KINDS)).map(([cases, kind]) => {
      const shape = Object.fromEntries(keys.map((key, index) => [key, (cases[index] as Case).type]))
      const full = Object.fromEntries(keys.map((key, index) => [key, (cases[index] as Case).values]))
      const more = { ...full, more: fc.constantFrom(1, undefined) }
      const values = fc.oneof({ arbitrary: fc.record(full), weight: 9 }, fc.record(full, { requiredKeys: [] }), fc.record(more))
      return { type: kind(shape), values: fc.oneof({ arbitrary: values, weight: 20 }, values.map(asOther)) }
    }),
  )
}

type Shape = Record<string, z.ZodType>
const KINDS: readonly ((shape: Shape) => z.ZodObject)[] = [
  ...Array<(shape: Shape) => z.ZodObject>(16).fill((shape) => z.object(shape)),
  (shape) => z.strictObject(shape),
  (shape) => z.looseObject(shape),
  (shape) => z.object(shape).catchall(z.string()),
  (shape) => z.object(shape).refine((value) => Object.keys(value).length !== 2),
]

/** What no JSON parser returns, but an author's map might. */
const asOther = (value: object): object => Object.assign(Object.create({ inherited: 1, toJSON: () => 'other' }), value)

const records = objectCase(fc.oneof({ arbitrary: scalarCase, weight: 5 }, objectCase(scalarCase))).chain(({ type, values }) =>
  fc.record({ schema: fc.constant(type as z.ZodObject), value: values }),
)

describe('a record that is as declared', () => {
  test('of whatever schema and value, is one that zod gives back unchanged and that brings nothing unknown', () => {
    let told = 0
    let looked = 0
    const property = fc.property(records, ({ schema, value }) => {
      looked += 1
      if (asDeclaredBy(schema)?.(value) !== true) return
      told += 1
      const parsed = schema.safeParse(value)
      assert.ok(parsed.success, 'zod refuses it')
      assert.deepEqual(parsed.data, value)
      assert.deepEqual(JSON.parse(JSON.stringify(value)), JSON.parse(JSON.stringify(parsed.data)))
      assert.equal(
        unknownFields(value as object, parsed.data, () => assert.fail('drift was seen')),
        null,
      )
    })
    fc.assert(property, { seed, numRuns: 3000 })
    assert.ok(told > looked / 20, `only ${told} of ${looked} were told without zod: the test shows little`)
  })

  const schema = z.object({
    id: z.string(),
    total: decimal(10, 2),
    note: z.string().nullish(),
    tags: z.array(z.string()),
    at: z.iso.datetime({ offset: true }),
    to: z.object({ city: z.string(), express: z.boolean() }),
  })
  const usual = { id: 'a', total: '1.50', tags: ['x'], at: '2026-01-31T00:00:00.000Z', to: { city: 'Vik', express: false } }
  const told = asDeclaredBy(schema)

  test('is found by what most records are', () => {
    assert.equal(told?.(usual), true)
    assert.equal(told?.({ ...usual, note: null }), true)
  })

  const others: [string, object][] = [
    ['a field too many', { ...usual, more: 1 }],
    ['a field too many in the place of an optional one', { ...usual, note: undefined, more: 1 }],
    ['a field too many inside', { ...usual, to: { ...usual.to, more: 1 } }],
    ['a field too few', { ...usual, tags: undefined }],
    ['a number that becomes a text', { ...usual, total: 1.5 }],
    ['another form of an instant', { ...usual, at: '2026-01-31T00:00:00+01:00x' }],
  ]
  for (const [what, value] of others) test(`is left to zod with ${what}`, () => assert.equal(told?.(value), false))

  test('is left to zod where a missing field gets a value, or every object inherits one of that name', () => {
    assert.notEqual(asDeclaredBy(z.object({ a: z.string().default('none').optional() }))?.({}), true)
    assert.notEqual(asDeclaredBy(z.object({ a: z.string().default('none') }))?.({}), true)
    assert.notEqual(asDeclaredBy(z.object({ id: z.string(), constructor: z.any() }))?.({ id: 'a', more: 1 }), true)
  })
})
