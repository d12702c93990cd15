/**
 * The faults of the client package, each shown or checked where no real broker can: with its own parts and brokers that
 * are a few lines.
 */
import assert from 'node:assert/strict'
import { execFile } from 'node:child_process'
import { EventEmitter } from 'node:events'
import { describe, test } from 'node:test'
import { promisify } from 'node:util'
import { systemClock } from '#shared/clock.ts'
import { internal } from '#shared/kafka/kafkajs-patches/internals.ts'
import { appendTo, type SendRecords } from '#shared/kafka/produce/append.ts'
import '#shared/kafka/kafkajs-patches/load.ts'
import { RETRY } from '#shared/kafka/kafkajs-patches/retry.ts'

type TopicMessages = Pick<Parameters<SendRecords>[0], 'topic' | 'messages'>
type SendMessages = (request: { acks: number; topicMessages: TopicMessages[] }) => ReturnType<SendRecords>
type TopicData = { topic: string; partitions: { partition: number; messages: { value: string }[] }[] }[]

const silent = { debug() {}, info() {}, warn() {}, error() {}, namespace: () => silent }
const nothing = () => undefined

/**
 * Two brokers; partition 0 is led by the first. Partition 1 moves from the second to the first while it is being
 * written to, which the client learns with its next look at the metadata.
 */
function twoBrokers() {
  const { createErrorFromCode } = internal<{ createErrorFromCode(code: number): Error }>('protocol/error.js')
  const NOT_LEADER = 6
  const logs: Record<number, string[]> = { 0: [], 1: [] }
  let leaderOf: Record<number, number> = { 0: 1, 1: 2 }
  const produce =
    (nodeId: number) =>
    async ({ topicData }: { topicData: TopicData }) => {
      if (nodeId === 2) throw createErrorFromCode(NOT_LEADER)
      const topics = topicData.map(({ topic, partitions }) => ({
        topicName: topic,
        partitions: partitions.map(({ partition, messages }) => {
          const baseOffset = String(logs[partition]!.length)
          logs[partition]!.push(...messages.map(({ value }) => value))
          return { partition, errorCode: 0, baseOffset }
        }),
      }))
      return { topics }
    }
  const brokers: Record<number, object> = {
    1: { nodeId: 1, produce: produce(1) },
    2: { nodeId: 2, produce: produce(2) },
  }
  const partitionMetadata = [{ partitionId: 0 }, { partitionId: 1 }]
  const cluster = {
    targetTopics: new Set(),
    isConnected: () => true,
    addMultipleTargetTopics: async () => undefined,
    refreshMetadataIfNecessary: async () => undefined,
    async refreshMetadata() {
      leaderOf = { 0: 1, 1: 1 }
    },
    findTopicPartitionMetadata: () => partitionMetadata,
    findLeaderForPartitions: (_: string, partitions: string[]) =>
      Object.groupBy(partitions.map(Number), (partition) => leaderOf[partition]!),
    findBroker: async ({ nodeId }: { nodeId: string }) => brokers[Number(nodeId)],
  }
  return { cluster, logs }
}

function sendTo(cluster: object): (record: TopicMessages) => ReturnType<SendRecords> {
  const createRetry = internal<(options: object) => unknown>('retry/index.js')
  const createSendMessages = internal<(parts: object) => SendMessages>('producer/sendMessages.js')
  const eosManager = {
    acquireBrokerLock: async () => undefined,
    releaseBrokerLock: nothing,
    isTransactional: () => false,
    getSequence: () => 0,
    updateSequence: nothing,
    getProducerId: () => -1,
    getProducerEpoch: () => 0,
  }
  const send = createSendMessages({
    logger: silent,
    cluster,
    retrier: createRetry({}),
    partitioner: nothing,
    eosManager,
  })
  return ({ topic, messages }) => send({ acks: -1, topicMessages: [{ topic, messages }] })
}

describe('sending while a partition moves to another broker', () => {
  test('loses records when one send is for two partitions: the fault of the package', async () => {
    const { cluster, logs } = twoBrokers()
    await sendTo(cluster)({
      topic: 't',
      messages: [
        { partition: 0, value: 'a' },
        { partition: 1, value: 'b' },
      ],
    })
    assert.deepEqual(logs, { 0: ['a'], 1: [] })
  })

  test('loses nothing through the port, which sends for one partition at a time', async () => {
    const { cluster, logs } = twoBrokers()
    const send = sendTo(cluster)
    for (const partition of [0, 1])
      await appendTo(send, { topic: 't', partition, messages: [{ key: null, value: `to ${partition}` }] }, 'none')
    assert.deepEqual(logs, { 0: ['to 0'], 1: ['to 1'] })
  })

  test('a send that resolves without an offset is an error', async () => {
    const append = { topic: 't', partition: 0, messages: [{ key: null, value: 'a' }] }
    await assert.rejects(
      appendTo(async () => [], append, 'none'),
      { code: 'HR_KAFKA_NO_ANSWER' },
    )
    const other = { topicName: 't', partition: 1, errorCode: 0, baseOffset: '7' }
    await assert.rejects(
      appendTo(async () => [other], append, 'none'),
      { code: 'HR_KAFKA_NO_ANSWER' },
    )
  })
})

describe('grouping', () => {
  const group = internal<(parts: object) => Record<number, unknown[]>>('producer/groupMessagesPerPartition.js')
  const partitionMetadata = [{ partitionId: 0 }, { partitionId: 3 }]

  test('of a message for a partition that is not known yet asks for new metadata', () => {
    const messages = [{ partition: 1, value: 'a' }]
    assert.throws(() => group({ topic: 't', partitionMetadata, messages }), {
      name: 'KafkaJSMetadataNotLoaded',
      retriable: true,
    })
  })

  test('keeps the order of each partition', () => {
    const messages = [0, 3, 3, 0].map((partition, index) => ({ partition, value: index }))
    assert.deepEqual(group({ topic: 't', partitionMetadata, messages }), {
      0: [messages[0], messages[3]],
      3: [messages[1], messages[2]],
    })
  })
})

describe('the request queue', () => {
  type Queue = {
    throttledUntil: number
    throttleCheckTimeoutId: object | null
    push(request: object): void
    fulfillRequest(answer: object): void
  }
  const create = (maxInFlightRequests: number): Queue => {
    const RequestQueue = internal<new (options: object) => Queue>('network/requestQueue/index.js')
    return new RequestQueue({
      maxInFlightRequests,
      requestTimeout: 1_000,
      enforceRequestTimeout: false,
      clientId: 'c',
      broker: 'b',
      logger: silent,
    })
  }
  const request = (correlationId: number, sent: number[]) => ({
    entry: { correlationId, resolve: nothing, reject: nothing },
    expectResponse: true,
    sendRequest: () => sent.push(correlationId),
  })

  test('sets no timer when nothing is pending or only an answer can help', () => {
    const queue = create(1)
    const sent: number[] = []
    queue.push(request(1, sent))
    queue.push(request(2, sent))
    assert.equal(queue.throttleCheckTimeoutId, null)
    assert.deepEqual(sent, [1])
    queue.fulfillRequest({ correlationId: 1, payload: null, size: 0 })
    assert.deepEqual(sent, [1, 2])
    queue.fulfillRequest({ correlationId: 2, payload: null, size: 0 })
    assert.equal(queue.throttleCheckTimeoutId, null)
  })

  test('sends what was held back as soon as throttling ends', async () => {
    const queue = create(5)
    const sent: number[] = []
    queue.throttledUntil = systemClock.nowMs() + 500
    queue.push(request(1, sent))
    queue.push(request(2, sent))
    assert.deepEqual(sent, [])
    while (sent.length < 2) await systemClock.sleep(10)
    assert.equal(queue.throttleCheckTimeoutId, null)
  })
})

describe('a connection', () => {
  class Socket extends EventEmitter {
    written = 0
    ended = false
    write = () => this.written++
    end = () => {
      this.ended = true
    }
    unref = nothing
  }
  type Request = { request: object; response: object }
  type Connection = {
    connect(): Promise<unknown>
    disconnect(): Promise<unknown>
    send(request: Request): Promise<unknown>
  }
  const open = () => {
    const sockets: Socket[] = []
    const socketFactory = ({ onConnect }: { onConnect(): void }) => {
      const socket = new Socket()
      sockets.push(socket)
      setImmediate(onConnect)
      return socket
    }
    const ConnectionClass = internal<new (options: object) => Connection>('network/connection.js')
    const times = { requestTimeout: 1_000, connectionTimeout: 1_000, enforceRequestTimeout: false }
    return { sockets, connection: new ConnectionClass({ host: 'h', port: 1, logger: silent, socketFactory, ...times }) }
  }
  const apiVersions = (): Request => {
    const { protocol } = internal<{ protocol(options: object): () => Request }>(
      'protocol/requests/apiVersions/index.js',
    )
    return protocol({ version: 0 })()
  }

  test('opens one socket for two callers at the same time', async () => {
    const { connection, sockets } = open()
    await Promise.all([connection.connect(), connection.connect()])
    await connection.connect()
    assert.equal(sockets.length, 1)
    await connection.disconnect()
    await connection.connect()
    assert.equal(sockets.length, 2)
    await connection.disconnect()
  })

  test('ends a request that is under way when the other side closes during a disconnect', async () => {
    const { connection, sockets } = open()
    await connection.connect()
    const asked = connection.send(apiVersions())
    while (sockets[0]!.written === 0) await systemClock.sleep(1)
    const disconnected = connection.disconnect()
    sockets[0]!.emit('end')
    sockets[0]!.emit('close')
    await assert.rejects(asked, { name: 'KafkaJSConnectionClosedError' })
    await disconnected
  })

  test('is not ended by the disconnect of the one before', async () => {
    const { connection, sockets } = open()
    await connection.connect()
    const asked = connection.send(apiVersions())
    while (sockets[0]!.written === 0) await systemClock.sleep(1)
    const disconnected = connection.disconnect()
    const connected = connection.connect()
    sockets[0]!.emit('close')
    await assert.rejects(asked)
    await Promise.all([disconnected, connected])
    assert.deepEqual(
      sockets.map(({ ended }) => ended),
      [true, false],
    )
    await connection.disconnect()
  })

  test('that is closed adds nothing to its socket when it is closed again', async () => {
    const { connection, sockets } = open()
    let unrefs = 0
    await connection.connect()
    sockets[0]!.unref = () => void unrefs++
    for (let times = 0; times < 20; times++) await connection.disconnect()
    assert.equal(unrefs, 1)
  })
})

describe('the retry policy', () => {
  test('is the same whatever NODE_ENV says', async () => {
    const script = `
      import '${new URL('../../../../shared/kafka/kafkajs-patches/load.ts', import.meta.url)}'
      import { internal } from '${new URL('../../../../shared/kafka/kafkajs-patches/internals.ts', import.meta.url)}'
      console.log(JSON.stringify([internal('retry/defaults.js'), internal('retry/defaults.test.js')]))`
    for (const NODE_ENV of ['test', 'production']) {
      const child = promisify(execFile)(process.execPath, ['--input-type=module', '-e', script], { env: { NODE_ENV } })
      assert.deepEqual(JSON.parse((await child).stdout), [RETRY, RETRY])
    }
  })
})

describe('a group member', () => {
  type Runner = {
    running: boolean
    handleBatch(batch: object): Promise<void>
    commitOffsets(offsets: object): Promise<void>
  }
  const create = (consumerGroup: object, eachBatch: () => Promise<void>): Runner => {
    const RunnerClass = internal<new (options: object) => Runner>('consumer/runner.js')
    const instrumentationEmitter = { emit: nothing }
    const runner = new RunnerClass({
      logger: silent,
      consumerGroup,
      instrumentationEmitter,
      eachBatch,
      autoCommit: false,
      concurrency: 1,
    })
    runner.running = true
    return runner
  }
  const batchOf = (assignment: object) => ({
    assignment,
    topic: 't',
    partition: 0,
    messages: [{ offset: '0' }],
    isEmpty: () => false,
    isEmptyDueToFiltering: () => false,
    offsetLag: () => '0',
    offsetLagLow: () => '0',
    firstOffset: () => '0',
    lastOffset: () => '0',
  })

  test('drops a batch that was fetched for the assignment before', async () => {
    const [before, now] = [{}, {}]
    let handled = 0
    const runner = create(
      { offsetManager: now, heartbeat: async () => undefined, resolveOffset: nothing },
      async () => void handled++,
    )
    await runner.handleBatch(batchOf(before))
    assert.equal(handled, 0)
    await runner.handleBatch(batchOf(now))
    assert.equal(handled, 1)
  })

  test('that is not running does not report a commit as done', async () => {
    const runner = create({ offsetManager: { commitOffsets: async () => undefined } }, async () => undefined)
    runner.running = false
    await assert.rejects(runner.commitOffsets({ topics: [] }), /not running/)
  })

  test('tries a commit once: a second time could be under another generation', async () => {
    let attempts = 0
    const offsetManager = {
      async commitOffsets() {
        attempts++
        throw Object.assign(new Error('on purpose'), { retriable: true })
      },
    }
    await assert.rejects(create({ offsetManager }, async () => undefined).commitOffsets({ topics: [] }), /on purpose/)
    assert.equal(attempts, 1)
  })

  test('that failed to join again does so before it fetches, and only once at a time', async () => {
    type Group = { mustJoin?: boolean; joinAndSync(): Promise<void>; fetch(nodeId: string): Promise<object[]> }
    const { prototype } = internal<{ prototype: Group }>('consumer/consumerGroup.js')
    const steps: string[] = []
    let joined = 0
    const hooks = {
      async beforeJoin() {
        steps.push('before')
        await systemClock.sleep(5)
        if (joined === 0) throw new Error('Kafka is away')
      },
      joined: () => void steps.push('joined'),
      outOfRange: nothing,
    }
    const retrier = async () => void steps.push('join')
    const group: Group = Object.assign(Object.create(prototype), {
      assigners: [{ hooks }],
      retrier,
      assigned: () => [],
      generationId: 1,
    })
    group.mustJoin = true
    await assert.rejects(group.fetch('1'), /Kafka is away/)
    joined = 1
    assert.deepEqual(await Promise.all([group.fetch('1'), group.fetch('2')]), [[], []])
    assert.equal(group.mustJoin, false)
    assert.deepEqual(steps, ['before', 'before', 'join', 'joined'])
  })
})
