/**
 * Retention takes records that were published and never loaded: it is said everywhere, the API is asked again, and the
 * table is complete.
 */
import assert from 'node:assert/strict'
import { describe, test } from 'node:test'
import type { StreamStatus } from '../../services/operator/status/status.ts'
import { metric } from '../support/health.ts'
import { until } from '../support/loading.ts'
import { type Pipeline, pipeline } from '../support/pipeline.ts'
import { walkRecord } from '../support/walk-api.ts'

const TEST_MS_MAX = 120_000
const LOADED = 60
const UNLOADED = 60
const LOST = 30

const status = async (p: Pipeline): Promise<StreamStatus> => {
  const done = await p.run('status', 'shop.orders', '--json')
  assert.equal(done.status, 0, done.stderr)
  return JSON.parse(done.stdout).streams[0]
}

/** What was loaded, then what was published and not loaded, of which the log has lost the first part. */
async function withLoss(p: Pipeline): Promise<{ confirmed: string; place: number; low: number }> {
  await p.fetchOnce()
  await p.loadAll()
  const [commit] = await p.commits()
  const [confirmed, place] = [commit?.watermark ?? '', commit?.offset ?? 0]
  for (let number = LOADED; number < LOADED + UNLOADED; number++) p.api.put(walkRecord('eu', number))
  await p.fetchOnce()
  const low = place + LOST
  await p.kafka.deleteRecordsBelow(p.topic, new Map([[0, low]]))
  p.api.visits.length = 0
  return { confirmed, place, low }
}

const WALK = { records: LOADED, badEvery: 13, stream: "every: '300ms'," }
const LOST_SINCE = (p: Pipeline) => p.api.visits[0]?.since ?? ''

describe('when the log has lost what was not loaded', { concurrency: 2 }, () => {
  test('the next run starts at the confirmed watermark, and log, metric and status say what was lost', {
    timeout: TEST_MS_MAX,
  }, async (t) => {
    const p = await pipeline(t, WALK)
    const { confirmed, place, low } = await withLoss(p)

    const [partition] = (await status(p)).partitions
    assert.deepEqual(partition?.gap, { from: place, to: low })
    assert.equal(partition?.next, `asks again from ${confirmed}: records were lost from the log`)
    const shown = await p.run('status', 'shop.orders')
    assert.match(shown.stdout, new RegExp(`! shop\\.orders/0: the log lost offsets ${place} to ${low}`))

    const fetcher = p.fetcher()
    await until('it has asked again', async () => (await p.checkpoints())[0]?.coveredBelow === low)
    assert.equal(Date.parse(LOST_SINCE(p)), Date.parse(confirmed))
    const [warning, ...others] = fetcher.logged('published records were lost before they were loaded')
    assert.deepEqual(others, [], 'it is said once')
    assert.deepEqual([warning?.level, warning?.from, warning?.to, warning?.confirmed], ['warn', place, low, confirmed])
    assert.equal(await metric(fetcher, 'headrace_gaps_total', { source: 'shop', stream: 'orders', partition: '0' }), 1)

    const loader = p.loader()
    await p.untilComplete()
    assert.equal(await metric(loader, 'headrace_gaps_total', { source: 'shop', stream: 'orders', partition: '0' }), 1)
    await until(
      'the loader is past it',
      async () => (await p.commits())[0]?.lost === undefined && (await status(p)).partitions[0]?.lag === 0,
    )
    const [after] = (await status(p)).partitions
    assert.equal(after?.gap, null)
    assert.deepEqual([after?.watermark, after?.checkpoint?.watermark], [last(), last()])
    for (const service of [fetcher, loader]) assert.deepEqual(await service.stop(), { status: 0, signal: null })
    await p.assertComplete()
    await p.assertWatermarksHonest()
    const starts = p.api.visits.filter(({ since }) => Date.parse(since ?? '') === Date.parse(confirmed))
    assert.equal(starts.filter(({ cursor }) => cursor === null).length, 1, 'the API is asked again once')
  })

  test('a loader that moves on first hides nothing: the watermark waits for the fetcher', {
    timeout: TEST_MS_MAX,
  }, async (t) => {
    const p = await pipeline(t, WALK)
    const { confirmed, place, low } = await withLoss(p)
    const loader = p.loader()
    await until('it has loaded the rest of the log', async () => (await status(p)).partitions[0]?.lag === 0)
    const [lost, ...others] = loader.logged('loading continues at')
    assert.deepEqual(others, [])
    assert.deepEqual([lost?.level, lost?.position, lost?.low], ['error', place, low])
    assert.equal((await p.commits())[0]?.watermark, confirmed, 'the watermark is not ahead of the table')
    assert.deepEqual((await status(p)).partitions[0]?.gap, { from: place, to: low })

    await p.fetchOnce()
    assert.equal(Date.parse(LOST_SINCE(p)), Date.parse(confirmed))
    await p.untilComplete()
    await until('the watermark moves on', async () => (await p.commits())[0]?.watermark === last())
    assert.equal((await status(p)).partitions[0]?.gap, null)
    assert.deepEqual(await loader.stop(), { status: 0, signal: null })
    await p.assertWatermarksHonest()
  })

  test('a topic that was deleted is made anew and filled again', { timeout: TEST_MS_MAX }, async (t) => {
    const p = await pipeline(t, WALK)
    const { confirmed } = await withLoss(p)
    await p.kafka.deleteTopic(p.topic)
    await until('it is gone', async () => !(await p.kafka.topics()).includes(p.topic))
    await p.fetchOnce()
    // Kafka forgets the places of its groups with the topic, a moment later: then nothing is confirmed any more.
    const { since } = p.api.visits[0] ?? {}
    assert.ok(since === null || Date.parse(since ?? '') === Date.parse(confirmed))
    await p.loadAll()
    await p.assertComplete()
    assert.equal((await p.commits())[0]?.watermark, last())
  })
})

const last = () => walkRecord('eu', LOADED + UNLOADED - 1).updated_at.replace('.000Z', 'Z')
