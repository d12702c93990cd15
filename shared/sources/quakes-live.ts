/**
 * The U.S. Geological Survey's live catalogue of earthquakes: its fdsnws event service, open to everyone, no
 * credentials. Without a `starttime` the service returns the events of the last 30 days. So the first run loads a
 * month, and later runs what changed in it. Add `starttime: '2000-01-01'` to params to follow corrections of older
 * events too. Documented at https://earthquake.usgs.gov/fdsnws/event/1/.
 */
import { defineSource, offset } from 'headrace'
import { quake, quakeOf } from './quakes/feature.ts'

export default defineSource({
  name: 'usgs',
  baseUrl: 'https://earthquake.usgs.gov',
  onDemand: true,
  // The service names no limit. One request in two seconds is slower than a person who clicks.
  quota: { requests: 1, per: '2s' },
  timeout: '60s',
  streams: {
    earthquakes: {
      path: '/fdsnws/event/1/query',
      params: { format: 'geojson', orderby: 'time-asc' },
      // At most 20,000 a page, counted from 1. Events that the survey deletes during a walk move the later ones up:
      // hence the overlap.
      paginate: offset({ first: 1, limit: 2000, overlap: 20 }),
      records: '/features',
      map: quakeOf,
      schema: quake,
      unknownFields: 'keep',
      primaryKey: ['id'],
      // Ordered by the time of the event, not of its update: the watermark moves when a run is complete.
      watermark: { field: 'updated', param: 'updatedafter', as: 'iso', exclusive: true, lookback: '10m' },
      every: '5m',
    },
  },
})
