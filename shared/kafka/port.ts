/**
 * What Headrace asks of a Kafka client, in its own words: nothing here knows which package stands behind it. Offsets
 * are numbers (a log of 2^53 records is out of reach); only a reader's messages keep the client's decimal strings,
 * because parsing each one would cost more than all the rest. Every call is bounded by a deadline; errors are those of
 * `shared/errors.ts` and of `errors.ts` here.
 */

export type KafkaOptions = {
  /** `host:port` of one or more brokers; the others are learned from them. */
  brokers: string[]
  clientId: string
  tls?: { ca?: string; cert?: string; key?: string; rejectUnauthorized?: boolean } | undefined
  sasl?: { mechanism: 'plain' | 'scram-sha-256' | 'scram-sha-512'; username: string; password: string } | undefined
}

export type Message = {
  key: Buffer | string | null
  value: Buffer | string | null
  /** Bytes in front of `value`, which many messages share; so no message needs a buffer of its own. */
  head?: Buffer
  headers?: Record<string, string | Buffer>
  /** Epoch milliseconds; the time of sending when it is missing. */
  timestampMs?: number
}

/** Messages for one partition; they get consecutive offsets in the order given. */
export type Append = { topic: string; partition: number; messages: readonly Message[] }

/** Where an `Append` went: `[firstOffset, nextOffset)`. */
export type Appended = { topic: string; partition: number; firstOffset: number; nextOffset: number }

/** What a group has stored for a partition. Offset -2 means "earliest"; some reset tools store it so. */
export type Committed = { offset: number; metadata: string }

/**
 * The offsets that can be read: `low` is the first that is left, `high` the one that the next record gets (for
 * committed readers).
 */
export type LogRange = { low: number; high: number }

export type TopicSpec = {
  topic: string
  partitions: number
  replicationFactor?: number
  config?: Record<string, string>
}

/**
 * A message as it was read: `offset` and `timestamp` (epoch milliseconds) are decimal strings. Each part is made anew
 * whenever a reader's is asked for it; the numbers, where they are there, are the cheapest.
 */
export type RawMessage = {
  offset: string
  timestamp: string
  key: Buffer | null
  value: Buffer | null
  headers?: Record<string, Buffer | string | (Buffer | string)[] | undefined>
  offsetNumber?: number
  timestampMs?: number
}

export type MemberState = {
  memberId: string
  clientId: string
  host: string
  partitions: { topic: string; partitions: number[] }[]
  /** As in `OwnerOptions`. */
  claim?: number | undefined
  work?: Work | undefined
}

export type Together = { group: string; first: number; count: number }

/** By topic, what a claim is for. */
export type Work = Readonly<Record<string, string>>

/**
 * Topic to partition numbers, ascending. Holds every topic that this member asked for, also those without a partition.
 */
export type Assignment = ReadonlyMap<string, readonly number[]>

export interface Kafka {
  /**
   * Makes the topic, or adds partitions to it. One with more partitions than wanted stays as it is: they cannot be
   * taken away.
   */
  ensureTopic(spec: TopicSpec): Promise<'created' | 'present' | 'grown'>
  topics(): Promise<string[]>
  /** Settings of a topic by name; empty where it does not exist, or the user may not read them. */
  topicSettings(topic: string, names: readonly string[]): Promise<ReadonlyMap<string, string>>
  /** How many partitions the topic has; 0 when it does not exist. */
  partitions(topic: string): Promise<number>
  /** By partition; empty when the topic does not exist. */
  logRanges(topic: string): Promise<LogRange[]>
  /**
   * By partition: the first offset at or after the time (epoch milliseconds), the end of the log when there is none.
   */
  offsetsAt(topic: string, timestampMs: number): Promise<number[]>
  /** By partition: what the group has committed, null where it has nothing. */
  committed(group: string, topic: string): Promise<(Committed | null)[]>
  /**
   * Commits these offsets for the group, without metadata, all or none. The group must have no members, or the call is
   * refused (Stopped, HR_KAFKA_GROUP_ACTIVE).
   */
  resetOffsets(group: string, topic: string, offsets: ReadonlyMap<number, number>): Promise<void>
  /**
   * Commits these offsets with their metadata (at most 4096 bytes each), outside any transaction; the last writer wins.
   * For a group that nobody joins: one with members refuses it as above. Kafka forgets them after its retention of
   * offsets, a week by default.
   */
  storeOffsets(group: string, topic: string, offsets: ReadonlyMap<number, Committed>): Promise<void>
  members(group: string): Promise<MemberState[]>
  /** Ids of the groups that open so, those without members too. */
  groups(opening: string): Promise<string[]>
  /** Records below these offsets are gone afterwards, by partition. */
  deleteRecordsBelow(topic: string, offsets: ReadonlyMap<number, number>): Promise<void>
  deleteTopic(topic: string): Promise<void>
  /** The committed records in `[from, toExclusive)` that are still there, outside any group. For people and tests. */
  readPartition(topic: string, partition: number, from: number, toExclusive: number): AsyncIterable<RawMessage>
  publisher(transactionalId: string, options?: PublisherOptions): Publisher
  sender(options?: SenderOptions): Sender
  owner(options: OwnerOptions): Promise<Owner>
  reader(options: ReaderOptions): Promise<Reader>
  /** Closes everything that was opened through this object. */
  close(): Promise<void>
}

export type Compression = 'none' | 'gzip' | 'zstd'

export type PublisherOptions = { compression?: Compression }
export type SenderOptions = { compression?: Compression }

/** What `publish` commits together with its records: an offset with metadata (at most 4096 bytes) of some group. */
export type OffsetCommit = { group: string; topic: string; partition: number; offset: number; metadata: string }

/**
 * Appends exactly once. The transactional id names a place that one writer at a time may write to; `fence` takes it
 * over. One `publish` at a time. After any error out of `publish` the publisher refuses to publish until `fence`
 * succeeded again, since the transaction may have been committed all the same: fence, then read the checkpoint, which
 * tells.
 */
export interface Publisher {
  /**
   * When it resolves, no earlier holder can write and none of its transactions is pending. Read the checkpoint after
   * it, never before.
   */
  fence(): Promise<void>
  /**
   * One transaction: all appends in order, then the checkpoint, which is told where the records went (one entry for
   * each append with messages). When it resolves, the broker has decided to commit; records and checkpoint can be read
   * a moment later, both for sure after the next `fence`. Errors: FencedError when another holder has taken over (stop,
   * never retry); Stopped for a record that the topic refuses; Unavailable for a right that is missing; PublishFailed
   * for everything else.
   */
  publish(
    appends: readonly Append[],
    checkpoint: (appended: readonly Appended[]) => OffsetCommit,
  ): Promise<readonly Appended[]>
  close(): Promise<void>
}

/**
 * Appends at least once, acknowledged by all in-sync replicas; outside any transaction. Calls are worked off one after
 * the other.
 */
export interface Sender {
  send(append: Append): Promise<Appended>
  close(): Promise<void>
}

export type MembershipOptions = {
  group: string
  topics: string[]
  /** A member that is silent for longer loses its partitions. Default 30 s. */
  sessionTimeoutMs?: number
  /** How often the group is asked whether it rebalances. Default 3 s. */
  heartbeatMs?: number
}

export type OwnerOptions = MembershipOptions & {
  /**
   * This member has all partitions of its topics for as long as it is in the group, and the others get them back when
   * it leaves. Of several claims on a topic, the least number has it (the time at which the work was asked for), and
   * the next one after it.
   */
  claim?: number | undefined
  /** What the claim is for, told to who looks at the group. */
  work?: Work | undefined
  /**
   * By topic: which of its partitions one member should hold together. Those of all topics with the same `group` whose
   * numbers, counted from `first`, are the same modulo `count`. Only members that ask for all of these topics can have
   * them.
   */
  together?: Readonly<Record<string, Together>> | undefined
  /** This member's share, at each assignment. */
  onAssigned(assignment: Assignment): void | Promise<void>
  /**
   * The share is about to be given back. The group waits for the promise (at most `REVOKE_WAIT_MAX_MS`), so that work
   * in hand can be finished first.
   */
  onRebalancing(): void | Promise<void>
  /** The membership ended for good: let the process end and be started again. */
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
  /** Can be empty: only control records or aborted ones were there. */
  messages: readonly RawMessage[]
  /** Of the values of all messages, where the reader has counted them. */
  valueBytes?: number
  /**
   * The offset to go on from after this batch; it passes control records, so it can be more than the last message's
   * offset + 1.
   */
  nextOffset: number
  /**
   * The partition's end (as in `LogRange.high`) at the time of the fetch: when `nextOffset` equals it, the reader had
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
 * Records between `position` and `low` are gone (retention), or the log is shorter than `position` (made anew). Reading
 * goes on at `low`.
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
   * 'taken': the batch is the caller's, reading goes on behind it. 'full': nothing of it was taken; the partition is
   * paused, and the batch is fetched again after `resume`. Must not throw: an error out of it is fatal (onCrash). One
   * call at a time for each partition. The membership is kept alive while it is pending. The bytes of keys, values and
   * headers are lent until it resolves: their memory is free soon after, so what is kept of them must be copied.
   */
  onBatch(batch: ReadBatch): Promise<'taken' | 'full'>
  /** Nothing is paused at the start of an assignment. No batch of a generation comes before this has resolved. */
  onAssigned(assignment: ReaderAssignment): void | Promise<void>
  /** As for an owner: the group waits for it, so that what is in hand can still be inserted and committed. */
  onRebalancing(generation: number): void | Promise<void>
  /** Comes before the first batch behind the gap. */
  onGap(gap: OffsetGap): void | Promise<void>
  onCrash(error: Error): void
}

export interface Reader {
  /**
   * Commits offsets with metadata, all or none. Refused (StaleGeneration) when `generation` is no longer the current
   * one: the partitions may be another member's, or read again from the last commit.
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
