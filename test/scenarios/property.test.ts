/**
 * Random APIs and the declarations that fit them, from seeds: the real fetcher on the real broker, killed and started
 * again, and what the topic holds compared with what the API gave out. A seed draws the whole case, and `npm run
 * test:property -- --seed S --seeds 1` runs it alone. What a seed does not fix: at which request the fetcher of a batch
 * is killed (a failure names the requests of each case, and `--kills` repeats them), and the time of day, where records
 * are stamped with it. Some batches draw capabilities of the declaration too; `--capabilities` makes all of them do so.
 */
import assert from 'node:assert/strict'
import { describe, test } from 'node:test'
import { testSeed } from '../support/seed.ts'
import { runBatch, type Verdict } from './property/batch.ts'

const SEEDS_DEFAULT = 500
const BATCH_CASES = 50
/** One waits for Kafka to miss a killed fetcher while the other computes. */
const BATCHES_AT_ONCE = 2
/**
 * One batch in so many has backfills beside its regular runs: the first one too, so that a seed that runs alone has its
 * own.
 */
const BACKFILL_EVERY = 3
/** One batch in so many forgets all the time what it has published. */
const SMALL_MEMORY_EVERY = 4
/** Of five batches, those that draw capabilities. Never the first: a seed that runs alone draws none. */
const CAPABILITIES_EVERY = 5
const WITH_CAPABILITIES = [1, 3, 4]

const first = testSeed()
const count = Number(process.env.HEADRACE_TEST_SEEDS || SEEDS_DEFAULT)
const allCapable = process.env.HEADRACE_TEST_CAPABILITIES === '1'
const kills = process.env.HEADRACE_TEST_KILLS?.split(',').map((request) => ({ request: Number(request), afterMs: 0 }))

describe(`${count} random APIs lose nothing, publish nothing twice, and no watermark runs ahead`, {
  concurrency: BATCHES_AT_ONCE,
}, () => {
  for (let batch = 0; batch * BATCH_CASES < count; batch++) {
    const seeds = Array.from(
      { length: Math.min(BATCH_CASES, count - batch * BATCH_CASES) },
      (_, index) => first + batch * BATCH_CASES + index,
    )
    const capabilities = allCapable || WITH_CAPABILITIES.includes(batch % CAPABILITIES_EVERY)
    test(`seeds ${seeds[0]} to ${seeds.at(-1)}`, async () => {
      const verdicts = await runBatch({
        seeds,
        kills,
        smallMemory: batch % SMALL_MEMORY_EVERY === SMALL_MEMORY_EVERY - 1,
        backfills: batch % BACKFILL_EVERY === 0,
        stepsClock: batch % BACKFILL_EVERY !== 0,
        capabilities,
      })
      const failed = verdicts.filter(({ problems }) => problems.length > 0)
      assert.equal(failed.length, 0, failed.map((verdict) => described(verdict, capabilities)).join('\n'))
      // A judge of nothing finds nothing.
      assert.ok(verdicts.every(({ markers }) => markers > 0))
      assert.ok(seeds.length < BATCH_CASES || sum(verdicts, 'published') > BATCH_CASES)
    })
  }
})

const PROBLEMS_SHOWN_MAX = 12
const sum = (verdicts: readonly Verdict[], field: 'published'): number =>
  verdicts.reduce((total, each) => total + each[field], 0)

function described({ seed, problems, killedAt, description }: Verdict, capabilities: boolean): string {
  const more = capabilities ? ' --capabilities' : ''
  const again = `npm run test:property -- --seed ${seed} --seeds 1${more} --kills ${killedAt.join()}`
  return [`seed ${seed}: ${again}`, ...problems.slice(0, PROBLEMS_SHOWN_MAX), description].join('\n  ')
}
