/** What is refused of a watermark that the request does not hold. */
import assert from 'node:assert/strict'
import { describe, test } from 'node:test'
import { compileSource } from '#shared/declaration/compile.ts'
import { none, windows, z } from '#shared/index.ts'

type Loose = Record<string, unknown>

function compiled(watermark: Loose, stream: Loose = {}) {
  const orders = {
    ...{ path: '/orders', schema: z.object({ id: z.string(), at: z.iso.datetime() }), primaryKey: ['id'] },
    ...{ paginate: none(), watermark: { field: 'at', ...watermark }, ...stream },
  }
  return compileSource({ name: 'shop', baseUrl: 'https://api.shop.example', streams: { orders } }, 'shop.ts')
}

const feed = { walk: 'newest-first' }
/** Name, watermark, stream, field, words of the message. */
const mistakes: [string, Loose, Loose, string, RegExp][] = [
  ['a walk of no known kind', { walk: 'newest' }, {}, 'watermark.walk', /expected newest-first or everything/],
  ['a place as well', { ...feed, param: 'since' }, {}, 'watermark.walk', /newest-first sends no watermark/],
  ['an end', { ...feed, to: 'until' }, {}, 'watermark.to', /there is no end/],
  ['exclusive', { walk: 'everything', exclusive: true }, {}, 'watermark.exclusive', /equal records always come again/],
  ['a form', { ...feed, as: 'iso' }, {}, 'watermark.as', /the request holds none/],
  ['the opposite order', { ...feed, sorted: true }, {}, 'watermark.sorted', /oldest first/],
  [
    'windows',
    { ...feed, start: '2026-01-01T00:00:00Z' },
    { paginate: windows({ to: 'until', size: '1d', pages: none() }) },
    'paginate',
    /windows request ranges/,
  ],
  ['a field of the envelope', feed, { envelope: { at: '/time' } }, 'watermark.field', /comes from envelope/],
]

describe('a watermark that is not asked for is refused with', () => {
  for (const [name, watermark, stream, field, words] of mistakes) {
    test(name, () => {
      assert.throws(
        () => compiled(watermark, stream),
        (error: Error) => {
          assert.ok(error.message.startsWith(`shop.ts, stream orders, field ${field}: `), error.message)
          assert.match(error.message, words)
          return true
        },
      )
    })
  }
})

test('a watermark that is not asked for may have a lookback, a start and a time to settle, and may be sorted where everything is walked', () => {
  compiled({ ...feed, lookback: '1h', settle: '1m', start: '2026-01-01T00:00:00Z' })
  compiled({ walk: 'everything', sorted: true })
  compiled({ ...feed, as: 'isoDate' }, { params: () => ({}) })
})
