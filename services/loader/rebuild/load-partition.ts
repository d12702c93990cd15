/**
 * Loads an offset range of one partition into a table, outside any group and without a commit. It reads, splices,
 * inserts and marks as the loader does, one batch at a time. A row that the table refuses becomes a dead letter, unless
 * it is one already. Ends when the whole range is confirmed.
 */
import type { Kafka, RawMessage, ReadBatch } from '#shared/kafka/kafka.ts'
import { readLetter } from '#shared/messages/dead-letter.ts'
import { declaredIn } from '#shared/messages/marker-trust.ts'
import type { Names } from '#shared/names.ts'
import { type Batch, batchOf, type Target } from '../batch/batch.ts'
import { originOf } from '../batch/row-ranges.ts'
import type { DeadLetterQueue } from '../commit/dead-letter-queue.ts'
import type { MarkDeleted } from '../commit/mark-deleted.ts'
import type { Catalog } from '../consume/schema-catalog.ts'
import { startingState } from '../consume/start-position.ts'
import { isLimitReached, NO_REJECTIONS, plus, RejectionLimitReached, recent } from '../failures/rejection-limit.ts'
import type { RetryPolicy } from '../failures/retry.ts'
import type { InsertBatch } from '../insert/insert-batch.ts'
import { type Lookup, unknownSchemas } from '../splice/schema-lookup.ts'
import { splice } from '../splice/splice.ts'

export type LoadPartitionTools = {
  kafka: Kafka
  names: Names
  catalog: Catalog
  /** The catalog's lookup, with the shadow table as target. */
  lookup: Lookup
  insertBatch: InsertBatch
  deadLetters: DeadLetterQueue
  markDeleted: MarkDeleted
  retryPolicy: RetryPolicy
  /** Limits of one batch. */
  batchRows: number
  batchBytes: number
}

/** `[from, to)`. */
export type PartitionRange = { topic: string; partition: number; from: number; to: number }
/** `withheld`: rows that the last complete walk would have deleted beyond the bounds. */
export type LoadedCounts = { rows: number; refused: number; withheld: number }

/** Dead letters of one partition that are kept in memory; beyond it a letter may be sent twice, as after a crash. */
const LETTERS_MAX = 250_000

export async function loadPartition(tools: LoadPartitionTools, range: PartitionRange): Promise<LoadedCounts> {
  const { catalog, lookup, insertBatch, deadLetters, markDeleted, retryPolicy } = tools
  const { topic, partition } = range
  const loaded = { rows: 0, refused: 0, withheld: 0 }
  const sentBefore = await deadLettersOf(tools, range)
  const wasSent = (offset: number, atMs: number): boolean => sentBefore.get(offset) === atMs
  let tally = NO_REJECTIONS
  let state = startingState(null, range.from)

  async function loadBatch(batch: Batch): Promise<void> {
    const [part] = batch.parts
    const target: Target | null = part?.target ?? null
    const allow = (rows: number, first: string) => {
      const now = plus(tally, { records: batch.rows, refused: rows })
      if (isLimitReached(now)) throw new RejectionLimitReached(topic, now, first)
    }
    const refused = target === null ? [] : await insertBatch(batch, target, retryPolicy, allow)
    tally = recent(plus(tally, { records: batch.rows, refused: refused.length }))
    const unsent = refused.filter(({ row }) => {
      const { offset, fetchedAtMs } = originOf(batch, row)
      return !wasSent(offset, fetchedAtMs)
    })
    const parts = batch.parts.map((each) => ({
      ...each,
      refusedFrames: each.refusedFrames.filter(({ offset, timestampMs }) => !wasSent(offset, timestampMs)),
    }))
    await deadLetters.send({ ...batch, parts }, unsent, retryPolicy)
    await markDeleted.mark(batch, refused, retryPolicy)
    loaded.withheld =
      part === undefined ? 0 : (markDeleted.known(batch, partition, part.after).deletes?.withheld?.rows ?? 0)
    loaded.rows += batch.rows - refused.length
    loaded.refused += refused.length + (part?.refusedFrames.length ?? 0)
  }

  for await (const batch of batches(tools, range)) {
    await catalog.learn(topic, unknownSchemas(batch, catalog.lookup(topic)), false, retryPolicy)
    const parts = splice(batch, state, lookup, declaredIn(catalog.annotation(topic)))
    if (parts.length === 0) throw new Error(`${topic}/${batch.partition} has a schema that nobody has learnt`)
    for (const part of parts) {
      state = part.after
      await loadBatch(batchOf([{ ...part, partition }]))
    }
  }
  return loaded
}

/** Fetch times of the records that are dead letters, by offset. */
async function deadLettersOf(
  { kafka, names }: LoadPartitionTools,
  { topic, partition }: PartitionRange,
): Promise<Map<number, number>> {
  const letterTopic = names.deadLetters(topic)
  const opening = `${topic}/${partition}/`
  const places = new Map<number, number>()
  const range = (await kafka.logRanges(letterTopic))[partition]
  if (range === undefined) return places
  for await (const message of kafka.readPartition(letterTopic, partition, range.low, range.high)) {
    const found = readLetter(partition, message)
    if ('done' in found || found.letter.origin?.startsWith(opening) !== true || places.size >= LETTERS_MAX) continue
    places.set(Number(found.letter.origin.slice(opening.length)), found.letter.atMs)
  }
  return places
}

/** Reads until a read returns nothing. A read may end early: it then continues where it ended. */
async function* batches(
  { kafka, batchRows, batchBytes }: LoadPartitionTools,
  { topic, partition, from, to }: PartitionRange,
): AsyncGenerator<ReadBatch> {
  let messages: RawMessage[] = []
  let bytes = 0
  let position = from
  const taken = (): ReadBatch => {
    const batch = { topic, partition, generation: 0, messages, nextOffset: position, highOffset: to }
    messages = []
    bytes = 0
    return batch
  }
  for (let before = -1; position < to && position > before; ) {
    before = position
    for await (const message of kafka.readPartition(topic, partition, position, to)) {
      messages.push(message)
      bytes += message.value?.length ?? 0
      position = Number(message.offset) + 1
      if (messages.length >= batchRows || bytes >= batchBytes) yield taken()
    }
  }
  position = to
  if (messages.length > 0) yield taken()
}
