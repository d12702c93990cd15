/** Random schemas with values, for tests that compare what reads a record without zod with what zod makes of it. */
import fc from 'fast-check'
import { column, decimal, epochMs, epochSeconds, int64, z } from '#shared/index.ts'

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
  [z.string().regex(/a/y), ['a', 'ba']],
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
  [z.preprocess((value) => (typeof value === 'string' ? value.trim() : value), z.string()), ['a', ' a ']],
  [z.preprocess((value) => (value === 'none' ? null : value), z.string().nullable()), ['a', 'none', null]],
  [z.preprocess((value) => value, z.object({ a: z.int() })), [{ a: 1 }, { a: 1, b: 1 }]],
  [
    z
      .string()
      .transform((text) => text.length)
      .pipe(z.int()),
    ['a'],
  ],
  [z.string().pipe(z.enum(['a', 'b'])), ['a', 'c']],
  [z.string().toLowerCase(), ['a', 'A']],
  [z.string().overwrite((text) => `${text}!`), ['a']],
  [z.number().overwrite((number) => Math.abs(number)), [1, -1]],
  [
    z.array(z.int()).overwrite((list) => list.toSorted()),
    [
      [1, 2],
      [2, 1],
    ],
  ],
  [
    z.string().superRefine((text, { addIssue }) => {
      if (text === 'no') addIssue('no')
    }),
    ['yes', 'no'],
  ],
  [z.string().prefault('none'), ['a', 'none']],
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
  [
    z.iso.datetime(),
    ['2026-01-31T00:00:00Z', '2026-01-31T00:00:00.123Z', '2026-01-31T00:00:00+01:00', '2026-01-31 00:00:00Z'],
  ],
  [
    z.iso.datetime({ offset: true }),
    ['2026-02-28T23:59:59Z', '2026-02-30T00:00:00Z', '2026-01-01T00:00:00+01:00', '2026-01-01T24:00:00Z'],
  ],
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
    { type: decimal(10, 2).nullish(), values: fc.option(fc.constantFrom('1', 1.5, null), { nil: undefined }) },
    { type: z.array(type), values: fc.array(values, { maxLength: 3 }) },
    { type: z.array(type).max(1), values: fc.array(values, { maxLength: 2 }) },
    { type: type.refine((value) => value !== 'a' && value !== 1), values },
    { type: z.preprocess((value) => (value === 'a' || value === 1 ? null : value), type.nullable()), values },
    { type: type.readonly(), values },
  )

const scalarCase: fc.Arbitrary<Case> = fc.constantFrom(...scalars).chain(([type, values]) => {
  const fits = { arbitrary: fc.constant(values[0]), weight: 20 }
  return wrapped({ type, values: fc.oneof(fits, { arbitrary: fc.constantFrom(...values), weight: 9 }, fc.jsonValue()) })
})

const names = fc.oneof(
  {
    arbitrary: fc.uniqueArray(fc.constantFrom('id', 'name', 'a b', 'deep'), { minLength: 1, maxLength: 3 }),
    weight: 9,
  },
  fc.constant(['id', 'constructor']),
)

/** An object's schema, and values of it: some without a field, some with one more. */
function objectCase(fields: fc.Arbitrary<Case>): fc.Arbitrary<Case> {
  return names.chain((keys) =>
    fc
      .tuple(fc.array(fields, { minLength: keys.length, maxLength: keys.length }), fc.constantFrom(...KINDS))
      .map(([cases, kind]) => {
        const shape = Object.fromEntries(keys.map((key, index) => [key, (cases[index] as Case).type]))
        const full = Object.fromEntries(keys.map((key, index) => [key, (cases[index] as Case).values]))
        const more = { ...full, more: fc.constantFrom(1, undefined) }
        const values = fc.oneof(
          { arbitrary: fc.record(full), weight: 9 },
          fc.record(full, { requiredKeys: [] }),
          fc.record(more),
        )
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

/** Schemas of objects, each with a value that fits, nearly fits, or comes out changed. */
export const schemasWithValues = objectCase(
  fc.oneof({ arbitrary: scalarCase, weight: 5 }, objectCase(scalarCase)),
).chain(({ type, values }) => fc.record({ schema: fc.constant(type as z.ZodObject), value: values }))
