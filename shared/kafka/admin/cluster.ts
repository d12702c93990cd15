/**
 * Direct requests to the brokers. The client package's own admin joins the group for some of them, which takes seconds.
 * It also keeps a list of topics that breaks every later call once one of them is deleted. Each call here requests only
 * what it needs, and retries transient failures.
 */
import type { Admin, Kafka as KafkajsClient } from 'kafkajs'
import { backoffMs } from '../../backoff.ts'
import { WrongUse } from '../../errors.ts'
import { askerOf, type Deps, METADATA_AGE_MAX_MS } from '../client/client.ts'
import { within } from '../client/deadline.ts'
import { explainFailure, isPassing } from '../client/map-errors.ts'
import type { FetchedPartition } from '../kafkajs-patches/fetched-batch.ts'
import { internal, privateSymbol } from '../kafkajs-patches/internals.ts'
import { type AskTogether, askedTogether } from './asked-together.ts'

export type PartitionOffset = { partition: number; offset: string; metadata?: string | null }
export type TopicOffsets = { topic: string; partitions: PartitionOffset[] }
export type TopicTimes = { topic: string; partitions: { partition: number; timestamp: number }[] }
type PartitionMetadata = { partitionId: number; leader: number; replicas: number[] }
type TopicMetadata = { topic: string; partitionMetadata: PartitionMetadata[] }
/** Brokers that are up, and the partitions of one topic. */
export type TopicPlaces = { brokers: number[]; partitions: readonly PartitionMetadata[] }
type FetchRequest = { topic: string; partitions: { partition: number; fetchOffset: string; maxBytes: number }[] }

export type Broker = {
  metadata(topics: string[]): Promise<{ brokers: { nodeId: number }[]; topicMetadata: TopicMetadata[] }>
  listOffsets(request: { isolationLevel: number; topics: TopicTimes[] }): Promise<{ responses: TopicOffsets[] }>
  offsetFetch(request: {
    groupId: string
    topics: { topic: string; partitions: { partition: number }[] }[]
  }): Promise<{ responses: TopicOffsets[] }>
  offsetCommit(request: {
    groupId: string
    groupGenerationId: number
    memberId: string
    topics: TopicOffsets[]
  }): Promise<unknown>
  deleteRecords(request: { topics: TopicOffsets[] }): Promise<unknown>
  listGroups(): Promise<{ groups: { groupId: string }[] }>
  fetch(request: {
    isolationLevel: number
    maxWaitTime: number
    minBytes: number
    maxBytes: number
    topics: FetchRequest[]
  }): Promise<{ responses: { topicName: string; partitions: FetchedPartition[] }[] }>
}

type PackageCluster = {
  brokerPool: { findConnectedBroker(): Promise<Broker> }
  connect(): Promise<void>
  disconnect(): Promise<void>
  refreshMetadata(): Promise<void>
  findBroker(node: { nodeId: number | string }): Promise<Broker>
  getNodeIds(): string[]
  findGroupCoordinator(group: { groupId: string }): Promise<Broker>
}

export type Cluster = {
  admin: Admin
  any(): Promise<Broker>
  /** Those that the cluster names. */
  brokers(): Promise<Broker[]>
  broker(nodeId: number): Promise<Broker>
  coordinator(group: string): Promise<Broker>
  /** Lookups of one turn as one request (`asked-together.ts`), and none once the connection is closed. */
  together<T>(ask: AskTogether<T>): (key: string) => Promise<T>
  /** Without partitions if it does not exist, or the package's error for that. */
  places(topic: string): Promise<TopicPlaces>
  /** Runs `work` and retries transient failures; `doing` names it in the error. */
  ask<T>(doing: string, work: () => Promise<T>): Promise<T>
  close(): Promise<void>
}

/** With the waits between them, longer than Kafka takes to replace a broker that died (9 s by default). */
const ATTEMPTS_MAX = 20
const BACKOFF = { firstMs: 20, maxMs: 1_000 }
const ASK_DEADLINE_MS = 30_000

/** Connected, and at least one broker reached at the address that it advertises. */
export async function openCluster(client: KafkajsClient, deps: Deps): Promise<Cluster> {
  const cluster = newCluster(client)
  const createAdmin = internal<(parts: object) => Admin>('admin/index.js')
  try {
    await cluster.connect()
    await cluster.refreshMetadata()
    await reachAny(cluster)
  } catch (error) {
    await cluster.disconnect()
    throw error
  }
  let closed = false
  // The request is sent later than the lookup: the connection may be closed by then.
  const together = <T>(ask: AskTogether<T>) =>
    askedTogether<T>(async (keys) => (closed ? Promise.reject(closedError('a lookup')) : ask(keys)))
  const underWay = new Set<Promise<unknown>>()
  function track<T>(work: Promise<T>): Promise<T> {
    underWay.add(work)
    const forget = () => void underWay.delete(work)
    work.then(forget, forget)
    return work
  }
  return {
    admin: createAdmin({ logger: client.logger(), cluster }),
    any: () => cluster.brokerPool.findConnectedBroker(),
    brokers: () => Promise.all(cluster.getNodeIds().map((nodeId) => cluster.findBroker({ nodeId }))),
    broker: (nodeId) => cluster.findBroker({ nodeId }),
    coordinator: (groupId) => cluster.findGroupCoordinator({ groupId }),
    together,
    places: together(async (topics) => {
      const { brokers, topicMetadata } = await (await cluster.brokerPool.findConnectedBroker()).metadata([...topics])
      const found = new Map(topicMetadata.map(({ topic, partitionMetadata }) => [topic, partitionMetadata]))
      const nodes = brokers.map(({ nodeId }) => nodeId)
      return topics.map((topic) => ({ brokers: nodes, partitions: found.get(topic) ?? [] }))
    }),
    async ask(doing, work) {
      if (closed) throw closedError(doing)
      const attempt = () => (closed ? Promise.reject(closedError(doing)) : work())
      try {
        return await within(deps.clock, ASK_DEADLINE_MS, doing, track(askAgain(deps, attempt)))
      } catch (error) {
        throw explainFailure(error, doing, askerOf(deps))
      }
    },
    async close() {
      closed = true
      await cluster.disconnect()
      // What was under way connects again to repeat a request. Without this, the socket keeps the process alive.
      void Promise.allSettled(underWay).then(() => cluster.disconnect())
    },
  }
}

const closedError = (doing: string): WrongUse =>
  new WrongUse('HR_KAFKA_CLOSED', `${doing}: the connection to Kafka is closed`)

/** A cluster works with a broker down. With none reachable, the addresses that they advertise are wrong from here. */
async function reachAny(cluster: PackageCluster): Promise<void> {
  const attempts = cluster.getNodeIds().map((nodeId) => cluster.findBroker({ nodeId }))
  await Promise.any(attempts).catch((error: AggregateError) => Promise.reject(error.errors[0] ?? error))
}

async function askAgain<T>({ clock, log }: Deps, work: () => Promise<T>): Promise<T> {
  for (let attempt = 1; ; attempt++) {
    try {
      return await work()
    } catch (error) {
      if (attempt >= ATTEMPTS_MAX || !isPassing(error)) throw error
      log.debug({ err: error, attempt }, 'Kafka: asking again')
      await clock.sleep(backoffMs({ ...BACKOFF, failures: attempt }))
    }
  }
}

/** The client keeps its cluster factory, with all its settings, under a symbol. */
function newCluster(client: KafkajsClient): PackageCluster {
  const parts = client as unknown as Record<symbol, (options: object) => PackageCluster>
  const create = parts[privateSymbol(client, 'private:Kafka:createCluster')]!
  return create({ allowAutoTopicCreation: false, metadataMaxAge: METADATA_AGE_MAX_MS, isolationLevel: READ_COMMITTED })
}

export const READ_COMMITTED = 1
