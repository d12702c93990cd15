import assert from 'node:assert/strict'
import { after, test } from 'node:test'
import { shortLivedLoader } from '../support/child.ts'
import { startInsertProxy } from '../support/insert-proxy.ts'
import { commits, count, query, startLoader, until } from '../support/loading.ts'
import { closeAll, order, ownPlace, publish } from '../support/published.ts'

after(closeAll)

const KEYS = 200
const NEWER = 5
const TEST_MS_MAX = 120_000
const versions = (keys: number, version: number) => Array.from({ length: keys }, (_, key) => order(key, version))

test('an insert of a loader that stands still goes in after newer versions were loaded and committed: FINAL and commits are as they were', {
  timeout: TEST_MS_MAX,
}, async (t) => {
  const place = await ownPlace({ LOADER_BATCH_AGE_MS: '50' })
  const orders = await publish(place)
  const proxy = await startInsertProxy(t, place.config.clickhouse.url)
  const [reached, release] = [Promise.withResolvers<void>(), Promise.withResolvers<void>()]
  void proxy.at('table-begun', 1, () => {
    reached.resolve()
    return release.promise
  })
  const late = proxy.at('table-done', 1, () => undefined)
  await orders.page({ records: versions(KEYS, 0) })
  const sleeper = shortLivedLoader({ ...place.env, CLICKHOUSE_URL: proxy.url })
  await reached.promise
  sleeper.process.kill('SIGSTOP')

  const successor = startLoader(place)
  await until('the successor has loaded all', async () => (await count(place, orders.table, false)) === KEYS)
  const end = await orders.page({ records: versions(KEYS / 2, NEWER) })
  await until('and newer versions', async () => ((await commits(place, orders.topic))[0]?.offset ?? 0) >= end)
  const committed = (await commits(place, orders.topic))[0]
  const final = () => query(place, `SELECT id, total, status FROM {db}.${orders.table} FINAL ORDER BY id`)
  const before = await final()

  release.resolve()
  await late
  assert.equal(await count(place, orders.table, false), KEYS + KEYS / 2 + KEYS, 'the late rows are there')
  assert.deepEqual(await final(), before)
  sleeper.process.kill('SIGCONT')
  await until('it gives its batch up', () => sleeper.lines.some((line) => line.includes('abandoned without a commit')))
  await until('it has joined again', () => sleeper.lines.filter((line) => line.includes('"loading ')).length >= 2)
  assert.deepEqual((await commits(place, orders.topic))[0], committed)
  await orders.page({ records: [order(KEYS)] })
  await until('loading goes on', async () => (await count(place, orders.table)) === KEYS + 1)
  assert.deepEqual((await final()).length, before.length + 1)
  await successor.stop()
  sleeper.process.kill('SIGTERM')
  assert.equal((await sleeper.exited).code, 0)
  await orders.close()
})
