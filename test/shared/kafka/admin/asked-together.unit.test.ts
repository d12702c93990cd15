/** Lookups that become one request, and what a failure of it means for each of them. Also counted at a cluster. */
import assert from 'node:assert/strict'
import { describe, test } from 'node:test'
import { askedTogether, KEYS_MAX } from '#shared/kafka/admin/asked-together.ts'
import type { Cluster } from '#shared/kafka/admin/cluster.ts'
import { offsetCalls } from '#shared/kafka/admin/offsets.ts'

function counted(refuse: (keys: readonly string[]) => boolean = () => false) {
  const requests: (readonly string[])[] = []
  const look = askedTogether(async (keys) => {
    requests.push(keys)
    if (refuse(keys)) throw new Error(`refused: ${keys.join()}`)
    return keys.map((key) => `${key}!`)
  })
  return { requests, look }
}

describe('lookups', () => {
  test('that are refused together are asked alone, and only the wrong one fails', async () => {
    const { requests, look } = counted((keys) => keys.includes('b'))
    const answers = await Promise.allSettled(['a', 'b', 'c'].map(look))
    assert.deepEqual(
      answers.map((each) => (each.status === 'fulfilled' ? each.value : String(each.reason))),
      ['a!', 'Error: refused: b', 'c!'],
    )
    assert.deepEqual(requests, [['a', 'b', 'c'], ['a'], ['b'], ['c']])
  })

  test('of one turn are one request, and the same key stands in it once', async () => {
    const { requests, look } = counted()
    assert.deepEqual(await Promise.all(['a', 'b', 'a'].map(look)), ['a!', 'b!', 'a!'])
    assert.deepEqual(requests, [['a', 'b']])
  })

  test('that come after a request was sent are a request of their own', async () => {
    const gate = Promise.withResolvers<void>()
    const requests: (readonly string[])[] = []
    const look = askedTogether(async (keys) => {
      requests.push(keys)
      if (requests.length === 1) await gate.promise
      return keys.map(() => requests.length)
    })
    const first = look('a')
    while (requests.length === 0) await new Promise((resolve) => setImmediate(resolve))
    assert.equal(await look('a'), 2)
    gate.resolve()
    await first
  })

  test('of many keys are as many requests as their bound needs', async () => {
    const { requests, look } = counted()
    await Promise.all(Array.from({ length: 2 * KEYS_MAX + 1 }, (_, index) => look(`k${index}`)))
    assert.deepEqual(
      requests.map(({ length }) => length),
      [KEYS_MAX, KEYS_MAX, 1],
    )
  })
})

const STREAMS = 200
const PARTITIONS = 50

/** One broker with topics of `PARTITIONS` partitions, where each partition's offset is its own number. */
function fakeCluster() {
  const requests = { places: 0, coordinator: 0, offsetFetch: 0, listOffsets: 0 }
  const partitions = Array.from({ length: PARTITIONS }, (_, partitionId) => ({ partitionId, leader: 1, replicas: [1] }))
  type Asked = { topics: { topic: string; partitions: { partition: number }[] }[] }
  const answer = ({ topics }: Asked) => ({
    responses: topics.map(({ topic, partitions: asked }) => ({
      topic,
      partitions: asked.map(({ partition }) => ({ partition, offset: String(partition), metadata: topic })),
    })),
  })
  const broker = {
    async offsetFetch(request: Asked) {
      requests.offsetFetch += 1
      return answer(request)
    },
    async listOffsets(request: Asked) {
      requests.listOffsets += 1
      return answer(request)
    },
  }
  const cluster = {
    together: askedTogether,
    places: askedTogether(async (topics) => {
      requests.places += 1
      return topics.map(() => ({ brokers: [1], partitions }))
    }),
    broker: async () => broker,
    async coordinator() {
      requests.coordinator += 1
      return broker
    },
    ask: <T>(_doing: string, work: () => Promise<T>) => work(),
  }
  return { requests, calls: offsetCalls(cluster as unknown as Cluster) }
}

describe('10,000 partitions in 200 topics', () => {
  const topics = Array.from({ length: STREAMS }, (_, index) => `t${index}`)

  test('have their checkpoints read with two requests for each group', async () => {
    const { requests, calls } = fakeCluster()
    const [first = [], second = []] = await Promise.all(
      ['g', 'h'].map((group) => Promise.all(topics.map((topic) => calls.committed(group, topic)))),
    )
    for (const found of [first, second])
      for (const [index, commits] of found.entries())
        assert.deepEqual([commits.length, commits[7]], [PARTITIONS, { offset: 7, metadata: `t${index}` }])
    assert.equal(requests.offsetFetch, 2 * (STREAMS / KEYS_MAX))
    assert.ok(requests.places <= requests.offsetFetch, `${requests.places} requests for metadata`)
  })

  test('have the ends of their logs read with two requests for each end', async () => {
    const { requests, calls } = fakeCluster()
    const found = await Promise.all(topics.map((topic) => calls.logRanges(topic)))
    assert.ok(found.every((ranges) => ranges.length === PARTITIONS && ranges[9]?.high === 9))
    assert.equal(requests.listOffsets, 2 * (STREAMS / KEYS_MAX))
  })

  test('of one topic are one request, however many partitions look', async () => {
    const { requests, calls } = fakeCluster()
    await Promise.all(Array.from({ length: 1_000 }, () => calls.committed('g', 't0')))
    assert.deepEqual(requests, { places: 1, coordinator: 1, offsetFetch: 1, listOffsets: 0 })
  })
})
