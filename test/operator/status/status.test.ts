/**
 * `headrace status --json` shows the truth at each step of a stream's life, from Kafka alone: it needs no declaration.
 */
import assert from 'node:assert/strict'
import { spawn } from 'node:child_process'
import { once } from 'node:events'
import { join } from 'node:path'
import { describe, test } from 'node:test'
import { VERSION } from '#shared/version.ts'
import type { PartitionStatus, StreamStatus } from '../../../services/operator/status/status.ts'
import { until } from '../../support/loading.ts'
import { type Pipeline, pipeline } from '../../support/pipeline.ts'
import { owned, run } from '../../support/processes.ts'
import { holding, timeOf, walkRecord } from '../../support/walk-api.ts'

const TEST_MS_MAX = 120_000
const RECORDS = 60
/** As watermarks are written. */
const shown = (time: string) => time.replace('.000Z', 'Z')
const LAST = shown(timeOf(RECORDS - 1))
const WALK = { regions: ['eu', 'us'], records: RECORDS, badEvery: 20, stream: "every: '300ms'," }

async function streamStatus(p: Pipeline): Promise<StreamStatus> {
  const done = await p.run('status', 'shop.orders', '--json')
  assert.equal(done.status, 0, done.stderr)
  const { streams } = JSON.parse(done.stdout)
  assert.deepEqual([streams.length, streams[0].stream, streams[0].topic], [1, 'shop.orders', p.topic])
  return streams[0]
}

const status = async (p: Pipeline): Promise<PartitionStatus[]> => (await streamStatus(p)).partitions

describe('status --json', () => {
  test('shows nothing where nothing was fetched, and says what to do', async (t) => {
    const p = await pipeline(t, WALK)
    const json = await p.run('status', '--json')
    assert.deepEqual([json.status, JSON.parse(json.stdout)], [0, { v: 1, version: VERSION, streams: [], needs: [] }])
    assert.match((await p.run('status')).stdout, /No stream has been fetched yet\. Next: npm run headrace -- fetch/)
  })

  test('shows checkpoint, watermark, lag, dead letters with reasons, and owners, as they are', {
    timeout: TEST_MS_MAX,
  }, async (t) => {
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
      assert.deepEqual(lastRun, {
        pages: 6,
        records: 57,
        deadLetters: 3,
        unchanged: 0,
        requests: 6,
        retries: 0,
        drift: [],
      })
      // Nothing is loaded yet.
      assert.deepEqual([each.watermark, each.loaded, each.lag, each.lagAtMost], [null, null, 57, false])
      assert.equal(each.offsets, each.log.high - each.log.low)
      assert.deepEqual([each.gap, each.fetcher, each.loader, each.next], [null, null, null, `asks from ${LAST}`])
    }

    const loader = p.loader()
    await p.untilComplete()
    await until('all is committed', async () => (await p.commits()).every((commit) => commit?.watermark === LAST))
    for (const each of await status(p)) {
      assert.deepEqual(
        [each.watermark, each.loaded, each.lag, each.offsets, each.gap],
        [LAST, each.log.high, 0, 0, null],
      )
      assert.match(each.loader ?? '', /^headrace/)
      assert.equal(each.fetcher, null)
    }

    const fetchers = [p.fetcher(), p.fetcher()]
    await until(
      'both own one',
      async () => new Set((await status(p)).flatMap(({ fetcher }) => fetcher ?? [])).size === 2,
    )
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
    assert.equal(partition?.next, 'continues after page 3')
    assert.match((await p.run('status')).stdout, /page 3/)
  })

  test('shows the page that was left out, the first one of all too, until it has been published', {
    timeout: TEST_MS_MAX,
  }, async (t) => {
    const p = await pipeline(t, { ...WALK, stream: 'answers: { skip: [451] },' })
    p.api.refuse = ({ region, page }) => (page === (region === 'eu' ? 3 : 1) ? 451 : undefined)
    for (let turn = 0; turn < 2; turn++) {
      await p.fetchOnce()
      const [eu, us] = await status(p)
      assert.deepEqual([eu?.skipped?.page, eu?.skipped?.status, eu?.skipped?.run], [3, 451, eu?.checkpoint?.run])
      assert.deepEqual([us?.skipped?.page, us?.skipped?.status, us?.checkpoint], [1, 451, null])
      assert.ok(Math.abs(Date.parse(eu?.skipped?.at ?? '') - Date.now()) < TEST_MS_MAX)
    }
    const { stdout } = await p.run('status', '--wide')
    assert.match(stdout, /page 3 skipped: 451/)
    assert.match(stdout, /! shop\.orders\/1: page 1 was answered with 451 and skipped.* since 20.*Z/)

    p.api.refuse = null
    await p.fetchOnce()
    assert.deepEqual(
      (await status(p)).map(({ skipped, checkpoint }) => [skipped, checkpoint?.done]),
      [
        [null, true],
        [null, true],
      ],
    )
    await p.loadAll()
    await p.assertComplete()
    p.api.refuse = ({ region }) => (region === 'us' ? 451 : undefined)
    await p.fetchOnce()
    const [eu, us] = await status(p)
    assert.deepEqual([eu?.skipped, us?.skipped?.page, us?.skipped?.run === us?.checkpoint?.run], [null, 1, false])
    p.api.refuse = null
    await p.fetchOnce()
    assert.deepEqual(
      (await status(p)).map(({ skipped }) => skipped),
      [null, null],
    )
  })

  test('shows a backfill beside the regular runs: its range, how far it is, who does it and who waits', {
    timeout: TEST_MS_MAX,
  }, async (t) => {
    const p = await pipeline(t, { ...WALK, badEvery: 0, regions: ['eu'] })
    await p.fetchOnce()
    assert.deepEqual((await streamStatus(p)).backfills, [])
    const [before] = await status(p)
    const typed = ['--from', timeOf(9), '--to', timeOf(39)]
    const range = { from: shown(timeOf(9)), to: shown(timeOf(39)) }
    const first = p.fetcher(...typed)
    await holding(p.api, 3, async () => {
      const second = p.fetcher(...typed)
      await until('the other one waits', async () => (await streamStatus(p)).backfills[0]?.waiting.length === 1)
      const [backfill, ...others] = (await streamStatus(p)).backfills
      const members = await p.kafka.members(p.names.fetcherGroup)
      const [owner, ...waiting] = members
        .toSorted((a, b) => b.partitions.length - a.partitions.length)
        .map(({ memberId }) => memberId)
      assert.deepEqual([backfill?.range, backfill?.owner, backfill?.waiting, others], [range, owner, waiting, []])
      const [part] = backfill?.partitions ?? []
      assert.ok(Math.abs(Date.parse(part?.startedAt ?? '') - Date.now()) < TEST_MS_MAX)
      assert.deepEqual(
        [part?.pages, part?.done, part?.totals?.records, part?.lost, part?.skipped],
        [2, false, 20, false, null],
      )
      assert.match((await p.run('status')).stdout, /page 2, .* 20 records, 2 pages .* running/)
      for (const each of [first, second]) {
        each.kill('SIGKILL')
        await each.exit
      }
    })
    await until('nobody does it', async () => (await streamStatus(p)).backfills[0]?.owner === null)
    assert.deepEqual((await streamStatus(p)).backfills[0]?.waiting, [])

    assert.equal((await p.run('fetch', 'shop.orders', ...typed)).status, 0)
    const { partitions, backfills } = await streamStatus(p)
    assert.deepEqual(partitions[0]?.checkpoint, before?.checkpoint)
    assert.deepEqual(
      backfills.map(({ partitions: [part], owner }) => [part?.done, part?.totals?.records, part?.reached, owner]),
      [[true, 30, shown(timeOf(36)), null]],
    )
    assert.match((await p.run('status')).stdout, /done .* 30 records, 4 pages/)
  })

  test('fits 80 columns as text, in a pipe whose reader may go, and counts what waits to be loaded in records', {
    timeout: TEST_MS_MAX,
  }, async (t) => {
    const p = await pipeline(t, { ...WALK, regions: ['eu'] })
    await p.fetchOnce()
    await p.loadAll()
    assert.deepEqual(
      (await status(p)).map(({ lag, offsets }) => [lag, offsets]),
      [[0, 0]],
    )
    for (let number = 0; number < 5; number++) p.api.put(walkRecord('eu', RECORDS + number))
    await p.fetchOnce()
    const [waiting] = await status(p)
    assert.ok((waiting?.offsets ?? 0) > (waiting?.lag ?? 0))
    assert.equal(waiting?.lag, 5)
    for (const args of [['status'], ['dead-letters', 'list', 'shop.orders']]) {
      const { stdout } = await p.run(...args)
      assert.match(stdout, /shop\.orders/)
      for (const line of stdout.split('\n')) assert.ok(line.length <= 80, line)
    }
    const cli = join(import.meta.dirname, '../../../services/cli.ts')
    const child = owned(t, spawn(process.execPath, [cli, 'status'], { env: p.env, stdio: ['ignore', 'pipe', 'pipe'] }))
    child.stdout.destroy()
    let said = ''
    child.stderr.setEncoding('utf8').on('data', (text: string) => {
      said += text
    })
    const [code] = await once(child, 'close')
    assert.deepEqual([code, said], [0, ''])
  })

  test('knows the streams of other machines, and needs no declaration for it', async (t) => {
    const p = await pipeline(t, { ...WALK, regions: ['eu'] })
    await p.fetchOnce()
    const elsewhere = await run(t, ['status', 'shop.orders', '--json'], p.env)
    assert.equal(JSON.parse(elsewhere.stdout).streams[0].partitions[0].checkpoint.watermark, LAST)
  })
})
