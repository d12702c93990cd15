/**
 * What every stage of the loader guarantees, whatever it does: order within a partition, nothing passed while something
 * before it is open, an end when it is told to stop, and a bound. The same cases for each stage of the table.
 */
import assert from 'node:assert/strict'
import { after, describe, type TestContext, test } from 'node:test'
import { systemClock } from '#shared/clock.ts'
import { until } from '../support/loading.ts'
import { closeAll } from '../support/published.ts'
import { keyOf, PARTITIONS, type Position, placesOf, type Rig } from './stages/rig.ts'
import { STAGES } from './stages/table.ts'

after(closeAll)

const FETCH_RECORDS = 3
/** Long enough for a stage that wrongly moves on to be seen. */
const LATE_MS = 200

/** The nth fetch of a partition; offsets begin at 1. */
const fetched = (partition: number, n: number) => ({
  partition,
  offsets: Array.from({ length: FETCH_RECORDS }, (_, at) => 1 + n * FETCH_RECORDS + at),
})
const keys = (positions: readonly Position[]): string[] => positions.map(keyOf)
const ofPartition = (positions: readonly Position[], partition: number): string[] =>
  keys(positions.filter((each) => each.partition === partition))

for (const { stage, open } of STAGES) {
  describe(`the stage ${stage}`, () => {
    /** A stage that waits for what is blocked would never end. */
    async function opened(t: TestContext): Promise<Rig> {
      const rig = await open()
      t.after(() => rig.stop('over'))
      return rig
    }

    /** One fetch has passed, the next is kept open, and one more comes after it. */
    async function withOpenFetch(t: TestContext): Promise<Rig> {
      const rig = await opened(t)
      await rig.feed(fetched(0, 0))
      await until('the first fetch has passed', () => rig.passed.length === FETCH_RECORDS)
      rig.block()
      await rig.feed(fetched(0, 1))
      await until('it waits', rig.isWaiting)
      await rig.feed(fetched(0, 2))
      return rig
    }

    test('keeps the order within a partition, also after a wait', async (t) => {
      const rig = await opened(t)
      rig.block()
      for (let n = 0; n < 2; n++) for (let p = 0; p < PARTITIONS; p++) await rig.feed(fetched(p, n))
      await until('it waits', rig.isWaiting)
      rig.unblock()
      for (let n = 2; n < 4; n++) for (let p = 0; p < PARTITIONS; p++) await rig.feed(fetched(p, n))
      await until('all has passed', () => rig.passed.length >= PARTITIONS * 4 * FETCH_RECORDS)
      for (let p = 0; p < PARTITIONS; p++) {
        const expected = [0, 1, 2, 3].flatMap((n) => placesOf(fetched(p, n)))
        assert.deepEqual(ofPartition(rig.passed, p), keys(expected))
      }
      const stored = await rig.stored?.()
      if (stored !== undefined) assert.deepEqual(keys(stored).sort(), keys(rig.passed).sort())
    })

    test('passes nothing on while a record before it is open', async (t) => {
      const rig = await withOpenFetch(t)
      await systemClock.sleep(LATE_MS)
      assert.deepEqual(keys(rig.passed), keys(placesOf(fetched(0, 0))))
      const stored = await rig.stored?.()
      if (stored !== undefined) assert.deepEqual(keys(stored).sort(), keys(rig.passed).sort())
      rig.unblock()
      await until('all has passed', () => rig.passed.length === 3 * FETCH_RECORDS)
    })

    for (const signal of ['ending', 'over'] as const) {
      test(`stops when told to by ${signal}, and passes nothing of what is open`, async (t) => {
        const rig = await withOpenFetch(t)
        await rig.stop(signal)
        rig.unblock()
        await systemClock.sleep(LATE_MS)
        assert.deepEqual(keys(rig.passed), keys(placesOf(fetched(0, 0))))
      })
    }

    test('holds its bound, and reaches it', async (t) => {
      const rig = await opened(t)
      const { name, max, peak } = await rig.overfill()
      assert.ok(peak <= max, `${name}: ${peak} of ${max}`)
      assert.ok(peak > max / 2, `${name}: only ${peak} of ${max}, so the bound was not tested`)
    })
  })
}
