/**
 * The source of the realistic set, as its author writes it: a folder of declarations for services that run as processes
 * of their own. It imports the package alone, so an installed Headrace loads it too.
 */
import { cursor, decimal, defineSource, int64, setting, z } from 'headrace'

export const STATUSES = ['open', 'paid', 'sent', 'returned'] as const

const orderFields = {
  id: z.string(),
  number: int64(),
  customer: z.string(),
  status: z.enum(STATUSES),
  total: decimal(18, 2),
  tax: decimal(18, 4).nullable(),
  weight: z.number(),
  note: z.string().nullable(),
  coupon: z.string().optional(),
  shipping: z.object({
    city: z.string(),
    postcode: z.string(),
    place: z.object({ lat: z.number(), lon: z.number() }).nullable(),
  }),
  lines: z.array(z.object({ sku: z.string(), quantity: z.int(), price: decimal(18, 2) })),
  created_at: z.iso.datetime({ offset: true }),
  updated_at: z.iso.datetime({ offset: true }),
}
export const orderSchema = z.object(orderFields)

type Wrapped = { id: string; attributes: object }

export function realisticSource(partitions = 1) {
  const common = {
    ...{
      records: '/data',
      primaryKey: ['id' as const],
      params: ({ partition }: { partition: number }) => ({ share: partition }),
    },
    ...{ paginate: cursor({ next: '/next', param: 'cursor' }), every: '1h' as const },
    watermark: { field: 'updated_at' as const, param: 'since', sorted: true },
    partitions,
  }
  return defineSource({
    name: 'real',
    baseUrl: setting('BENCH_API_URL', 'http://127.0.0.1:1'),
    onDemand: true,
    streams: {
      orders: { ...common, path: '/orders', schema: orderSchema },
      enveloped: {
        ...common,
        path: '/enveloped',
        schema: z.object({ ...orderFields, account: z.string(), region: z.string() }),
        envelope: { account: '/account', region: '/region' },
      },
      mapped: {
        ...common,
        path: '/mapped',
        schema: orderSchema,
        map: (raw: unknown) => ({ id: (raw as Wrapped).id, ...(raw as Wrapped).attributes }),
      },
    },
  })
}

export default realisticSource()
