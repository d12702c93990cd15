import assert from 'node:assert/strict'
import { after, describe, test } from 'node:test'
import { setTimeout } from 'node:timers/promises'
import { shortLivedLoader } from '../support/child.ts'
import { clickhouseProxy } from '../support/clickhouse-proxy.ts'
import { commits, count, type Loading, query, startLoader, until } from '../support/loading.ts'
import { closeAll, order, ownPlace, publish } from '../support/published.ts'

after(closeAll)

const assigned = ({ lines }: Loading) =>
  lines.filter(({ msg }) => msg.startsWith('loading ')).map(({ msg }) => Number(msg.split(' ')[1]))

describe('a second loader', () => {
  test('joins, leaves and joins in the middle of batches: partitions are shared, offsets only grow, nothing is lost or twice', async () => {
    const place = await ownPlace({ LOADER_BATCH_AGE_MS: '50', LOADER_BATCH_ROWS: '300' })
    const orders = await publish(place, undefined, 4)
    let published = 0
    const publishMore = async () => {
      const records = Array.from({ length: 100 }, (_, key) => order(published + key))
      await orders.page({ partition: (published / 100) % 4, records })
      published += 100
    }
    const offsets: number[][] = []
    const look = async () => {
      const now = (await commits(place, orders.topic)).map((commit) => commit?.offset ?? 0)
      for (const [partition, offset] of now.entries())
        assert.ok(offset >= (offsets.at(-1)?.[partition] ?? 0), 'an offset went back')
      offsets.push(now)
    }
    const first = startLoader(place)
    const second = { loading: null as Loading | null }
    for (let step = 0; step < 90; step++) {
      await publishMore()
      if (step % 5 === 0) await look()
      if (step === 20 || step === 60) second.loading = startLoader(place)
      if (step === 40) {
        await until('the second has partitions', () => assigned(second.loading as Loading).some((share) => share > 0))
        await second.loading?.stop()
      }
    }
    await until('the second has partitions again', () => assigned(second.loading as Loading).some((share) => share > 0))
    await until('all is loaded', async () => (await count(place, orders.table)) === published)
    await until('all is committed', async () =>
      (await commits(place, orders.topic)).every((commit) => commit?.open === 0),
    )
    await look()
    await first.stop()
    await second.loading?.stop()
    const [row] = await query<{ keys: number }>(place, `SELECT uniqExact(id) AS keys FROM {db}.${orders.table}`)
    assert.equal(Number(row?.keys), published)
    const pages = await query<{ pages: number; wrong: number }>(
      place,
      'SELECT count() AS pages, countIf(records_read != records) AS wrong FROM {db}.headrace_pages FINAL',
    )
    assert.deepEqual(pages, [{ pages: 90, wrong: 0 }])
    await orders.close()
  })
})

describe('a loader that is stopped for longer than its session', () => {
  test('does no harm with its late insert; its commit is refused and it joins again', async () => {
    const place = await ownPlace({ LOADER_BATCH_AGE_MS: '50' })
    const orders = await publish(place)
    let release = () => {}
    const held = new Promise<void>((resolve) => {
      release = resolve
    })
    let reached = false
    // The first insert hangs until the process that sent it was replaced.
    const proxy = await clickhouseProxy(place.config.clickhouse.url, (table) => {
      if (table !== orders.table || reached) return 'pass'
      reached = true
      return { hold: held }
    })
    await orders.page({
      records: Array.from({ length: 500 }, (_, key) => order(key)),
      marker: { watermark: '2026-01-01T00:00:00Z' },
    })
    const sleeper = shortLivedLoader({ ...place.env, CLICKHOUSE_URL: proxy.url })
    await until('its insert is under way', () => reached)
    sleeper.process.kill('SIGSTOP')
    const successor = startLoader(place)
    await until('the successor has loaded all', async () => (await commits(place, orders.topic))[0]?.open === 0)
    await orders.page({ records: [order(500)] })
    await until('and goes on', async () => (await count(place, orders.table)) === 501)
    await until('and has committed it', async () => ((await commits(place, orders.topic))[0]?.offset ?? 0) >= 503)
    const committed = (await commits(place, orders.topic))[0]
    sleeper.process.kill('SIGCONT')
    release()
    await until('it has joined again', () => sleeper.lines.filter((line) => line.includes('"loading ')).length >= 2)
    await setTimeout(500)
    assert.deepEqual((await commits(place, orders.topic))[0], committed)
    await orders.page({ records: [order(501)] })
    await until('loading goes on', async () => (await count(place, orders.table)) === 502)
    await successor.stop()
    sleeper.process.kill('SIGTERM')
    assert.equal((await sleeper.exited).code, 0)
    await orders.close()
  })
})
