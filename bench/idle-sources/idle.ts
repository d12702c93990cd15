/**
 * Many quiet streams, as a folder of declarations. BENCH_IDLE_STREAMS says how many, BENCH_IDLE_PARTITIONS how many
 * partitions each has. Their API is at BENCH_API_URL.
 */
import { defineSource, none, z } from '#shared/index.ts'

export const PARTITIONS_EACH = Number(process.env.BENCH_IDLE_PARTITIONS ?? 5)

const schema = z.object({ id: z.string(), updated_at: z.iso.datetime({ offset: true }) })
const stream = (name: string) => ({
  path: `/${name}`,
  paginate: none(),
  records: '/data',
  schema,
  primaryKey: ['id' as const],
  watermark: { field: 'updated_at', param: 'since', sorted: true } as const,
  partitions: Array.from({ length: PARTITIONS_EACH }, (_, part) => ({ part: String(part) })),
  every: '1h' as const,
})
const names = Array.from({ length: Number(process.env.BENCH_IDLE_STREAMS ?? 1) }, (_, index) => `s${index}`)

export default defineSource({
  name: 'idle',
  baseUrl: process.env.BENCH_API_URL ?? 'http://127.0.0.1:9',
  quota: { requests: 100_000, per: '1s' },
  streams: Object.fromEntries(names.map((name) => [name, stream(name)])),
})
