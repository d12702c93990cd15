/**
 * Walks files that are read in chunks. Each chunk of records is a page with its own cursor, and the last chunk names
 * the next file. The cursor holds the request's own cursor, the number of the next record, and the identity of the
 * file. That is its strong ETag, or else its length with a hash of the records before. A restart and a broken transfer
 * request the file again. They skip to that record if the identity is the same; otherwise they start at record 0.
 */
import { createHash, type Hash, hash } from 'node:crypto'
import type { Stream } from '#shared/declaration/compile.ts'
import type { ChunkBounds, Decode } from '#shared/declaration/decode.ts'
import { Stopped } from '#shared/errors.ts'
import { RecordStream } from '../http/decode/record-stream.ts'
import { AttemptFailed } from '../http/errors.ts'
import type { PageRequest, PageResponse } from '../http/messages.ts'
import { rawText } from '../validate/deep-json.ts'
import { boundsOf } from '../watermark/request-window.ts'
import { chunksOf } from './chunks.ts'
import { firstRequest } from './first-request.ts'
import type { Page, Walk } from './page.ts'
import { viewOf } from './page-view.ts'
import type { Cursor } from './paginators/paginator.ts'
import { paginatorFor } from './paginators/paginator-for.ts'
import { foreignCursor } from './paginators/read-response.ts'
import { afterPage, sizeAt } from './walk-size.ts'

/** `file`: the cursor of the file's request. `record`: the number of the next record; `id`: of the file so far. */
type FileCursor = { file: Cursor | null; record: number; id: string | null }

/** A file that changes whenever it is read would never be read to its end. */
const CHANGES_MAX = 5
const ID_CHARS = 22

export async function* chunkedWalk(walk: Walk, decode: Decode, bounds: ChunkBounds): AsyncGenerator<Page> {
  const { stream, send, stop } = walk
  const paginator = paginatorFor(stream)
  const { texts } = boundsOf(walk)
  const requestOf = (file: Cursor | null, page: number): PageRequest => {
    const seen = file === null ? { page } : { page, cursor: file, ...paginator.seen?.(file) }
    const first = firstRequest(stream, walk.baseUrl, walk.partition, texts.since, texts.until, seen)
    const request = file === null ? first : paginator.at(first, file)
    send.vetting?.request(request)
    return request
  }
  const first = requestOf(null, 0)
  let at = cursorOf(walk)
  let size = sizeAt(walk.size, walk.cursor !== null)
  let request = at.file === null ? first : requestOf(at.file, 0)
  for (let number = 0; ; number++) {
    let broken: { failure: AttemptFailed; attempts: number } | undefined
    let changes = 0
    let restarted = false
    for (;;) {
      stop.soft.throwIfAborted()
      const exchange = { signal: stop.hard, stream: stream.label, decode, ...(broken === undefined ? {} : { broken }) }
      const response = await send(request, exchange)
      const transfer = createTransfer(response, at)
      const before = at.record
      try {
        for await (const chunk of chunksOf(transfer.parts(), bounds)) {
          stop.soft.throwIfAborted()
          const facts = { ...response, ...transfer.costs(), body: null, bytes: chunk.bytes }
          const { records } = chunk
          const repeats = restarted ? { repeats: 'all' as const } : {}
          if (!chunk.isLast) {
            at = { file: at.file, record: at.record + records.length, id: transfer.idAt(at.record + records.length) }
            yield { cursor: at, ...repeats, response: facts, records, size, last: false }
            continue
          }
          const seen = { ...viewOf(response, records, { longest: 0, size: null }, send), body: null }
          const isBodyless = response.body === null
          const next = isBodyless ? (paginator.end?.(at.file) ?? { cursor: null }) : paginator.next(seen, at.file)
          const counted = { ...seen, records: ofLength(at.record + records.length), isBodyless }
          const walked = afterPage(stream, first, size, counted, next, null)
          size = walked.size
          const { cursor } = walked.step
          // Vetted before it is stored.
          if (cursor !== null) request = requestOf(cursor, number + 1)
          at = { file: cursor, record: 0, id: null }
          const own = { response: facts, records, size, cautions: walked.cautions, last: cursor === null }
          yield { ...walked.step, ...repeats, cursor: cursor === null ? null : at, ...own }
        }
        break
      } catch (error) {
        if (error instanceof FileChanged && changes < CHANGES_MAX) {
          changes += 1
          broken = undefined
          restarted = true
          at = { file: at.file, record: 0, id: null }
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
    if (at.file === null) return
  }
}

/** Whether the next page is of the same file as the one that has this cursor. */
export const isInsideFile = ({ decode }: Stream, cursor: unknown): boolean =>
  decode.chunks !== undefined && ((Object(cursor) as Partial<FileCursor>).record ?? 0) > 0

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

function createTransfer(response: PageResponse, at: FileCursor): Transfer {
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

/** Only its length is read. */
const ofLength = (length: number): readonly unknown[] => ({ length }) as unknown as readonly unknown[]

function cursorOf({ stream, cursor }: Walk): FileCursor {
  if (cursor === null) return { file: null, record: 0, id: null }
  const { file, record, id } = Object(cursor) as Partial<FileCursor>
  if (file !== undefined && typeof record === 'number' && Number.isSafeInteger(record) && record >= 0)
    return { file, record, id: id ?? null }
  throw foreignCursor(stream, 'not one of a file in chunks')
}
