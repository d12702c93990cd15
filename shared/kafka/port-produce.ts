/** The part of the Kafka port that writes: exactly once in transactions, or at least once. */
import type { Append, Appended } from './port.ts'

export type Compression = 'none' | 'gzip' | 'zstd'

export type PublisherOptions = { compression?: Compression }
export type SenderOptions = { compression?: Compression }

/** What `publish` commits together with its records: an offset with metadata (at most 4096 bytes) of some group. */
export type OffsetCommit = { group: string; topic: string; partition: number; offset: number; metadata: string }

/**
 * Appends exactly once. A transactional id has one writer at a time; `fence` takes it over. One `publish` at a time.
 * After any error of `publish` the publisher refuses to publish until `fence` has succeeded again, since the
 * transaction may still have been committed. So fence, then read the checkpoint, which shows it.
 */
export interface Publisher {
  /**
   * When it resolves, no earlier holder can write and none of its transactions is pending. Read the checkpoint after
   * it, never before.
   */
  fence(): Promise<void>
  /**
   * One transaction: all appends in order, then the checkpoint. The checkpoint function receives where the records
   * went, one entry for each append with messages. When it resolves, the broker has decided to commit. Records and
   * checkpoint become readable a moment later, both for sure after the next `fence`. Throws FencedError when another
   * writer has taken over (stop, never retry) and Stopped for a record that the topic refuses. Throws Unavailable for a
   * missing permission, and PublishFailed for everything else.
   */
  publish(
    appends: readonly Append[],
    checkpoint: (appended: readonly Appended[]) => OffsetCommit,
  ): Promise<readonly Appended[]>
  close(): Promise<void>
}

/**
 * Appends at least once, acknowledged by all in-sync replicas; outside any transaction. Calls are processed one after
 * the other.
 */
export interface Sender {
  send(append: Append): Promise<Appended>
  close(): Promise<void>
}
