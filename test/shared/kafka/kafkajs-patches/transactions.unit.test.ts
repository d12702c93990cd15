/** A transaction whose coordinators move, with the package's own transaction manager and brokers of a few lines. */
import assert from 'node:assert/strict'
import { describe, test } from 'node:test'
import { internal } from '#shared/kafka/kafkajs-patches/internals.ts'
import '#shared/kafka/kafkajs-patches/load.ts'

type Manager = {
  initProducerId(): Promise<void>
  beginTransaction(): void
  addPartitionsToTransaction(topics: object[]): Promise<void>
  sendOffsets(offsets: object): Promise<void>
  commit(): Promise<void>
}
type Failure = (request: string, nodeId: number) => string | undefined

const NOT_COORDINATOR = 'NOT_COORDINATOR_FOR_GROUP'
const silent = { debug() {}, info() {}, warn() {}, error() {} }

/** Two brokers; `failure` says how one answers, and the coordinator is the second as soon as the first has failed. */
function transaction(failure: Failure) {
  const asked: string[] = []
  const found: string[] = []
  let coordinator = 1
  const brokerOf = (nodeId: number) => {
    const answer = (request: string) => async () => {
      const type = failure(request, nodeId)
      asked.push(`${request} ${nodeId}${type === undefined ? '' : ` ${type}`}`)
      if (type === NOT_COORDINATOR) coordinator = 2
      if (type !== undefined) throw Object.assign(new Error(type), { type, retriable: true })
      return { producerId: '7', producerEpoch: 0 }
    }
    const requests = ['initProducerId', 'addPartitionsToTxn', 'addOffsetsToTxn', 'txnOffsetCommit', 'endTxn']
    return { nodeId, ...Object.fromEntries(requests.map((request) => [request, answer(request)])) }
  }
  const brokers: Record<number, object> = { 1: brokerOf(1), 2: brokerOf(2) }
  const cluster = {
    brokerPool: { metadata: {} as object | null },
    refreshMetadataIfNecessary: async () => undefined,
    findBroker: async ({ nodeId }: { nodeId: number }) => brokers[nodeId],
    async findGroupCoordinator({ groupId }: { groupId: string }) {
      found.push(groupId)
      return brokers[coordinator]
    },
  }
  const create = internal<(options: object) => Manager>('producer/eosManager/index.js')
  return {
    asked,
    found,
    cluster,
    manager: create({ logger: silent, cluster, transactional: true, transactionalId: 'id' }),
  }
}

async function run(manager: Manager): Promise<void> {
  await manager.initProducerId()
  manager.beginTransaction()
  await manager.addPartitionsToTransaction([{ topic: 't', partitions: [{ partition: 0 }] }])
  await manager.sendOffsets({ consumerGroupId: 'group', topics: [] })
  await manager.commit()
}

describe('a transaction', () => {
  test('that a broker refuses for another reason fails at once', async () => {
    const { asked, manager } = transaction((request) => (request === 'endTxn' ? 'INVALID_TXN_STATE' : undefined))
    await assert.rejects(run(manager), /INVALID_TXN_STATE/)
    assert.equal(asked.filter((each) => each.startsWith('endTxn')).length, 1)
  })

  for (const moved of ['initProducerId', 'addPartitionsToTxn', 'addOffsetsToTxn', 'txnOffsetCommit', 'endTxn']) {
    test(`finds the coordinator again when it has moved before ${moved}`, async () => {
      const { asked, manager } = transaction((request, nodeId) =>
        request === moved && nodeId === 1 ? NOT_COORDINATOR : undefined,
      )
      await run(manager)
      const own = asked.filter((each) => each.startsWith(moved))
      assert.deepEqual(own, [`${moved} 1 ${NOT_COORDINATOR}`, `${moved} 2`])
    })
  }

  test('asks for each coordinator once while none moves, also when the one before is still being ended', async () => {
    let refusals = 0
    const { found, manager } = transaction((request) =>
      request === 'addPartitionsToTxn' && refusals++ < 3 ? 'CONCURRENT_TRANSACTIONS' : undefined,
    )
    await run(manager)
    assert.equal(refusals, 4)
    assert.deepEqual(found, ['id', 'group'])
  })

  test('is not followed after its producer was closed', async () => {
    const { cluster, manager } = transaction((request) => (request === 'endTxn' ? NOT_COORDINATOR : undefined))
    const running = run(manager)
    cluster.brokerPool.metadata = null
    await assert.rejects(running, /NOT_COORDINATOR/)
  })
})
