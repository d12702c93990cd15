/** One stream of a source "shop", as most of these tests need it, and what they change about it. */
import { compileSource, type Source, type Stream } from '#shared/declaration/compile.ts'
import { cursor, z } from '#shared/index.ts'

export const orderSchema = z.object({ id: z.string(), total: z.number(), updated_at: z.iso.datetime({ offset: true }) })

export const STREAM = {
  path: '/orders',
  records: '/data',
  paginate: cursor({ next: '/next', param: 'cursor' }),
  schema: orderSchema,
  primaryKey: ['id'],
  watermark: { field: 'updated_at', param: 'since' },
}

export function declareShop(stream: Record<string, unknown> = {}, source: Record<string, unknown> = {}): Source {
  const input = {
    name: 'shop',
    baseUrl: 'http://127.0.0.1:1',
    ...source,
    streams: { orders: { ...STREAM, ...stream } },
  }
  return compileSource(input, 'shop.ts')
}

export function streamOf(source: Source): Stream {
  const [stream] = source.streams
  if (stream === undefined) throw new RangeError('no stream')
  return stream
}

export const declareOrders = (stream: Record<string, unknown> = {}): Stream => streamOf(declareShop(stream))

/** A valid order; the instant is `second` seconds into 2026. */
export const order = (id: string, second = 0, total = 1) => ({ id, total, updated_at: instant(second) })

export const instant = (second: number): string =>
  new Date(Date.UTC(2026, 0, 1) + second * 1000).toISOString().replace('.000Z', 'Z')
/** The same as a request asks for it. */
export const asksFrom = (second: number): string => new Date(Date.UTC(2026, 0, 1) + second * 1000).toISOString()
