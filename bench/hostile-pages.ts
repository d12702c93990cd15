/**
 * Pages that are too much in one way each, and the source that declares their streams. Gzipped, as a hostile API would
 * send them.
 */
import { gzipSync } from 'node:zlib'
import { defineSource, none, setting, z } from '#shared/index.ts'

export const STEADY = 'steady'
export const STEADY_EVERY_MS = 1_000

const TINY_BYTES = 5_000_000
const HUGE_BYTES = 60_000_000
const GOOD_RECORDS = 600_000
const BOTH_BYTES_MAX = 256 * 1024 * 1024

const list = (member: string, count: number): string => `[${`${member},`.repeat(count - 1)}${member}]`

const good = (number: number): string =>
  `{"id":"o${number}","total":${number}.5,"name":"customer ${number}","updated_at":"2026-01-01T00:00:00Z"}`
const exact = (number: number): string => good(number).replace('.5', '.12345678901234567890')

/** Made when they are asked for, one at a time. */
export const HOSTILE_PAGES: Readonly<Record<string, () => string>> = {
  tiny_5mb: () => list('{}', TINY_BYTES / 3),
  tiny_60mb: () => list('{}', HUGE_BYTES / 3),
  nulls_60mb: () => list('null', HUGE_BYTES / 5),
  good_600k: () => `[${Array.from({ length: GOOD_RECORDS }, (_, number) => good(number)).join(',')}]`,
  exact_600k: () => `[${Array.from({ length: GOOD_RECORDS }, (_, number) => exact(number)).join(',')}]`,
}

export const hostilePage = (name: string): Buffer =>
  gzipSync(name === STEADY ? '[{"id":"s"}]' : (HOSTILE_PAGES[name]?.() ?? '[]'), { level: 1 })

const schema = z.object({
  id: z.string(),
  total: z.union([z.number(), z.string()]).optional(),
  name: z.string().optional(),
  updated_at: z.string().optional(),
})
const stream = (name: string, every: string) => ({
  path: `/${name}`,
  paginate: none(),
  records: '',
  schema,
  primaryKey: ['id' as const],
  every,
})

export const hostileSource = defineSource({
  name: 'hostile',
  baseUrl: setting('BENCH_API_URL', 'http://127.0.0.1:1'),
  quota: { requests: 1_000, per: '1s' },
  bodyBytesMax: BOTH_BYTES_MAX,
  streams: {
    [STEADY]: stream(STEADY, `${STEADY_EVERY_MS / 1000}s`),
    ...Object.fromEntries(Object.keys(HOSTILE_PAGES).map((name) => [name, stream(name, '1h')])),
  },
})
