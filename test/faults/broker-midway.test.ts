/**
 * kill -9 of the broker while something is surely under way in it: a commit of the loader, a transaction of the
 * fetcher.
 */
import assert from 'node:assert/strict'
import { readFile } from 'node:fs/promises'
import { join } from 'node:path'
import { after, before, describe, test } from 'node:test'
import { setTimeout } from 'node:timers/promises'
import { frame } from '#shared/messages/frame.ts'
import { checkpointText } from '#shared/progress/offset-metadata.ts'
import { startInsertProxy } from '../support/insert-proxy.ts'
import { commits, count, startLoader, until } from '../support/loading.ts'
import { closeAll, ownPlace, publish } from '../support/published.ts'
import { type OwnStack, ownStack } from '../support/stack.ts'
import { CLOSE_BATCHES, firstPage, offsetOf, PAGE_RECORDS, PAGES, page, ROWS } from './midway.ts'

/** For a request to reach a broker that does not answer any more. */
const ON_ITS_WAY_MS = 500
const TEST_MS_MAX = 120_000

let stack: OwnStack
before(async () => {
  stack = await ownStack()
})
after(() => closeAll().finally(() => stack?.remove()))

describe('kill -9 of the broker in the middle of', () => {
  test('a commit: offsets do not go back, and nothing is missing', {
    timeout: TEST_MS_MAX,
  }, async (t) => {
    const place = await ownPlace(CLOSE_BATCHES, stack)
    const orders = await publish(place)
    const proxy = await startInsertProxy(t, place.config.clickhouse.url)
    const loading = startLoader(place, { ...place.config, clickhouse: { ...place.config.clickhouse, url: proxy.url } })
    await firstPage(place, orders)
    let before = 0
    const halted = proxy.at('ledger-done', 1, async () => {
      before = await offsetOf(place, orders)
      await stack.kill('kafka', 'SIGSTOP')
    })
    await page(orders, 1)
    await halted
    await setTimeout(ON_ITS_WAY_MS)
    await stack.kill('kafka', 'SIGKILL')
    await stack.start('kafka')
    assert.ok(before > 0 && (await offsetOf(place, orders)) >= before, 'what was committed stays')
    await orders.refence()
    for (let number = 2; number < PAGES; number++) await page(orders, number)
    await until('all is committed', async () => {
      const now = await offsetOf(place, orders)
      assert.ok(now >= before)
      before = now
      return (await count(place, orders.table)) === ROWS && (await commits(place, orders.topic))[0]?.open === 0
    })
    assert.equal((await loading.metrics.gaps.get()).values.length, 0)
    assert.equal((await orders.deadLetters()).length, 0)
    await loading.stop()
    await orders.close()
  })

  test('a transaction of the fetcher: all of its page is loaded or nothing, and what comes after it', {
    timeout: TEST_MS_MAX,
  }, async () => {
    const place = await ownPlace(CLOSE_BATCHES, stack)
    const orders = await publish(place)
    const loading = startLoader(place)
    await firstPage(place, orders)
    const { server } = JSON.parse(await readFile(join(stack.dir, 'run', 'kafka.json'), 'utf8'))
    const publisher = place.kafka.publisher(place.names.transactionalId(orders.topic, 0))
    await publisher.fence()
    const inside = Array.from(
      { length: PAGE_RECORDS },
      (_, key) => `{"id":"inside-${key}","total":1,"status":"open","updated_at":"2026-01-01T00:00:00Z"}`,
    )
    const messages = inside.map((text) => ({ key: null, value: frame(orders.schemaId, text) }))
    const checkpoint = {
      v: 1,
      run: 'cut',
      page: 1,
      startedMs: 0,
      done: true,
      from: null,
      cursor: null,
      watermark: null,
      seen: null,
    } as const
    const publishing = publisher
      .publish([{ topic: orders.topic, partition: 0, messages }], ([at]) => {
        // The records are in the log, and nobody knows yet whether they will count.
        process.kill(server.pid, 'SIGKILL')
        const { nextOffset: offset = 0 } = at ?? {}
        return {
          group: place.names.fetcherGroup,
          topic: orders.topic,
          partition: 0,
          offset,
          metadata: checkpointText(checkpoint),
        }
      })
      .then(
        () => true,
        () => false,
      )
    await until('the broker is gone', () => !isAlive(server.pid))
    await stack.start('kafka')
    const counts = await publishing
    await publisher.close()
    await orders.refence()
    for (let number = 1; number < PAGES; number++) await page(orders, number)
    const expected = ROWS + (counts ? inside.length : 0)
    await until('all is loaded', async () => (await count(place, orders.table)) >= expected)
    await until('all is committed', async () => (await commits(place, orders.topic))[0]?.open === 0)
    assert.equal(await count(place, orders.table), expected)
    assert.equal((await loading.metrics.gaps.get()).values.length, 0)
    await loading.stop()
    await orders.close()
  })
})

function isAlive(pid: number): boolean {
  try {
    return process.kill(pid, 0)
  } catch {
    return false
  }
}
