/**
 * The innermost layer: a page's request as one HTTP round trip, its answer as JSON. A 2xx that holds no JSON is a failed attempt; an answer
 * outside 2xx, or with a status that the stream declares to be no page, comes back with its status and an excerpt, for the layers further out to judge.
 */

import packageJson from '../../../package.json' with { type: 'json' }
import type { Clock } from '../../../shared/clock.ts'
import { AttemptFailed } from './errors.ts'
import { excerptOf } from './excerpt.ts'
import { ACCEPT_ENCODING, type Ask, type RawAnswer } from './http.ts'
import { parseJson } from './json.ts'
import type { Send } from './send.ts'
import { isNoContent, isOk } from './status.ts'

export const USER_AGENT = `headrace/${packageJson.version}`

export function transport(ask: Ask, clock: Clock, isDeclared: (status: number, stream: string) => boolean): Send {
  return async (request, exchange) => {
    const startMs = clock.elapsedMs()
    const body = request.body === undefined ? undefined : JSON.stringify(request.body)
    const headers = {
      accept: 'application/json',
      'user-agent': USER_AGENT,
      ...(body === undefined ? {} : { 'content-type': 'application/json' }),
      ...request.headers,
      'accept-encoding': ACCEPT_ENCODING,
    }
    const answer = await ask({ method: request.method, url: request.url, headers, body }, exchange.signal)
    return {
      status: answer.status,
      headers: answer.headers,
      body: isOk(answer.status) && !isDeclared(answer.status, exchange.stream) ? jsonOf(answer) : excerptOf(answer.text),
      bytes: answer.bytes,
      request,
      attempts: 1,
      retries: 0,
      durationMs: clock.elapsedMs() - startMs,
      fetchedMs: clock.nowMs(),
    }
  }
}

/** Throws AttemptFailed. A page that is cut is told without an excerpt, since that would be the page's data. */
export function jsonOf(answer: RawAnswer): unknown {
  if (isNoContent(answer.status)) return null
  if (answer.text.trim() === '') throw new AttemptFailed('cut', `the body is empty, with status ${answer.status}`)
  try {
    return parseJson(answer.text)
  } catch (error) {
    if (/^\s*</.test(answer.text)) {
      throw new AttemptFailed('not_json', `the body is HTML or XML with status ${answer.status}, no JSON: ${excerptOf(answer.text)}`)
    }
    if (/^\s*[[{]/.test(answer.text)) {
      throw new AttemptFailed('cut', `the body of ${answer.bytes} bytes is cut or damaged JSON${placeOf(error)}`)
    }
    throw new AttemptFailed('not_json', `the body is no JSON, with status ${answer.status}: ${excerptOf(answer.text)}`)
  }
}

/** Only the position: the engine's own words quote the text. */
function placeOf(error: unknown): string {
  const position = error instanceof SyntaxError ? /at position (\d+)/.exec(error.message)?.[1] : undefined
  return position === undefined ? '' : ` (at position ${position})`
}
