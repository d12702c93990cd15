/**
 * The result of a fetch for one partition, replacing the package's class: without the records of aborted transactions,
 * and without control records. The package removes one aborted transaction at a time from its list. Where two had begun
 * before the fetch, records of the second therefore pass as committed. It also takes a record with the key 0000 for the
 * end of an aborted transaction.
 */
import { release } from '../../release-buffer.ts'
import type { DecodedRecord, DecodedRecords } from './decode.ts'
import { replaceInternal } from './internals.ts'

type AbortedTransaction = { producerId: string; firstOffset: string }

export type FetchedPartition = {
  partition: number
  highWatermark: string
  lastStableOffset?: string
  abortedTransactions?: AbortedTransaction[]
  messages: DecodedRecords
}

/** The type field of a control record's key: https://kafka.apache.org/documentation/#controlbatch */
const MARKER_TYPE_AT = 2
const ABORT = 0

export class FetchedBatch {
  readonly topic: string
  readonly partition: number
  readonly fetchedOffset: string
  readonly highWatermark: string
  /** The end of the log for readers of committed records. */
  readonly endOfLog: string
  readonly rawMessages: DecodedRecords
  readonly messages: DecodedRecord[]
  readonly #nextOffset: number
  #released = false

  constructor(topic: string, fetchedOffset: string, data: FetchedPartition) {
    this.topic = topic
    this.partition = data.partition
    this.fetchedOffset = fetchedOffset
    this.highWatermark = data.highWatermark
    this.endOfLog = data.lastStableOffset ?? data.highWatermark
    this.rawMessages = data.messages
    this.messages = committedFrom(Number(fetchedOffset), data.messages, data.abortedTransactions ?? [])
    this.#nextOffset = Math.max(Number(fetchedOffset), endOf(data.messages))
  }

  /** For a reader that has copied what it keeps: frees at once the memory of all partitions of the same response. */
  release(): void {
    this.#released = true
    for (const bytes of this.rawMessages.memory ?? []) release(bytes)
  }

  get isReleased(): boolean {
    return this.#released
  }

  /** Of all values together. */
  valueBytes(): number {
    let bytes = 0
    for (const record of this.messages) bytes += Math.max(record.valueBytes ?? record.value?.length ?? 0, 0)
    return bytes
  }

  isEmpty(): boolean {
    return this.messages.length === 0
  }

  /** There was something, and nothing of it is for the reader: the position moves all the same. */
  isEmptyDueToFiltering(): boolean {
    return this.isEmpty() && this.#nextOffset > Number(this.fetchedOffset)
  }

  firstOffset(): string | null {
    return this.messages[0]?.offset ?? null
  }

  /** The last offset of the fetch, with or without records; one before the fetched offset when it returned nothing. */
  lastOffset(): string {
    return String(this.#nextOffset - 1)
  }

  offsetLag(): string {
    return String(Number(this.highWatermark) - this.#nextOffset)
  }

  offsetLagLow(): string {
    return String(Number(this.highWatermark) - 1 - Number(this.firstOffset() ?? this.fetchedOffset))
  }
}

export function patchFetchedBatch(): void {
  replaceInternal('consumer/batch.js', FetchedBatch)
}

function endOf(records: DecodedRecords): number {
  const last = records.at(-1)
  return records.endOffset ?? (last === undefined ? 0 : Number(last.offset) + 1)
}

/** A fetch starts with the batch that holds the offset, so earlier records can come first. */
function committedFrom(
  offset: number,
  records: DecodedRecords,
  aborted: readonly AbortedTransaction[],
): DecodedRecord[] {
  let first = 0
  while (first < records.length && Number(records[first]!.offset) < offset) first++
  const isAborted = aborted.length === 0 ? null : abortedFilter(aborted)
  const committed: DecodedRecord[] = []
  for (let index = first; index < records.length; index++) {
    const record = records[index]!
    if (isAborted?.(record)) continue
    if (!record.isControlRecord) committed.push(record)
  }
  return committed
}

/** Called for each record in the order of offsets. */
function abortedFilter(transactions: readonly AbortedTransaction[]): (record: DecodedRecord) => boolean {
  const waiting = transactions
    .map(({ producerId, firstOffset }) => ({ producerId, from: Number(firstOffset) }))
    .sort((a, b) => a.from - b.from)
  const aborted = new Set<string>()
  let next = 0
  return ({ offset, key, isControlRecord, batchContext: { producerId, inTransaction } }) => {
    while (next < waiting.length && waiting[next]!.from <= Number(offset)) aborted.add(waiting[next++]!.producerId)
    if (isControlRecord && key?.readInt16BE(MARKER_TYPE_AT) === ABORT) aborted.delete(producerId)
    return inTransaction && !isControlRecord && aborted.has(producerId)
  }
}
