import assert from 'node:assert/strict'
import { describe, test } from 'node:test'
import fc from 'fast-check'
import { decimal, int64, z } from '#shared/index.ts'
import { unknownFields } from '../../../services/fetcher/validate/drift.ts'
import { asDeclaredBy } from '../../../services/fetcher/validate/fast-path.ts'
import { createValidator } from '../../../services/fetcher/validate/validate.ts'
import { testSeed } from '../../support/seed.ts'
import { declareOrders } from '../declared.ts'
import { schemasWithValues } from './random-schemas.ts'

const seed = testSeed()

describe('a record that is as declared', () => {
  test('of whatever schema and value, is one that zod gives back unchanged and that brings nothing unknown', () => {
    let told = 0
    let looked = 0
    const property = fc.property(schemasWithValues, ({ schema, value }) => {
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
