/**
 * The part of the Kafka port about consumer groups: a reader, and a member that owns partitions without reading them.
 * See `port.ts` for what applies to the whole port.
 */
import type { Committed, RawMessage } from './port.ts'

export type Together = { group: string; first: number; count: number }

/** By topic, what a claim is for. */
export type Work = Readonly<Record<string, string>>

/**
 * Topic to partition numbers, ascending. Contains every topic that this member subscribed to, also those without a
 * partition.
 */
export type Assignment = ReadonlyMap<string, readonly number[]>

export type MembershipOptions = {
  group: string
  topics: string[]
  /** Consumer group session timeout: a member that sends no heartbeat for longer loses its partitions. Default 30 s. */
  sessionTimeoutMs?: number
  /** How often a heartbeat asks whether the group rebalances. Default 3 s. */
  heartbeatMs?: number
}

export type OwnerOptions = MembershipOptions & {
  /**
   * This member has all partitions of its topics while it is in the group; the others get them back when it leaves. Of
   * several claims on a topic, the lowest number wins (the time at which the work was requested), then the next one.
   */
  claim?: number | undefined
  /** What the claim is for, shown to people who inspect the group. */
  work?: Work | undefined
  /**
   * By topic: which of its partitions one member should hold together. Partitions of all topics with the same `group`
   * belong together when their numbers, counted from `first`, are equal modulo `count`. Only members that subscribe to
   * all of these topics can have them.
   */
  together?: Readonly<Record<string, Together>> | undefined
  /** This member's partitions, at each assignment. */
  onAssigned(assignment: Assignment): void | Promise<void>
  /**
   * The partitions are about to be revoked. The group waits for the promise (at most `REVOKE_WAIT_MAX_MS`), so that
   * work in progress can be finished first.
   */
  onRebalancing(): void | Promise<void>
  /** The membership ended for good: end the process and have it restarted. */
  onCrash(error: Error): void
}

/** Membership in a group without consuming: Kafka assigns partitions to the members and rebalances them. */
export interface Owner {
  /** Leaves the group. */
  close(): Promise<void>
}

export type ReadBatch = {
  topic: string
  partition: number
  generation: number
  /** Can be empty: there were only control records or aborted ones. */
  messages: readonly RawMessage[]
  /** Of the values of all messages, where the reader has counted them. */
  valueBytes?: number
  /**
   * The offset to continue from after this batch. It skips control records, so it can be more than the last message's
   * offset + 1.
   */
  nextOffset: number
  /**
   * The partition's end (as in `LogRange.high`) at the time of the fetch. When `nextOffset` equals it, the reader had
   * caught up.
   */
  highOffset: number
}

export type ReaderAssignment = {
  generation: number
  partitions: Assignment
  /**
   * What the group has committed for a partition of the assignment; null when nothing (reading starts at the log's low
   * end).
   */
  committed(topic: string, partition: number): Committed | null
}

/**
 * Records between `position` and `low` were removed (retention), or the log is shorter than `position` (recreated).
 * Reading continues at `low`.
 */
export type OffsetGap = {
  topic: string
  partition: number
  generation: number
  position: number
  low: number
  high: number
}

export type ReaderOptions = MembershipOptions & {
  maxBytesPerPartition?: number
  /** How long a fetch waits for a first byte. Default 250 ms. */
  maxWaitMs?: number
  /**
   * 'taken': the caller has the batch, and reading continues after it. 'full': nothing of it was taken; the partition
   * is paused, and the batch is fetched again after `resume`. Must not throw: an error is fatal (onCrash). There is one
   * call at a time for each partition, and the membership is kept alive while it is pending. The bytes of keys, values
   * and headers are valid only until it resolves. Their memory is freed soon after, so whatever is kept must be copied.
   */
  onBatch(batch: ReadBatch): Promise<'taken' | 'full'>
  /**
   * Nothing is paused at the start of an assignment. No batch of a generation is delivered before this has resolved.
   */
  onAssigned(assignment: ReaderAssignment): void | Promise<void>
  /** As for an owner: the group waits for it, so that work in progress can still be inserted and committed. */
  onRebalancing(generation: number): void | Promise<void>
  /** Called before the first batch after the gap. */
  onGap(gap: OffsetGap): void | Promise<void>
  onCrash(error: Error): void
}

export interface Reader {
  /**
   * Commits offsets with metadata, all or none. Refused (StaleGeneration) when `generation` is no longer the current
   * one. The partitions may then belong to another member, or be read again from the last commit.
   */
  commit(
    commits: readonly { topic: string; partition: number; offset: number; metadata: string }[],
    generation: number,
  ): Promise<void>
  pause(topic: string, partitions: readonly number[]): void
  resume(topic: string, partitions: readonly number[]): void
  /** Leaves the group; commit before. */
  close(): Promise<void>
}
