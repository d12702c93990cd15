/**
 * A real week of earthquakes from a demanding local API. It has client credentials with short-lived tokens, a tight
 * rate limit, cursor pages, two regions and a few damaged records. `npm run demo` starts that API and loads it through
 * this source.
 */
import { cursor, defineSource, oauth2ClientCredentials, secret, setting } from 'headrace'
import { quake, quakeOf } from './quakes/feature.ts'

export default defineSource({
  name: 'quakes',
  baseUrl: setting('SAMPLE_API_URL', 'http://127.0.0.1:8199'),
  onDemand: true,
  auth: oauth2ClientCredentials({
    tokenUrl: '/oauth/token',
    clientId: secret('SAMPLE_API_CLIENT_ID'),
    clientSecret: secret('SAMPLE_API_CLIENT_SECRET'),
  }),
  // The API allows 30 in 2 s. The margin is for requests that arrive closer together than they were sent.
  quota: { requests: 25, per: '2s' },
  streams: {
    earthquakes: {
      path: '/v1/earthquakes',
      params: { limit: 50 },
      paginate: cursor({ next: '/metadata/next_cursor', param: 'cursor' }),
      records: '/features',
      map: quakeOf,
      schema: quake,
      unknownFields: 'keep',
      primaryKey: ['id'],
      watermark: { field: 'updated', param: 'updated_since', sorted: true },
      partitions: [{ region: 'west' }, { region: 'east' }],
      every: '5s',
    },
  },
})
