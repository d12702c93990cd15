/**
 * kill -9 of the fetcher in the middle of a full walk that shows what is deleted, with the loader running beside it:
 * until a walk is complete nothing is marked, what it did not bring is marked then, and never what the API has.
 */
import assert from 'node:assert/strict'
import { describe, test } from 'node:test'
import { setTimeout as sleep } from 'node:timers/promises'
import { until } from '../support/loading.ts'
import { type Pipeline, pipeline } from '../support/pipeline.ts'
import { between, randomFrom } from '../support/random.ts'
import { testSeed } from '../support/seed.ts'
import { type WalkMoment, walkRecord } from '../support/walk-api.ts'

const REGIONS = ['eu', 'us']
const [RECORDS, PAGE] = [100, 10]
const PAGES = (REGIONS.length * RECORDS) / PAGE
const WALK = {
  regions: REGIONS,
  records: RECORDS,
  pageSize: PAGE,
  paceMs: 60,
  watermark: false,
  stream: "deletes: 'full-walk',",
}
const TRANSACTION_MS = 30
const TEST_MS_MAX = 180_000
/** In each region, over the walk. */
const GONE = [3, 27, 58, 99]
const ids = (numbers: readonly number[]) =>
  REGIONS.flatMap((region) => numbers.map((number) => walkRecord(region, number).id))

const MOMENTS: [name: string, at: WalkMoment, waitMs: number][] = [
  ['when it asks for a page', 'asked', 0],
  ['in the middle of an answer', 'half', 0],
  ['while it publishes', 'answered', TRANSACTION_MS],
]

const random = randomFrom(testSeed())

describe('after a kill -9 in the middle of a full walk', { concurrency: 3 }, () => {
  for (const [name, at, waitMs] of MOMENTS) {
    const draw = randomFrom(Math.floor(random() * 2 ** 31))
    test(`${name}, nothing is marked deleted before a walk is complete, and then what is gone`, {
      timeout: TEST_MS_MAX,
    }, async (t) => {
      const p = await pipeline(t, WALK)
      const loader = p.loader()
      await p.fetchOnce()
      await p.untilComplete()

      for (const id of ids(GONE)) p.api.remove(id)
      const victim = p.fetcher('--once')
      const first = new Set((await p.markers()).map(({ run }) => run))
      const second = async () => (await p.markers()).filter(({ run }) => !first.has(run))
      const reached = p.api.at(at, between(draw, 4, PAGES / 2 - 1), async () => {
        await until(
          'both walks have published a page',
          async () => new Set((await second()).map(({ partition }) => partition)).size === REGIONS.length,
        )
        await sleep(waitMs === 0 ? 0 : between(draw, 1, waitMs))
        victim.kill('SIGKILL')
        await victim.exit
      })
      const { signal } = await Promise.race([reached.then(() => victim.exit), victim.exit])
      assert.equal(signal, 'SIGKILL', victim.stderr())
      await loadedToEnd(p)
      // The one that is held cannot have come to its end; the other one may have, while it was waited for.
      const over = (await second()).flatMap(({ complete, partition }) =>
        complete === undefined ? [] : REGIONS[partition],
      )
      assert.ok(over.length < REGIONS.length)
      const rightlyGone = ids(GONE).filter((id) => over.some((region) => id.startsWith(`${region}-`)))
      assert.deepEqual(await marked(p), rightlyGone, 'nothing is marked deleted by a walk that is not complete')
      assert.equal((await shown(p)).length, REGIONS.length * RECORDS - rightlyGone.length)

      // One of the first page is gone now, and may have been brought by the walk before: then the next one shows it.
      const late = ids([0])
      for (const id of late) p.api.remove(id)
      await p.fetchOnce()
      await loadedToEnd(p)
      const after = await shown(p)
      assert.deepEqual(
        after.filter((id) => !late.includes(id)),
        p.api
          .valid()
          .map(({ id }) => id)
          .sort(),
      )
      const runs = (await p.markers()).filter(({ complete }) => complete !== undefined)
      assert.equal(runs.length, 2 * REGIONS.length, 'the walk that was killed went on to its end')

      for (const region of REGIONS) p.api.put(walkRecord(region, GONE[1] ?? 0))
      await p.fetchOnce()
      await p.untilComplete()
      assert.deepEqual(await loader.stop(), { status: 0, signal: null })
      await p.assertComplete()
      await p.assertLedger()
      assert.deepEqual(await marked(p), ids([0, ...GONE.filter((number) => number !== GONE[1])]).sort())
    })
  }
})

const shown = async (p: Pipeline) => (await p.rows()).map(({ id }) => id)

/** Rows whose newest version says that they are gone. */
async function marked(p: Pipeline): Promise<string[]> {
  const newest =
    'SELECT id, argMax(_deleted, _version) AS gone FROM {db}.shop_orders GROUP BY id HAVING gone = 1 ORDER BY id'
  return (await p.query<{ id: string }>(newest)).map(({ id }) => id)
}

async function loadedToEnd(p: Pipeline): Promise<void> {
  await until('the loader has committed all that can be read', async () => {
    const [ends, commits] = [await p.kafka.logRanges(p.topic), await p.commits()]
    return ends.every(({ high }, partition) => high === 0 || commits[partition]?.offset === high)
  })
}
