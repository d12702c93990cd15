import assert from 'node:assert/strict'
import { after, describe, test } from 'node:test'
import type { Config } from '#shared/config/config.ts'
import { type ClickHouseProxy, clickhouseProxy, type Mishap } from '../../support/clickhouse-proxy.ts'
import { commits, count, startLoader, until } from '../../support/loading.ts'
import { closeAll, order, ownPlace, type Place, type Published, publish } from '../../support/published.ts'

after(closeAll)

const TABLE = 'shop_orders'

type Scene = { place: Place; orders: Published; proxy: ClickHouseProxy; config: Config }

/** A stream, and a ClickHouse of which inserts meet with `mishaps`, one after the other, before all passes. */
async function scene(
  decide: (attempt: number, bytes: number) => Mishap,
  overrides: Record<string, string>,
  run: (scene: Scene) => Promise<void>,
) {
  const place = await ownPlace({ LOADER_BATCH_AGE_MS: '100', ...overrides })
  let attempts = 0
  const proxy = await clickhouseProxy(place.config.clickhouse.url, (table, bytes) =>
    table === TABLE ? decide(attempts++, bytes) : 'pass',
  )
  const orders = await publish(place)
  try {
    await run({
      place,
      orders,
      proxy,
      config: { ...place.config, clickhouse: { ...place.config.clickhouse, url: proxy.url } },
    })
  } finally {
    await orders.close()
    await proxy.close()
  }
}

const inOrder =
  (...mishaps: Mishap[]) =>
  (attempt: number): Mishap =>
    mishaps[attempt] ?? 'pass'

const records = (many: number) => Array.from({ length: many }, (_, key) => order(key))

async function loadThrough({ place, orders, config }: Scene, rows: number) {
  const loading = startLoader(place, config)
  await until('all is committed', async () => (await commits(place, orders.topic))[0]?.open === 0)
  await loading.stop()
  assert.equal(await count(place, TABLE), rows)
  assert.equal((await orders.deadLetters()).length, 0)
  return loading
}

describe('an answer of ClickHouse', () => {
  test('that is cut after the insert succeeded: the same bytes with the same token again, and no row twice even without FINAL', async () => {
    await scene(inOrder('cut-answer', 'cut-answer'), {}, async (scene) => {
      await scene.orders.page({ records: records(1_000) })
      await loadThrough(scene, 1_000)
      const inserts = scene.proxy.inserts.filter(({ table }) => table === TABLE)
      assert.equal(inserts.length, 3)
      assert.equal(new Set(inserts.map(({ bytes, token }) => `${bytes} ${token}`)).size, 1)
      assert.equal(await count(scene.place, TABLE, false), 1_000)
    })
  })

  test('to a body that was cut on its way: nothing of it counts', async () => {
    await scene(inOrder('cut-body'), {}, async (scene) => {
      await scene.orders.page({ records: records(1_000) })
      await loadThrough(scene, 1_000)
    })
  })

  for (const [what, mishap] of [
    ['a header', { header: 159 }],
    ['the body', { text: 'Code: 209. DB::Exception: Timeout exceeded. (SOCKET_TIMEOUT) (version 26.7.2.1)\n' }],
  ] as const) {
    test(`200 with an exception in ${what} is a failure`, async () => {
      await scene(inOrder(mishap, mishap), {}, async (scene) => {
        await scene.orders.page({ records: records(10) })
        const loading = await loadThrough(scene, 10)
        const outcomes = (await loading.metrics.inserts.get()).values.map(
          ({ labels, value }) => `${labels.outcome} ${value}`,
        )
        assert.deepEqual(outcomes.sort(), ['ambiguous 2', 'confirmed 1'])
      })
    })
  }

  test('from a proxy that has lost its server is no success and no verdict on a row', async () => {
    await scene(inOrder({ status: 502 }, { status: 200 }), {}, async (scene) => {
      await scene.orders.page({ records: records(10) })
      await loadThrough(scene, 10)
    })
  })

  test('that nobody knows holds the table back and blames no row', async () => {
    await scene(inOrder({ code: 7777, name: 'SOMETHING_NEW' }), {}, async (scene) => {
      await scene.orders.page({ records: records(10) })
      const loading = await loadThrough(scene, 10)
      assert.ok(loading.lines.some(({ reason }) => reason === 'SOMETHING_NEW'))
    })
  })
})

describe('a storm', () => {
  test('of 252 (too many parts): slower, bounded memory, recovers', async () => {
    const bound = 200_000
    await scene(
      (attempt) => (attempt < 4 ? { code: 252, name: 'TOO_MANY_PARTS' } : 'pass'),
      { LOADER_IN_FLIGHT_BYTES: String(bound) },
      async (scene) => {
        const loading = startLoader(scene.place, scene.config)
        let highest = 0
        const watch = setInterval(
          () =>
            void loading.metrics.inFlightBytes.get().then(({ values }) => {
              highest = Math.max(highest, values[0]?.value ?? 0)
            }),
          5,
        )
        try {
          for (let page = 0; page < 20; page++)
            await scene.orders.page({ records: Array.from({ length: 500 }, (_, key) => order(page * 500 + key)) })
          await until('all is loaded', async () => (await count(scene.place, TABLE)) === 10_000)
        } finally {
          clearInterval(watch)
        }
        await loading.stop()
        assert.ok(highest > 0 && highest <= bound + 3_000_000, `at most one fetch over the bound: ${highest}`)
      },
    )
  })

  test('of 241 (memory): smaller inserts until they go in', async () => {
    const bytesMax = 400_000
    await scene(
      (_, bytes) => (bytes > bytesMax ? { code: 241, name: 'MEMORY_LIMIT_EXCEEDED' } : 'pass'),
      {},
      async (scene) => {
        for (let page = 0; page < 5; page++)
          await scene.orders.page({ records: Array.from({ length: 2_000 }, (_, key) => order(page * 2_000 + key)) })
        await loadThrough(scene, 10_000)
        assert.ok(scene.proxy.inserts.some(({ bytes }) => bytes > bytesMax))
      },
    )
  })
})
