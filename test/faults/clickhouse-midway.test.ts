/** kill -9 of ClickHouse while an insert is surely under way in it; it stays away for a while. */
import assert from 'node:assert/strict'
import { after, before, describe, test } from 'node:test'
import { setTimeout } from 'node:timers/promises'
import { startInsertProxy } from '../support/insert-proxy.ts'
import { count, until } from '../support/loading.ts'
import { start } from '../support/processes.ts'
import { closeAll, ownPlace, publish } from '../support/published.ts'
import { type OwnStack, ownStack } from '../support/stack.ts'
import { CLOSE_BATCHES, firstPage, offsetOf, PAGES, page, ROWS } from './midway.ts'

/** Once longer than the longest wait between two attempts. */
const AWAY_MS = 8_000
const AWAY_SHORTLY_MS = 500
const TEST_MS_MAX = 120_000

let stack: OwnStack
before(async () => {
  stack = await ownStack()
})
after(() => closeAll().finally(() => stack?.remove()))

describe('kill -9 of ClickHouse in the middle of', () => {
  for (const [moment, what, awayMs] of [
    ['table-half', 'on its way', AWAY_MS],
    ['table-done', 'done and not heard of', AWAY_SHORTLY_MS],
  ] as const) {
    test(`an insert that is ${what}: it stays away, no process ends, and no row is there twice even without FINAL`, {
      timeout: TEST_MS_MAX,
    }, async (t) => {
      const place = await ownPlace(CLOSE_BATCHES, stack)
      const orders = await publish(place)
      const proxy = await startInsertProxy(t, place.config.clickhouse.url)
      const loader = start(t, 'loader', ['load'], { ...place.env, CLICKHOUSE_URL: proxy.url })
      await firstPage(place, orders)
      const killed = proxy.at(moment, 1, () => stack.kill('clickhouse', 'SIGKILL'))
      for (let number = 1; number < PAGES; number++) await page(orders, number)
      await killed
      await until('it says that it waits', () => loader.logged(/ waits: /).length > 0)
      const before = await offsetOf(place, orders)
      await setTimeout(awayMs)
      assert.equal(loader.ended(), null)
      assert.equal(await offsetOf(place, orders), before, 'nothing is committed meanwhile')
      await stack.start('clickhouse')
      await until(
        'all is committed',
        async () => (await count(place, orders.table)) === ROWS && (await offsetOf(place, orders)) > before,
      )
      assert.equal(await count(place, orders.table, false), ROWS)
      assert.equal((await orders.deadLetters()).length, 0)
      assert.deepEqual(await loader.stop(), { status: 0, signal: null })
      await orders.close()
    })
  }
})
