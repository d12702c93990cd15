/** Files of any size, whose rows are made while they are sent, and the source that reads them in chunks. */
import { csv, decimal, defineSource, jsonl, none, setting, z } from '#shared/index.ts'

export const FILE_FORMATS = ['csv', 'jsonl'] as const
export type FileFormat = (typeof FILE_FORMATS)[number]

const HEADER = 'id,customer,note,total,status,updated_at\n'
const NOTE = 'delivered to the neighbour, who has signed for it; the box was damaged on one side and was opened'
const BASE_MS = Date.UTC(2026, 0, 1)

export const opening = (format: FileFormat): string => (format === 'csv' ? HEADER : '')

/** The rows from number `from` on, `count` of them. */
export function rowsOf(format: FileFormat, from: number, count: number): string {
  const rows: string[] = []
  for (let number = from; number < from + count; number++) {
    const at = new Date(BASE_MS + number * 1000).toISOString()
    const total = `${number % 1000}.${10 + (number % 90)}`
    rows.push(
      format === 'csv'
        ? `${number},"customer ""${number % 977}""","${NOTE}",${total},paid,${at}\n`
        : `{"id":"${number}","customer":"customer ${number % 977}","note":"${NOTE}","total":"${total}","status":"paid","updated_at":"${at}"}\n`,
    )
  }
  return rows.join('')
}

const stream = (path: string, decode: ReturnType<typeof csv> | ReturnType<typeof jsonl>) => ({
  path,
  decode,
  paginate: none(),
  schema: z.object({
    id: z.string(),
    customer: z.string(),
    note: z.string(),
    total: decimal(18, 2),
    status: z.string(),
    updated_at: z.iso.datetime(),
  }),
  primaryKey: ['id' as const],
})

export const fileSource = defineSource({
  name: 'files',
  baseUrl: setting('BENCH_API_URL', 'http://127.0.0.1:1'),
  quota: { requests: 100, per: '1s' },
  streams: { csv: stream('/csv', csv({ chunks: true })), jsonl: stream('/jsonl', jsonl({ chunks: true })) },
})
