/** `headrace replay`: what it would set, what it sets, and what is loaded again then. */
import assert from 'node:assert/strict'
import { after, before, describe, test } from 'node:test'
import type { Estimate } from '../../../services/operator/replay/estimate.ts'
import type { ReplayPlan } from '../../../services/operator/replay/replay.ts'
import { until } from '../../support/loading.ts'
import { type Pipeline, pipeline } from '../../support/pipeline.ts'
import type { Closes } from '../../support/processes.ts'
import { walkRecord } from '../../support/walk-api.ts'

const RECORDS = 40

let p: Pipeline
let between = ''
const closers: (() => void | Promise<void>)[] = []
const closes: Closes = { after: (close) => void closers.push(close) }

before(async () => {
  p = await pipeline(closes, { regions: ['eu', 'us'], records: RECORDS })
  await p.fetchOnce()
  // Two runs with a moment between them: Kafka finds places by the time of the fetch.
  between = new Date(Date.now() + 1).toISOString()
  for (let number = RECORDS; number < RECORDS + 10; number++) p.api.put(walkRecord('eu', number))
  await p.fetchOnce()
  await p.loadAll()
})
after(async () => {
  for (const close of closers.reverse()) await close()
})

type Answer = ReplayPlan & { dryRun: boolean; estimate?: Estimate }

const replay = (...args: string[]): Promise<Answer> => replayBy('--from', ...args)

async function replayBy(...args: string[]): Promise<Answer> {
  const done = await p.run('replay', 'shop.orders', '--json', ...args)
  assert.equal(done.status, 0, done.stderr)
  const { v, ...answer } = JSON.parse(done.stdout)
  assert.equal(v, 1)
  return answer
}

const places = async () => (await p.kafka.committed(p.names.loaderGroup, p.topic)).map((each) => each?.offset ?? null)
const loadAgain = async () => JSON.parse((await p.run('load', '--until-caught-up', '--json')).stdout).rows

describe('a replay', () => {
  test('with --dry-run shows what would be set and loaded again, and changes nothing', async () => {
    const committed = await places()
    const logs = await p.kafka.logRanges(p.topic)
    const { estimate, ...plan } = await replay('beginning', '--dry-run')
    const records = (await p.published()).length
    // The end of the last transaction is an offset that no page stands for, one in each partition.
    assert.deepEqual(estimate, { records: records + 2, atMost: 2, perSecond: 20_000, rate: 'default', seconds: 1 })
    assert.deepEqual(plan, {
      ...{ dryRun: true, stream: 'shop.orders', topic: p.topic },
      partitions: logs.map((log, partition) => ({
        partition,
        from: committed[partition],
        to: log.low,
        log,
        again: log.high - log.low,
      })),
    })
    assert.deepEqual(await places(), committed)
    const text = await p.run('replay', 'shop.orders', '--from', 'beginning', '--dry-run')
    assert.match(text.stdout, /would be replayed \(nothing was changed\)/)
    assert.match(text.stdout, /about 92 records, 1 second at 20000 a second, assumed/)
    assert.equal(await loadAgain(), 0)
  })

  test('from the beginning loads every record again', async () => {
    const plan = await replay('beginning')
    assert.deepEqual(
      await places(),
      plan.partitions.map(({ to }) => to),
    )
    assert.equal(await loadAgain(), (await p.published()).length)
    await p.assertComplete()
  })

  test('from a time loads again what was fetched since, in each partition', async () => {
    const published = await p.published()
    const plan = await replay(between)
    assert.ok(plan.partitions.every(({ to, log }) => to > log.low))
    const again = await loadAgain()
    // The second run: what was new. What it asked for once more and had not changed is not published.
    assert.equal(again, 10)
    assert.equal(published.length, 2 * RECORDS + 10)
    await p.assertComplete()
  })

  test('from an offset sets that partition alone', async () => {
    const before = await places()
    const plan = await replay('1:5')
    assert.deepEqual(
      plan.partitions.map(({ partition, to }) => [partition, to]),
      [[1, 5]],
    )
    assert.deepEqual(await places(), [before[0], 5])
    assert.ok((await loadAgain()) > 0)
    assert.deepEqual(await places(), before)
    await p.assertComplete()
  })

  test('from a time that no record has reached loads nothing', async () => {
    const plan = await replay('2199-01-01T00:00:00Z')
    assert.ok(plan.partitions.every(({ again }) => again === 0))
    assert.equal(await loadAgain(), 0)
  })

  test('of one partition leaves the other where it is', async () => {
    const before = await places()
    const { partitions } = await replay('beginning', '--partition', '1')
    assert.deepEqual(
      partitions.map(({ partition, to }) => [partition, to]),
      [[1, 0]],
    )
    assert.deepEqual(await places(), [before[0], 0])
    assert.equal(await loadAgain(), RECORDS)
    await p.assertComplete()
  })

  test('from a run begins with its first page, where the run has been', async () => {
    const markers = await p.markers()
    const last = markers.filter(({ partition }) => partition === 0).at(-1)
    const first = markers.find(({ run }) => run === last?.run)
    assert.ok(first !== undefined && first.offset > first.records)
    const { partitions } = await replayBy('--run', first.run)
    assert.deepEqual(
      partitions.map(({ partition }) => partition),
      [0],
    )
    assert.equal(await loadAgain(), 10)
    await p.assertComplete()
  })

  test('never goes forward: what is not loaded yet is neither skipped by an offset nor by a time', async () => {
    const before = await places()
    await p.kafka.resetOffsets(p.names.loaderGroup, p.topic, new Map([[0, 3]]))
    const done = await p.run('replay', 'shop.orders', '--from', '0:10')
    assert.equal(done.status, 2)
    assert.match(done.stderr, /offset 10 of partition 0 is not loaded yet, and would be skipped/)
    await replay('2199-01-01T00:00:00Z')
    assert.deepEqual(await places(), [3, before[1]])
    assert.ok((await loadAgain()) > 0)
    await p.assertComplete()
  })

  test('is refused while a loader runs, and while records are lost that the API was not asked for again', async () => {
    const loader = p.loader()
    await until('the loader is in the group', async () => (await p.kafka.members(p.names.loaderGroup)).length > 0)
    const refused = await p.run('replay', 'shop.orders', '--from', 'beginning')
    assert.equal(refused.status, 1)
    assert.match(refused.stderr, /has members, .*: headrace at [\d.]+ \(headrace-[\w-]+, \d+ partitions\)/)
    assert.match(refused.stderr, /stop these processes \(npm run headrace -- load\)/)
    await loader.stop()
    const [place] = await places()
    const metadata = JSON.stringify({ v: 1, offset: place, watermark: null, lost: { from: 1, below: 3 } })
    const publisher = p.kafka.publisher(`${p.topic}-test`)
    await publisher.fence()
    const commit = { group: p.names.loaderGroup, topic: p.topic, partition: 0, offset: place ?? 0, metadata }
    const letter = { key: null, value: 'x', headers: {} }
    await publisher.publish([{ topic: `${p.deadLetterTopic}`, partition: 0, messages: [letter] }], () => commit)
    await publisher.close()
    const hidden = await p.run('replay', 'shop.orders', '--from', 'beginning')
    assert.equal(hidden.status, 1)
    assert.match(hidden.stderr, /offsets 1 to 2 were lost before they were loaded/)
  })

  test('needs one place, and no more', async () => {
    const none = await p.run('replay', 'shop.orders')
    assert.equal(none.status, 2)
    assert.match(none.stderr, /the start of the replay is missing/)
    const two = await p.run('replay', 'shop.orders', '--from', 'beginning', '--run', 'x')
    assert.equal(two.status, 2)
    const unknown = await p.run('replay', 'shop.orders', '--run', 'x')
    assert.match(unknown.stderr, /holds no page of run x/)
  })
})
