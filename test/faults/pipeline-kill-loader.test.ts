/**
 * kill -9 of the loader at seeded moments, while the fetcher publishes; the next one loads again what was not
 * committed, and nothing counts twice.
 */
import assert from 'node:assert/strict'
import { describe, test } from 'node:test'
import { setTimeout as sleep } from 'node:timers/promises'
import { type InsertMoment, type InsertProxy, startInsertProxy } from '../support/insert-proxy.ts'
import { until } from '../support/loading.ts'
import { type Pipeline, pipeline } from '../support/pipeline.ts'
import { type Running, start } from '../support/processes.ts'
import { between, randomFrom } from '../support/random.ts'
import { testSeed } from '../support/seed.ts'
import { walkRecord } from '../support/walk-api.ts'

/** Slow enough that several batches are loaded while it is walked. */
const WALK = { regions: ['eu', 'us'], records: 300, badEvery: 13, paceMs: 50 }
const TEST_MS_MAX = 120_000
const FEED_MS = 200
const FEEDS_MAX = TEST_MS_MAX / FEED_MS

const random = randomFrom(testSeed())

type Kill = () => Promise<void>
type Moment = { name: string; at: InsertMoment; latest: number }

const MOMENTS: Moment[] = [
  { name: 'before its first insert', at: 'table-begun', latest: 1 },
  { name: 'in the middle of an insert', at: 'table-half', latest: 6 },
  { name: 'after an insert that it has not heard of', at: 'table-done', latest: 6 },
  { name: 'right behind the answer to an insert', at: 'table-answered', latest: 6 },
  { name: 'before the ledger is written', at: 'ledger-begun', latest: 6 },
  { name: 'after the ledger was written, before the commit', at: 'ledger-done', latest: 6 },
  { name: 'in the middle of its commit', at: 'ledger-answered', latest: 6 },
]

describe('after a kill -9 of the loader', { concurrency: 4 }, () => {
  for (const { name, at, latest } of MOMENTS) {
    const count = between(random, 1, latest)
    test(`${name}, everything is loaded, and the watermark was never ahead of the table`, {
      timeout: TEST_MS_MAX,
    }, async (t) => {
      const p = await pipeline(t, WALK)
      const proxy = await startInsertProxy(t, p.env.CLICKHOUSE_URL ?? '')
      const fetcher = p.fetcher()
      const victim = startBehind(p, proxy, t)
      const kill: Kill = async () => {
        victim.kill('SIGKILL')
        await victim.exit
        await p.assertWatermarksHonest()
      }
      await feedUntil(p, proxy.at(at, count, kill))
      assert.equal((await victim.exit).signal, 'SIGKILL')
      assert.equal((await fetcher.stop()).status, 0)
      await p.fetchOnce()
      await p.loadAll()
      await p.assertComplete()
      await p.assertWatermarksHonest()
      await p.assertAskedOnce()
      await p.assertLedger()
      assert.ok((await p.commits()).every((commit) => commit?.open === 0 && commit.watermark !== null))
    })
  }

  test('while another one joins, that one loads everything', { timeout: TEST_MS_MAX }, async (t) => {
    const p = await pipeline(t, WALK)
    const fetcher = p.fetcher('--once')
    const victim = p.loader()
    await until('it has committed', async () => (await p.commits()).some((commit) => commit !== null))
    const other = p.loader()
    await until('the other one asks to join', async () => (await p.kafka.members(p.names.loaderGroup)).length === 2)
    victim.kill('SIGKILL')
    await fetcher.exit
    await p.untilComplete()
    await p.assertWatermarksHonest()
    assert.equal((await other.stop()).status, 0)
  })
})

/** On a slow machine the walk is over in fewer batches than the moment needs. */
async function feedUntil(p: Pipeline, reached: Promise<unknown>): Promise<void> {
  for (let feed = 0; feed < FEEDS_MAX; feed++) {
    if (await Promise.race([reached.then(() => true), sleep(FEED_MS, false)])) return
    for (const region of WALK.regions) p.api.put(walkRecord(region, WALK.records + feed))
  }
  await reached
}

const startBehind = (p: Pipeline, proxy: InsertProxy, t: Parameters<typeof start>[0]): Running =>
  start(t, 'loader', ['load'], { ...p.env, CLICKHOUSE_URL: proxy.url })
