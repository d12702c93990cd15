/** What Kafka holds of a case's partition, as committed readers see it. */
import type { PageMarker } from '#shared/messages/frame.ts'

export type LogEntry = {
  offset: number
  key: string | null
  record: Record<string, unknown> | null
  marker: PageMarker | null
  atMs: number
}
export type DeadLetter = { raw: string; run: string | undefined; page: number | undefined }
export type Held = { entries: readonly LogEntry[]; deadLetters: readonly DeadLetter[] }
