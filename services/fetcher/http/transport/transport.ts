/**
 * The innermost layer: one HTTP round trip per page request, with its response decoded as the exchange says, by default
 * as JSON. A 2xx that cannot be decoded is a failed attempt. A response outside 2xx, or with a status that the stream
 * declares not to be a page, returns with status and excerpt. The outer layers classify it.
 */

import type { Clock, Pace } from '#shared/clock.ts'
import { type Decode, JSON_BODY } from '#shared/declaration/decode.ts'
import { VERSION } from '#shared/version.ts'
import { bodyText } from '../body-text.ts'
import { acceptOf, type DecodedBody, type DecodeTools, decodeBody, isPlainJson } from '../decode/decode-body.ts'
import { jsonPage } from '../decode/json-body.ts'
import { recordStream } from '../decode/record-stream.ts'
import { excerptOf } from '../describe.ts'
import { AttemptFailed } from '../errors.ts'
import type { PageResponse, Send } from '../messages.ts'
import { isNoContent, isOk } from '../status.ts'
import { ACCEPT_ENCODING, type RawAnswer, type RawExchange, type RawRequest } from './undici.ts'

export const USER_AGENT = `headrace/${VERSION}`

export type TransportTools = {
  clock: Clock
  pace: Pace
  /** Of one body: `bodyElementsMax` of the source. */
  elementsMax: number
  /** Of one body, and of each file in it: `bodyBytesMax` of the source. */
  bytesMax: number
  isDeclared(status: number, stream: string): boolean
  /** Whether the declaration reads the body of any response. */
  readsBodies?(stream: string): boolean
  /** Called with what a response's headers declare wrongly about a body that was read anyway. */
  onNote(note: string, stream: string): void
}

export function transport(ask: RawExchange, tools: TransportTools): Send {
  const { clock, isDeclared, onNote } = tools
  return async (request, exchange) => {
    const startMs = clock.elapsedMs()
    const { decode = JSON_BODY } = exchange
    const body = bodyText(request)
    const headers = {
      accept: acceptOf(decode),
      'user-agent': USER_AGENT,
      ...(body === null ? {} : { 'content-type': body.type }),
      ...request.headers,
      'accept-encoding': ACCEPT_ENCODING,
    }
    const read = readOf(decode)
    const sent = { method: request.method, url: request.url, headers, body: body?.text, read } as const
    const answer = await ask(sent, exchange.signal)
    for (const note of answer.notes) onNote(note, exchange.stream)
    const isPage = isOk(answer.status) && !isDeclared(answer.status, exchange.stream)
    // Nobody reads it.
    if (!isPage) answer.stream?.on('error', () => undefined).destroy()
    const bodyTools = { ...tools, signal: exchange.signal }
    const isEmpty = exchange.job === true && answer.bytes === 0
    const readPage = async () => (isEmpty ? { body: null, bytes: 0, note: null } : pageOf(answer, decode, bodyTools))
    const content =
      tools.readsBodies?.(exchange.stream) === true
        ? await wholeBody(answer, isPage ? readPage : () => pageOf(answer, JSON_BODY, bodyTools), isPage)
        : contentOf(answer, isPage ? await readPage() : null)
    if (content.note !== null) onNote(content.note, exchange.stream)
    const { note: _, ...given } = content
    return {
      status: answer.status,
      headers: answer.headers,
      ...given,
      request,
      attempts: 1,
      retries: 0,
      durationMs: clock.elapsedMs() - startMs,
      fetchedMs: clock.nowMs(),
    }
  }
}

type Content = Pick<PageResponse, 'body' | 'bytes' | 'whole' | 'defect'> & { note: string | null }

/** Without a page, an excerpt. */
const contentOf = ({ text, bytes }: RawAnswer, page: DecodedBody | null): Content =>
  page ?? { body: excerptOf(text), bytes, note: null }

/** With the body as the declaration reads it: decoded, or its text. Throws the signal's reason. */
async function wholeBody(answer: RawAnswer, decoded: () => Promise<DecodedBody>, isPage: boolean): Promise<Content> {
  const { text } = answer
  try {
    const page = await decoded()
    return { ...contentOf(answer, isPage ? page : null), whole: page.body }
  } catch (error) {
    if (!(error instanceof AttemptFailed)) throw error
    return { ...contentOf(answer, null), whole: text, ...(isPage ? { defect: error } : {}) }
  }
}

function readOf(decode: Decode): NonNullable<RawRequest['read']> {
  if (decode.chunks !== undefined) return 'stream'
  return isPlainJson(decode) ? 'text' : decode.files.length > 0 ? 'file' : 'bytes'
}

/** Throws AttemptFailed, or the signal's reason. */
async function pageOf(answer: RawAnswer, decode: Decode, tools: DecodeTools): Promise<DecodedBody> {
  const { bytes } = answer
  if (isNoContent(answer.status)) return { body: null, bytes, note: null }
  if (answer.stream !== undefined)
    return { body: recordStream(answer.stream, answer, decode, tools), bytes, note: null }
  return isPlainJson(decode)
    ? { body: await jsonPage(answer, tools), bytes, note: null }
    : decodeBody(answer, decode, tools)
}
