import assert from 'node:assert/strict'
import { describe, type TestContext, test } from 'node:test'
import { startApi } from '../../support/api.ts'
import { declareShop, instant, order, streamOf } from '../declared.ts'
import { idsOf, ownPlace, type Place } from '../fetching.ts'

const DOWN = { status: 500, json: {} }
const ORDERS = 12

/** The API knows of each record which part it is in, by two and by three. */
const parted = (at: number, second = at) => ({ ...order(`o${at}`, second), of2: String(at % 2), of3: String(at % 3) })

async function bench(t: TestContext) {
  const place = await ownPlace(t)
  const api = await startApi(t, { pageSize: 2 })
  for (let at = 0; at < ORDERS; at++) api.put(parted(at))
  const declare = (partitions: number) => {
    const params = (at: { partition: number; partitions: number }) => ({ [`of${at.partitions}`]: String(at.partition) })
    const watermark = { field: 'updated_at', param: 'since', sorted: true }
    return declareShop({ partitions, params, watermark, unknownFields: 'drop' }, { baseUrl: api.url, attemptsMax: 1 })
  }
  return { place, api, declare }
}

/** Each record of the topic with its time, over all partitions. */
async function published(place: Place, partitions: number): Promise<Set<string>> {
  const stream = streamOf(declareShop())
  const all = await Promise.all(Array.from({ length: partitions }, (_, partition) => place.entries(stream, partition)))
  return new Set(all.flat().flatMap(({ record }) => (record === null ? [] : [`${record.id} ${record.updated_at}`])))
}

const version = (at: number, second = at) => `o${at} ${instant(second)}`
const sinces = (api: Awaited<ReturnType<typeof startApi>>) =>
  api.log
    .filter(({ cursor }) => cursor === null)
    .map(({ since, values }) => `${Object.entries(values).join()} ${since ?? 'ever'}`)

for (const [from, to] of [
  [2, 3],
  [3, 2],
] as const) {
  describe(`a stream that had ${from} partitions and has ${to}`, () => {
    test('begins at the lowest watermark and loses nothing, though one partition runs long after the others', async (t) => {
      const { place, api, declare } = await bench(t)
      const [before, after] = [declare(from), declare(to)]
      await place.fetchOnce(before)
      await place.loadAll(streamOf(before))

      const late = to - 1
      const isLate = (values: Record<string, string>) => values[`of${to}`] === String(late)
      api.forget()
      api.script = ({ values }) => (isLate(values) ? DOWN : undefined)
      const changed = await place.fetchOnce(after)
      // The last orders are o9, o10 and o11: what is confirmed of all ends at the first of the last ones.
      const lowest = new Date(instant(ORDERS - from)).toISOString()
      assert.deepEqual(
        sinces(api).sort(),
        Array.from({ length: to }, (_, partition) => `of${to},${partition} ${lowest}`),
      )
      assert.match(changed.log.join(''), /"level":40,[^\n]*the partitions have changed/)

      for (let at = 0; at < ORDERS; at++) api.put(parted(at, 100 + at))
      await place.fetchOnce(after)
      await place.loadAll(streamOf(after))
      await place.fetchOnce(after)
      api.script = undefined
      await place.fetchOnce(after)

      const found = await published(place, 3)
      for (let at = 0; at < ORDERS; at++)
        for (const second of [at, 100 + at]) assert.ok(found.has(version(at, second)), version(at, second))
      api.forget()
      const quiet = await place.fetchOnce(after)
      assert.deepEqual([quiet.summary.records, Object.keys(quiet.summary.partitions).length], [0, to])
    })

    test('goes back and forth, by two deploys that run at once, without a loss', async (t) => {
      const { place, api, declare } = await bench(t)
      await place.fetchOnce(declare(from))
      await place.loadAll(streamOf(declare(from)))
      for (let round = 1; round <= 3; round++) {
        for (let at = 0; at < ORDERS; at++) api.put(parted(at, 100 * round + at))
        await place.fetchOnce(declare(round % 2 === 0 ? from : to))
        if (round === 1) await place.loadAll(streamOf(declare(to)))
      }
      const found = await published(place, 3)
      for (let at = 0; at < ORDERS; at++)
        for (let round = 0; round <= 3; round++) assert.ok(found.has(version(at, 100 * round + at)))
    })
  })
}

test('two workers that start at once with another number of partitions lose nothing and ask from the same place', async (t) => {
  const { place, api, declare } = await bench(t)
  await place.fetchOnce(declare(2))
  await place.loadAll(streamOf(declare(2)))
  api.forget()
  for (let at = 0; at < ORDERS; at++) api.put(parted(at, 100 + at))
  await Promise.all([place.fetchOnce(declare(3)), place.fetchOnce(declare(3))])
  const asked = new Set(sinces(api))
  const lowest = new Date(instant(ORDERS - 2)).toISOString()
  for (let partition = 0; partition < 3; partition++) assert.ok(asked.has(`of3,${partition} ${lowest}`))
  const found = await published(place, 3)
  for (let at = 0; at < ORDERS; at++) assert.ok(found.has(version(at, 100 + at)))
})

test('a list that grows leaves the others where they are and asks for the new one from the start', async (t) => {
  const place = await ownPlace(t)
  const api = await startApi(t)
  for (const [at, region] of ['eu', 'us', 'asia', 'eu', 'us', 'asia'].entries())
    api.put({ ...order(`o${at}`, at), region })
  const declare = (...regions: string[]) =>
    declareShop({ partitions: regions.map((region) => ({ region })), unknownFields: 'drop' }, { baseUrl: api.url })
  await place.fetchOnce(declare('eu', 'us'))
  api.forget()
  await place.fetchOnce(declare('eu', 'us', 'asia'))
  const iso = (second: number) => new Date(instant(second)).toISOString()
  assert.deepEqual(sinces(api).sort(), ['region,asia ever', `region,eu ${iso(3)}`, `region,us ${iso(4)}`])
  assert.deepEqual(idsOf(await place.entries(streamOf(declareShop()), 2)), ['o2', 'o5'])
})

test('a topic that is made anew after a change is filled from the start', async (t) => {
  const { place, api, declare } = await bench(t)
  await place.fetchOnce(declare(2))
  await place.loadAll(streamOf(declare(2)))
  await place.fetchOnce(declare(3))
  await place.kafka.deleteTopic(place.topicOf(streamOf(declare(3))))
  api.forget()
  await place.fetchOnce(declare(3))
  assert.deepEqual(sinces(api).sort(), ['of3,0 ever', 'of3,1 ever', 'of3,2 ever'])
  const found = await published(place, 3)
  for (let at = 0; at < ORDERS; at++) assert.ok(found.has(version(at)))
})
