/** `headrace status --json` shows the truth at each step of a stream's life, from Kafka alone: it needs no declaration. */
import assert from 'node:assert/strict'
import { describe, test } from 'node:test'
import type { PartitionStatus } from '../../services/operator/status.ts'
import { until } from '../support/loading.ts'
import { type Pipeline, pipeline } from '../support/pipeline.ts'
import { run } from '../support/processes.ts'
import { walkRecord } from '../support/walk-api.ts'

const TEST_MS_MAX = 120_000
const RECORDS = 60
const LAST = walkRecord('eu', RECORDS - 1).updated_at.replace('.000Z', 'Z')
const WALK = { regions: ['eu', 'us'], records: RECORDS, badEvery: 20, stream: "every: '300ms'," }

async function status(p: Pipeline): Promise<PartitionStatus[]> {
  const done = await p.run('status', 'shop.orders', '--json')
  assert.equal(done.status, 0, done.stderr)
  const { streams } = JSON.parse(done.stdout)
  assert.deepEqual([streams.length, streams[0].stream, streams[0].topic], [1, 'shop.orders', p.topic])
  return streams[0].partitions
}

describe('status --json', () => {
  test('shows nothing where nothing was fetched, and says what to do', async (t) => {
    const p = await pipeline(t, WALK)
    const json = await p.run('status', '--json')
    assert.deepEqual([json.status, JSON.parse(json.stdout)], [0, { streams: [] }])
    assert.match((await p.run('status')).stdout, /No stream has been fetched yet\. Next: npm run headrace -- fetch/)
  })

  test('shows checkpoint, watermark, lag, dead letters with reasons, and owners, as they are', { timeout: TEST_MS_MAX }, async (t) => {
    const p = await pipeline(t, WALK)
    await p.fetchOnce()
    const checkpoints = await p.checkpoints()
    const published = await status(p)
    for (const [partition, each] of published.entries()) {
      const checkpoint = checkpoints[partition]
      assert.deepEqual(each.checkpoint, {
        ...{ run: checkpoint?.run, page: 6, done: true, watermark: LAST, offset: checkpoint?.offset },
      })
      assert.deepEqual(each.deadLetters, { count: 3, done: 0, more: false, reasons: { invalid_type: 3 } })
      const { startedAt, ...lastRun } = each.lastRun ?? { startedAt: '' }
      assert.equal(Date.parse(startedAt), checkpoint?.startedMs)
      assert.deepEqual(lastRun, { pages: 6, records: 57, deadLetters: 3, unchanged: 0, requests: 6, retries: 0, drift: [] })
      // Nothing is loaded yet.
      assert.deepEqual([each.watermark, each.loaded, each.lag], [null, null, each.log.high - each.log.low])
      assert.deepEqual([each.gap, each.fetcher, each.loader, each.next], [null, null, null, `asks from ${LAST}`])
    }

    const loader = p.loader()
    await p.untilComplete()
    await until('all is committed', async () => (await p.commits()).every((commit) => commit?.watermark === LAST))
    for (const each of await status(p)) {
      assert.deepEqual([each.watermark, each.loaded, each.lag, each.gap], [LAST, each.log.high, 0, null])
      assert.match(each.loader ?? '', /^headrace/)
      assert.equal(each.fetcher, null)
    }

    const fetchers = [p.fetcher(), p.fetcher()]
    await until('both own one', async () => new Set((await status(p)).flatMap(({ fetcher }) => fetcher ?? [])).size === 2)
    const owners = (await status(p)).map(({ fetcher }) => fetcher)
    const members = await p.kafka.members(p.names.fetcherGroup)
    for (const [partition, owner] of owners.entries()) {
      const member = members.find(({ memberId }) => memberId === owner)
      assert.deepEqual(
        member?.partitions.flatMap(({ partitions }) => partitions),
        [partition],
      )
    }
    for (const service of [...fetchers, loader]) assert.equal((await service.stop()).status, 0)
    assert.deepEqual(
      (await status(p)).map(({ fetcher, loader }) => [fetcher, loader]),
      [
        [null, null],
        [null, null],
      ],
    )
  })

  test('shows a run that was interrupted, and where the next one goes on', { timeout: TEST_MS_MAX }, async (t) => {
    const p = await pipeline(t, { ...WALK, regions: ['eu'], paceMs: 20 })
    const fetcher = p.fetcher('--once')
    await p.api.at('asked', 4, async () => {
      await until('three pages are in the topic', async () => (await p.markers()).length === 3)
      fetcher.kill('SIGKILL')
      await fetcher.exit
    })
    const [partition] = await status(p)
    assert.deepEqual([partition?.checkpoint?.page, partition?.checkpoint?.done], [3, false])
    assert.equal(partition?.next, 'goes on after page 3')
    assert.match((await p.run('status')).stdout, /page 3/)
  })

  test('knows the streams of other machines, and needs no declaration for it', async (t) => {
    const p = await pipeline(t, { ...WALK, regions: ['eu'] })
    await p.fetchOnce()
    const elsewhere = await run(t, ['status', 'shop.orders', '--json'], p.env)
    assert.equal(JSON.parse(elsewhere.stdout).streams[0].partitions[0].checkpoint.watermark, LAST)
  })
})
