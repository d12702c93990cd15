/**
 * Sends refused records to the dead-letter topic, to the same partition and in their order. Resolves when the brokers
 * have confirmed them; only then may the offset after them be committed. Waits while the topic refuses them. After a
 * crash a letter may be there twice, but is never lost. A letter's timestamp is the time of writing; its record's
 * timestamp is in a header. Kafka's retention goes by the letter's timestamp: with the record's, it could remove a
 * letter before anyone has seen it.
 */

import type { Kafka, Message, Sender } from '#shared/kafka/kafka.ts'
import type { Log } from '#shared/log.ts'
import { type DeadLetterFacts, deadLetterHeaders, ISSUES_CHARS_MAX } from '#shared/messages/frame.ts'
import type { Metrics } from '#shared/metrics/metrics.ts'
import type { Names } from '#shared/names.ts'
import { beginning } from '#shared/shown.ts'
import { ensureTopic, type TopicSpecs } from '#shared/topic-specs.ts'
import { type Batch, type BatchPart, type RefusedFrame, tableOf } from '../batch/batch.ts'
import { originOf, partOf, type RowOrigin } from '../batch/row-ranges.ts'
import { type RetryPolicy, untilDone } from '../failures/retry.ts'
import type { RefusedRow } from '../insert/isolate-rows.ts'

export type DeadLetterQueue = {
  /** Sends the dead letters of a batch: rows that ClickHouse refused, and messages that were not valid frames. */
  send(batch: Batch, rows: readonly RefusedRow[], retryPolicy: RetryPolicy): Promise<void>
}

export type DeadLetterQueueDeps = {
  kafka: Kafka
  sender: Sender
  names: Names
  specs: TopicSpecs
  log: Log
  metrics: Metrics
}

/** Limit of one send; by default the broker takes 1 MiB at most. */
export const SEND_BYTES_MAX = 512 * 1024
const WAIT_MAX_MS = 30_000

export function createDeadLetterQueue({
  kafka,
  sender,
  names,
  specs,
  log,
  metrics,
}: DeadLetterQueueDeps): DeadLetterQueue {
  const present = new Set<string>()

  async function makeTopic(records: string, topic: string): Promise<void> {
    if (present.has(topic)) return
    const partitions = await kafka.partitions(records)
    if ((await kafka.partitions(topic)) < partitions)
      await ensureTopic(kafka, specs.deadLetters(topic, partitions), log)
    present.add(topic)
  }

  /**
   * A topic that refuses may be missing, or have fewer partitions than the record topic has now. So it is checked again
   * before the next attempt.
   */
  async function sendTo(records: string, letters: Parameters<Sender['send']>[0]): Promise<void> {
    await makeTopic(records, letters.topic)
    try {
      await sender.send(letters)
    } catch (error) {
      present.delete(letters.topic)
      throw error
    }
  }

  async function send(batch: Batch, rows: readonly RefusedRow[], retryPolicy: RetryPolicy): Promise<void> {
    const topic = names.deadLetters(batch.topic)
    for (const [partition, letters] of lettersByPartition(batch, rows)) {
      for (const messages of portions(letters.map(({ letter }) => letter))) {
        await untilDone(topic, retryPolicy, WAIT_MAX_MS, () => sendTo(batch.topic, { topic, partition, messages }))
      }
      for (const { table, reason } of letters) metrics.loaderDeadLetters.inc({ table, reason })
      const reasons = [...new Set(letters.map(({ reason }) => reason))]
      log.warn(
        { topic: batch.topic, partition, letters: letters.length, reasons },
        `sent ${letters.length} records to the dead-letter topic`,
      )
    }
  }

  return { send }
}

type Outgoing = { offset: number; letter: Message; reason: string; table: string }

/** The dead letters of each partition, in the order of their records. */
function lettersByPartition(batch: Batch, rows: readonly RefusedRow[]): Map<number, Outgoing[]> {
  const byPartition = new Map<number, Outgoing[]>()
  const add = (part: BatchPart, offset: number, letter: Message, reason: string) => {
    const letters = byPartition.get(part.partition) ?? []
    byPartition.set(part.partition, letters)
    letters.push({ offset, letter, reason, table: tableOf(part) ?? part.topic })
  }
  for (const part of batch.parts)
    for (const frame of part.refusedFrames) add(part, frame.offset, frameLetter(part, frame), frame.reason)
  for (const row of rows) {
    const origin = originOf(batch, row.row)
    add(partOf(batch, row.row).part, origin.offset, rowLetter(batch, row, origin), row.reason)
  }
  for (const letters of byPartition.values()) letters.sort((a, b) => a.offset - b.offset)
  return byPartition
}

function frameLetter(
  { topic, partition, replays }: BatchPart,
  { offset, timestampMs, key, value, reason, issues }: RefusedFrame,
): Message {
  const origin = `${topic}/${partition}/${offset}`
  const facts = { stage: 'frame' as const, reason, issues, origin, fetched: timestampMs }
  return { key, value, headers: headersOf({ ...facts, ...replayedAt(replays, offset) }) }
}

function rowLetter(
  batch: Batch,
  { row, reason, issues }: RefusedRow,
  { partition, offset, fetchedAtMs, payload }: RowOrigin,
): Message {
  const { replays } = partOf(batch, row).part
  const origin = `${batch.topic}/${partition}/${offset}`
  const facts = { stage: 'insert' as const, reason, issues, origin, fetched: fetchedAtMs }
  return { key: null, value: payload, headers: headersOf({ ...facts, ...replayedAt(replays, offset) }) }
}

/** Keeps the replay count, so that a record which is refused again and again is not replayed for ever. */
function replayedAt(all: BatchPart['replays'], offset: number): Pick<DeadLetterFacts, 'replays'> {
  const replays = all?.get(offset)
  return replays === undefined ? {} : { replays }
}

function headersOf(facts: DeadLetterFacts): Record<string, string> {
  return deadLetterHeaders({ ...facts, issues: beginning(facts.issues, ISSUES_CHARS_MAX) })
}

function* portions(messages: Message[]): Iterable<Message[]> {
  let portion: Message[] = []
  let bytes = 0
  for (const message of messages) {
    const size = message.value?.length ?? 0
    if (portion.length > 0 && bytes + size > SEND_BYTES_MAX) {
      yield portion
      portion = []
      bytes = 0
    }
    portion.push(message)
    bytes += size + ISSUES_CHARS_MAX
  }
  if (portion.length > 0) yield portion
}
