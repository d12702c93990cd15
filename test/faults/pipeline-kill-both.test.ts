/**
 * Fetcher and loader as services, killed again and again at random while the API changes: at the end the table is what
 * the API has.
 */
import assert from 'node:assert/strict'
import { test } from 'node:test'
import { setTimeout as sleep } from 'node:timers/promises'
import { pipeline } from '../support/pipeline.ts'
import { between, randomFrom } from '../support/random.ts'
import { testSeed } from '../support/seed.ts'
import { walkRecord } from '../support/walk-api.ts'

const REGIONS = ['eu', 'us', 'jp']
const RECORDS = 200
const ROUNDS = 5
const CHANGES_A_ROUND = 30
/** Of a round: shorter and longer than a start takes, so that services die before they own anything too. */
const ROUND_MS = [1_000, 9_000] as const
const TEST_MS_MAX = 180_000

test('killed at random moments while records come and change, both services bring everything, once', {
  timeout: TEST_MS_MAX,
}, async (t) => {
  const random = randomFrom(testSeed())
  const p = await pipeline(t, {
    regions: REGIONS,
    records: RECORDS,
    badEvery: 17,
    paceMs: 20,
    stream: "every: '300ms',",
  })
  let next = RECORDS
  /**
   * New records come behind all others, and a changed one is moved there, as by an API that sorts by the time of the
   * change.
   */
  const change = () => {
    // Times are not shared with what was there before: this API promises no more than others that nothing comes late.
    next = Math.ceil(next / 3) * 3
    for (let count = 0; count < CHANGES_A_ROUND; count++) {
      const region = REGIONS[between(random, 0, REGIONS.length - 1)] ?? 'eu'
      const fresh = walkRecord(region, next++)
      const old = walkRecord(region, between(random, 0, RECORDS - 1))
      p.api.put(random() < 0.5 ? fresh : { ...fresh, id: old.id })
    }
  }
  const running = { fetcher: p.fetcher(), loader: p.loader() }
  for (let round = 1; round <= ROUNDS; round++) {
    const killed = (['fetcher', 'loader'] as const).filter((_, index) => between(random, 1, 3) & (index + 1))
    change()
    await sleep(between(random, ...ROUND_MS))
    for (const name of killed) running[name].kill('SIGKILL')
    for (const name of killed) assert.equal((await running[name].exit).signal, 'SIGKILL', running[name].stderr())
    await p.assertWatermarksHonest()
    for (const name of killed) running[name] = p[name]()
  }
  change()
  await p.untilComplete()
  await p.assertWatermarksHonest()
  await p.assertAskedOnce()
  for (const service of [running.fetcher, running.loader])
    assert.deepEqual(await service.stop(), { status: 0, signal: null })
  await p.loadAll()
  await p.assertLedger()
  const [twice] = await p.query<{ keys: string }>('SELECT count() - uniqExact(id) AS keys FROM {db}.shop_orders FINAL')
  assert.equal(Number(twice?.keys), 0)
})
