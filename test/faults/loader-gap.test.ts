import assert from 'node:assert/strict'
import { after, describe, test } from 'node:test'
import { checkpointText } from '#shared/progress/offset-metadata.ts'
import { resume } from '#shared/progress/resume.ts'
import { commits, count, loadAll, startLoader, until } from '../support/loading.ts'
import { closeAll, order, ownPlace, type Place, type Published, publish } from '../support/published.ts'

after(closeAll)

const W1 = '2026-01-01T00:00:01Z'
const W2 = '2026-01-01T00:00:02Z'
const W3 = '2026-01-01T00:00:03Z'

/** What the fetcher will do, from what Kafka holds. */
async function nextRun(place: Place, { topic }: Published) {
  const [published] = await place.kafka.committed(place.names.fetcherGroup, topic)
  const [loaded] = await place.kafka.committed(place.names.loaderGroup, topic)
  const [log] = await place.kafka.logRanges(topic)
  return resume({ published: published ?? null, loaded: loaded ?? null, log: log ?? { low: 0, high: 0 } })
}

describe('records that retention took before they were loaded', () => {
  test('are named with their bounds; the watermark waits for the fetcher, who still sees the gap after loading went on', async () => {
    const place = await ownPlace({ LOADER_BATCH_AGE_MS: '50' })
    const orders = await publish(place)
    await orders.page({ records: [order(1)], marker: { watermark: W1 } })
    await loadAll(place)
    const place1 = (await commits(place, orders.topic))[0]?.offset ?? 0
    const gone = await orders.page({ records: [order(2), order(3)], marker: { watermark: W2 } })
    await place.kafka.deleteRecordsBelow(orders.topic, new Map([[0, gone]]))
    await orders.page({ records: [order(4)], marker: { watermark: W2 } })

    const loading = startLoader(place)
    await until('what is left is loaded', async () => (await count(place, orders.table)) === 2)
    await until('and committed', async () => ((await commits(place, orders.topic))[0]?.offset ?? 0) > gone)
    const line = loading.lines.find(({ level }) => level === 'error')
    assert.deepEqual([line?.position, line?.low], [place1, gone])
    assert.match(line?.msg ?? '', new RegExp(`records ${place1} to ${gone - 1} are gone`))
    assert.equal((await loading.metrics.gaps.get()).values[0]?.value, 1)
    const [commit] = await commits(place, orders.topic)
    assert.equal(commit?.watermark, W1, 'the watermark of what is certainly in the table')
    assert.deepEqual(commit?.lost, { from: place1, below: gone })

    const next = await nextRun(place, orders)
    assert.deepEqual(next, {
      kind: 'start',
      watermark: W1,
      gap: { from: place1, to: gone, confirmed: W1 },
      coveredBelow: gone,
    })

    // The fetcher asks again: its run says so in its checkpoint and in its markers, which count.
    const publisher = place.kafka.publisher(place.names.transactionalId(orders.topic, 0))
    const covering = {
      v: 1,
      run: 'again',
      page: 1,
      startedMs: 0,
      done: false,
      from: W1,
      cursor: null,
      watermark: W1,
      seen: null,
    } as const
    await publisher.fence()
    await publisher.publish(
      [{ topic: orders.topic, partition: 0, messages: [{ key: null, value: null }] }],
      ([at]) => ({
        ...{ group: place.names.fetcherGroup, topic: orders.topic, partition: 0, offset: at?.nextOffset ?? 0 },
        metadata: checkpointText({ ...covering, coveredBelow: gone }),
      }),
    )
    await until('that page is committed', async () => (await nextRun(place, orders)).kind === 'continue')
    await publisher.close()
    const again = await publish(place)
    await again.page({ records: [order(2), order(3)], marker: { watermark: W3, coveredBelow: gone } })
    await until('all is loaded', async () => (await count(place, orders.table)) === 4)
    await until('the watermark moves on', async () => (await commits(place, orders.topic))[0]?.watermark === W3)
    assert.equal((await commits(place, orders.topic))[0]?.lost, undefined)
    await loading.stop()
    await orders.close()
    await again.close()
  })

  test('and before any loader had committed anything are lost as well: they are named, and no watermark hides them', async () => {
    const place = await ownPlace({ LOADER_BATCH_AGE_MS: '50' })
    const orders = await publish(place)
    const gone = await orders.page({ records: [order(1), order(2)], marker: { watermark: W1 } })
    await place.kafka.deleteRecordsBelow(orders.topic, new Map([[0, gone]]))
    await orders.page({ records: [order(3)], marker: { watermark: W2 } })
    const loading = startLoader(place)
    await until('what is left is committed', async () => (await commits(place, orders.topic))[0]?.open === 0)
    assert.match(
      loading.lines.find(({ level }) => level === 'error')?.msg ?? '',
      new RegExp(`records 0 to ${gone - 1} are gone`),
    )
    assert.equal((await loading.metrics.gaps.get()).values[0]?.value, 1)
    const [commit] = await commits(place, orders.topic)
    assert.deepEqual([commit?.watermark, commit?.lost], [null, { from: 0, below: gone }])
    assert.deepEqual(await nextRun(place, orders), {
      ...{ kind: 'start', watermark: null, gap: { from: 0, to: gone, confirmed: null }, coveredBelow: gone },
    })
    await orders.page({ records: [order(1), order(2), order(3)], marker: { watermark: W2, coveredBelow: gone } })
    await until('the watermark counts again', async () => (await commits(place, orders.topic))[0]?.watermark === W2)
    assert.equal((await commits(place, orders.topic))[0]?.lost, undefined)
    assert.equal(await count(place, orders.table), 3)
    await loading.stop()
    await orders.close()
  })

  test('with nothing left behind them move the position all the same, so a one-shot load ends', async () => {
    const place = await ownPlace({ LOADER_BATCH_AGE_MS: '50' })
    const orders = await publish(place)
    await orders.page({ records: [order(1)], marker: { watermark: W1 } })
    await loadAll(place)
    const end = await orders.page({ records: [order(2)], marker: { watermark: W2 } })
    const high = (await place.kafka.logRanges(orders.topic))[0]?.high ?? end
    await place.kafka.deleteRecordsBelow(orders.topic, new Map([[0, high]]))
    const summary = await loadAll(place)
    assert.equal(summary.rows, 0)
    const [commit] = await commits(place, orders.topic)
    assert.deepEqual([commit?.offset, commit?.watermark], [high, W1])
    await orders.close()
  })
})

describe('a topic that was made anew', () => {
  test('is read from its start, and its rows go in although their offsets were there before', async () => {
    const place = await ownPlace({ LOADER_BATCH_AGE_MS: '50' })
    const orders = await publish(place)
    for (const key of [1, 2, 3]) await orders.page({ records: [order(key)], marker: { watermark: W1 } })
    const loading = startLoader(place)
    await until('loaded', async () => (await count(place, orders.table)) === 3)
    await orders.close()
    await place.kafka.deleteTopic(orders.topic)
    await until('it is gone', async () => (await place.kafka.partitions(orders.topic)) === 0)
    const anew = await publish(place)
    await anew.page({ records: [order(11)], marker: { watermark: W2 } })
    await until('the new topic is loaded', async () => (await count(place, orders.table)) === 4, 60_000)
    await until('and committed', async () => (await commits(place, orders.topic))[0]?.watermark === W2)
    await loading.stop()
    await anew.close()
  })
})
