/** A declaration without a mistake, and the tests of a table of mistakes that are put into it. */
import assert from 'node:assert/strict'
import { describe, test } from 'node:test'
import { compileSource } from '#shared/declaration/compile.ts'
import { DeclarationError } from '#shared/errors.ts'
import { cursor, decimal, z } from '#shared/index.ts'

export type Loose = Record<string, unknown>

export const SCHEMA = z.object({
  id: z.string(),
  sequence: z.int(),
  total: decimal(18, 2),
  note: z.string().nullable(),
  paid: z.boolean(),
  address: z.object({ city: z.string() }),
  updated_at: z.iso.datetime({ offset: true }),
})

/** A declaration without a mistake, for a test to put one into. */
export function declared(stream: Loose = {}, source: Loose = {}): Loose {
  const orders = {
    path: '/v1/orders',
    params: { limit: 500 },
    paginate: cursor({ next: '/meta/next', param: 'cursor' }),
    records: '/data',
    schema: SCHEMA,
    primaryKey: ['id'],
    watermark: { field: 'updated_at', param: 'since', lookback: '1m', sorted: true },
    ...stream,
  }
  return { name: 'shop', baseUrl: 'https://api.shop.example', streams: { orders: without(orders) }, ...source }
}

/** A field that is set to undefined is taken away. */
export const without = (fields: Loose): Loose =>
  Object.fromEntries(Object.entries(fields).filter(([, value]) => value !== undefined))

export function mistakeIn(input: unknown): DeclarationError {
  try {
    compileSource(input, 'sources/shop.ts')
  } catch (error) {
    assert.ok(error instanceof DeclarationError, String(error))
    assert.equal(error.code, 'HR_DECLARATION')
    return error
  }
  throw new Error('the declaration was accepted')
}

export const HUNTER = 'hunter2-plain-secret'
export const watermark = (change: Loose) => ({ watermark: { field: 'updated_at', param: 'since', ...change } })

/** Name, what is wrong with the stream, field, words of the message, words of the hint. */
export type Mistakes = readonly [name: string, change: Loose, field: string, words: RegExp, hint: RegExp][]

/** Each mistake of a stream is a test; their messages differ. */
export function testStreamMistakes(mistakes: Mistakes, distinctMin: number): void {
  describe('a stream with a mistake is refused with file, stream, field and a hint:', () => {
    testMistakes(mistakes, (change) => declared(change), 'sources/shop.ts, stream orders, field', distinctMin)
  })
}

/** The same for fields of the source. */
export function testSourceMistakes(mistakes: Mistakes, distinctMin: number): void {
  describe('a source with a mistake is refused with file, field and a hint:', () => {
    testMistakes(mistakes, (change) => without(declared({}, change)), 'sources/shop.ts, field', distinctMin)
  })
}

function testMistakes(mistakes: Mistakes, input: (change: Loose) => Loose, where: string, distinctMin: number): void {
  for (const [name, change, field, words, hint] of mistakes) {
    test(name, () => {
      const error = mistakeIn(input(change))
      assert.ok(error.message.startsWith(`${where} ${field}: `), error.message)
      assert.match(error.message, words)
      assert.match(error.hint ?? '', hint)
      assert.ok(!`${error.message}${error.hint}`.includes(HUNTER))
    })
  }
  test('each in words of its own', () => {
    const messages = new Set(mistakes.map(([, change]) => mistakeIn(input(change)).message))
    assert.ok(messages.size >= distinctMin, `${messages.size} of ${mistakes.length}`)
  })
}
