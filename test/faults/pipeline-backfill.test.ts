/**
 * A backfill beside a running fetcher and a running loader, killed in the middle: it goes on at its cursor, nothing
 * interleaves, nothing moves.
 */
import assert from 'node:assert/strict'
import { test } from 'node:test'
import { until } from '../support/loading.ts'
import { type Pipeline, pipeline } from '../support/pipeline.ts'
import { timeOf, walkRecord } from '../support/walk-api.ts'

const TEST_MS_MAX = 180_000
const REGIONS = ['eu', 'us']
const RECORDS = 240
/** Slow enough that a busy machine sees the first pages before the last is there. */
const PACE_MS = 200
/** Thirty seconds of records, three of each: eighteen pages, and one that passes the end. */
const [FROM, TO] = [60, 150]

test('a backfill that is killed goes on at its cursor, and the regular runs go on beside it', {
  timeout: TEST_MS_MAX,
}, async (t) => {
  const p = await pipeline(t, {
    regions: REGIONS,
    records: RECORDS,
    badEvery: 0,
    paceMs: PACE_MS,
    pageSize: 5,
    stream: "every: '300ms',",
  })
  const service = p.fetcher()
  const loader = p.loader()
  await p.untilComplete()

  const range = ['--from', timeOf(FROM), '--to', timeOf(TO), '--json']
  const killed = p.fetcher(...range)
  await until('it has published some pages', async () => (await filled(p)).length >= 6)
  p.api.put(walkRecord('eu', RECORDS))
  await until('a regular run comes in between', async () =>
    (await p.published()).includes(walkRecord('eu', RECORDS).id),
  )
  killed.kill('SIGKILL')
  await killed.exit
  const before = await filled(p)
  assert.deepEqual(
    [before.some(({ last }) => last), before.every(({ watermark }) => watermark === null)],
    [false, true],
  )

  // Its claim ends with its session; then the service has the partitions again.
  p.api.put(walkRecord('us', RECORDS + 3))
  await p.untilComplete()

  const again = await p.run('fetch', 'shop.orders', ...range)
  assert.equal(again.status, 0, again.stderr)
  const summary = JSON.parse(again.stdout.trim().split('\n').at(-1) ?? '')
  assert.deepEqual(summary.range, { from: timeOf(FROM), to: timeOf(TO) })
  const pages = await filled(p)
  assert.equal(summary.pages, pages.length - before.length)
  assert.equal(summary.records + sum(before.map(({ records }) => records)), 2 * (TO - FROM))

  p.api.put(walkRecord('us', RECORDS + 6))
  await p.untilComplete()
  for (const running of [service, loader]) assert.deepEqual(await running.stop(), { status: 0, signal: null })
  await p.loadAll()
  await p.assertComplete()
  await p.assertLedger()
  await p.assertWatermarksHonest()

  // In each partition the pages of a run follow each other by number, whoever published them.
  for (const partition of REGIONS.keys()) {
    const numbers = new Map<string, number[]>()
    for (const { run, page } of pages.filter((marker) => marker.partition === partition))
      numbers.set(run, [...(numbers.get(run) ?? []), page])
    assert.deepEqual([...numbers.values()], [Array.from({ length: 19 }, (_, at) => at + 1)])
  }
  const copies = Map.groupBy(await p.published(), (id) => id)
  for (const region of REGIONS) {
    for (let number = 0; number < RECORDS; number++) {
      const inRange = number >= FROM && number < TO
      assert.equal(copies.get(walkRecord(region, number).id)?.length, inRange ? 2 : 1, `${region} ${number}`)
    }
  }
  const reached = [RECORDS, RECORDS + 6].map((number) => timeOf(number).replace('.000Z', 'Z'))
  assert.deepEqual(
    (await p.checkpoints()).map((checkpoint) => checkpoint?.watermark),
    reached,
  )
  assert.deepEqual(
    (await p.commits()).map((commit) => commit?.watermark),
    reached,
  )
})

/** The markers of backfills: those of a sorted walk that carry no watermark. */
const filled = async (p: Pipeline) => (await p.markers()).filter(({ watermark }) => watermark === null)
const sum = (numbers: number[]) => numbers.reduce((total, number) => total + number, 0)
