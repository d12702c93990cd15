/** Services whose network to Kafka loses answers, cuts them or holds them back, while Kafka itself is well. */
import assert from 'node:assert/strict'
import { after, describe, type TestContext, test } from 'node:test'
import { calmNetwork, startKafkaProxy } from '../support/kafka-proxy.ts'
import { commits, count, type Loading, startLoader, until } from '../support/loading.ts'
import { pipeline } from '../support/pipeline.ts'
import { closeAll, ownPlace, type Place, type Published, publish } from '../support/published.ts'
import { testStack } from '../support/stack.ts'
import { CLOSE_BATCHES, firstPage, PAGE_RECORDS, PAGES, page, ROWS } from './midway.ts'

after(closeAll)

const TEST_MS_MAX = 120_000
const CUTS = ['cut-request', 'lose-answer', 'cut-answer'] as const

async function farNetwork(t: TestContext) {
  const network = calmNetwork()
  return { network, proxy: await startKafkaProxy(t, (await testStack()).brokers, network.decide) }
}

const loaderBehind = (place: Place, brokers: string): Loading =>
  startLoader(place, { ...place.config, kafka: { ...place.config.kafka, brokers: [brokers] } })

async function assertLoaded(place: Place, orders: Published, loading: Loading): Promise<void> {
  await until('all is loaded', async () => (await count(place, orders.table)) === ROWS)
  await until('all is committed', async () => (await commits(place, orders.topic))[0]?.open === 0)
  assert.equal((await loading.metrics.gaps.get()).values.length, 0)
  assert.equal((await orders.deadLetters()).length, 0)
}

const assignments = ({ lines }: Loading): number => lines.filter(({ msg }) => msg.startsWith('loading ')).length

describe('a loader', { concurrency: 3 }, () => {
  for (const mishap of CUTS) {
    test(`whose commits meet "${mishap}" commits again in the same assignment: offsets do not go back, nothing is missing`, {
      timeout: TEST_MS_MAX,
    }, async (t) => {
      const { network, proxy } = await farNetwork(t)
      const place = await ownPlace(CLOSE_BATCHES)
      const orders = await publish(place)
      const loading = loaderBehind(place, proxy.brokers)
      await firstPage(place, orders)
      let before = 0
      for (let number = 1; number < PAGES; number++) {
        network.next('OffsetCommit', mishap)
        await page(orders, number)
        await until('the commit has met it', () => network.isCalm())
        const now = (await commits(place, orders.topic))[0]?.offset ?? 0
        assert.ok(now >= before, `${now} after ${before}`)
        before = now
      }
      await assertLoaded(place, orders, loading)
      assert.equal(assignments(loading), 1)
      assert.equal(proxy.mishaps.length, PAGES - 1)
      await loading.stop()
      await orders.close()
    })
  }

  test('whose connections are cut in the middle of the records that it fetches fetches them again', {
    timeout: TEST_MS_MAX,
  }, async (t) => {
    const { network, proxy } = await farNetwork(t)
    const place = await ownPlace(CLOSE_BATCHES)
    const orders = await publish(place)
    for (let number = 0; number < PAGES; number++) await page(orders, number)
    network.next('Fetch', 'cut-answer', 5)
    const loading = loaderBehind(place, proxy.brokers)
    await assertLoaded(place, orders, loading)
    assert.ok(network.isCalm())
    // Of every page's records, and what is around them.
    assert.ok(
      proxy.mishaps.every(({ answerBytes }) => answerBytes > PAGE_RECORDS * 300),
      JSON.stringify(proxy.mishaps),
    )
    await loading.stop()
    await orders.close()
  })

  test('that gets no answer until its group has given it up, and then all of them, joins again and loses nothing', {
    timeout: TEST_MS_MAX,
  }, async (t) => {
    const silence = Promise.withResolvers<void>()
    let isSilent = false
    const proxy = await startKafkaProxy(t, (await testStack()).brokers, () =>
      isSilent ? { hold: silence.promise } : 'pass',
    )
    const place = await ownPlace({ ...CLOSE_BATCHES, KAFKA_SESSION_TIMEOUT_MS: '6000' })
    const orders = await publish(place)
    const loading = loaderBehind(place, proxy.brokers)
    await firstPage(place, orders)
    isSilent = true
    for (let number = 1; number < PAGES; number++) await page(orders, number)
    await until(
      'the group has given it up',
      async () => (await place.kafka.members(place.names.loaderGroup)).length === 0,
    )
    isSilent = false
    silence.resolve()
    await assertLoaded(place, orders, loading)
    assert.ok(assignments(loading) > 1)
    await loading.stop()
    await orders.close()
  })
})

describe('a whole pipeline', { concurrency: 3 }, () => {
  /** What a fetcher asks to publish a page. */
  const apis = ['AddPartitionsToTxn', 'Produce', 'AddOffsetsToTxn', 'TxnOffsetCommit', 'EndTxn', 'OffsetCommit']

  for (const mishap of CUTS) {
    test(`whose every kind of request to publish and to commit meets "${mishap}" loses nothing, doubles nothing, asks for no page twice`, {
      timeout: TEST_MS_MAX,
    }, async (t) => {
      const { network, proxy } = await farNetwork(t)
      const p = await pipeline(t, {
        regions: ['eu', 'us'],
        records: 120,
        badEvery: 13,
        paceMs: 5,
        env: { KAFKA_BROKERS: proxy.brokers },
      })
      for (const api of apis) network.next(api, mishap, 2)
      const [fetcher, loader] = [p.fetcher(), p.loader()]
      await p.untilComplete()
      await until('everything has met it', () => network.isCalm())
      await p.assertComplete()
      await p.assertWatermarksHonest()
      await p.assertAskedOnce()
      const published = await p.published()
      assert.equal(new Set(published).size, published.length, 'no record is in the topic twice')
      for (const service of [fetcher, loader])
        assert.deepEqual(await service.stop(), { status: 0, signal: null }, service.stderr())
      await p.loadAll()
      await p.assertLedger()
    })
  }
})
