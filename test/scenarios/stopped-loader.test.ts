/**
 * A loader that stands still, and one whose offsets are set back: the API is asked for nothing that is in the log
 * already.
 */
import assert from 'node:assert/strict'
import { describe, test } from 'node:test'
import { until } from '../support/loading.ts'
import { type Pipeline, pipeline } from '../support/pipeline.ts'
import { walkRecord } from '../support/walk-api.ts'

const TEST_MS_MAX = 120_000
const WALK = { regions: ['eu', 'us'], records: 120, badEvery: 11, stream: "every: '300ms'," }
const RECORDS = 120

const watermarks = async (p: Pipeline) => (await p.commits()).map((commit) => commit?.watermark ?? null)
const offsets = async (p: Pipeline) => (await p.commits()).map((commit) => commit?.offset ?? null)

/** New records, later than all before. */
function bring(p: Pipeline, from: number, count: number): void {
  for (let number = from; number < from + count; number++)
    for (const region of WALK.regions) p.api.put(walkRecord(region, number))
}

describe('without a loader', () => {
  test('the fetcher goes on into Kafka, the confirmed watermark stands, and a loader that comes back needs nothing of the API', {
    timeout: TEST_MS_MAX,
  }, async (t) => {
    const p = await pipeline(t, WALK)
    const fetcher = p.fetcher()
    const loader = p.loader()
    await p.untilComplete()
    assert.deepEqual(await loader.stop(), { status: 0, signal: null })
    const confirmed = await watermarks(p)
    const place = await offsets(p)

    bring(p, RECORDS, 60)
    const last = walkRecord('eu', RECORDS + 59).updated_at.replace('.000Z', 'Z')
    await until('the fetcher has published the rest', async () =>
      (await p.checkpoints()).every((checkpoint) => checkpoint?.watermark === last),
    )
    assert.deepEqual(await watermarks(p), confirmed, 'the watermark moves with the table only')
    assert.deepEqual(await offsets(p), place)
    assert.equal((await p.rows()).length + p.api.bad().length, 2 * RECORDS)

    assert.deepEqual(await fetcher.stop(), { status: 0, signal: null })
    const asked = p.api.visits.length
    await p.loadAll()
    await p.assertComplete()
    assert.deepEqual(await watermarks(p), [last, last])
    assert.equal(p.api.visits.length, asked, 'loading asks the API for nothing')
    // Each region from its start once, and after that only from a watermark.
    for (const region of WALK.regions) {
      const starts = p.api.visits.filter(
        (visit) => visit.region === region && visit.since === null && visit.cursor === null,
      )
      assert.equal(starts.length, 1)
    }
    await p.assertAskedOnce()
  })
})

describe('after a reset of the loader to the beginning', () => {
  for (const [how, reset] of [
    ['by headrace replay', byReplay],
    ['by another tool, which stores no metadata', byAnotherTool],
    ['by a tool that stores "earliest" as -2', byEarliest],
  ] as const) {
    test(`${how}, everything is loaded again, the table stays the same, and the API is asked for nothing old`, {
      timeout: TEST_MS_MAX,
    }, async (t) => {
      const p = await pipeline(t, WALK)
      await p.fetchOnce()
      await p.loadAll()
      await p.assertComplete()
      const before = await p.rows()
      const confirmed = await watermarks(p)
      const published = await p.published()
      p.api.visits.length = 0

      await reset(p)
      assert.deepEqual(await watermarks(p), [null, null], 'what was set back confirms nothing')
      // A run between reset and replay: the moment in which a confirmed watermark would send it back to the start.
      await p.fetchOnce()
      const again = await p.run('load', '--until-caught-up', '--json')
      assert.equal(again.status, 0, again.stderr)
      assert.equal(JSON.parse(again.stdout).rows, published.length, 'every record in the log is loaded again')

      assert.deepEqual(await p.rows(), before)
      await p.assertComplete()
      assert.deepEqual(await watermarks(p), confirmed)
      assert.deepEqual(await p.published(), published, 'nothing was published again')
      const since = walkRecord('eu', RECORDS - 1).updated_at
      assert.deepEqual(
        p.api.visits.map((visit) => [visit.cursor, Date.parse(visit.since ?? '')]),
        [
          [null, Date.parse(since)],
          [null, Date.parse(since)],
        ],
        'one request each, from the published watermark',
      )
    })
  }
})

async function byReplay(p: Pipeline): Promise<void> {
  const done = await p.run('replay', 'shop.orders', '--from', 'beginning')
  assert.equal(done.status, 0, done.stderr)
}

async function byAnotherTool(p: Pipeline): Promise<void> {
  await p.kafka.resetOffsets(p.names.loaderGroup, p.topic, new Map(WALK.regions.map((_, partition) => [partition, 0])))
}

async function byEarliest(p: Pipeline): Promise<void> {
  await p.kafka.resetOffsets(p.names.loaderGroup, p.topic, new Map(WALK.regions.map((_, partition) => [partition, -2])))
}
