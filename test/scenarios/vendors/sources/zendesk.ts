/** Tickets of Zendesk, by the incremental export with a cursor. */
import { basic, cursor, defineSource, epochSeconds, secret, setting, z } from 'headrace'

const ticket = z.object({
  id: z.int(),
  subject: z.string().nullable(),
  status: z.enum(['new', 'open', 'pending', 'hold', 'solved', 'closed', 'deleted']),
  generated_timestamp: epochSeconds(),
})

export default defineSource({
  name: 'zendesk',
  baseUrl: setting('ZENDESK_URL', 'https://your-subdomain.invalid'),
  auth: basic({ username: secret('ZENDESK_USER'), password: secret('ZENDESK_TOKEN') }),
  // With the High Volume API add-on; 10 without.
  quota: { requests: 30, per: '1m' },
  streams: {
    tickets: {
      path: '/api/v2/incremental/tickets/cursor.json',
      // The first request has the start, all others have the cursor alone.
      params: ({ from, cursor }) => (cursor === null ? { start_time: from } : { cursor }),
      paginate: cursor({
        next: '/after_cursor',
        hasMore: (body: { end_of_stream: boolean }) => !body.end_of_stream,
      }),
      records: '/tickets',
      deleted: (raw: { status: string }) => raw.status === 'deleted',
      schema: ticket,
      primaryKey: ['id'],
      watermark: { field: 'generated_timestamp', start: '2024-01-01T00:00:00Z', sorted: true },
    },
  },
})
