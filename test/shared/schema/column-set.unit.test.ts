import assert from 'node:assert/strict'
import { describe, test } from 'node:test'
import { column, epochMs, z } from '#shared/index.ts'
import { COLUMNS_MAX } from '#shared/schema/column-set.ts'
import { columnTypeMistake } from '#shared/schema/column-text.ts'
import { compileStream } from '../../support/published.ts'

const declare = (shape: z.ZodRawShape, primaryKey = ['id']) =>
  compileStream({ schema: z.object({ id: z.string(), ...shape }), primaryKey, watermark: undefined as never })
const object = z.object({ q: z.int() })

const REFUSED: [string, z.ZodRawShape, RegExp, string[]?][] = [
  ['a path into an object beside it', { 'p.q': z.int(), p: object }, /schema\.p\.q: is a path into "p"/],
  ['a path into another part of it', { 'p.r': z.int(), p: object }, /is a path into "p"/],
  ['a path into an open object', { 'p.q': z.int(), p: z.looseObject({}) }, /is a path into "p"/],
  ['a path into a map', { 'p.keys': z.int(), p: z.record(z.string(), z.int()) }, /is a path into "p"/],
  ['a path into objects of a list', { 'p.q': z.array(z.int()), p: z.array(object) }, /is a path into "p"/],
  ['a deep path', { 'a.b.c': z.int(), 'a.b': object }, /is a path into "a\.b"/],
  ['arrays of one name before the dot', { 'p.q': z.array(z.int()), 'p.r': z.array(z.int()) }, /arrays of "p"/],
  ['a path inside an object', { o: z.object({ 'p.q': z.int(), p: object }) }, /schema\.o\.p\.q: is a path into "p"/],
  [
    'a path inside an object that may be missing',
    { o: z.object({ 'p.q': z.int(), p: z.int() }).nullish() },
    /is a path into "p"/,
  ],
  [
    'a path inside the objects of a list',
    { o: z.array(z.object({ 'p.q': z.int(), p: object })) },
    /is a path into "p"/,
  ],
  [
    'a path inside the values of a map',
    { o: z.record(z.string(), z.object({ 'p.q': z.int(), p: object })) },
    /is a path into "p"/,
  ],
  ['no name', { '': z.int() }, /a column needs a name/],
  ['a control character', { 'a\u001b[31m': z.int() }, /schema\.a\\u001b\[31m: its name has a control character/],
  ['a control character inside an object', { o: z.object({ 'a\nb': z.int() }) }, /control character/],
  ['half a character', { 'a\ud800': z.int() }, /not Unicode text/],
  [
    '__proto__ inside an object',
    { o: z.object({ ['__proto__']: z.int().optional(), b: z.int() }) },
    /schema\.o\.__proto__/,
  ],
  ['a name without an end', { ['x'.repeat(20_000)]: z.int() }, /more than 16384 bytes/],
  [
    'fields without an end',
    Object.fromEntries(Array.from({ length: COLUMNS_MAX + 1 }, (_, n) => [`f${n}`, z.int()])),
    /more than 5000 columns/,
  ],
  ['a quote in a key', { "a'b": z.string() }, /a quote, a parenthesis or a comma/, ["a'b"]],
  ['a key that may be null', { k: column(z.string(), 'Nullable(String)') }, /cannot be in a primary key/, ['k']],
  ['a key of JSON', { k: column(z.string(), 'JSON') }, /cannot be in a primary key/, ['k']],
  [
    'a quote that ends the type',
    { t: column(z.enum(["a'b"]), "Enum8('a'b' = 1)") },
    /is not a column type|is not a type/,
  ],
  ['a type that nobody knows', { t: column(z.string(), 'Strng') }, /names Strng/],
  ['more than a type', { t: column(z.string(), "String DEFAULT 'x'") }, /where a type is expected/],
  ['a type deep inside', { o: z.object({ t: z.array(column(z.string(), 'Enum8()')) }) }, /at least one text in Enum8/],
  ['a type that cannot be NULL', { t: column(z.unknown(), 'Point').optional() }, /makes Point Nullable/],
]

describe('a declaration whose table cannot exist is refused when it is loaded', () => {
  for (const [what, shape, message, primaryKey] of REFUSED)
    test(`for ${what}`, () => {
      assert.throws(() => declare(shape, primaryKey), { name: 'DeclarationError', message })
    })
})

describe('a column type', () => {
  const wrong = [
    ...[
      "Enum8('a'b' = 1)",
      "Enum8('a' = 1, 'a' = 2)",
      "Enum8('a' = 1, 'b' = 1)",
      "Enum8('a' = 200)",
      "Enum8('a' = 1, 'b')",
      'Enum8()',
    ],
    ...[
      'String)',
      'String, x',
      'String; DROP TABLE t',
      'String -- x',
      "String COMMENT 'x'",
      'Nullable(Array(String))',
      'Map(String)',
    ],
    ...[
      'Decimal(77, 2)',
      'Decimal(10, 11)',
      'Decimal64(19)',
      'FixedString(0)',
      'FixedString(257)',
      "DateTime64(3, 'Mars/Base')",
    ],
    ...[
      'DateTime64(10)',
      'LowCardinality(Int32)',
      'Map(Nullable(String), Int8)',
      'Variant(Int8, Int16)',
      'Tuple(a Int8, a Int8)',
    ],
    ...[
      'Nothing',
      'AggregateFunction(sum, Int64)',
      'int32',
      '',
      '(',
      "'",
      'Array()',
      `${'Array('.repeat(60)}String${')'.repeat(60)}`,
    ],
  ]
  for (const text of wrong) test(`is not ${text.slice(0, 40)}`, () => assert.notEqual(columnTypeMistake(text), null))
})

test('what ClickHouse can hold is declared: dots alone, quotes, words of SQL, escapes in a type, a field called null', () => {
  const stream = declare({
    ...{
      'p.q': z.int(),
      'p.r': z.string(),
      p: z.string(),
      'a`b': z.int(),
      "it's": z.int(),
      'a\\b': z.int(),
      select: z.int(),
      '%2E': z.int(),
    },
    ...{
      o: z.object({ null: z.int(), 'x y': z.int() }),
      status: column(z.enum(["a'b", 'c']), "Enum8('a\\'b' = 1, 'c' = 2)"),
    },
    ...{ at: column(epochMs(), 'Int64'), n: z.array(z.object({ 'a.b': z.int() })) },
  })
  assert.equal(stream.name, 'orders')
})
