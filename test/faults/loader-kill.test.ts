import assert from 'node:assert/strict'
import { after, describe, test } from 'node:test'
import { type Child, headrace, shortLivedLoader } from '../support/child.ts'
import { clickhouseProxy, type Mishap } from '../support/clickhouse-proxy.ts'
import { commits, count, loadAll, query, until } from '../support/loading.ts'
import { closeAll, order, ownPlace, type Place, type Published, publish } from '../support/published.ts'

after(closeAll)

const ROWS = 3_000
const QUICK = { LOADER_BATCH_AGE_MS: '100' }

async function oracle(place: Place, orders: Published): Promise<void> {
  assert.equal(await count(place, orders.table), ROWS)
  const [row] = await query<{ keys: number }>(place, `SELECT uniqExact(id) AS keys FROM {db}.${orders.table}`)
  assert.equal(Number(row?.keys), ROWS)
  assert.equal((await orders.deadLetters()).length, 0)
  assert.equal((await commits(place, orders.topic))[0]?.open, 0)
}

/** A loader process whose insert meets with `mishap` is killed there; another one does the rest. */
async function killedAt(
  mishap: Mishap,
  after: (place: Place, orders: Published, child: Child) => Promise<void>,
): Promise<void> {
  const place = await ownPlace(QUICK)
  const orders = await publish(place)
  let reached = false
  const proxy = await clickhouseProxy(place.config.clickhouse.url, (table) => {
    if (table !== orders.table) return 'pass'
    reached = true
    return mishap
  })
  await orders.page({
    records: Array.from({ length: ROWS }, (_, key) => order(key)),
    marker: { watermark: '2026-01-01T00:00:00Z' },
  })
  const child = shortLivedLoader({ ...place.env, CLICKHOUSE_URL: proxy.url })
  await until('the insert is under way', () => reached)
  await after(place, orders, child)
  child.process.kill('SIGKILL')
  assert.equal((await child.exited).signal, 'SIGKILL')
  assert.equal((await commits(place, orders.topic))[0] ?? null, null, 'nothing was committed')
  await loadAll(place)
  await oracle(place, orders)
  await orders.close()
}

describe('kill -9 of the loader', () => {
  test('after the insert, before the commit: inserted again, FINAL the same', async () => {
    // The insert is done, and the loader never hears of it.
    await killedAt('cut-answer', async (place, orders) => {
      await until('the rows are there', async () => (await count(place, orders.table)) === ROWS)
    })
  })

  test("in the middle of an insert's body: no commit, nothing lost", async () => {
    await killedAt('cut-body', async () => undefined)
  })

  test('again and again while batches are under way: nothing lost, nothing twice, offsets only grow', async () => {
    const place = await ownPlace({ ...QUICK, LOADER_BATCH_ROWS: '500', LOADER_IN_FLIGHT_BYTES: '600000' })
    const orders = await publish(place)
    for (let page = 0; page < 30; page++) {
      await orders.page({
        records: Array.from({ length: 100 }, (_, key) => ({ ...order(page * 100 + key), note: 'n'.repeat(2_000) })),
      })
    }
    const proxy = await clickhouseProxy(place.config.clickhouse.url, () => 'slow')
    const committed = async () => (await commits(place, orders.topic))[0]?.offset ?? 0
    let last = 0
    for (const round of [1, 2]) {
      const child = shortLivedLoader({ ...place.env, CLICKHOUSE_URL: proxy.url })
      await until('it has committed some', async () => (await committed()) > last)
      child.process.kill('SIGKILL')
      await child.exited
      const now = await committed()
      assert.ok(now > last && now < ROWS, `killed in the middle of round ${round}: ${now}`)
      last = now
    }
    await loadAll(place)
    await oracle(place, orders)
    await orders.close()
  })
})

describe('SIGTERM to the loader', () => {
  test('ends it in order with exit status 0', async () => {
    const place = await ownPlace(QUICK)
    const orders = await publish(place)
    await orders.page({ records: Array.from({ length: ROWS }, (_, key) => order(key)) })
    const child = headrace(['load'], place.env)
    await until('it loads', async () => (await commits(place, orders.topic))[0]?.open === 0)
    child.process.kill('SIGTERM')
    assert.deepEqual(await child.exited, { code: 0, signal: null })
    await oracle(place, orders)
    await orders.close()
  })

  test('a second signal ends it at once, whatever is in hand', async () => {
    const place = await ownPlace({ ...QUICK, HEADRACE_STOP_DEADLINE_MS: '60000' })
    const orders = await publish(place)
    await orders.page({ records: [order(1)] })
    let release = () => {}
    const held = new Promise<void>((resolve) => {
      release = resolve
    })
    let reached = false
    const proxy = await clickhouseProxy(place.config.clickhouse.url, (table) => {
      if (table !== orders.table) return 'pass'
      reached = true
      return { hold: held }
    })
    const child = headrace(['load'], { ...place.env, CLICKHOUSE_URL: proxy.url })
    await until('the insert is under way', () => reached)
    child.process.kill('SIGTERM')
    await until('it is stopping', () => child.lines.some((line) => line.includes('"stopping"')))
    child.process.kill('SIGTERM')
    const { code } = await child.exited
    release()
    assert.notEqual(code, 0)
    assert.equal((await commits(place, orders.topic))[0] ?? null, null)
    await orders.close()
  })
})
