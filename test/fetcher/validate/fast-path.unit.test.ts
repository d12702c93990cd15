import assert from 'node:assert/strict'
import { describe, test } from 'node:test'
import fc from 'fast-check'
import { column, decimal, epochMs, epochSeconds, int64, z } from '#shared/index.ts'
import { unknownFields } from '../../../services/fetcher/validate/drift.ts'
import { asDeclaredBy } from '../../../services/fetcher/validate/fast-path.ts'
import { createValidator } from '../../../services/fetcher/validate/validate.ts'
import { testSeed } from '../../support/seed.ts'
import { declareOrders } from '../declared.ts'

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

const records = objectCase(fc.oneof({ arbitrary: scalarCase, weight: 5 }, objectCase(scalarCase))).chain(
  ({ type, values }) => fc.record({ schema: fc.constant(type as z.ZodObject), value: values }),
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
    fc.assert(property, { seed, numRuns: 2000 })
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
  const usual = {
    id: 'a',
    total: '1.50',
    tags: ['x'],
    at: '2026-01-31T00:00:00.000Z',
    to: { city: 'Vik', express: false },
  }
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

/** Types that are not as they seem: a record with the value comes out as the schema has it, never as it came. */
const CHANGED: readonly (readonly [name: string, type: z.ZodType, value: unknown, published: unknown])[] = [
  ['preprocess', z.preprocess((value) => String(value).trim(), z.string()), ' a ', 'a'],
  ['preprocess of what is missing', z.preprocess((value) => value ?? 'none', z.string()), undefined, 'none'],
  ['preprocess of an object', z.preprocess(() => ({ a: 2 }), z.object({ a: z.int() })), { a: 1 }, { a: 2 }],
  ['preprocess of a list', z.preprocess((list) => (list as number[]).toReversed(), z.array(z.int())), [1, 2], [2, 1]],
  ['preprocess inside a list', z.array(z.preprocess((value) => Number(value) + 1, z.int())), [1, 2], [2, 3]],
  [
    'preprocess inside an object',
    z.object({ a: z.preprocess((value) => Number(value) + 1, z.int()) }),
    { a: 1 },
    { a: 2 },
  ],
  [
    'preprocess that may be null',
    z.preprocess((value) => (value === '' ? null : value), z.string()).nullable(),
    'a',
    'a',
  ],
  ['preprocess to null', z.preprocess((value) => (value === '' ? null : value), z.string().nullable()), '', null],
  ['preprocess of a boolean', z.preprocess((value) => !value, z.boolean()), true, false],
  ['preprocess to a text', z.preprocess(String, z.enum(['a', '7'])), 7, '7'],
  [
    'transform and pipe',
    z
      .string()
      .transform((text) => `${text}!`)
      .pipe(z.string()),
    'a',
    'a!',
  ],
  [
    'transform of a number',
    z
      .int()
      .transform((number) => number * 2)
      .pipe(z.int()),
    1,
    2,
  ],
  ['overwrite', z.string().overwrite((text) => text.normalize()), 'e\u0301', '\u00e9'],
  ['overwrite of a number', z.number().overwrite((number) => Math.abs(number)), -1, 1],
  ['overwrite of a list', z.array(z.int()).overwrite((list) => list.toSorted()), [2, 1], [1, 2]],
  ['overwrite of an object', z.object({ a: z.int() }).overwrite(() => ({ a: 2 })), { a: 1 }, { a: 2 }],
  ['trim', z.string().trim(), ' a ', 'a'],
  ['trim behind a pattern', z.string().regex(/a/).trim(), ' a ', 'a'],
  ['upper case of an address', z.email().toUpperCase(), 'a@b.example', 'A@B.EXAMPLE'],
  [
    'upper case of an instant',
    z.iso.datetime({ offset: true }).overwrite((text) => text.replace('Z', '+00:00')),
    '2026-01-01T00:00:00Z',
    '2026-01-01T00:00:00+00:00',
  ],
  ['coercion', z.coerce.number(), '7', 7],
  ['coercion to a text', z.coerce.string(), 7, '7'],
  ['coercion of a boolean', z.coerce.boolean(), 1, true],
  ['default', z.string().default('none'), undefined, 'none'],
  ['default under optional', z.string().default('none').optional(), undefined, 'none'],
  ['prefault', z.string().prefault(' none ').pipe(z.string()), undefined, ' none '],
  ['catch', z.string().catch('caught'), 5, 'caught'],
  ['decimal', decimal(10, 2), 1.5, '1.5'],
  ['int64', int64(), 7, '7'],
  ['decimal in a list', z.array(decimal(10, 2)), [1.5, '2'], ['1.5', '2']],
]

/** What a rule refuses, though it is of the type. */
const REFUSED: readonly (readonly [name: string, type: z.ZodType, value: unknown])[] = [
  ['refinement of a text', z.string().refine((text) => text !== 'no'), 'no'],
  [
    'refinement behind a pattern',
    z
      .string()
      .regex(/o/)
      .refine((text) => text !== 'no'),
    'no',
  ],
  [
    'pattern behind a refinement',
    z
      .string()
      .refine((text) => text !== 'yes')
      .regex(/^y/),
    'no',
  ],
  ['two patterns', z.string().regex(/n/).regex(/y/), 'no'],
  ['refinement of an instant', z.iso.datetime().refine((text) => text > '2026-06'), '2026-01-01T00:00:00Z'],
  ['instant with too fine a fraction', z.iso.datetime({ precision: 0 }), '2026-01-01T00:00:00.123Z'],
  ['refinement of a number', z.number().refine((number) => number > 1), 1],
  ['refinement of a whole number', z.int().refine((number) => number > 1), 1],
  ['bound of a number', z.number().lt(5), 5],
  ['width of a whole number', z.int32(), 2 ** 31],
  ['no finite number', z.number(), Number.POSITIVE_INFINITY],
  ['refinement of a boolean', z.boolean().refine((value) => value), false],
  ['refinement of an enum', z.enum(['a', 'b']).refine((value) => value !== 'b'), 'b'],
  ['refinement of a list', z.array(z.int()).refine((list) => list.length > 1), [1]],
  ['least length of a list', z.array(z.int()).min(2), [1]],
  ['refinement of an object', z.object({ a: z.int() }).refine(({ a }) => a > 1), { a: 1 }],
  [
    'refinement of what may be null',
    z
      .string()
      .nullable()
      .refine((value) => value !== null),
    null,
  ],
  [
    'refinement behind preprocess',
    z.preprocess(
      (value) => value,
      z.string().refine((text) => text !== 'no'),
    ),
    'no',
  ],
  [
    'refinement of a preprocessed value',
    z.preprocess((value) => value, z.string()).refine((text) => text !== 'no'),
    'no',
  ],
  ['refinement of a decimal', decimal(10, 2).refine((text) => text !== '0'), '0'],
  ['digits of a decimal', decimal(10, 2), '1.234'],
  ['bits of an integer', int64(), '9223372036854775808'],
  ['inside an optional object', z.object({ a: z.string().refine((text) => text !== 'no') }).optional(), { a: 'no' }],
  ['member of an enum of numbers', z.enum({ One: 1, Two: 2 }), 'One'],
  ['undefined in a list', z.array(z.string().optional()), [null]],
]

describe('a record is published as its schema has it', () => {
  const judged = (type: z.ZodType, value: unknown) => {
    const schema = z.object({ id: z.string(), value: type })
    const raw = value === undefined ? { id: 'a' } : { id: 'a', value }
    return createValidator(declareOrders({ schema, watermark: undefined }))([raw])
  }
  for (const [name, type, value, published] of CHANGED) {
    test(name, () => {
      const { records, rejected } = judged(type, value)
      assert.deepEqual(rejected, [])
      assert.deepEqual(JSON.parse(records[0]?.payload ?? ''), { id: 'a', value: published })
    })
  }
  for (const [name, type, value] of REFUSED)
    test(`or not at all: ${name}`, () => assert.equal(judged(type, value).rejected.length, 1))

  test('a rule over the whole record is asked, too', () => {
    const schema = z.object({ id: z.string(), from: z.int(), to: z.int() }).refine(({ from, to }) => from <= to)
    const { records, rejected } = createValidator(declareOrders({ schema, watermark: undefined }))([
      { id: 'a', from: 1, to: 2 },
      { id: 'b', from: 2, to: 1 },
    ])
    assert.deepEqual([records.length, rejected.length], [1, 1])
  })
})

describe('what is told of a record without zod', () => {
  const told = (type: z.ZodType, value: unknown) =>
    asDeclaredBy(z.object({ value: type }))?.(value === undefined ? {} : { value })

  const surely: readonly (readonly [string, z.ZodType, unknown])[] = [
    ['text', z.string(), ''],
    ['text that would be coerced', z.coerce.string(), 'a'],
    ['text of a pattern', z.string().regex(/^a/), 'a'],
    ['text with a rule', z.string().min(1), 'a'],
    ['number', z.number(), 1.5],
    ['whole number', z.int(), 2 ** 53 - 1],
    ['whole number with a bound', z.int().min(1), 1],
    ['boolean', z.boolean(), false],
    ['enum', z.enum(['a', 'b']), 'b'],
    ['instant', z.iso.datetime(), '2026-01-01T00:00:00Z'],
    ['instant in another form', z.iso.datetime({ offset: true }), '2026-01-01T00:00:00+01:00'],
    ['decimal', decimal(10, 2), '1.50'],
    ['null', z.string().nullable(), null],
    ['list', z.array(z.int()), [1, 2]],
    ['empty list', z.array(z.int()), []],
    ['object', z.object({ a: z.int() }), { a: 1 }],
    ['empty object', z.object({}), {}],
    ['missing', z.string().optional(), undefined],
    ['missing or null', z.string().nullish(), undefined],
  ]
  for (const [name, type, value] of surely)
    test(`${name}: it is as declared`, () => assert.equal(told(type, value), true))

  const never: readonly (readonly [string, z.ZodType, unknown])[] = [
    ['text where a number is declared', z.number(), '1'],
    ['a number where a text is declared', z.string(), 1],
    ['not finite', z.number(), Number.NaN],
    ['a fraction where a whole number is declared', z.int(), 1.5],
    ['a number above the safe ones', z.int(), 2 ** 53],
    ['an undeclared member', z.enum(['a']), 'c'],
    ['an object where a list is declared', z.array(z.int()), { 0: 1, length: 1 }],
    ['a wrong element at the end', z.array(z.int()), [1, 'x']],
    ['a hole in a list', z.array(z.int().optional()), [undefined]],
    ['a list where an object is declared', z.object({}), []],
    ['null where an object is declared', z.object({ a: z.int().optional() }), null],
    ['a text where an object is declared', z.object({ a: z.int().optional() }), 'x'],
    ['missing', z.any(), undefined],
    ['null', z.string().optional(), null],
    ['a number as decimal', decimal(10, 2), 1.5],
    ['a day that no calendar has', z.iso.datetime(), '2026-02-30T00:00:00Z'],
  ]
  for (const [name, type, value] of never)
    test(`${name}: nothing is told`, () => assert.notEqual(told(type, value), true))
})
