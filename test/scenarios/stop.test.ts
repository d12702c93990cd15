/**
 * A stop under load: what is in hand is finished, nothing is asked for or inserted in vain, and who does not want to
 * wait need not.
 */
import assert from 'node:assert/strict'
import { describe, test } from 'node:test'
import { startInsertProxy } from '../support/insert-proxy.ts'
import { until } from '../support/loading.ts'
import { type Pipeline, pipeline } from '../support/pipeline.ts'
import { type Closes, type Running, start, within } from '../support/processes.ts'

const TEST_MS_MAX = 120_000
const AT_ONCE_MS_MAX = 4_000
const IN_ORDER = { status: 0, signal: null }
const WALK = { regions: ['eu', 'us', 'jp'], records: 400, badEvery: 13, paceMs: 40 }

/** A moment that lasts until the test ends or lets it pass. */
function held(): { reached: Promise<void>; hold(): Promise<void>; pass(): void } {
  const [reached, passed] = [Promise.withResolvers<void>(), Promise.withResolvers<void>()]
  return {
    reached: reached.promise,
    hold() {
      reached.resolve()
      return passed.promise
    },
    pass: passed.resolve,
  }
}

const loaderBehind = (t: Closes, p: Pipeline, url: string, env: Record<string, string> = {}): Running =>
  start(t, 'loader', ['load'], { ...p.env, CLICKHOUSE_URL: url, ...env })

describe('a stop', { concurrency: 3 }, () => {
  for (const signal of ['SIGTERM', 'SIGINT'] as const) {
    test(`by ${signal} under load ends both services with 0: what was asked for is published, what was inserted is committed`, {
      timeout: TEST_MS_MAX,
    }, async (t) => {
      const p = await pipeline(t, WALK)
      const [fetcher, loader] = [p.fetcher(), p.loader()]
      await until('both are at work', async () => {
        const commits = await p.commits()
        return commits.length === WALK.regions.length && commits.every((commit) => (commit?.offset ?? 0) > 20)
      })
      for (const service of [fetcher, loader]) service.kill(signal)
      assert.deepEqual([await fetcher.exit, await loader.exit], [IN_ORDER, IN_ORDER])
      for (const service of [fetcher, loader]) assert.equal(service.logged('stopping').length, 1)

      const markers = await p.markers()
      assert.ok(
        markers.every(({ last }) => !last),
        'it was stopped in the middle of the walk',
      )
      assert.equal(p.api.visits.length, markers.length, 'no page was asked for in vain')
      const inserted = await p.query<{ partition: number; offset: string }>(
        'SELECT _partition AS partition, max(_offset) AS offset FROM {db}.shop_orders GROUP BY _partition',
      )
      const commits = await p.commits()
      for (const { partition, offset } of inserted)
        assert.ok(Number(offset) < (commits[partition]?.offset ?? 0), 'no insert is without its commit')
      assert.deepEqual(
        [await p.kafka.members(p.names.fetcherGroup), await p.kafka.members(p.names.loaderGroup)],
        [[], []],
        'both have left',
      )

      await p.fetchOnce()
      await p.loadAll()
      await p.assertComplete()
      await p.assertAskedOnce()
    })
  }

  test('of a fetcher waits for the page in hand; a second signal does not', { timeout: TEST_MS_MAX }, async (t) => {
    const p = await pipeline(t, { ...WALK, regions: ['eu'] })
    const page = held()
    t.after(page.pass)
    void p.api.at('asked', 5, page.hold)
    const fetcher = p.fetcher()
    await page.reached
    fetcher.kill('SIGTERM')
    await until('it stops', () => fetcher.logged('stopping').length === 1)
    assert.equal(fetcher.ended(), null)
    fetcher.kill('SIGTERM')
    const { status, signal } = await within(fetcher.exit, AT_ONCE_MS_MAX, 'the end at once')
    assert.ok(status !== 0 || signal !== null, 'an end that was forced is no end in order')
    page.pass()
    await p.fetchOnce()
    await p.loadAll()
    await p.assertComplete()
  })

  test('of a loader waits for the insert in hand and commits it', { timeout: TEST_MS_MAX }, async (t) => {
    const p = await pipeline(t, { ...WALK, regions: ['eu'], paceMs: 0 })
    await p.fetchOnce()
    const insert = held()
    t.after(insert.pass)
    const proxy = await startInsertProxy(t, p.env.CLICKHOUSE_URL ?? '')
    void proxy.at('table-done', 1, insert.hold)
    const loader = loaderBehind(t, p, proxy.url)
    await insert.reached
    loader.kill('SIGTERM')
    await until('it stops', () => loader.logged('stopping').length === 1)
    assert.equal((await p.commits())[0], null)
    insert.pass()
    assert.deepEqual(await loader.exit, IN_ORDER)
    await p.assertComplete()
    assert.equal((await p.commits())[0]?.open, 0)
    assert.equal(proxy.inserts, 1)
  })

  test('of a loader whose insert hangs ends by a second signal, or at the deadline, with nothing committed', {
    timeout: TEST_MS_MAX,
  }, async (t) => {
    const p = await pipeline(t, { ...WALK, regions: ['eu'], paceMs: 0 })
    await p.fetchOnce()
    const proxy = await startInsertProxy(t, p.env.CLICKHOUSE_URL ?? '')
    for (const again of [true, false]) {
      const insert = held()
      t.after(insert.pass)
      void proxy.at('table-begun', 1, insert.hold)
      const loader = loaderBehind(t, p, proxy.url, again ? {} : { HEADRACE_STOP_DEADLINE_MS: '1500' })
      await insert.reached
      loader.kill('SIGTERM')
      await until('it stops', () => loader.logged('stopping').length === 1)
      if (again) loader.kill('SIGTERM')
      const { status, signal } = await within(loader.exit, AT_ONCE_MS_MAX, again ? 'the end at once' : 'the deadline')
      // Before its deadline it gives up what hangs and leaves in order; nobody committed it.
      assert.equal(status === 0 && signal === null, !again, `it ended with ${status}`)
      assert.equal((await p.commits())[0], null)
    }
    await p.loadAll()
    await p.assertComplete()
  })
})
