import assert from 'node:assert/strict'
import { describe, test } from 'node:test'
import { systemClock } from '#shared/clock.ts'
import { HeadraceError } from '#shared/errors.ts'
import {
  type Kafka,
  type OffsetGap,
  type ReadBatch,
  type Reader,
  type ReaderAssignment,
  type ReaderOptions,
  StaleGeneration,
} from '#shared/kafka/kafka.ts'
import { type Bench, bench, completed, numbered, until } from '../helpers.ts'

/** The least that the broker allows. */
const SESSION_TIMEOUT_MS = 6_000

type Seen = {
  reader: Reader
  values: string[]
  batches: ReadBatch[]
  assignments: ReaderAssignment[]
  rebalances: number[]
  gaps: OffsetGap[]
  crashes: Error[]
}

/** A reader that takes everything and notes what it is told, unless the test says otherwise. */
async function read({ kafka, topic, group }: Bench, options: Partial<ReaderOptions> = {}): Promise<Seen> {
  const seen: Omit<Seen, 'reader'> = { values: [], batches: [], assignments: [], rebalances: [], gaps: [], crashes: [] }
  const reader = await kafka.reader({
    group,
    topics: [topic],
    heartbeatMs: 100,
    sessionTimeoutMs: SESSION_TIMEOUT_MS,
    async onBatch(batch) {
      seen.batches.push(batch)
      seen.values.push(...batch.messages.map(({ value }) => String(value)))
      return 'taken'
    },
    onAssigned: (assignment) => void seen.assignments.push(assignment),
    onRebalancing: (generation) => void seen.rebalances.push(generation),
    onGap: (gap) => void seen.gaps.push(gap),
    onCrash: (error) => void seen.crashes.push(error),
    ...options,
  })
  return { ...seen, reader }
}

async function fill({ kafka, topic }: Bench, count: number, partition = 0, from = 0): Promise<void> {
  const sender = kafka.sender()
  await sender.send({ topic, partition, messages: numbered(count, from) })
  await sender.close()
}

const sorted = (values: string[]) => [...values].sort()
const partitionsOf = (seen: { assignments: ReaderAssignment[] }, topic: string) =>
  seen.assignments.at(-1)?.partitions.get(topic) ?? []

describe('positions', () => {
  test('an error out of the batch handler is fatal and told once', async (t) => {
    const own = await bench(t)
    await fill(own, 1)
    const seen = await read(own, { onBatch: async () => Promise.reject(new HeadraceError('HR_TEST', 'on purpose')) })
    await until('the crash is told', () => seen.crashes.length > 0)
    await seen.reader.close()
    assert.deepEqual(seen.crashes, [new HeadraceError('HR_TEST', 'on purpose')])
    assert.deepEqual(await own.kafka.committed(own.group, own.topic), [null])
    assert.deepEqual(await own.kafka.members(own.group), [])
  })

  test('a full caller gets the same batch again after it resumes, and nothing is lost or doubled', async (t) => {
    const own = await bench(t, 2)
    await fill(own, 5)
    await fill(own, 5, 1, 100)
    const refusals: number[] = []
    const taken: string[] = []
    const seen: Seen = await read(own, {
      async onBatch({ partition, messages }) {
        if (partition === 0 && refusals.length < 3) {
          refusals.push(messages.length)
          void systemClock.sleep(50).then(() => seen.reader.resume(own.topic, [0]))
          return 'full'
        }
        taken.push(...messages.map(({ value }) => String(value)))
        return 'taken'
      },
    })
    await until('everything is taken', () => taken.length >= 10)
    await seen.reader.close()
    assert.deepEqual(refusals, [5, 5, 5])
    assert.deepEqual(sorted(taken), sorted(['v0', 'v1', 'v2', 'v3', 'v4', 'v100', 'v101', 'v102', 'v103', 'v104']))
  })

  test('a paused partition brings nothing until it is resumed, the others go on', async (t) => {
    const own = await bench(t, 2)
    const seen = await read(own)
    await until('there is an assignment', () => seen.assignments.length === 1)
    seen.reader.pause(own.topic, [0])
    await fill(own, 3)
    await fill(own, 3, 1, 100)
    await until('the other partition came', () => seen.values.length >= 3)
    assert.deepEqual(seen.values, ['v100', 'v101', 'v102'])
    seen.reader.resume(own.topic, [0])
    await until('the paused partition came', () => seen.values.length >= 6)
    await seen.reader.close()
    assert.deepEqual(seen.values.slice(3), ['v0', 'v1', 'v2'])
  })

  test('reading starts at the commit, whose metadata is told before the first batch', async (t) => {
    const own = await bench(t)
    await fill(own, 10)
    const first = await read(own)
    await until('the first reader has read', () => first.values.length === 10)
    const { generation } = first.batches[0]!
    await first.reader.commit([{ topic: own.topic, partition: 0, offset: 4, metadata: 'four' }], generation)
    await first.reader.close()
    const order: string[] = []
    const second = await read(own, {
      async onAssigned({ committed }) {
        await systemClock.sleep(100)
        order.push(`assigned at ${committed(own.topic, 0)?.offset} ${committed(own.topic, 0)?.metadata}`)
      },
      async onBatch({ messages }) {
        order.push(`batch from ${messages[0]?.offset}`)
        return 'taken'
      },
    })
    await until('the second reader has read', () => order.length === 2)
    await second.reader.close()
    assert.deepEqual(order, ['assigned at 4 four', 'batch from 4'])
  })

  test('a commit of the earliest offset, as reset tools write it, reads from the low end and is told as -2', async (t) => {
    const own = await bench(t)
    await fill(own, 5)
    await own.kafka.deleteRecordsBelow(own.topic, new Map([[0, 2]]))
    await own.kafka.resetOffsets(own.group, own.topic, new Map([[0, -2]]))
    const seen = await read(own)
    await until('it has read', () => seen.values.length === 3)
    await seen.reader.close()
    assert.deepEqual(seen.values, ['v2', 'v3', 'v4'])
    assert.deepEqual(seen.assignments[0]!.committed(own.topic, 0), { offset: -2, metadata: '' })
    assert.deepEqual(seen.gaps, [])
  })

  test('control records and aborted records move the position without being seen', async (t) => {
    const own = await bench(t)
    const { kafka, topic, group } = own
    const publisher = kafka.publisher(topic)
    await publisher.fence()
    await publisher.publish([{ topic, partition: 0, messages: numbered(2) }], () => ({
      group: 'other',
      topic,
      partition: 0,
      offset: 0,
      metadata: '',
    }))
    const seen = await read(own)
    await until('the reader has read', () => seen.values.length === 2)
    await publisher
      .publish([{ topic, partition: 0, messages: numbered(2, 100) }], () => {
        throw new Error('abort it')
      })
      .catch(() => undefined)
    await completed(kafka, topic)
    const [range] = await kafka.logRanges(topic)
    await until('the reader has caught up', () => seen.batches.at(-1)?.nextOffset === range!.high)
    assert.deepEqual(seen.values, ['v0', 'v1'])
    assert.equal(seen.batches.at(-1)!.highOffset, range!.high)
    await seen.reader.commit(
      [{ topic, partition: 0, offset: range!.high, metadata: 'all' }],
      seen.assignments[0]!.generation,
    )
    await seen.reader.close()
    assert.deepEqual(await kafka.committed(group, topic), [{ offset: range!.high, metadata: 'all' }])
  })
})

describe('gaps', () => {
  test('records that are gone at the start are told, and the commit keeps its metadata', async (t) => {
    const own = await bench(t)
    await fill(own, 10)
    const first = await read(own)
    await until('the first reader has read', () => first.values.length === 10)
    await first.reader.commit(
      [{ topic: own.topic, partition: 0, offset: 3, metadata: 'three' }],
      first.assignments[0]!.generation,
    )
    await first.reader.close()
    await own.kafka.deleteRecordsBelow(own.topic, new Map([[0, 7]]))
    const second = await read(own)
    await until('the second reader has read', () => second.values.length === 3)
    await second.reader.close()
    const { generation } = second.assignments[0]!
    assert.deepEqual(second.gaps, [{ topic: own.topic, partition: 0, generation, position: 3, low: 7, high: 10 }])
    assert.deepEqual(second.values, ['v7', 'v8', 'v9'])
    assert.deepEqual(await own.kafka.committed(own.group, own.topic), [{ offset: 3, metadata: 'three' }])
  })

  test('records that go while the partition is paused are told before the next batch', async (t) => {
    const own = await bench(t)
    await fill(own, 2)
    const order: string[] = []
    const seen = await read(own, {
      onGap: ({ position, low }) => void order.push(`gap ${position} to ${low}`),
      async onBatch({ messages }) {
        order.push(`batch from ${messages[0]?.offset}`)
        return 'taken'
      },
    })
    await until('the first batch came', () => order.length === 1)
    seen.reader.pause(own.topic, [0])
    await fill(own, 6, 0, 2)
    await own.kafka.deleteRecordsBelow(own.topic, new Map([[0, 5]]))
    seen.reader.resume(own.topic, [0])
    await until('the batch behind the gap came', () => order.length === 3)
    await seen.reader.close()
    assert.deepEqual(order, ['batch from 0', 'gap 2 to 5', 'batch from 5'])
  })

  test('a log that is shorter than the commit, since the topic was made anew, is a gap and is read from its start', async (t) => {
    const own = await bench(t)
    await fill(own, 2)
    await own.kafka.resetOffsets(own.group, own.topic, new Map([[0, 1_000]]))
    const seen = await read(own)
    await until('it has read', () => seen.values.length === 2)
    await seen.reader.close()
    assert.equal(seen.gaps[0]?.position, 1_000)
    assert.equal(seen.gaps[0]?.high, 2)
  })
})

describe('rebalances', () => {
  test('a commit for an assignment that has ended is refused, also when this member owns the partition again', async (t) => {
    const own = await bench(t, 2)
    await fill(own, 3)
    await fill(own, 3, 1)
    const first = await read(own)
    await until('the first reader has read', () => first.values.length === 6)
    const { generation } = first.assignments[0]!
    const second = await read(own)
    await until('both have an assignment', () => first.assignments.length >= 2 && second.assignments.length >= 1)
    const kept = partitionsOf(first, own.topic)[0]!
    const late = first.reader.commit([{ topic: own.topic, partition: kept, offset: 2, metadata: 'late' }], generation)
    await assert.rejects(late, (error) => error instanceof StaleGeneration && error.code === 'HR_KAFKA_STALE')
    assert.deepEqual(await own.kafka.committed(own.group, own.topic), [null, null])
    const current = first.assignments.at(-1)!.generation
    await first.reader.commit([{ topic: own.topic, partition: kept, offset: 3, metadata: 'in time' }], current)
    assert.deepEqual((await own.kafka.committed(own.group, own.topic))[kept], { offset: 3, metadata: 'in time' })
    await second.reader.close()
    await first.reader.close()
  })

  test('the group waits until what is in hand is committed, and the successor starts behind it', async (t) => {
    const own = await bench(t)
    await fill(own, 4)
    let generation = 0
    const first = await read(own, {
      onAssigned: (assignment) => {
        generation = assignment.generation
      },
      async onRebalancing(ending) {
        assert.equal(ending, generation)
        await systemClock.sleep(300)
        await first.reader.commit([{ topic: own.topic, partition: 0, offset: 4, metadata: 'flushed' }], ending)
      },
    })
    await until('the first reader has read', () => first.values.length === 4)
    const second = await read(own)
    await until('the second is in the group', () => second.assignments.length >= 1)
    assert.deepEqual(await own.kafka.committed(own.group, own.topic), [{ offset: 4, metadata: 'flushed' }])
    await first.reader.close()
    await second.reader.close()
    assert.deepEqual(first.crashes, [])
    assert.deepEqual(second.values, [])
  })

  test('a batch that outlasts the session does not cost the membership', async (t) => {
    const own = await bench(t)
    await fill(own, 1)
    let done = false
    const seen = await read(own, {
      async onBatch() {
        await systemClock.sleep(SESSION_TIMEOUT_MS + 2_000)
        done = true
        return 'taken'
      },
    })
    await until('the long batch is done', () => done)
    await seen.reader.commit(
      [{ topic: own.topic, partition: 0, offset: 1, metadata: 'slow' }],
      seen.assignments[0]!.generation,
    )
    assert.equal(seen.assignments.length, 1)
    await seen.reader.close()
  })

  test('readers that come and go share the partitions and read everything at least once from the commits', async (t) => {
    const own = await bench(t, 4)
    const values = new Set<string>()
    const start = async () => {
      const seen: Seen = await read(own, {
        async onBatch({ topic, partition, generation, messages, nextOffset }) {
          for (const { value } of messages) values.add(`${partition} ${value}`)
          await seen.reader
            .commit([{ topic, partition, offset: nextOffset, metadata: `${nextOffset}` }], generation)
            .catch((error) => {
              if (!(error instanceof StaleGeneration)) throw error
            })
          return 'taken'
        },
      })
      return seen
    }
    const readers = [await start()]
    for (let round = 0; round < 4; round++) {
      for (let partition = 0; partition < 4; partition++) await fill(own, 5, partition, round * 5)
      if (round < 2) readers.push(await start())
      else await readers.shift()!.reader.close()
    }
    await until('everything was read', () => values.size === 4 * 20)
    for (const { reader, crashes } of readers) {
      await reader.close()
      assert.deepEqual(crashes, [])
    }
    const committed = await own.kafka.committed(own.group, own.topic)
    const ends = await own.kafka.logRanges(own.topic)
    assert.ok(committed.every((commit, partition) => commit !== null && commit.offset <= ends[partition]!.high))
  })

  test('a partition that is added later is found and read from its start', async (t) => {
    const own = await bench(t)
    const kafka: Kafka = own.kafka
    const first = await read(own)
    await until('there is an assignment', () => first.assignments.length === 1)
    await kafka.ensureTopic({ topic: own.topic, partitions: 2 })
    await fill(own, 2, 1)
    // A member that joins makes everyone look; without one it takes until the metadata is old.
    const second = await read(own)
    await until('the new partition was read', () => first.values.length + second.values.length === 2)
    await first.reader.close()
    await second.reader.close()
  })
})
