/**
 * Reads one file in chunks, from a record on. A transfer that breaks is repeated, and so is a file that has changed.
 * The place behind each chunk is the number of the next record, and the identity of the file. That is its strong ETag,
 * or else its length with a hash of the records before. A later transfer skips to that record if the identity is the
 * same; otherwise the file is read from record 0.
 */
import { createHash, type Hash, hash } from 'node:crypto'
import type { Stream } from '#shared/declaration/compile.ts'
import type { ChunkBounds, Decode } from '#shared/declaration/decode.ts'
import { Stopped } from '#shared/errors.ts'
import { RecordStream } from '../http/decode/record-stream.ts'
import { AttemptFailed } from '../http/errors.ts'
import type { Exchange, PageRequest, PageResponse, Send } from '../http/messages.ts'
import type { Stop } from '../schedule/stop-signal.ts'
import { rawText } from '../validate/deep-json.ts'
import { chunksOf } from './chunks.ts'

/** The number of the next record; the identity of the file so far. */
export type FilePlace = { record: number; id: string | null }

export type ChunkTools = { stream: Stream; send: Send; stop: Stop; decode: Decode; bounds: ChunkBounds }

export type FileChunk = {
  records: readonly unknown[]
  /** Without a body; its costs are those since the chunk before. */
  response: PageResponse
  /** Behind this chunk. */
  at: FilePlace
  /** The response had no body at all. */
  isBodyless: boolean
  /** The file was not as it was, and is read again. */
  restarted: boolean
  isLast: boolean
}

/** A file that changes whenever it is read would never be read to its end. */
const CHANGES_MAX = 5
const ID_CHARS = 22

/** `own`: what the exchange has besides. Throws what the client throws, or Stopped (HR_FILE_CHANGED). */
export async function* fileChunks(
  { stream, send, stop, decode, bounds }: ChunkTools,
  request: PageRequest,
  from: FilePlace,
  own: Partial<Exchange> = {},
): AsyncGenerator<FileChunk> {
  let at = from
  let broken: { failure: AttemptFailed; attempts: number } | undefined
  let changes = 0
  let restarted = false
  for (;;) {
    stop.soft.throwIfAborted()
    const again = broken === undefined ? {} : { broken }
    const response = await send(request, { signal: stop.hard, stream: stream.label, decode, ...own, ...again })
    const transfer = createTransfer(response, at)
    const before = at.record
    try {
      for await (const chunk of chunksOf(transfer.parts(), bounds)) {
        stop.soft.throwIfAborted()
        const { records, isLast } = chunk
        const next = at.record + records.length
        at = { record: next, id: isLast ? null : transfer.idAt(next) }
        const facts = { ...response, ...transfer.costs(), body: null, bytes: chunk.bytes }
        yield { records, response: facts, at, isBodyless: response.body === null, restarted, isLast }
      }
      return
    } catch (error) {
      if (error instanceof FileChanged && changes < CHANGES_MAX) {
        changes += 1
        broken = undefined
        restarted = true
        at = { record: 0, id: null }
        continue
      }
      if (!(error instanceof AttemptFailed)) throw error
      const failure = new AttemptFailed(error.reason, response.redact?.(error.message) ?? error.message)
      // Only attempts in a row that bring no further record count.
      broken = { failure, attempts: at.record > before ? 1 : (broken?.attempts ?? 0) + 1 }
    } finally {
      transfer.close()
    }
  }
}

class FileChanged extends Stopped {}

type Transfer = {
  /** From the record that the cursor names. Throws FileChanged. */
  parts(): AsyncGenerator<{ records: unknown[]; bytes: number }>
  /** The identity of the file up to a record that was read. */
  idAt(record: number): string
  /** The requests that a page counts: all of them for the first one of the transfer. */
  costs(): Pick<PageResponse, 'attempts' | 'retries' | 'durationMs'>
  close(): void
}

function createTransfer(response: PageResponse, at: FilePlace): Transfer {
  const { body, headers } = response
  const etag = headers.etag?.startsWith('"') ? idOf(headers.etag) : null
  const length = headers['content-length'] ?? '-'
  const read = createHash('sha256')
  /** Records that were read and are not part of a page yet. */
  const waiting: unknown[] = []
  let hashed = 0
  let isCounted = false

  const hashUpTo = (record: number): string => {
    for (; hashed < record; hashed++) addTo(read, waiting.shift())
    return `${length} ${read.copy().digest('base64url').slice(0, ID_CHARS)}`
  }
  const idAt = (record: number): string => etag ?? hashUpTo(record)

  async function* parts() {
    const isOfTag = at.id !== null && !at.id.includes(' ')
    if (at.record > 0 && (isOfTag || etag !== null) && at.id !== etag) throw changed()
    let number = 0
    for await (const part of partsIn(body)) {
      if (etag === null) waiting.push(...part.records)
      const skipped = Math.min(part.records.length, Math.max(0, at.record - number))
      number += part.records.length
      if (number >= at.record && number - part.records.length < at.record && etag === null) {
        if (hashUpTo(at.record) !== at.id) throw changed()
      } else if (number < at.record && etag === null) hashUpTo(number)
      if (number >= at.record) yield { ...part, records: part.records.slice(skipped) }
    }
    if (number < at.record) throw changed()
  }

  return {
    parts,
    idAt,
    costs() {
      const { attempts, retries, durationMs } = response
      const costs = isCounted ? { attempts: 0, retries: 0, durationMs: 0 } : { attempts, retries, durationMs }
      isCounted = true
      return costs
    },
    close() {
      if (body instanceof RecordStream) body.close()
    },
  }
}

/** A recording has the records as a list, and 204 has none. */
async function* partsIn(body: unknown): AsyncGenerator<{ records: unknown[]; bytes: number }> {
  if (body instanceof RecordStream) yield* body
  else if (Array.isArray(body)) yield { records: body, bytes: 0 }
}

const changed = () =>
  new FileChanged('HR_FILE_CHANGED', 'the file changes again and again while it is read in chunks', {
    hint: 'ask for a file that stays as it is, or for a smaller one without chunks',
  })

const idOf = (text: string): string => hash('sha256', text, 'base64url').slice(0, ID_CHARS)

function addTo(read: Hash, record: unknown): void {
  read.update(rawText(record))
  read.update('\n')
}
