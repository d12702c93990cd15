/**
 * kill -9 of the fetcher in the middle of a share's walk, where each partition walks several shares that a function or
 * a parent stream finds. What is in the topic is asked for no more, a share that was never begun is not taken for one
 * that was walked, and no watermark passes one that was not.
 */
import assert from 'node:assert/strict'
import { describe, test } from 'node:test'
import { setTimeout as sleep } from 'node:timers/promises'
import { type Pipeline, pipeline } from '../support/pipeline.ts'
import { between, randomFrom } from '../support/random.ts'
import { testSeed } from '../support/seed.ts'
import { type WalkMoment, walkRecord } from '../support/walk-api.ts'

const REGIONS = ['ar', 'br', 'cl', 'ec', 'pe', 'uy', 'ca']
const [RECORDS, PAGE] = [40, 10]
const NEW = 15
/** Pages of the walk from the start, and of the one for what is new. */
const PAGES = { first: (REGIONS.length * RECORDS) / PAGE, second: REGIONS.length * Math.ceil(NEW / PAGE) }
const WALK = { regions: REGIONS, records: RECORDS, pageSize: PAGE, badEvery: 13, paceMs: 10, stream: '' }
const TRANSACTION_MS = 30
const TEST_MS_MAX = 180_000

const MOMENTS: [name: string, at: WalkMoment, waitMs: number][] = [
  ['when it asks for a page', 'asked', 0],
  ['in the middle of an answer', 'half', 0],
  ['while it publishes', 'answered', TRANSACTION_MS],
]

const WAYS = {
  'a function': {
    partitions: `discover({ over: 2, values: async ({ request }) =>
      (await request({ path: '/regions' })).body.data.map(({ id }) => ({ region: id })) })`,
    moments: MOMENTS,
  },
  'a parent stream': {
    moments: MOMENTS.slice(0, 1),
    partitions: "parent({ stream: 'regions', over: 2, values: ({ id }) => ({ region: id }) })",
    streams:
      "regions: { path: '/regions', records: '/data', paginate: none(), schema: z.object({ id: z.string() }), primaryKey: ['id'] },",
  },
  'a parent stream that is read incrementally': {
    moments: MOMENTS,
    partitions: "parent({ stream: 'regions', over: 2, values: { region: '/id' }, incremental: true })",
    streams: `regions: {
      path: '/regions', records: '/data', paginate: none(), primaryKey: ['id'],
      schema: z.object({ id: z.string(), changed_at: z.iso.datetime() }), watermark: { field: 'changed_at', param: 'since' },
    },`,
  },
}
const random = randomFrom(testSeed())

describe('after a kill -9 of a fetcher whose shares are found', { concurrency: 3 }, () => {
  for (const [how, { moments, ...declared }] of Object.entries(WAYS)) {
    for (const [name, at, waitMs] of moments) {
      const draw = randomFrom(Math.floor(random() * 2 ** 31))
      test(`by ${how}, ${name}, every share goes on where it was, and none is left out`, {
        timeout: TEST_MS_MAX,
      }, async (t) => {
        const p = await pipeline(t, { ...WALK, ...declared })
        const kill = (pages: number) =>
          killed(p, at, between(draw, 2, pages - 6), waitMs === 0 ? 0 : between(draw, 1, waitMs))

        await kill(PAGES.first)
        const held = new Set(await p.published())
        const seen = p.api.visits.length
        await p.loadAll()
        await assertHonest(p)
        await p.fetchOnce()
        for (const { region, page, since } of p.api.visits.slice(seen)) {
          const isThere = since === null && held.has(walkRecord(region, (page - 1) * PAGE).id)
          assert.equal(isThere, false, `${region} page ${page} was asked for again`)
        }
        await p.loadAll()
        await p.assertComplete()
        await p.assertLedger()
        await assertHonest(p)
        assert.deepEqual((await p.published()).sort(), validIds(p), 'each record is in the topic once')
        assert.deepEqual(
          (await p.rejected()).sort(),
          p.api.bad().sort(),
          'each reject is in the dead-letter topic once',
        )

        for (const region of REGIONS)
          for (let number = 0; number < NEW; number++) p.api.put(walkRecord(region, RECORDS + number))
        const before = p.api.visits.length
        await kill(PAGES.second)
        await p.loadAll()
        await assertHonest(p)
        await p.fetchOnce()
        await p.loadAll()
        await p.assertComplete()
        await assertHonest(p)
        const fromStart = p.api.visits.slice(before).filter(({ since }) => since === null)
        assert.deepEqual(fromStart, [], 'each share is known, and asked for what is new')
        assert.deepEqual(new Set(await p.published()).size, validIds(p).length)
        for (const commit of await p.commits()) assert.equal(commit?.watermark, shown(RECORDS + NEW - 1))
      })
    }
  }
})

const shown = (number: number) => walkRecord('', number).updated_at.replace('.000Z', 'Z')
const validIds = (p: Pipeline) =>
  p.api
    .valid()
    .map(({ id }) => id)
    .sort()

/** One run, killed at the moment; the server goes on when the process is gone. */
async function killed(p: Pipeline, at: WalkMoment, count: number, waitMs: number): Promise<void> {
  const victim = p.fetcher('--once')
  const reached = p.api.at(at, count, async () => {
    await sleep(waitMs)
    victim.kill('SIGKILL')
    await victim.exit
  })
  const { signal } = await Promise.race([reached.then(() => victim.exit), victim.exit])
  assert.equal(signal, 'SIGKILL', `it ended before the moment came:\n${victim.stderr()}`)
}

/** The watermark of a partition speaks of all shares that are ever found for it. */
async function assertHonest(p: Pipeline): Promise<void> {
  const partitionOf = new Map<string, number>()
  for (const [partition, { high }] of (await p.kafka.logRanges(p.topic)).entries()) {
    for await (const { value } of p.kafka.readPartition(p.topic, partition, 0, high))
      if (value !== null) partitionOf.set(JSON.parse(value.subarray(5).toString()).region, partition)
  }
  // One that has no record in the topic yet may be of any partition.
  await p.assertWatermarksHonest((region, partition) => (partitionOf.get(region) ?? partition) === partition)
}
