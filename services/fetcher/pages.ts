/**
 * Walks the pages of one run. A generator: it asks for a page when the last one has been taken, and knows nothing of what is done with
 * them. Bounded by pages, empty pages in a row, cursors and contents that come again; a page that fails is asked for again by the
 * client, never the run.
 */
import type { Stream } from '../../shared/declaration.ts'
import { messageOf, Stopped } from '../../shared/errors.ts'
import { valueAt } from '../../shared/pointer.ts'
import type { PageRequest, PageResponse, Send } from './client/send.ts'
import { digest } from './judge.ts'
import type { Cursor, Paginator } from './paginators/paginator.ts'
import { rawText } from './raw-text.ts'
import type { Stop } from './stop-signal.ts'

export type Page = {
  response: PageResponse
  records: readonly unknown[]
  /** Where the next page is; null at the end of the run. */
  cursor: Cursor | null
}

export type Walk = {
  stream: Stream
  send: Send
  paginator: Paginator
  first: PageRequest
  /** Go on here instead of at the first page. */
  cursor: Cursor | null
  stop: Stop
}

export async function* walkPages(walk: Walk): AsyncGenerator<Page> {
  const { stream, paginator, stop } = walk
  const seen: Seen = { cursors: new Map(), contents: new Map() }
  let cursor = walk.cursor
  if (cursor !== null) seen.cursors.set(digest(rawText(cursor)), 0)
  let emptyInARow = 0
  for (let number = 1; number <= stream.pagesMax; number++) {
    stop.soft.throwIfAborted()
    const request = cursor === null ? walk.first : paginator.at(walk.first, cursor)
    const response = await walk.send(request, { signal: stop.hard, stream: stream.label })
    const records = recordsOf(stream, response)
    const view = { request: response.request, headers: response.headers, body: response.body, records: records.length }
    const next = paginator.next(view, cursor)
    refuseRepetition(stream, number, records, next, seen)
    emptyInARow = records.length === 0 ? emptyInARow + 1 : 0
    if (next !== null && emptyInARow >= stream.emptyPagesMax) {
      throw new Stopped('HR_EMPTY_PAGES', `${stream.label}: ${emptyInARow} empty pages in a row that each name a next one`, {
        hint: 'check the place of the cursor; raise emptyPagesMax if the API really answers like that',
      })
    }
    yield { response, records, cursor: next }
    if (next === null) return
    cursor = next
  }
  throw new Stopped('HR_PAGES_MAX', `${stream.label}: the run has more than ${stream.pagesMax} pages`, {
    hint: 'raise pagesMax, or ask for less with a watermark',
  })
}

/** The array of records in an answer; null or missing is an empty page, anything else is an API that changed. */
function recordsOf(stream: Stream, response: PageResponse): readonly unknown[] {
  const found =
    typeof stream.records === 'function' ? recordsBy(stream, stream.records, response.body) : valueAt(response.body, stream.records)
  if (found === undefined || found === null) return []
  if (Array.isArray(found)) return found
  const where = typeof stream.records === 'string' ? `at "${stream.records}"` : 'from its records function'
  throw noRecords(stream, `holds no array of records ${where}, but ${typeof found === 'object' ? 'an object' : `a ${typeof found}`}`)
}

function recordsBy(stream: Stream, records: (body: unknown) => unknown, body: unknown): unknown {
  try {
    return records(body)
  } catch (error) {
    throw noRecords(stream, `is not what its records function expects: ${messageOf(error)}`)
  }
}

const noRecords = (stream: Stream, what: string): Stopped =>
  new Stopped('HR_NO_RECORDS', `${stream.label}: the answer ${what}`, { hint: 'correct records in the declaration' })

/** Digest → number of the page that it was seen on; 0 is the page that an interrupted run had come to. */
type Seen = { cursors: Map<string, number>; contents: Map<string, number> }

/** An API that hands out a cursor or a page again would be asked for ever, or its tail would never be reached. */
function refuseRepetition(stream: Stream, number: number, records: readonly unknown[], next: Cursor | null, seen: Seen): void {
  if (records.length > 0) {
    const content = digest([String(records.length), rawText(records[0]), rawText(records.at(-1))].join('\n'))
    const earlier = seen.contents.get(content)
    if (earlier !== undefined) throw repetition(stream, `page ${number} has the same records as page ${earlier}`)
    seen.contents.set(content, number)
  }
  if (next === null) return
  const key = digest(rawText(next))
  const earlier = seen.cursors.get(key)
  if (earlier !== undefined) {
    const what = earlier === 0 ? 'the page that the run went on from' : `the same next page as page ${earlier}`
    throw repetition(stream, `page ${number} names ${what}: a cycle`)
  }
  seen.cursors.set(key, number)
}

const repetition = (stream: Stream, what: string): Stopped =>
  new Stopped('HR_REPEATED_PAGE', `${stream.label}: ${what}`, { hint: 'check that the cursor is sent where the API expects it' })
