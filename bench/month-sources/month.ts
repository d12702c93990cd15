/** The streams of the month, as a folder of declarations. Every fourth one makes columns of fields that it learns. */
import { environment } from '#shared/config/config.ts'
import { cursor, defineSource, oauth2ClientCredentials, secret, z } from '#shared/index.ts'
import { STREAMS } from '../month/api.ts'

const { BENCH_API_URL = 'http://127.0.0.1:9', BENCH_MONTH_EVERY_MS = '1000' } = environment
const COLUMNS_EVERY = 4
/** Half of what the API sends as too large. */
const BODY_BYTES_MAX = 50_000

const stream = (index: number) => ({
  path: `/s${index}`,
  paginate: cursor({ next: '/next', param: 'cursor' }),
  records: '/data',
  schema: z.object({
    id: z.string(),
    n: z.int(),
    amount: z.number(),
    note: z.string(),
    updated_at: z.iso.datetime({ offset: true }),
  }),
  primaryKey: ['id' as const],
  watermark: { field: 'updated_at', param: 'since', sorted: true, lookback: '10m' } as const,
  unknownFields: index % COLUMNS_EVERY === 0 ? ('columns' as const) : ('keep' as const),
  every: `${BENCH_MONTH_EVERY_MS}ms`,
})

export default defineSource({
  name: 'month',
  baseUrl: BENCH_API_URL,
  auth: oauth2ClientCredentials({
    tokenUrl: '/token',
    clientId: secret('MONTH_ID'),
    clientSecret: secret('MONTH_SECRET'),
  }),
  quota: { requests: 400, per: '1s' },
  timeout: '3s',
  bodyBytesMax: BODY_BYTES_MAX,
  streams: Object.fromEntries(Array.from({ length: STREAMS }, (_, index) => [`s${index}`, stream(index)])),
})
