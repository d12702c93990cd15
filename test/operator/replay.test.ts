/** `headrace replay`: what it would set, what it sets, and what is loaded again then. */
import assert from 'node:assert/strict'
import { after, before, describe, test } from 'node:test'
import type { ReplayPlan } from '../../services/operator/replay.ts'
import { type Pipeline, pipeline } from '../support/pipeline.ts'
import type { Closes } from '../support/processes.ts'
import { walkRecord } from '../support/walk-api.ts'

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

async function replay(...args: string[]): Promise<ReplayPlan & { dryRun: boolean }> {
  const done = await p.run('replay', 'shop.orders', '--json', '--from', ...args)
  assert.equal(done.status, 0, done.stderr)
  return JSON.parse(done.stdout)
}

const places = async () => (await p.kafka.committed(p.names.loaderGroup, p.topic)).map((each) => each?.offset ?? null)
const loadAgain = async () => JSON.parse((await p.run('load', '--until-caught-up', '--json')).stdout).rows

describe('a replay', () => {
  test('with --dry-run shows what would be set and loaded again, and changes nothing', async () => {
    const committed = await places()
    const logs = await p.kafka.logRanges(p.topic)
    const plan = await replay('beginning', '--dry-run')
    assert.deepEqual(plan, {
      ...{ dryRun: true, stream: 'shop.orders', topic: p.topic },
      partitions: logs.map((log, partition) => ({ partition, from: committed[partition], to: log.low, log, again: log.high - log.low })),
    })
    assert.deepEqual(await places(), committed)
    const text = await p.run('replay', 'shop.orders', '--from', 'beginning', '--dry-run')
    assert.match(text.stdout, /would be replayed \(nothing was changed\)/)
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
})
