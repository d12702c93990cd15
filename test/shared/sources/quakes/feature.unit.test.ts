import assert from 'node:assert/strict'
import { readFileSync } from 'node:fs'
import { describe, test } from 'node:test'
import type { Stream } from '#shared/declaration/compile.ts'
import { chooseStreams, loadSources } from '#shared/declaration/load-sources.ts'
import { annotationOf, type JsonSchema } from '#shared/schema/json-schema.ts'
import { quakeOf } from '#shared/sources/quakes/feature.ts'
import { tokenOf, walk, withApi } from '../../../sample-api/client.ts'

const ORIGINAL = JSON.parse(
  readFileSync(new URL('../data/earthquakes.json', import.meta.resolve('vega-datasets')), 'utf8'),
) as {
  metadata: object
  features: unknown[]
}

async function stream(label: string): Promise<Stream> {
  const [found] = chooseStreams(await loadSources([]), [label])
  if (found === undefined) throw new Error(`no stream ${label}`)
  return found
}

/** What the fetcher does with a raw record, without its drift. */
const check = (from: Stream, raw: unknown) =>
  from.schema.safeParse(from.map?.(raw, { values: {}, page: null, headers: {} }))

describe('the sample source', () => {
  test('exactly the seven damaged records of the sample API are refused, each for a reason of its own', async () => {
    const quakes = await stream('quakes.earthquakes')
    await withApi({}, async (api) => {
      const token = await tokenOf(api)
      const reasons: string[] = []
      let accepted = 0
      for (const values of quakes.partitions) {
        const pages = await walk(api, token, { limit: 500, ...(values as { region: string }) })
        for (const raw of pages.flatMap((page) => page.features)) {
          const result = check(quakes, raw)
          if (result.success) accepted += 1
          else reasons.push(result.error.issues.map((issue) => `${issue.path.join('.')} ${issue.code}`).join(', '))
        }
      }
      assert.deepEqual(reasons.sort(), [
        'alert invalid_value',
        'id too_small',
        'latitude too_big',
        'longitude invalid_type, latitude invalid_type, depth_km invalid_type',
        'magnitude invalid_type',
        'time invalid_type',
        'updated invalid_type',
      ])
      assert.equal(accepted, api.counts().total - 7)
    })
  })

  test('it declares what the API speaks: pages by cursor, two regions, a sorted watermark in epoch milliseconds', async () => {
    const quakes = await stream('quakes.earthquakes')
    assert.deepEqual(quakes.partitions, [{ region: 'west' }, { region: 'east' }])
    assert.deepEqual(quakes.watermark, {
      field: 'updated',
      place: { param: 'updated_since' },
      endPlace: null,
      sorted: true,
      exclusive: false,
      settle: 0,
      inclusiveEnd: false,
      kind: 'epochMs',
      form: 'epochMs',
      lookback: 0,
      start: null,
    })
    assert.equal(quakes.table, 'quakes_earthquakes')
  })
})

describe('the live source', () => {
  test('an answer of the fdsnws event service is read, to the last record', async () => {
    const usgs = await stream('usgs.earthquakes')
    const url = 'https://earthquake.usgs.gov/fdsnws/event/1/query?format=geojson&limit=2000&offset=1'
    const answer = {
      type: 'FeatureCollection',
      metadata: { ...ORIGINAL.metadata, url, limit: 2000, offset: 1 },
      features: ORIGINAL.features,
    }
    assert.equal(usgs.records, '/features')
    for (const raw of answer.features) assert.ok(check(usgs, raw).success)
  })

  test('it asks one step before the watermark, since the service answers what came after it', async () => {
    const usgs = await stream('usgs.earthquakes')
    assert.equal(usgs.watermark?.exclusive, true)
    assert.equal(usgs.watermark?.form, 'iso')
    assert.equal(usgs.watermark?.sorted, false)
    assert.deepEqual(usgs.paginate, {
      kind: 'offset',
      limit: 2000,
      first: 1,
      overlap: 20,
    })
  })
})

describe('a feature', () => {
  const feature = ORIGINAL.features[0] as { id: string; properties: Record<string, unknown>; geometry: object }

  test('what is no feature is handed on to be refused, not thrown', async () => {
    const quakes = await stream('quakes.earthquakes')
    for (const raw of [
      null,
      3,
      'text',
      [],
      {},
      { properties: null, geometry: null },
      { properties: 3, geometry: { coordinates: 'x' } },
    ]) {
      assert.equal(quakes.schema.safeParse(quakeOf(raw)).success, false, JSON.stringify(raw))
    }
  })

  test('what the survey adds passes through under its own name', () => {
    const record = quakeOf({
      ...feature,
      bbox: [1],
      properties: { ...feature.properties, shaking: { pga: 3 } },
    }) as Record<string, unknown>
    assert.deepEqual(record.shaking, { pga: 3 })
    assert.deepEqual(record.bbox, [1])
  })

  test('an id among the properties does not take the place of the feature’s own', () => {
    const record = quakeOf({ ...feature, properties: { ...feature.properties, id: 'other' } }) as { id: string }
    assert.equal(record.id, feature.id)
  })

  test('every field has one JSON type, and is required', async () => {
    for (const label of ['quakes.earthquakes', 'usgs.earthquakes']) {
      const { wireSchema } = await stream(label)
      const properties = wireSchema.properties as Record<string, JsonSchema>
      const fields = Object.keys(properties).filter((field) => !field.startsWith('_'))
      assert.deepEqual(wireSchema.required, fields)
      assert.equal(wireSchema.additionalProperties, false)
      assert.deepEqual(annotationOf(wireSchema)?.primaryKey, ['id'])
      assert.deepEqual(annotationOf(wireSchema)?.watermark, { field: 'updated', kind: 'epochMs' })
      assert.deepEqual(properties.updated, {
        type: 'integer',
        minimum: -2_208_988_800_000,
        maximum: 10_413_791_999_999,
        'x-headrace': { column: "DateTime64(3, 'UTC')", watermark: 'epochMs' },
      })
    }
  })
})
