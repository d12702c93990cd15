/**
 * Two backfills of one range at once, beside a running fetcher: one has the partitions, the other one says so and
 * waits, and nothing is published twice.
 */
import assert from 'node:assert/strict'
import { describe, test } from 'node:test'
import { until } from '../support/loading.ts'
import { type Pipeline, pipeline } from '../support/pipeline.ts'
import type { Running } from '../support/processes.ts'
import { timeOf, type WalkApi, walkRecord } from '../support/walk-api.ts'

const TEST_MS_MAX = 180_000
const REGIONS = ['eu', 'us']
const RECORDS = 120
const [FROM, TO] = [30, 90]
const WALK = { regions: REGIONS, records: RECORDS, badEvery: 0, pageSize: 5, stream: "every: '300ms'," }
const RANGE = ['--from', timeOf(FROM), '--to', timeOf(TO), '--json']

describe('of two backfills of the same range', { concurrency: 2 }, () => {
  test('one owns it, the other says so and finds it done', { timeout: TEST_MS_MAX }, async (t) => {
    const p = await pipeline(t, WALK)
    const [service, loader] = [p.fetcher(), p.loader()]
    await p.untilComplete()

    const answers = answersOfRange(p.api)
    const both = [p.fetcher(...RANGE), p.fetcher(...RANGE)]
    await until('the later one waits', () => both.some(waited))
    answers.allow(Number.POSITIVE_INFINITY)
    for (const each of both) assert.deepEqual(await each.exit, { status: 0, signal: null }, each.stderr())
    const summaries = both.map(summaryOf)
    assert.equal(sum(summaries.map(({ records }) => records)), REGIONS.length * (TO - FROM))
    assert.ok(summaries.some(({ partitions }) => Object.values(partitions).every(({ already }) => already === true)))

    await assertOnce(p, service, loader)
  })

  test('the other one goes on at its cursor when the owner is killed', { timeout: TEST_MS_MAX }, async (t) => {
    const p = await pipeline(t, WALK)
    const [service, loader] = [p.fetcher(), p.loader()]
    await p.untilComplete()

    const answers = answersOfRange(p.api)
    const owner = p.fetcher(...RANGE)
    answers.allow(4)
    await until('it has published some pages', async () => (await filled(p)).length >= 4)
    const other = p.fetcher(...RANGE)
    await until('the other one waits', () => waited(other))
    answers.allow(2)
    await until('and the owner goes on meanwhile', async () => (await filled(p)).length > 4)
    owner.kill('SIGKILL')
    await owner.exit
    const held = await filled(p)
    assert.ok(
      held.some(({ partition }) => !held.some((each) => each.partition === partition && each.last)),
      'it was not done',
    )

    answers.allow(Number.POSITIVE_INFINITY)
    assert.deepEqual(await other.exit, { status: 0, signal: null }, other.stderr())
    assert.equal(summaryOf(other).records + sum(held.map(({ records }) => records)), REGIONS.length * (TO - FROM))
    await assertOnce(p, service, loader)
  })
})

/**
 * From now on the API answers as many requests for the range as it is allowed to, and holds the others. The regular
 * runs, whose watermark is past the range, are answered.
 */
function answersOfRange(api: WalkApi): { allow(count: number): void } {
  let waiting: { isGone(): boolean; answer(): void }[] = []
  let left = 0
  api.hold = ({ since }, isGone) => {
    if (since === null || Date.parse(since) > Date.parse(timeOf(TO))) return undefined
    if (left > 0) {
      left -= 1
      return undefined
    }
    return new Promise((answer) => waiting.push({ isGone, answer }))
  }
  return {
    allow(count) {
      waiting = waiting.filter(({ isGone }) => !isGone())
      const now = waiting.splice(0, count)
      left += count - now.length
      for (const { answer } of now) answer()
    },
  }
}

type Summary = { records: number; partitions: Record<string, { already?: boolean }> }
const summaryOf = (backfill: Running): Summary => JSON.parse(backfill.stdout().trim().split('\n').at(-1) ?? '')
const waited = (backfill: Running) =>
  backfill.logged('the other partitions belong to a backfill or full run that came before').length > 0

/** Each record of the range is in the topic once more than the others, whoever published it; the table has it once. */
async function assertOnce(p: Pipeline, ...services: Running[]): Promise<void> {
  p.api.put(walkRecord('us', RECORDS))
  await p.untilComplete()
  for (const service of services) assert.deepEqual(await service.stop(), { status: 0, signal: null })
  await p.loadAll()
  await p.assertComplete()
  await p.assertLedger()
  await p.assertWatermarksHonest()
  const copies = Map.groupBy(await p.published(), (id) => id)
  for (const region of REGIONS) {
    for (let number = 0; number < RECORDS; number++) {
      const inRange = number >= FROM && number < TO
      assert.equal(copies.get(walkRecord(region, number).id)?.length, inRange ? 2 : 1, `${region} ${number}`)
    }
  }
  // In each partition the pages of the backfill follow each other by number, whoever published them.
  for (const partition of REGIONS.keys()) {
    const pages = (await filled(p)).filter((marker) => marker.partition === partition)
    assert.deepEqual(
      pages.map(({ page }) => page),
      pages.map((_, at) => at + 1),
    )
    assert.equal(new Set(pages.map(({ run }) => run)).size, 1)
  }
}

/** The markers of backfills: those of a sorted walk that carry no watermark. */
const filled = async (p: Pipeline) => (await p.markers()).filter(({ watermark }) => watermark === null)
const sum = (numbers: number[]) => numbers.reduce((total, number) => total + number, 0)
