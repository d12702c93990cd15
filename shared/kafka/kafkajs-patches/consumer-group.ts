/**
 * Group membership that reports how it ends. Without this patch, the package has these faults.
 * - It rejoins without reporting it on some paths, or twice at a time, or keeps the old assignment when a rejoin fails.
 * - It gives batches of one assignment to the next, and moves positions by them.
 * - It commits the offset -2 without metadata over the group's offset when that is out of range.
 * - It reports a commit as done when it is not running.
 * - It repeats a commit under the next generation, at a coordinator that is no longer one.
 * - It sleeps its whole wait time when everything is paused.
 */
import { systemClock } from '../../clock.ts'
import { createFetchWait, type FetchWait } from './fetch-wait.ts'
import type { FetchedBatch as Batch } from './fetched-batch.ts'
import { internal, type Long, type TopicPartitions } from './internals.ts'

/**
 * The events of a member that the port needs. They are attached to the member's assigner, the one object that the
 * package passes through.
 */
export type GroupHooks = {
  /** As which the group knows this member; kept here, since the package drops it when it starts again. */
  memberId?: string | null
  /** The assignment is given back when it resolves. */
  beforeJoin(): Promise<void>
  joined(partitions: TopicPartitions[], generation: number): void
  outOfRange(at: { topic: string; partition: number; position: string; low: string; high: string }): void
}

type FetchedBatch = Batch & { assignment?: OffsetManager | null }
type OffsetManager = {
  resolvedOffsets: Record<string, Record<number, string>>
  nextOffset(topic: string, partition: number): Long
}
type TopicsOffsets = { topic: string; partitions: { partition: number; offset: string }[] }[]
type Cluster = {
  refreshMetadataIfNecessary(): Promise<void>
  fetchTopicsOffset(
    topics: { topic: string; partitions: { partition: number }[]; fromBeginning: boolean }[],
  ): Promise<TopicsOffsets>
}
type ConsumerGroup = {
  assigners: { hooks?: GroupHooks }[]
  cluster: Cluster
  generationId: number
  maxWaitTime: number
  offsetManager: OffsetManager | null
  subscriptionState: { active(): TopicPartitions[]; paused(): TopicPartitions[] }
  /** Ours: the join in progress, and whether one was started and not finished. */
  joining?: Promise<void> | undefined
  mustJoin?: boolean
  /** Ours: the requested wait time. */
  fullWaitTime?: number
  /** Ours: over all brokers, so that one with records keeps the waits at the others short. */
  wait?: FetchWait
  /** Ours: what the last fetch from each broker returned. */
  fetched?: Map<string, FetchedBatch[]>
  /** Ours: aborted when a pause ends, so a sleeping fetch wakes up at once. */
  sleeping?: AbortController
  assigned(): TopicPartitions[]
  checkForStaleAssignment(): void
  fetch(nodeId: string): Promise<FetchedBatch[]>
  filterPartitionsByNode(nodeId: string, partitions: TopicPartitions[]): TopicPartitions[]
  joinAndSync(): Promise<void>
  recoverFromFetch(error: unknown): Promise<void>
  recoverFromOffsetOutOfRange(error: { topic: string; partition: number }): Promise<void>
  resume(partitions: TopicPartitions[]): void
}
type Runner = {
  consumerGroup: ConsumerGroup
  running: boolean
  commitOffsets(offsets: object): Promise<void>
  handleBatch(batch: FetchedBatch): Promise<void>
  heartbeat(): Promise<void>
  processEachBatch(batch: FetchedBatch): Promise<void>
}

export function patchGroup(): void {
  const { prototype: group } = internal<{ prototype: ConsumerGroup }>('consumer/consumerGroup.js')
  const { prototype: runner } = internal<{ prototype: Runner }>('consumer/runner.js')
  tellOfJoins(group)
  reportGaps(group)
  tagFetches(group)
  releaseFetches(group)
  wakeOnResume(group)
  dropStaleBatches(runner)
  commitOnce(runner)
  askForCoordinator()
}

function hooksOf(group: ConsumerGroup): GroupHooks | undefined {
  return group.assigners[0]?.hooks
}

function tellOfJoins(group: ConsumerGroup): void {
  const join = group.joinAndSync
  group.joinAndSync = function () {
    this.joining ??= joinOnce(this).finally(() => {
      this.joining = undefined
    })
    return this.joining
  }

  async function joinOnce(member: ConsumerGroup): Promise<void> {
    await hooksOf(member)?.beforeJoin()
    member.mustJoin = true
    await join.call(member)
    member.mustJoin = false
    hooksOf(member)?.joined(member.assigned(), member.generationId)
  }
}

/** The one place where a position is found to be out of range. Continues at the low end, and commits nothing. */
function reportGaps(group: ConsumerGroup): void {
  group.recoverFromOffsetOutOfRange = async function ({ topic, partition }) {
    const manager = this.offsetManager
    if (manager === null) return
    const position = manager.nextOffset(topic, partition).toString()
    const [low, high] = await Promise.all([
      endOfLog(this.cluster, topic, partition, true),
      endOfLog(this.cluster, topic, partition, false),
    ])
    const positions = manager.resolvedOffsets[topic]
    if (positions === undefined) return
    positions[partition] = low
    hooksOf(this)?.outOfRange({ topic, partition, position, low, high })
  }
}

async function endOfLog(cluster: Cluster, topic: string, partition: number, fromBeginning: boolean): Promise<string> {
  const [answer] = await cluster.fetchTopicsOffset([{ topic, partitions: [{ partition }], fromBeginning }])
  const offset = answer?.partitions[0]?.offset
  if (offset === undefined) throw new Error(`no answer for the ends of ${topic}/${partition}`)
  return offset
}

/**
 * A batch remembers the assignment it was fetched for. With nothing to fetch from this broker, wait for a resume, not a
 * fixed time.
 */
function tagFetches(group: ConsumerGroup): void {
  const fetch = group.fetch
  group.fetch = async function (nodeId) {
    if (this.mustJoin) {
      await this.joinAndSync()
      return []
    }
    const assignment = this.offsetManager
    if (!hasActive(this, nodeId)) {
      await sleepUntilResume(this)
      if (!hasActive(this, nodeId)) return lookForChanges(this)
    }
    this.fullWaitTime ??= this.maxWaitTime
    this.wait ??= createFetchWait()
    this.maxWaitTime = this.wait.nextMs(this.fullWaitTime, this.subscriptionState.paused().length > 0)
    const batches = await fetch.call(this, nodeId)
    this.wait.returned(batches.every((batch) => batch.isEmpty() && !batch.isEmptyDueToFiltering()))
    for (const batch of batches) batch.assignment = assignment
    return batches
  }
}

/** The next fetch from a broker begins when every batch of the one before was handled. */
function releaseFetches(group: ConsumerGroup): void {
  const fetch = group.fetch
  group.fetch = async function (nodeId) {
    this.fetched ??= new Map()
    for (const batch of this.fetched.get(nodeId) ?? []) batch.release()
    this.fetched.delete(nodeId)
    const batches = await fetch.call(this, nodeId)
    this.fetched.set(nodeId, batches)
    return batches
  }
}

function hasActive(group: ConsumerGroup, nodeId: string): boolean {
  try {
    const active = group.filterPartitionsByNode(nodeId, group.subscriptionState.active())
    return active.some(({ partitions }) => partitions.length > 0)
  } catch {
    return true
  }
}

async function sleepUntilResume(group: ConsumerGroup): Promise<void> {
  group.sleeping ??= new AbortController()
  await systemClock.sleep(group.fullWaitTime ?? group.maxWaitTime, group.sleeping.signal).catch(() => undefined)
}

async function lookForChanges(group: ConsumerGroup): Promise<FetchedBatch[]> {
  try {
    await group.cluster.refreshMetadataIfNecessary()
    group.checkForStaleAssignment()
  } catch (error) {
    await group.recoverFromFetch(error)
  }
  return []
}

function wakeOnResume(group: ConsumerGroup): void {
  const resume = group.resume
  group.resume = function (partitions) {
    resume.call(this, partitions)
    this.sleeping?.abort()
    delete this.sleeping
  }
}

/**
 * A rejoin can happen while a batch waits its turn. A batch of control records only counts as well: the position moves.
 */
function dropStaleBatches(runner: Runner): void {
  const handle = runner.handleBatch
  runner.handleBatch = async function (batch) {
    if (batch.assignment !== undefined && batch.assignment !== this.consumerGroup.offsetManager) return
    if (!this.running || !batch.isEmptyDueToFiltering()) return handle.call(this, batch)
    await this.processEachBatch(batch)
    await this.heartbeat()
  }
}

/**
 * One attempt, under the current generation. Whether to retry is decided by the caller, who knows the generation that
 * it is for.
 */
function commitOnce(runner: Runner): void {
  const { KafkaJSNonRetriableError } = internal<{ KafkaJSNonRetriableError: new (message: string) => Error }>(
    'errors.js',
  )
  const { prototype: group } = internal<{ prototype: { commitOffsets(offsets: object): Promise<void> } }>(
    'consumer/consumerGroup.js',
  )
  runner.commitOffsets = async function (offsets) {
    if (!this.running) throw new KafkaJSNonRetriableError('the consumer is not running')
    await group.commitOffsets.call(this.consumerGroup, offsets)
  }
}

/** Its offsets go to the broker that coordinated when it joined, for as long as the connection to that one lives. */
function askForCoordinator(): void {
  type Manager = {
    groupId: string
    cluster: { findGroupCoordinator(group: { groupId: string }): Promise<unknown> }
    getCoordinator(): Promise<unknown>
  }
  const { prototype } = internal<{ prototype: Manager }>('consumer/offsetManager/index.js')
  prototype.getCoordinator = function () {
    return this.cluster.findGroupCoordinator({ groupId: this.groupId })
  }
}
