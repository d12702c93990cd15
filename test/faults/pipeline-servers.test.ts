/** kill -9 of each server under a running pipeline: no process exits, and after the restart everything arrives. */
import assert from 'node:assert/strict'
import { after, before, describe, test } from 'node:test'
import { setTimeout as sleep } from 'node:timers/promises'
import { until } from '../support/loading.ts'
import { type Pipeline, pipeline } from '../support/pipeline.ts'
import { type OwnStack, ownStack } from '../support/stack.ts'
import { walkRecord } from '../support/walk-api.ts'

const TEST_MS_MAX = 180_000
const RECORDS = 90
const BROUGHT = 60
/** Long enough that both services meet the absence, and more than once. */
const AWAY_MS = 8_000
const WALK = { regions: ['eu', 'us'], records: RECORDS, badEvery: 17, paceMs: 20, stream: "every: '300ms'," }

let stack: OwnStack
before(async () => {
  stack = await ownStack()
})
after(() => stack?.remove())

function bring(p: Pipeline, from: number): void {
  for (let number = from; number < from + BROUGHT; number++)
    for (const region of WALK.regions) p.api.put(walkRecord(region, number, number % 20 === 7 ? 'many' : number))
}

describe('kill -9 of', () => {
  for (const server of ['clickhouse', 'registry', 'kafka'] as const) {
    test(`${server} under a running pipeline, and its restart: everything arrives, and no process exits`, {
      timeout: TEST_MS_MAX,
    }, async (t) => {
      const p = await pipeline(t, { ...WALK, stack })
      const [fetcher, loader] = [p.fetcher(), p.loader()]
      await until('both are at work', async () => (await p.commits()).some((commit) => (commit?.offset ?? 0) > 0))
      await stack.kill(server, 'SIGKILL')
      bring(p, RECORDS)
      await sleep(AWAY_MS)
      assert.deepEqual([fetcher.ended(), loader.ended()], [null, null])
      await stack.start(server)
      bring(p, RECORDS + BROUGHT)
      await p.untilComplete(120_000)
      await p.assertComplete()
      await p.assertWatermarksHonest()
      await p.assertAskedOnce()
      const last = walkRecord('eu', RECORDS + 2 * BROUGHT - 1).updated_at.replace('.000Z', 'Z')
      await until('the watermark is confirmed', async () =>
        (await p.commits()).every((commit) => commit?.watermark === last),
      )
      for (const service of [fetcher, loader]) {
        assert.deepEqual(await service.stop(), { status: 0, signal: null }, service.stderr())
        assert.deepEqual(
          service.lines().filter(({ level, stack }) => level === 'fatal' || stack !== undefined),
          [],
          'no defect was met',
        )
      }
      await p.loadAll()
      await p.assertLedger()
    })
  }
})
