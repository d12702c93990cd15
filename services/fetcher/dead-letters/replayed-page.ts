/**
 * What a replay writes for the dead letters of one transaction. Valid ones become records like those of a page,
 * followed by a marker. They keep the time of their first fetch, and a header counts their replays. Each one that is
 * rejected again is replaced by a new dead letter. Pure.
 */
import type { Message, RawMessage } from '#shared/kafka/kafka.ts'
import type { Letter } from '#shared/messages/dead-letter.ts'
import type { DoneLetters } from '#shared/messages/dead-letter-log.ts'
import { deadLetterHeaders, frameHead, markerHeaders, type PageMarker, replayHeaders } from '#shared/messages/frame.ts'
import type { Revalidated } from './revalidate.ts'

export type RevalidatedLetter = { letter: Letter; message: RawMessage; verdict: Revalidated }
export type PlaceOfLetters = { letterTopic: string; schemaId: number; run: string }
export type PageFacts = { page: number; last: boolean; atMs: number }

export function settlementOf(
  place: PlaceOfLetters,
  revalidated: readonly RevalidatedLetter[],
  facts: PageFacts,
): DoneLetters {
  const records: Message[] = []
  const letters: Message[] = []
  const head = frameHead(place.schemaId)
  for (const { letter, message, verdict } of revalidated) {
    const replays = letter.replays + 1
    const origin = `${place.letterTopic}/${letter.partition}/${letter.offset}`
    if (verdict.kind === 'accepted') {
      const { key, payload } = verdict.record
      records.push({ key, value: payload, head, headers: replayHeaders(replays, origin), timestampMs: letter.atMs })
    } else if (verdict.kind === 'refused') {
      const { partition: _partition, offset: _offset, atMs, bytes: _bytes, ...kept } = letter
      const headers = deadLetterHeaders({
        ...kept,
        reason: verdict.reason,
        issues: verdict.issues,
        replays,
        fetched: atMs,
      })
      letters.push({ key: message.key, value: message.value, headers, timestampMs: facts.atMs })
    }
  }
  if (records.length > 0) records.push(markerAfter(place, revalidated, records.length, letters.length, facts))
  return { how: 'replayed', done: revalidated.map(({ letter }) => letter.offset), records, letters }
}

/**
 * For the ledger. Its own time is now, so that Kafka's retention does not take a log for old that was written to today.
 */
function markerAfter(
  { run }: PlaceOfLetters,
  revalidated: readonly RevalidatedLetter[],
  records: number,
  deadLetters: number,
  facts: PageFacts,
): Message {
  const { page, last, atMs } = facts
  const bytes = revalidated.reduce((total, { letter }) => total + letter.bytes, 0)
  const none = { unchanged: 0, drift: 0, requests: 0, retries: 0, durationMs: 0 }
  const marker: PageMarker = { v: 1, run, page, at: atMs, records, deadLetters, ...none, bytes, watermark: null, last }
  const headers = { ...markerHeaders(marker), ...replayHeaders(1, run) }
  return { key: null, value: null, headers, timestampMs: atMs }
}
