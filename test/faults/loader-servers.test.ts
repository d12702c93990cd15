import assert from 'node:assert/strict'
import { after, before, describe, test } from 'node:test'
import { setTimeout } from 'node:timers/promises'
import { commits, count, query, startLoader, until } from '../support/loading.ts'
import { closeAll, order, ownPlace, type Place, type Published, publish } from '../support/published.ts'
import { type OwnStack, ownStack } from '../support/stack.ts'

const PAGES = 40
const HALF = PAGES / 2
const PAGE_RECORDS = 250
const ROWS = PAGES * PAGE_RECORDS
const DOWN_MS = 2_000
const RECOVERY_MAX_MS = 90_000

let stack: OwnStack
before(async () => {
  stack = await ownStack()
})
after(() => closeAll().finally(() => stack?.remove()))

async function oracle(place: Place, orders: Published): Promise<void> {
  await until('all is loaded', async () => (await count(place, orders.table)) === ROWS, RECOVERY_MAX_MS)
  await until(
    'all is committed',
    async () => (await commits(place, orders.topic)).every((commit) => commit?.open === 0),
    RECOVERY_MAX_MS,
  )
  const [row] = await query<{ keys: number }>(place, `SELECT uniqExact(id) AS keys FROM {db}.${orders.table}`)
  assert.equal(Number(row?.keys), ROWS)
  assert.equal((await orders.deadLetters()).length, 0)
}

async function scene(
  partitions: number,
): Promise<{ place: Place; orders: Published; pages(from: number, to: number): Promise<void> }> {
  const place = await ownPlace(
    { LOADER_BATCH_AGE_MS: '50', LOADER_BATCH_ROWS: '600', LOADER_IN_FLIGHT_BYTES: '2500000' },
    stack,
  )
  const orders = await publish(place, undefined, partitions)
  async function pages(from: number, to: number): Promise<void> {
    for (let page = from; page < to; page++) {
      const records = Array.from({ length: PAGE_RECORDS }, (_, key) => ({
        ...order(page * PAGE_RECORDS + key),
        note: 'n'.repeat(1_000),
      }))
      await orders.page({ partition: page % partitions, records })
    }
  }
  return { place, orders, pages }
}

describe('kill -9 of a server under a loader', () => {
  test('ClickHouse: the loader waits, says so once, goes on, and nothing is lost', async () => {
    const { place, orders, pages } = await scene(2)
    await pages(0, HALF)
    const loading = startLoader(place)
    await until('it loads', async () => (await count(place, orders.table)) > 0)
    await stack.kill('clickhouse', 'SIGKILL')
    await pages(HALF, PAGES)
    await until('it says so', () =>
      loading.lines.some(({ level, msg }) => level === 'warn' && msg.includes(' waits: ')),
    )
    await setTimeout(DOWN_MS)
    const before = (await commits(place, orders.topic)).map((commit) => commit?.offset)
    assert.ok(loading.lines.filter(({ level, msg }) => level === 'warn' && msg.includes(' waits: ')).length <= 3)
    await stack.start('clickhouse')
    await oracle(place, orders)
    assert.notDeepEqual(
      (await commits(place, orders.topic)).map((commit) => commit?.offset),
      before,
    )
    await loading.stop()
    await orders.close()
  })

  test('the registry: known schemas are loaded on', async () => {
    const { place, orders, pages } = await scene(1)
    await pages(0, HALF)
    const loading = startLoader(place)
    await until('it loads', async () => (await count(place, orders.table)) > 0)
    await stack.kill('registry', 'SIGKILL')
    await pages(HALF, PAGES)
    await oracle(place, orders)
    await stack.start('registry')
    await loading.stop()
    await orders.close()
  })

  test('the broker: the loader joins again by itself, without a gap and without a duplicate', async () => {
    const { place, orders, pages } = await scene(2)
    await pages(0, HALF)
    const loading = startLoader(place)
    await until('it loads', async () => (await count(place, orders.table)) > 0)
    await stack.kill('kafka', 'SIGKILL')
    await setTimeout(DOWN_MS)
    await stack.start('kafka')
    await orders.refence()
    await pages(HALF, PAGES)
    await oracle(place, orders)
    assert.equal((await loading.metrics.gaps.get()).values.length, 0)
    await loading.stop()
    await orders.close()
  })
})
