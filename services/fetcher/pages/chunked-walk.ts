/**
 * Walks files that are read in chunks. Each chunk of records is a page with its own cursor, and the last chunk names
 * the next file. The cursor holds the request's own cursor and the place in the file (`file-chunks.ts`).
 */
import type { Stream } from '#shared/declaration/compile.ts'
import type { ChunkBounds, Decode } from '#shared/declaration/decode.ts'
import type { PageRequest } from '../http/messages.ts'
import { boundsOf } from '../watermark/request-window.ts'
import { type FilePlace, fileChunks } from './file-chunks.ts'
import { firstRequest } from './first-request.ts'
import type { Page, Walk } from './page.ts'
import { viewOf } from './page-view.ts'
import type { Cursor } from './paginators/paginator.ts'
import { paginatorFor } from './paginators/paginator-for.ts'
import { foreignCursor } from './paginators/read-response.ts'
import { afterPage, sizeAt } from './walk-size.ts'

/** `file`: the cursor of the file's request. */
type FileCursor = FilePlace & { file: Cursor | null }

export async function* chunkedWalk(walk: Walk, decode: Decode, bounds: ChunkBounds): AsyncGenerator<Page> {
  const { stream, send } = walk
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
    for await (const chunk of fileChunks({ ...walk, decode, bounds }, request, at)) {
      const { records, response } = chunk
      const repeats = chunk.restarted ? { repeats: 'all' as const } : {}
      if (!chunk.isLast) {
        at = { file: at.file, ...chunk.at }
        yield { cursor: at, ...repeats, response, records, size, last: false }
        continue
      }
      const sizes = { longest: 0, size: null }
      const seen = viewOf({ stream, partition: walk.partition, response, records, sizes }, send)
      const next = chunk.isBodyless ? (paginator.end?.(at.file) ?? { cursor: null }) : paginator.next(seen, at.file)
      const counted = { ...seen, records: ofLength(chunk.at.record), isBodyless: chunk.isBodyless }
      const walked = afterPage(stream, first, size, counted, next, null)
      size = walked.size
      const { cursor } = walked.step
      // Vetted before it is stored.
      if (cursor !== null) request = requestOf(cursor, number + 1)
      at = { file: cursor, record: 0, id: null }
      const own = { response, records, size, cautions: walked.cautions, last: cursor === null }
      yield { ...walked.step, ...repeats, cursor: cursor === null ? null : at, ...own }
    }
    if (at.file === null) return
  }
}

/** Whether the next page is of the same file as the one that has this cursor. */
export const isInsideFile = ({ decode }: Stream, cursor: unknown): boolean =>
  decode.chunks !== undefined && (recordIn(cursor) > 0 || recordIn(Object(cursor).inner) > 0)

const recordIn = (cursor: unknown): number => (Object(cursor) as Partial<FileCursor>).record ?? 0

/** Only its length is read. */
const ofLength = (length: number): readonly unknown[] => ({ length }) as unknown as readonly unknown[]

function cursorOf({ stream, cursor }: Walk): FileCursor {
  if (cursor === null) return { file: null, record: 0, id: null }
  const { file, record, id } = Object(cursor) as Partial<FileCursor>
  if (file !== undefined && typeof record === 'number' && Number.isSafeInteger(record) && record >= 0)
    return { file, record, id: id ?? null }
  throw foreignCursor(stream, 'not one of a file in chunks')
}
