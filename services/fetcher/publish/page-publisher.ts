/**
 * Publishes pages to Kafka: the records of a page, its marker, its dead letters and the checkpoint in one transaction.
 * Pages that arrive while a transaction is under way share the next one (group commit). Guarantees: pages are published
 * in order, and the checkpoint never describes a page that is not in the log. Assumes a fenced publisher; after an
 * error the run ends and the publisher is fenced again.
 */

import type { Append, Appended, Message, OffsetCommit, Publisher } from '#shared/kafka/kafka.ts'
import { deadLetterHeaders, frameHead, markerHeaders, type PageMarker } from '#shared/messages/frame.ts'
import { checkpointText, type Checkpoint as RunCheckpoint } from '#shared/progress/offset-metadata.ts'
import type { RejectedRecord, ValidRecord } from '../validate/validated-page.ts'

export type PublishedPage = {
  marker: PageMarker
  checkpoint: RunCheckpoint
  records: readonly ValidRecord[]
  rejected: readonly RejectedRecord[]
  /** Schema of its records, if it is not the stream's own. */
  schemaId?: number | undefined
  url: string
  /** Of its partition, as JSON: a replay of its dead letters needs them for a record key, and for functions. */
  values?: string | undefined
}

export type PageOutlet = {
  /** Takes a page, and waits while the queue is full. Throws the error of an earlier transaction. */
  put(page: PublishedPage): Promise<void>
  /** Resolves when all pages are committed; throws if they are not. */
  flush(): Promise<void>
}

export type PlaceOfPages = { topic: string; deadLetters: string; partition: number; group: string; schemaId: number }
export type OutletBounds = { pagesAhead: number; transactionRecords: number }
type OnPublished = (pages: readonly PublishedPage[], checkpoint: OffsetCommit) => void

/** A dead letter keeps at most this much of a record that is too large for Kafka itself. */
const DEAD_LETTER_BYTES_MAX = 4 * 1024 * 1024

export function createOutlet(
  publisher: Publisher,
  place: PlaceOfPages,
  bounds: OutletBounds,
  onPublished: OnPublished,
): PageOutlet {
  const waiting: PublishedPage[] = []
  /** The transaction under way; null when there is none. */
  let transaction: Promise<void> | null = null
  const failures: unknown[] = []

  async function publishWaiting(): Promise<void> {
    const pages = takeTogether(waiting, bounds.transactionRecords)
    try {
      const checkpointAt = (appended: readonly Appended[]) => checkpointOf(pages, place, appended)
      onPublished(pages, checkpointAt(await publisher.publish(appendsOf(pages, place), checkpointAt)))
    } catch (error) {
      failures.push(error)
      waiting.length = 0
    }
  }

  /** Pages that arrive during a transaction go into the next one; the queue is bounded by `pagesAhead`. */
  function begin(): void {
    transaction = publishWaiting().then(() => {
      transaction = null
      if (waiting.length > 0) begin()
    })
  }

  function throwFailure(): void {
    if (failures.length > 0) throw failures[0]
  }

  return {
    async put(page) {
      throwFailure()
      waiting.push(page)
      if (transaction === null) begin()
      while (transaction !== null && waiting.length >= bounds.pagesAhead) await transaction
      throwFailure()
    },
    async flush() {
      while (transaction !== null) await transaction
      throwFailure()
    },
  }
}

function checkpointOf(
  pages: readonly PublishedPage[],
  place: PlaceOfPages,
  appended: readonly Appended[],
): OffsetCommit {
  const end = appended.find((append) => append.topic === place.topic)
  const last = pages.at(-1)
  // Every page appends its marker, so both exist; a checkpoint without them would describe nothing.
  if (end === undefined || last === undefined) throw new RangeError('a transaction without a page marker')
  return {
    group: place.group,
    topic: place.topic,
    partition: place.partition,
    offset: end.nextOffset,
    metadata: checkpointText(last.checkpoint),
  }
}

/** The pages of one transaction: at least one, then as many as stay within the bound of records. */
function takeTogether(waiting: PublishedPage[], recordsMax: number): PublishedPage[] {
  let records = 0
  let count = 0
  for (const page of waiting) {
    records += page.records.length + page.rejected.length
    if (count > 0 && records > recordsMax) break
    count += 1
  }
  return waiting.splice(0, count)
}

function appendsOf(pages: readonly PublishedPage[], place: PlaceOfPages): Append[] {
  const records: Message[] = []
  const deadLetters: Message[] = []
  for (const page of pages) {
    const head = frameHead(page.schemaId ?? place.schemaId)
    const timestampMs = page.marker.at
    for (const { key, payload } of page.records) records.push({ key, value: payload, head, timestampMs })
    records.push({ key: null, value: null, headers: markerHeaders(page.marker), timestampMs })
    for (const reject of page.rejected) deadLetters.push(deadLetterOf(page, reject))
  }
  const { topic, partition } = place
  const published = { topic, partition, messages: records }
  return deadLetters.length === 0
    ? [published]
    : [published, { topic: place.deadLetters, partition, messages: deadLetters }]
}

function deadLetterOf(page: PublishedPage, reject: RejectedRecord): Message {
  const { run, page: number, at } = page.marker
  const { reason, issues, times } = reject
  const { url, values } = page
  const more = { ...(times === undefined ? {} : { times }), ...(values === undefined ? {} : { values }) }
  const headers = deadLetterHeaders({ stage: 'validate', reason, issues, run, page: number, url, ...more })
  return { key: null, value: opening(reject.raw), headers, timestampMs: at }
}

/** Cuts before a character that does not fit, so that the result is valid UTF-8: `write` never writes a part of one. */
function opening(raw: string): Buffer {
  const bytes = Buffer.alloc(Math.min(Buffer.byteLength(raw), DEAD_LETTER_BYTES_MAX))
  return bytes.subarray(0, bytes.write(raw))
}
