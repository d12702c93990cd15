/**
 * Restores the seen records of a partition from the end of its log. So a new owner, or a process that runs once, does
 * not publish again what the last one published. It restores all of the end or nothing. With an older version of a
 * record but not the newest, a record that returns to its old value would pass for unchanged. Assumes that the loader
 * loses none of these records.
 */

import type { Kafka, RawMessage } from '#shared/kafka/kafka.ts'
import { type DeadLetterFacts, FRAME_HEAD_BYTES, parseDeadLetterHeaders, replaysOf } from '#shared/messages/frame.ts'
import type { SeenRecords } from './seen-records.ts'

/** Offsets from the end. What lookback and boundaries repeat is mostly recent. */
const RECORDS_MAX = 10_000
const BYTES_MAX = 32 * 1024 * 1024

type Log = Pick<Kafka, 'readPartition' | 'logRanges'>

/** `end`: the end of the log, at or after the checkpoint: a backfill publishes after it. */
type Reach = { checkpoint: number; end: number }

export async function restoreRecords(
  kafka: Log,
  topic: string,
  partition: number,
  { checkpoint, end }: Reach,
  seenRecords: SeenRecords,
): Promise<void> {
  let bytes = 0
  let last = -1
  for await (const message of kafka.readPartition(topic, partition, Math.max(0, end - RECORDS_MAX), end)) {
    last = Number(message.offset)
    bytes += message.value?.length ?? 0
    if (bytes > BYTES_MAX) return seenRecords.forget()
    if (message.value === null || message.key === null) continue
    // A replayed dead letter: it is older than its offset suggests, so it must not pass for the newest version.
    if (replaysOf(message.headers) > 0) continue
    const payload = message.value.toString('utf8', FRAME_HEAD_BYTES)
    seenRecords.withoutUnchanged([{ key: message.key.toString(), payload, position: null }], [])
  }
  if (last < checkpoint - 1) seenRecords.forget()
}

/** The latest rejected records in the dead-letter topic. Unlike with records, a part of them is useful. */
export async function restoreRejected(
  kafka: Log,
  topic: string,
  partition: number,
  seenRecords: SeenRecords,
): Promise<void> {
  const high = (await kafka.logRanges(topic))[partition]?.high ?? 0
  let bytes = 0
  for await (const message of kafka.readPartition(topic, partition, Math.max(0, high - RECORDS_MAX), high)) {
    bytes += message.value?.length ?? 0
    if (bytes > BYTES_MAX) break
    const { stage, times = 1 } = factsOf(message)
    // Other dead letters in that topic were published as records before.
    if (message.value !== null && stage === 'validate')
      seenRecords.withoutUnchanged(
        [],
        [{ raw: message.value.toString(), reason: '', issues: '', times: Math.max(1, times) }],
      )
  }
  seenRecords.begin()
}

function factsOf({ headers }: RawMessage): DeadLetterFacts {
  const texts = Object.entries(headers ?? {}).map(([name, header]) => [name, header?.toString()] as const)
  return parseDeadLetterHeaders(Object.fromEntries(texts))
}
