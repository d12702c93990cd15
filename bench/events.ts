/**
 * The plain records of the bench. An event has ~360 bytes of JSON in 12 fields of the usual types, one of them nested.
 * Its schema is what an author would write, and each record is exactly as declared.
 */
import { compileSource, type Stream } from '#shared/declaration/compile.ts'
import { cursor, decimal, defineSource, setting, z } from '#shared/index.ts'
import { SECOND_MS } from '#shared/units.ts'
import { FIRST_MS, ID_HOLE, idOf, PAGE_RECORDS, type PageWriter, pageWriterOf, TIME_HOLE } from './pages.ts'

const STATUSES = ['open', 'paid', 'sent', 'returned'] as const
const CURRENCIES = ['EUR', 'ISK', 'USD'] as const

export const eventSchema = z.object({
  id: z.string(),
  customer: z.string(),
  status: z.enum(STATUSES),
  currency: z.enum(CURRENCIES),
  total: decimal(18, 2),
  items: z.int(),
  weight: z.number(),
  note: z.string().nullable(),
  tags: z.array(z.string()),
  shipping: z.object({ city: z.string(), postcode: z.string(), express: z.boolean() }),
  created_at: z.iso.datetime({ offset: true }),
  updated_at: z.iso.datetime({ offset: true }),
})

/** `events`: pages by cursor, sorted, asked for once. `feed`: what appears is asked for every `feedEveryMs`. */
export function benchSource(partitions: number, feedEveryMs = SECOND_MS) {
  const common = { schema: eventSchema, records: '/data', primaryKey: ['id' as const] }
  const watermark = { field: 'updated_at' as const, param: 'since', sorted: true }
  const paginate = cursor({ next: '/next', param: 'cursor' })
  return defineSource({
    name: 'bench',
    baseUrl: setting('BENCH_API_URL', 'http://127.0.0.1:1'),
    onDemand: true,
    streams: {
      events: {
        ...common,
        path: '/events',
        params: ({ partition }) => ({ share: partition }),
        paginate,
        watermark,
        partitions,
        every: '1h',
      },
      feed: { ...common, path: '/feed', paginate, watermark, every: `${feedEveryMs}ms` },
    },
  })
}

export function benchStream(name: 'events' | 'feed', partitions = 1): Stream {
  const stream = compileSource(benchSource(partitions).input, 'bench/events.ts').streams.find(
    (each) => each.name === name,
  )
  if (stream === undefined) throw new RangeError(name)
  return stream
}

export function eventOf(number: number, atMs: number) {
  const pick = <T>(from: readonly T[]): T => from[number % from.length] as T
  const at = new Date(atMs).toISOString()
  return {
    id: idOf(number),
    customer: `customer-${String((number * 7919) % 50_000).padStart(6, '0')}`,
    status: pick(STATUSES),
    currency: pick(CURRENCIES),
    total: `${100 + (number % 900)}.${String(number % 100).padStart(2, '0')}`,
    items: 1 + (number % 9),
    weight: 0.25 + (number % 40) / 8,
    note: number % 6 === 0 ? null : 'leave it with the neighbours at the blue door, please, and ring',
    tags: ['web', pick(['spring', 'summer', 'autumn', 'winter'])],
    shipping: {
      city: pick(['Reykjavik', 'Akureyri', 'Husavik']),
      postcode: String(10_000 + (number % 900)),
      express: number % 3 === 0,
    },
    created_at: at,
    updated_at: at,
  }
}

/** Pages of plain events. */
export const createPageWriter = (): PageWriter =>
  pageWriterOf(
    Array.from({ length: PAGE_RECORDS }, (_, index) => ({
      ...eventOf(index, FIRST_MS),
      id: ID_HOLE,
      created_at: TIME_HOLE,
      updated_at: TIME_HOLE,
    })),
  )
