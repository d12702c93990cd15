/** Two fetchers share the partitions and the quota, and hand over to each other: in order, and after a kill -9. */
import assert from 'node:assert/strict'
import { describe, test } from 'node:test'
import { until } from '../support/loading.ts'
import { type Pipeline, pipeline } from '../support/pipeline.ts'
import type { Running } from '../support/processes.ts'
import { timeOf } from '../support/walk-api.ts'

const TEST_MS_MAX = 120_000
const QUOTA = { requests: 20, perMs: 1_000 }
const REGIONS = ['eu', 'us', 'jp', 'br']
/** A walk of 320 pages takes sixteen seconds at this quota: longer than joining, leaving and being missed. */
const WALK = {
  ...{ regions: REGIONS, records: 800, badEvery: 29, paceMs: 10 },
  ...{ quota: QUOTA, declaredQuota: { requests: QUOTA.requests, per: '1s' }, stream: "every: '500ms'," },
}

/** Partitions by the client that owns them, as Kafka's group has it. */
async function owned(p: Pipeline): Promise<number[][]> {
  const members = await p.kafka.members(p.names.fetcherGroup)
  return members
    .map(({ partitions }) => partitions.flatMap(({ partitions: own }) => own))
    .filter((own) => own.length > 0)
}

async function untilShared(p: Pipeline): Promise<void> {
  await until('both own partitions', async () => (await owned(p)).length === 2)
  assert.deepEqual((await owned(p)).flat().sort(), [0, 1, 2, 3], 'each partition has one owner')
}

async function twoFetchers(p: Pipeline): Promise<[Running, Running]> {
  const first = p.fetcher()
  await until('the first walks', () => p.api.visits.length > 5)
  const second = p.fetcher()
  await untilShared(p)
  // Both ask for a while: what they are allowed together is counted then.
  const asked = p.api.visits.length
  await until('both walk', () => p.api.visits.length > asked + 2 * QUOTA.requests)
  return [first, second]
}

/** Everything that the walk promises, over the whole time, hand-overs included. */
async function assertWellWalked(p: Pipeline, quota = QUOTA): Promise<void> {
  await p.loadAll()
  await p.assertComplete()
  await p.assertAskedOnce()
  const most = p.api.mostInWindow(quota.perMs)
  assert.ok(most <= quota.requests, `${most} requests in ${quota.perMs} ms, the quota is ${quota.requests}`)
  assert.equal(p.api.visits.filter(({ status }) => status === 429).length, 0)
  assert.deepEqual(
    (await p.published()).sort(),
    p.api
      .valid()
      .map(({ id }) => id)
      .sort(),
    'each record is in the topic once',
  )
}

/** Fewer requests per window than there are partitions. */
const SCARCE = { requests: 2, perMs: 400 }

const untilWalked = (p: Pipeline, records = WALK.records) =>
  until(
    'every partition has been walked',
    async () =>
      (await p.checkpoints()).every(
        (checkpoint) => checkpoint?.watermark === timeOf(records - 1).replace('.000Z', 'Z'),
      ),
    90_000,
  )

describe('two fetchers', { concurrency: 2 }, () => {
  test('after a kill -9 of one the other goes on where it stood, within the quota', {
    timeout: TEST_MS_MAX,
  }, async (t) => {
    const p = await pipeline(t, WALK)
    const [first, second] = await twoFetchers(p)
    first.kill('SIGKILL')
    await first.exit
    await untilWalked(p)
    assert.deepEqual(await owned(p), [[0, 1, 2, 3]])
    assert.deepEqual(await second.stop(), { status: 0, signal: null })
    await assertWellWalked(p)
  })

  test('after a stop of one the other takes over at once, and no page is asked for by both', {
    timeout: TEST_MS_MAX,
  }, async (t) => {
    const p = await pipeline(t, WALK)
    const [first, second] = await twoFetchers(p)
    assert.deepEqual(await first.stop(), { status: 0, signal: null })
    const pages = p.api.visits.map(({ region, cursor, since }) => `${region} ${since} ${cursor}`)
    await untilWalked(p)
    assert.deepEqual(await second.stop(), { status: 0, signal: null })
    await assertWellWalked(p)
    const after = p.api.visits.slice(pages.length).filter(({ since }) => since === null)
    assert.deepEqual(
      after.filter(({ region, cursor }) => pages.includes(`${region} null ${cursor}`)),
      [],
    )
  })

  test('one that comes and goes while the other walks costs no page twice', { timeout: TEST_MS_MAX }, async (t) => {
    const p = await pipeline(t, WALK)
    const [first, second] = await twoFetchers(p)
    assert.deepEqual(await second.stop(), { status: 0, signal: null })
    const third = p.fetcher()
    await untilShared(p)
    await untilWalked(p)
    for (const fetcher of [first, third]) assert.deepEqual(await fetcher.stop(), { status: 0, signal: null })
    await assertWellWalked(p)
    const asked = p.api.visits.filter(({ since }) => since === null).map(({ region, page }) => `${region} ${page}`)
    assert.equal(asked.length, new Set(asked).size, 'each page of the first walk was asked for once')
  })

  test('whose quota has fewer requests than there are partitions each hold the partitions that share one, and keep it', {
    timeout: TEST_MS_MAX,
  }, async (t) => {
    const p = await pipeline(t, {
      ...WALK,
      records: 160,
      quota: SCARCE,
      declaredQuota: { requests: SCARCE.requests, per: `${SCARCE.perMs}ms` },
    })
    const first = p.fetcher()
    await until('the first walks', () => p.api.visits.length > 5)
    const second = p.fetcher()
    await untilShared(p)
    const shares = (await owned(p)).map((own) => own.toSorted()).sort((a, b) => (a[0] ?? 0) - (b[0] ?? 0))
    assert.deepEqual(shares, [
      [0, 2],
      [1, 3],
    ])
    await untilWalked(p, 160)
    for (const fetcher of [first, second]) assert.deepEqual(await fetcher.stop(), { status: 0, signal: null })
    await assertWellWalked(p, SCARCE)
  })
})
