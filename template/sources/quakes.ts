/** One week of earthquakes, from `npx headrace sample-api`. An example to start from: copy it, or remove it. */
import { cursor, defineSource, epochMs, setting, z } from 'headrace'

type Feature = { id: string; properties: { mag: number | null; place: string | null; time: number; updated: number } }

export default defineSource({
  name: 'quakes',
  baseUrl: setting('SAMPLE_API_URL', 'http://127.0.0.1:8199'),
  quota: { requests: 25, per: '2s' },
  streams: {
    earthquakes: {
      path: '/v1/earthquakes',
      params: { limit: 50 },
      paginate: cursor({ next: '/metadata/next_cursor', param: 'cursor' }),
      records: '/features',
      map: (raw) => {
        const { id, properties } = raw as Feature
        const { mag, place, time, updated } = properties
        return { id, magnitude: mag, place, time, updated }
      },
      schema: z.object({
        id: z.string().min(1),
        magnitude: z.number().nullable(),
        place: z.string().nullable(),
        time: epochMs(),
        updated: epochMs(),
      }),
      primaryKey: ['id'],
      // Each run continues where the last one was confirmed in ClickHouse.
      watermark: { field: 'updated', param: 'updated_since', sorted: true },
      partitions: [{ region: 'west' }, { region: 'east' }],
      every: '1m',
    },
  },
})
