import assert from 'node:assert/strict'
import { describe, test } from 'node:test'
import { setTimeout } from 'node:timers/promises'
import { systemClock } from '#shared/clock.ts'
import { Stopped } from '#shared/errors.ts'
import { z } from '#shared/index.ts'
import { type Committed, FencedError, type LogRange, type Publisher, PublishFailed } from '#shared/kafka/kafka.ts'
import { stopSignal } from '../../../services/fetcher/schedule/stop-signal.ts'
import { type ApiRecord, startApi } from '../../support/api.ts'
import { asksFrom, declareShop, instant, order, orderSchema, streamOf } from '../declared.ts'
import { idsOf, markersOf, ownPlace } from '../fetching.ts'

const SORTED = { field: 'updated_at', param: 'since', sorted: true } as const
const orders = (count: number): ApiRecord[] => Array.from({ length: count }, (_, at) => order(`o${at}`, at))
const running = () => stopSignal(systemClock, 60_000)

const POLLS_MAX = 400
const POLL_MS = 25

async function until(what: string, done: () => boolean | Promise<boolean>): Promise<void> {
  for (let poll = 0; poll < POLLS_MAX; poll++) {
    if (await done()) return
    await setTimeout(POLL_MS)
  }
  assert.fail(`never came: ${what}`)
}

describe('a zombie', () => {
  test('is fenced by its successor: nothing that it still holds appears, and its run fails', async (t) => {
    const place = await ownPlace(t)
    const api = await startApi(t, { pageSize: 2 })
    api.put(...orders(6))
    const source = declareShop({ watermark: SORTED }, { baseUrl: api.url })
    const stream = streamOf(source)
    const [zombie, successor] = [await place.openPartition(source), await place.openPartition(source)]
    const held = Promise.withResolvers<void>()
    const asked = Promise.withResolvers<void>()
    // The zombie's second page hangs until the successor is through.
    api.script = async (_, number) => {
      if (number !== 2) return undefined
      asked.resolve()
      await held.promise
      return undefined
    }
    const zombieRun = zombie.partition.run(running())
    await asked.promise
    await until('page 1', async () => (await place.checkpoint(stream))?.page === 1)
    assert.equal((await successor.partition.run(running())).outcome, 'done')
    const before = await place.checkpoint(stream)
    api.put(order('o9', 9))
    held.resolve()
    const { outcome, error } = await zombieRun
    assert.equal(outcome, 'failed')
    assert.ok(error instanceof FencedError, String(error))
    assert.equal(
      (await zombie.metrics.transactions.get()).values.find(({ labels }) => labels.outcome === 'fenced')?.value,
      1,
    )
    assert.deepEqual(await place.checkpoint(stream), before)
    assert.deepEqual(idsOf(await place.entries(stream)), ['o0', 'o1', 'o2', 'o3', 'o4', 'o5'])
    // The successor has gone on where the zombie was, and still may write.
    assert.equal((await successor.partition.run(running())).outcome, 'done')
    const entries = await place.entries(stream)
    assert.deepEqual(idsOf(entries).at(-1), 'o9')
    assert.deepEqual(
      markersOf(entries).map(({ page }) => page),
      [1, 2, 3, 1],
    )
  })
})

describe('a partition that runs again and again', () => {
  test('publishes what is new and nothing twice, whatever the lookback brings again', async (t) => {
    const place = await ownPlace(t)
    const api = await startApi(t, { pageSize: 2 })
    api.put(...orders(3))
    const source = declareShop({ watermark: { ...SORTED, lookback: '1h' } }, { baseUrl: api.url })
    const stream = streamOf(source)
    const { partition, metrics } = await place.openPartition(source)
    for (let run = 0; run < 15; run++) {
      api.put(order(`new-${run}`, 10 + run))
      assert.equal((await partition.run(running())).outcome, 'done')
    }
    assert.deepEqual(idsOf(await place.entries(stream)), [
      'o0',
      'o1',
      'o2',
      ...Array.from({ length: 15 }, (_, run) => `new-${run}`),
    ])
    assert.equal(new Set(api.log.map(({ since }) => since)).size, 15)
    assert.deepEqual((await metrics.gaps.get()).values, [])
  })

  test('goes on from its own last page, though Kafka shows a commit and the end of the log a moment later', async (t) => {
    const place = await ownPlace(t)
    const api = await startApi(t, { pageSize: 2 })
    api.put(...orders(4))
    const source = declareShop({ watermark: SORTED }, { baseUrl: api.url })
    // What Kafka showed before the last run, as it is seen for a moment after it.
    const late: { committed: (Committed | null)[] | null; ranges: LogRange[] | null } = {
      committed: null,
      ranges: null,
    }
    let looks = 0
    const { partition, metrics } = await place.openPartition(source, {
      committed: async (group, topic) =>
        (group === place.names.fetcherGroup ? late.committed : null) ?? place.kafka.committed(group, topic),
      logRanges: async (topic) => (late.ranges !== null && ++looks < 4 ? late.ranges : place.kafka.logRanges(topic)),
    })
    const topic = place.topicOf(streamOf(source))
    const [committed, ranges] = [
      await place.kafka.committed(place.names.fetcherGroup, topic),
      await place.kafka.logRanges(topic),
    ]
    await partition.run(running())
    Object.assign(late, { committed, ranges })
    api.forget()
    assert.equal((await partition.run(running())).outcome, 'done')
    assert.deepEqual(
      api.log.map(({ since }) => since),
      [asksFrom(3)],
    )
    assert.deepEqual((await metrics.gaps.get()).values, [])
  })

  test('publishes again what the log has lost, though it remembers it, also when the topic was made anew meanwhile', async (t) => {
    for (const anew of [false, true]) {
      const place = await ownPlace(t)
      const api = await startApi(t)
      api.put(...orders(3))
      const source = declareShop({ watermark: SORTED }, { baseUrl: api.url })
      const stream = streamOf(source)
      const topic = place.topicOf(stream)
      const { partition, metrics } = await place.openPartition(source)
      await partition.run(running())
      if (anew) {
        await place.kafka.deleteTopic(topic)
        await place.kafka.ensureTopic({ topic, partitions: 1 })
      } else await place.kafka.deleteRecordsBelow(topic, new Map([[0, 4]]))
      assert.equal((await partition.run(running())).outcome, 'done')
      assert.deepEqual(idsOf(await place.entries(stream)), ['o0', 'o1', 'o2'])
      assert.equal((await metrics.gaps.get()).values[0]?.value, 1)
    }
  })

  for (const committed of [false, true]) {
    test(`loses and doubles nothing when a transaction fails that was ${committed ? 'committed all the same' : 'aborted'}`, async (t) => {
      const place = await ownPlace(t)
      const api = await startApi(t, { pageSize: 2 })
      api.put(...orders(6))
      const source = declareShop({ watermark: SORTED }, { baseUrl: api.url })
      const stream = streamOf(source)
      const calls: string[] = []
      let transactions = 0
      const { partition } = await place.openPartition(source, {
        committed: (group, topic) => {
          calls.push('read')
          return place.kafka.committed(group, topic)
        },
        publisher(id) {
          const real = place.kafka.publisher(id)
          const fence = () => {
            calls.push('fence')
            return real.fence()
          }
          async function publish(...args: Parameters<Publisher['publish']>) {
            const fails = ++transactions === 2
            if (fails && !committed) throw new PublishFailed('HR_TEST', 'no broker')
            const appended = await real.publish(...args)
            if (fails) throw new PublishFailed('HR_TEST', 'the answer was lost')
            return appended
          }
          return { fence, publish, close: real.close }
        },
      })
      assert.equal((await partition.run(running())).outcome, 'failed')
      assert.equal((await partition.run(running())).outcome, 'done')
      assert.deepEqual(idsOf(await place.entries(stream)), ['o0', 'o1', 'o2', 'o3', 'o4', 'o5'])
      // A checkpoint that is read before the fence could be passed by a writer that still may write.
      assert.deepEqual(calls, ['fence', 'read', 'read', 'fence', 'read', 'read'])
    })
  }

  test('keeps publisher, memory and place over a stop', async (t) => {
    const place = await ownPlace(t)
    const api = await startApi(t, { pageSize: 2 })
    api.put(...orders(6))
    const source = declareShop({ watermark: SORTED }, { baseUrl: api.url })
    const { partition, log } = await place.openPartition(source)
    const stop = running()
    api.script = (_, number) => {
      if (number === 2) stop.request()
      return undefined
    }
    assert.equal((await partition.run(stop)).outcome, 'stopped')
    stop.settled()
    api.script = undefined
    assert.equal((await partition.run(running())).outcome, 'done')
    assert.deepEqual(
      api.log.map(({ ids: [first] }) => first),
      ['o0', 'o2', 'o4'],
    )
    assert.doesNotMatch(log.join(''), /recalled/)
  })

  test('fences again after a failure, and publishes nothing twice that the log has', async (t) => {
    const place = await ownPlace(t)
    const api = await startApi(t, { pageSize: 2 })
    api.put(...orders(4))
    const source = declareShop({ watermark: { ...SORTED, lookback: '1h' } }, { baseUrl: api.url, attemptsMax: 1 })
    const stream = streamOf(source)
    const { partition } = await place.openPartition(source)
    await partition.run(running())
    api.script = () => ({ status: 500, json: {} })
    assert.equal((await partition.run(running())).outcome, 'failed')
    api.script = undefined
    assert.equal((await partition.run(running())).outcome, 'done')
    assert.deepEqual(idsOf(await place.entries(stream)), ['o0', 'o1', 'o2', 'o3'])
  })

  test('is due by the start of its last run, and at once when that was interrupted or there was none', async (t) => {
    const place = await ownPlace(t)
    const api = await startApi(t, { pageSize: 2 })
    api.put(...orders(4))
    const source = declareShop({ watermark: SORTED, every: '1h' }, { baseUrl: api.url, attemptsMax: 1 })
    const { partition } = await place.openPartition(source)
    assert.equal(await partition.dueInMs(), 0)
    api.script = (_, number) => (number === 2 ? { status: 500, json: {} } : undefined)
    await partition.run(running())
    assert.equal(await partition.dueInMs(), 0)
    api.script = undefined
    await partition.run(running())
    const due = await partition.dueInMs()
    assert.ok(due > 0 && due <= 3_600_000, String(due))
  })

  test('is parked when the API asks for a longer wait than is slept through', async (t) => {
    const place = await ownPlace(t)
    const api = await startApi(t)
    api.script = () => ({ status: 429, headers: { 'retry-after': '86400' }, json: {} })
    const source = declareShop({ watermark: SORTED }, { baseUrl: api.url })
    const { partition, log } = await place.openPartition(source)
    const before = Date.now()
    const { outcome, parkedUntilMs = 0 } = await partition.run(running())
    assert.equal(outcome, 'parked')
    assert.ok(parkedUntilMs >= before + 86_400_000)
    assert.equal(api.log.length, 1)
    assert.match(log.join(''), /"until":"20/)
  })
})

describe('fetchers that share a group', () => {
  test('each run their own partitions, and one takes over what another leaves, behind its last page', async (t) => {
    const place = await ownPlace(t)
    const api = await startApi(t, { pageSize: 2 })
    const regions = ['a', 'b', 'c', 'd']
    api.put(...regions.flatMap((region) => orders(4).map((each) => ({ ...each, id: `${region}-${each.id}`, region }))))
    const partitions = regions.map((region) => ({ region }))
    const source = declareShop(
      { watermark: SORTED, partitions, every: '200ms', unknownFields: 'drop' },
      { baseUrl: api.url },
    )
    const stream = streamOf(source)

    const first = place.startFetcher(source)
    await first.ready
    await until('all partitions published', async () =>
      (await place.kafka.committed(place.names.fetcherGroup, place.topicOf(stream))).every(Boolean),
    )
    const second = place.startFetcher(source)
    const members = async () =>
      (await place.kafka.members(place.names.fetcherGroup)).map(({ partitions: own }) => own[0]?.partitions.length ?? 0)
    await until('two partitions each', async () => JSON.stringify(await members()) === '[2,2]')
    assert.deepEqual(
      Object.values((await first.stop()).partitions).map(({ outcome }) => outcome === 'failed'),
      [false, false, false, false],
    )
    await until('all partitions with one', async () => JSON.stringify(await members()) === '[4]')
    api.put(...regions.map((region) => ({ ...order(`${region}-new`, 100), region })))
    await until('the new records', async () => {
      const found = await Promise.all(
        regions.map(async (_, partition) => idsOf(await place.entries(stream, partition)).at(-1)),
      )
      return found.every((id) => String(id).endsWith('-new'))
    })
    await second.stop()
    for (const [partition, region] of regions.entries()) {
      const ids = [...orders(4).map(({ id }) => `${region}-${id}`), `${region}-new`]
      assert.deepEqual(idsOf(await place.entries(stream, partition)), ids)
    }
    assert.equal([...first.log, ...second.log].filter((line) => /run failed/.test(line)).join(''), '')
    // The first page of each region was asked for without a watermark once, by whom ever had it.
    assert.equal(api.log.filter(({ since, cursor }) => since === null && cursor === null).length, regions.length)
  })
})

describe('a schema that has changed', () => {
  async function changed(t: Parameters<typeof ownPlace>[0], schema: z.ZodObject) {
    const place = await ownPlace(t)
    const api = await startApi(t)
    api.put({ ...order('o1', 1), note: 'new' })
    await place.fetchOnce(declareShop({ watermark: SORTED }, { baseUrl: api.url }))
    const source = declareShop({ watermark: SORTED, schema }, { baseUrl: api.url })
    return { place, stream: streamOf(source), fetched: place.fetchOnce(source) }
  }

  test('so that records would no longer fit is refused with the difference, before anything is asked', async (t) => {
    const { place, fetched, stream } = await changed(
      t,
      z.object({ id: z.string(), updated_at: z.iso.datetime({ offset: true }) }),
    )
    const before = await place.checkpoint(stream)
    await assert.rejects(fetched, (error) => {
      assert.ok(error instanceof Stopped)
      assert.equal(error.code, 'HR_SCHEMA_REFUSED')
      assert.match(error.message, /! total: gone/)
      return true
    })
    assert.deepEqual(await place.checkpoint(stream), before)
  })

  test('by an optional field is registered, said, and used from then on', async (t) => {
    const { place, fetched, stream } = await changed(t, orderSchema.extend({ note: z.string().optional() }))
    const { log, summary } = await fetched
    assert.match(log.join(''), /"path":"note","change":"new","msg":"schema change registered"/)
    assert.equal(summary.partitions['shop.orders/0']?.outcome, 'done')
    const records = (await place.entries(stream)).flatMap(({ record }) => record ?? [])
    assert.deepEqual(records, [
      { ...order('o1', 1), _extra: { note: 'new' } },
      { ...order('o1', 1), note: 'new' },
    ])
    assert.equal(summary.partitions['shop.orders/0']?.watermark, instant(1))
  })
})
