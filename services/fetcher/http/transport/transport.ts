/**
 * The innermost layer: one HTTP round trip per page request, with its response as JSON. A 2xx without JSON is a failed
 * attempt. A response outside 2xx, or with a status that the stream declares not to be a page, returns with status and
 * excerpt. The outer layers classify it.
 */

import type { Clock, Pace } from '#shared/clock.ts'
import packageJson from '../../../../package.json' with { type: 'json' }
import { bodyText } from '../body-text.ts'
import { excerptOf } from '../describe.ts'
import { AttemptFailed } from '../errors.ts'
import type { Send } from '../messages.ts'
import { isNoContent, isOk } from '../status.ts'
import { defectOf } from './json-defect.ts'
import { parseJson } from './lossless-json.ts'
import { parseInSlices, TooManyElements } from './parse-in-slices.ts'
import { ACCEPT_ENCODING, type RawAnswer, type RawExchange } from './undici.ts'

export const USER_AGENT = `headrace/${packageJson.version}`

export type TransportTools = {
  clock: Clock
  pace: Pace
  /** Of one body: `bodyElementsMax` of the source. */
  elementsMax: number
  isDeclared(status: number, stream: string): boolean
  /** Called with what a response's headers declare wrongly about a body that was read anyway. */
  onNote(note: string, stream: string): void
}

export function transport(ask: RawExchange, { clock, pace, elementsMax, isDeclared, onNote }: TransportTools): Send {
  return async (request, exchange) => {
    const startMs = clock.elapsedMs()
    const body = bodyText(request)
    const headers = {
      accept: 'application/json',
      'user-agent': USER_AGENT,
      ...(body === null ? {} : { 'content-type': body.type }),
      ...request.headers,
      'accept-encoding': ACCEPT_ENCODING,
    }
    const sent = { method: request.method, url: request.url, headers, body: body?.text }
    const answer = await ask(sent, exchange.signal)
    for (const note of answer.notes) onNote(note, exchange.stream)
    const isPage = isOk(answer.status) && !isDeclared(answer.status, exchange.stream)
    return {
      status: answer.status,
      headers: answer.headers,
      body: isPage ? await pageOf(answer, elementsMax, pace, exchange.signal) : excerptOf(answer.text),
      bytes: answer.bytes,
      request,
      attempts: 1,
      retries: 0,
      durationMs: clock.elapsedMs() - startMs,
      fetchedMs: clock.nowMs(),
    }
  }
}

/**
 * Throws AttemptFailed, or the signal's reason. Parses in slices, so that a large page does not block everything else.
 */
async function pageOf(answer: RawAnswer, elementsMax: number, pace: Pace, signal: AbortSignal): Promise<unknown> {
  if (isNoContent(answer.status)) return null
  refuseEmpty(answer)
  try {
    return await parseInSlices(answer.text, { elementsMax }, pace, signal)
  } catch (error) {
    signal.throwIfAborted()
    throw error instanceof TooManyElements ? tooMany(answer, elementsMax) : whyNotJson(answer)
  }
}

/**
 * Throws AttemptFailed. A page's data is never quoted: only field names, and what is found where JSON cannot have it.
 */
export function jsonOf(answer: RawAnswer): unknown {
  if (isNoContent(answer.status)) return null
  refuseEmpty(answer)
  try {
    return parseJson(answer.text)
  } catch {
    throw whyNotJson(answer)
  }
}

function refuseEmpty({ text, status }: RawAnswer): void {
  if (text.trim() === '') throw new AttemptFailed('cut', `the body is empty, with status ${status}: that is no JSON`)
}

const tooMany = ({ bytes }: RawAnswer, elementsMax: number): AttemptFailed =>
  new AttemptFailed(
    'unreadable',
    `the body of ${bytes} bytes has more than ${elementsMax} elements (bodyElementsMax: objects and arrays, eight other values count as one); ` +
      'ask for smaller pages, or raise bodyElementsMax of the source and give the fetcher more memory',
  )

/** HTML is mostly a server in trouble, and a cut body may arrive whole next time; everything else recurs unchanged. */
function whyNotJson({ status, text, bytes, notes }: RawAnswer): AttemptFailed {
  if (/^\s*</.test(text)) {
    return new AttemptFailed('not_json', `the body is HTML or XML with status ${status}, no JSON: ${excerptOf(text)}`)
  }
  const defect = defectOf(text)
  if (defect === null || defect.kind === 'cut') {
    const where = defect === null ? '' : ` (it ends at line ${defect.line}, column ${defect.column}, inside a value)`
    return new AttemptFailed('cut', `the body of ${bytes} bytes is cut or damaged JSON${where}`)
  }
  const place = `line ${defect.line}, column ${defect.column}`
  const before = defect.before === '' ? '' : ` behind ${excerptOf(defect.before)}`
  if (defect.kind === 'token' && defect.what.startsWith('<'))
    return new AttemptFailed(
      'not_json',
      `the body turns into HTML or XML at ${place}${before}: ${excerptOf(text.slice(defect.at))}`,
    )
  const said = notes.length === 0 ? '' : ` (${notes.join('; ')})`
  if (defect.at === 0 || !/^\s*[[{]/.test(text))
    return new AttemptFailed('unreadable', `the body is no JSON, with status ${status}: ${excerptOf(text)}${said}`)
  const what =
    defect.kind === 'trailing' ? `the JSON is followed by ${excerptOf(defect.what)}` : `no JSON value is ${defect.what}`
  const lines = defect.what === 'another JSON value' ? '; lines of JSON, each a value, are not read' : ''
  return new AttemptFailed('unreadable', `${place}: ${what}${before}${lines}${said}`)
}
