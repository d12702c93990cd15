/** The records of the loader's part: ~245 bytes of JSON, nine columns of the usual types. */
import { compileSource, type Stream } from '#shared/declaration/compile.ts'
import { cursor, decimal, defineSource, z } from '#shared/index.ts'

const STATUSES = ['open', 'paid', 'sent', 'returned'] as const
const FIRST_MS = Date.UTC(2026, 0, 1)

const orderSchema = z.object({
  id: z.string(),
  customer: z.string(),
  status: z.enum(STATUSES),
  currency: z.string(),
  total: decimal(18, 2),
  items: z.int(),
  weight: z.number(),
  note: z.string().nullable(),
  updated_at: z.iso.datetime({ offset: true }),
})

export function ordersStream(): Stream {
  const declared = defineSource({
    name: 'bench',
    baseUrl: 'http://127.0.0.1:1',
    streams: {
      orders: {
        path: '/orders',
        paginate: cursor({ next: '/next', param: 'cursor' }),
        records: '/data',
        schema: orderSchema,
        primaryKey: ['id'],
        watermark: { field: 'updated_at', param: 'since', sorted: true },
      },
    },
  })
  return compileSource(declared.input, 'bench/orders.ts').streams[0] as Stream
}

export function orderOf(number: number): z.infer<typeof orderSchema> {
  return {
    id: `order-${String(number).padStart(10, '0')}`,
    customer: `customer-${String((number * 7919) % 50_000).padStart(6, '0')}`,
    status: STATUSES[number % STATUSES.length] ?? 'open',
    currency: number % 3 === 0 ? 'ISK' : 'EUR',
    total: `${100 + (number % 900)}.${String(number % 100).padStart(2, '0')}`,
    items: 1 + (number % 9),
    weight: 0.25 + (number % 40) / 8,
    note: number % 6 === 0 ? null : 'leave it with the neighbours at the blue door, please, and ring the bell twice',
    updated_at: new Date(FIRST_MS + number).toISOString(),
  }
}
