/**
 * What Headrace needs of a Kafka client, independent of any package. Offsets are numbers (a log of 2^53 records is out
 * of reach). Only a reader's messages keep the client's decimal strings, because parsing each one would cost more than
 * all the rest. Every call has a deadline. Errors are those of `shared/errors.ts` and of `errors.ts` here.
 */

import type { Pems } from '../tls/pems.ts'
import type { KafkaLogin } from './login/login.ts'
import type { Owner, OwnerOptions, Reader, ReaderOptions, Work } from './port-groups.ts'
import type { Publisher, PublisherOptions, Sender, SenderOptions } from './port-produce.ts'

export type * from './port-groups.ts'
export type * from './port-produce.ts'

export type KafkaOptions = {
  /** `host:port` of one or more brokers; the others are learned from them. */
  brokers: string[]
  clientId: string
  /** Undefined: in the clear. */
  tls?: Pems | undefined
  sasl?: KafkaLogin | undefined
}

export type Message = {
  key: Buffer | string | null
  value: Buffer | string | null
  /** Bytes before `value` that many messages share, so no message needs a buffer of its own. */
  head?: Buffer
  headers?: Record<string, string | Buffer>
  /** Epoch milliseconds; the time of sending when it is missing. */
  timestampMs?: number
}

/** Messages for one partition; they get consecutive offsets in the order given. */
export type Append = { topic: string; partition: number; messages: readonly Message[] }

/** Where an `Append` went: `[firstOffset, nextOffset)`. */
export type Appended = { topic: string; partition: number; firstOffset: number; nextOffset: number }

/** The log's low end, as a time to look up; some reset tools store it as a group's offset. */
export const EARLIEST = -2

/** What a group has stored for a partition. The offset can be `EARLIEST`. */
export type Committed = { offset: number; metadata: string }

/**
 * The offsets that can be read: `low` is the first retained one, `high` the one that the next record gets (for
 * committed readers).
 */
export type LogRange = { low: number; high: number }

export type TopicSpec = {
  topic: string
  partitions: number
  /** The brokers' own default without it. */
  replicationFactor?: number | undefined
  config?: Record<string, string>
}

/** Ids of the brokers that are up, and by partition those that hold a copy, the preferred leader first. */
export type Replication = { brokers: number[]; partitions: number[][] }

/**
 * A message as it was read: `offset` and `timestamp` (epoch milliseconds) are decimal strings. A reader's message
 * creates each part on every access; the numbers, where present, are the cheapest.
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

export interface Kafka {
  /**
   * Creates the topic, or adds partitions to it. One with more partitions than wanted stays as it is: they cannot be
   * removed. Waits for a bounded time while there are fewer brokers than copies.
   */
  ensureTopic(spec: TopicSpec): Promise<'created' | 'present' | 'grown'>
  topics(): Promise<string[]>
  /** Settings of a topic by name; empty where it does not exist, or the user may not read them. */
  topicSettings(topic: string, names: readonly string[]): Promise<ReadonlyMap<string, string>>
  /** Without partitions when the topic does not exist. */
  replication(topic: string): Promise<Replication>
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
   * It is for a group without members: one with members refuses it as above. Kafka forgets them after its offset
   * retention, a week by default.
   */
  storeOffsets(group: string, topic: string, offsets: ReadonlyMap<number, Committed>): Promise<void>
  members(group: string): Promise<MemberState[]>
  /** Ids of the groups that start with `opening`, including those without members. */
  groups(opening: string): Promise<string[]>
  /** Removes the records below these offsets, by partition. */
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
