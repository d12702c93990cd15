import assert from 'node:assert/strict'
import { describe, test } from 'node:test'
import { compileSource } from '#shared/declaration/compile.ts'
import { z } from '#shared/index.ts'
import { schemaDifferences } from '#shared/schema/compatibility.ts'
import { learnedIn, withColumns } from '#shared/schema/learned-columns.ts'
import { createValidator } from '../../../services/fetcher/validate/validate.ts'
import { declareOrders, order, orderSchema, STREAM } from '../declared.ts'

/** Every name that an object has from birth, but for `__proto__`. */
const INHERITED = Object.getOwnPropertyNames(Object.prototype).filter((name) => name !== '__proto__')

const shapeOf = (names: readonly string[], type: z.ZodType) => Object.fromEntries(names.map((name) => [name, type]))

describe('fields with the names of what every object inherits', () => {
  test('a record that lacks an optional one is accepted, and the field counts as absent', () => {
    const schema = orderSchema.extend(
      shapeOf(
        INHERITED.filter((name) => !name.startsWith('_')),
        z.string().optional(),
      ),
    )
    const { records, rejected, absent } = createValidator(declareOrders({ schema }))([order('a')])
    assert.deepEqual(rejected, [])
    assert.deepEqual(JSON.parse(records[0]?.payload ?? ''), order('a'))
    assert.ok(absent.has('constructor') && absent.has('toString') && absent.has('hasOwnProperty'))
  })

  test('a record that lacks a required one is refused, whatever type it has', () => {
    for (const type of [z.string(), z.any(), z.unknown(), z.json()]) {
      const { records, rejected } = createValidator(declareOrders({ schema: orderSchema.extend({ valueOf: type }) }))([
        order('a'),
      ])
      assert.equal(records.length, 0)
      assert.match(rejected[0]?.issues ?? '', /^valueOf: /)
    }
  })

  test('they keep their values, at the top, inside an object, in lists and in maps', () => {
    const inner = z.object({ toString: z.number(), constructor: z.string().optional() })
    const schema = orderSchema.extend({
      constructor: z.string(),
      isPrototypeOf: z.iso.date().optional(),
      inner,
      list: z.array(inner),
      map: z.record(z.string(), inner),
    })
    const raw = {
      ...order('a'),
      constructor: 'x',
      inner: { toString: 1 },
      list: [{ toString: 2, constructor: 'y' }],
      map: { valueOf: { toString: 3 } },
    }
    const { records, rejected, drift } = createValidator(declareOrders({ schema }))([JSON.parse(JSON.stringify(raw))])
    assert.deepEqual(rejected, [])
    assert.deepEqual(JSON.parse(records[0]?.payload ?? ''), raw)
    assert.equal(drift.size, 0)
  })

  test('unknown ones are kept as they came, __proto__ too', () => {
    const text = `{"id":"a","total":1,"updated_at":"2026-01-01T00:00:00Z","__proto__":{"a":[{"__proto__":"b"}]},"constructor":"c","toString":null}`
    const { records, drift } = createValidator(declareOrders())([JSON.parse(text)])
    assert.match(
      records[0]?.payload ?? '',
      /"_extra":\{"__proto__":\{"a":\[\{"__proto__":"b"\}\]\},"constructor":"c","toString":null\}/,
    )
    assert.deepEqual([...drift.keys()], ['__proto__', 'constructor', 'toString'])
  })

  test('one may be a key, a watermark or learned, and a key that is missing is a mistake', () => {
    const schema = z.object({ constructor: z.string(), valueOf: z.iso.datetime() })
    const stream = declareOrders({
      schema,
      primaryKey: ['constructor'],
      watermark: { field: 'valueOf', param: 'since' },
    })
    const { records } = createValidator(stream)([{ constructor: 'k', valueOf: '2026-01-01T00:00:00Z' }])
    assert.deepEqual([records[0]?.key, records[0]?.position], ['k', 1767225600000000000n])
    assert.throws(() => declareOrders({ primaryKey: ['constructor'] }), /"constructor" is not a field of the schema/)
  })

  test('adding them as optional fits what is registered, and learning them goes on', () => {
    const before = declareOrders().wireSchema
    const after = declareOrders({
      schema: orderSchema.extend(shapeOf(['constructor', 'toString', 'valueOf'], z.string().optional())),
    })
    assert.deepEqual(
      schemaDifferences(before, after.wireSchema).map(({ path, change, additive }) => `${path} ${change} ${additive}`),
      ['constructor new true', 'toString new true', 'valueOf new true'],
    )
    const learned = withColumns(
      before,
      new Map([
        ['hasOwnProperty', 'string'],
        ['colour', 'string'],
      ] as const),
    )
    assert.deepEqual([...learnedIn(learned).keys()], ['hasOwnProperty', 'colour'])
    assert.ok(schemaDifferences(before, learned).every(({ additive }) => additive))
  })

  test('a mistake in a stream, a parameter or an option of that name is told with no function for an example', () => {
    const compile = (streams: unknown) => () =>
      compileSource({ name: 'shop', baseUrl: 'http://127.0.0.1:1', streams }, 'shop.ts')
    assert.throws(
      compile({ constructor: 7 }),
      (error: Error & { hint?: string }) => !/function|native/.test(`${error.message} ${error.hint}`),
    )
    assert.throws(
      compile({ orders: { ...STREAM, toString: 1, params: { valueOf: [] } } }),
      (error: Error & { hint?: string }) => !/native/.test(`${error.message} ${error.hint}`),
    )
  })
})
