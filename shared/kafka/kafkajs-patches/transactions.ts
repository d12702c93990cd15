/**
 * Transactions that follow their coordinators. A broker that stops hands its coordination over within a transaction.
 * The package has these faults without this patch.
 * - It sends the request that ends a transaction once: a coordinator that has moved fails the transaction.
 * - It does not recognise the errors that name a moved group coordinator.
 * - It asks for the coordinator before each request.
 *
 * Each of these requests has the same effect when it is sent again with the same producer id and epoch, as after a lost
 * response. So one is sent again until the coordinator takes it, at most for `FOLLOW_MAX_MS`.
 */
import { backoffMs } from '../../backoff.ts'
import { systemClock } from '../../clock.ts'
import { typeOf } from './error-type.ts'
import { internal, replaceInternal } from './internals.ts'
import { isBrokerAway } from './moved.ts'
import { RETRY } from './retry.ts'

type Send = (request: object) => Promise<unknown>
type Broker = { nodeId: number | string } & Record<(typeof REQUESTS)[number], Send>
type Of = { groupId: string; coordinatorType: number }
export type TransactionCluster = {
  retry?: object
  /** Null after the producer was closed. */
  brokerPool: { metadata: object | null }
  refreshMetadataIfNecessary(): Promise<void>
  findControllerBroker(): Promise<object>
  findGroupCoordinator(of: Of): Promise<Broker>
  findBroker(node: { nodeId: number | string }): Promise<Broker>
}
type CreateManager = (options: { cluster: object }) => object

const REQUESTS = ['initProducerId', 'addPartitionsToTxn', 'addOffsetsToTxn', 'txnOffsetCommit', 'endTxn'] as const
/** Longer than Kafka takes to replace a broker that died, and shorter than the deadline of a publish. */
const FOLLOW_MAX_MS = 30_000
const BACKOFF = { firstMs: RETRY.initialRetryTime, maxMs: 500 }

export function patchTransactions(): void {
  const module = 'producer/eosManager/index.js'
  const create = internal<CreateManager>(module)
  const patched: CreateManager = (options) =>
    create({ ...options, cluster: following(options.cluster as TransactionCluster) })
  replaceInternal(module, patched)
}

/** What the package's transaction manager uses of a cluster, with coordinators that are always the current ones. */
export function following(cluster: TransactionCluster): object {
  const known = new Map<string, number | string>()

  async function find(of: Of): Promise<Broker> {
    const key = `${of.coordinatorType}/${of.groupId}`
    const nodeId = known.get(key)
    if (nodeId !== undefined) return cluster.findBroker({ nodeId })
    const broker = await cluster.findGroupCoordinator(of)
    known.set(key, broker.nodeId)
    return broker
  }

  async function follow(of: Of, send: (broker: Broker) => Promise<unknown>): Promise<unknown> {
    const endMs = systemClock.elapsedMs() + FOLLOW_MAX_MS
    for (let failures = 1; ; failures++) {
      try {
        return await send(await find(of))
      } catch (error) {
        if (!isBusy(error)) known.delete(`${of.coordinatorType}/${of.groupId}`)
        const isOver = systemClock.elapsedMs() >= endMs || cluster.brokerPool.metadata === null
        if (isOver || !(isBusy(error) || isBrokerAway(error))) throw error
        await systemClock.sleep(backoffMs({ ...BACKOFF, failures }))
      }
    }
  }

  const coordinator = (of: Of) =>
    Object.fromEntries(
      REQUESTS.map((name) => [name, (request: object) => follow(of, (broker) => broker[name](request))]),
    )

  return {
    retry: cluster.retry,
    refreshMetadataIfNecessary: () => cluster.refreshMetadataIfNecessary(),
    findControllerBroker: () => cluster.findControllerBroker(),
    findGroupCoordinator: async (of: Of) => coordinator(of),
  }
}

/** The coordinator is the right one, and still ends the transaction before. */
const isBusy = (error: unknown): boolean => typeOf(error) === 'CONCURRENT_TRANSACTIONS'
