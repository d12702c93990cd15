/**
 * Responds from a recording instead of an API: the recorded exchanges in order, each only to the request that it was
 * recorded for. Any other request is refused, with the nearest recorded one and the difference. A declaration that
 * sends other requests is not tested by that recording.
 */
import { HEADRACE } from '#shared/config/called-as.ts'
import type { Stream } from '#shared/declaration/compile.ts'
import { Stopped } from '#shared/errors.ts'
import { REDACTED } from '#shared/redact/mark.ts'
import { cutText } from '#shared/shown.ts'
import type { PageRequest, PageResponse, Send } from '../../http/messages.ts'
import { rawText } from '../../validate/deep-json.ts'
import { DEEP_CHARS_MAX, type RecordedExchange, type RecordedRequest, type Recording, requestOf } from './recording.ts'

/** Throws Stopped (HR_NOT_RECORDED) for a request that does not come next in the recording. */
export function replayed(recording: Recording, stream: Stream): Send {
  let answered = 0
  return async (request, { signal }) => {
    signal.throwIfAborted()
    const exchange = recording.exchanges[answered]
    const asked = requestOf(stream, request)
    if (exchange === undefined || differences(asked, exchange.request).length > 0)
      throw notRecorded(stream, recording, answered, asked)
    answered += 1
    return responseTo(request, exchange, Date.parse(recording.recordedAt))
  }
}

function responseTo(request: PageRequest, { response }: RecordedExchange, fetchedMs: number): PageResponse {
  // Not structuredClone, which fails at a few thousand levels.
  const text = rawText(response.body, DEEP_CHARS_MAX)
  return {
    status: response.status,
    headers: response.headers,
    body: JSON.parse(text),
    bytes: Buffer.byteLength(text),
    request: response.url === undefined ? request : { ...request, url: new URL(response.url) },
    attempts: 1,
    retries: 0,
    durationMs: 0,
    fetchedMs,
  }
}

function notRecorded(stream: Stream, { exchanges }: Recording, answered: number, asked: RecordedRequest): Stopped {
  const scored = exchanges.map(({ request }, index) => ({
    request,
    number: index + 1,
    differs: differences(asked, request),
  }))
  // Of several equally near ones, the one that comes next.
  const nearest = scored.sort(
    (a, b) =>
      a.differs.length - b.differs.length || Math.abs(a.number - 1 - answered) - Math.abs(b.number - 1 - answered),
  )[0]
  const shown = nearest === undefined ? 'nothing' : `exchange ${nearest.number}, ${requestText(nearest.request)}`
  const why =
    nearest?.differs.length === 0
      ? `which was recorded at another position: it comes as request ${nearest.number}`
      : `which differs in ${nearest?.differs.join(', ')}`
  const end = answered >= exchanges.length ? ` (the recording ends after ${exchanges.length})` : ''
  return new Stopped(
    'HR_NOT_RECORDED',
    `${stream.label}: request ${answered + 1} is not in the recording${end}: ${requestText(asked)}` +
      `\n  nearest: ${shown}, ${why}`,
    {
      hint: `if the declaration is right, record again: ${HEADRACE} preview ${stream.label} --record FILE`,
    },
  )
}

const requestText = ({ method, url, body }: RecordedRequest): string =>
  `${method} ${url}${body === undefined ? '' : ` ${shortened(JSON.stringify(body))}`}`

const TEXT_CHARS_MAX = 300
const shortened = (text: string): string => cutText(text, TEXT_CHARS_MAX)

/** The parts in which a request differs from the recorded one, in words. */
export function differences(asked: RecordedRequest, recorded: RecordedRequest): string[] {
  const [a, b] = [new URL(asked.url), new URL(recorded.url)]
  return [
    ...(fits(asked.method, recorded.method) ? [] : ['the method']),
    ...(fits(a.origin, b.origin) ? [] : ['the origin']),
    ...(fits(a.pathname, b.pathname) ? [] : ['the path']),
    ...namesOf(pairsOf(a), pairsOf(b), 'the parameter'),
    ...namesOf(asked.headers ?? {}, recorded.headers ?? {}, 'the header'),
    ...(fits(JSON.stringify(asked.body) ?? '', JSON.stringify(recorded.body) ?? '') ? [] : ['the body']),
    ...(fits(asked.encoding ?? 'json', recorded.encoding ?? 'json') ? [] : ['the encoding of the body']),
  ]
}

/** A repeated parameter counts with all its values. */
function pairsOf(url: URL): Record<string, string> {
  const names = [...new Set(url.searchParams.keys())]
  return Object.fromEntries(names.map((name) => [name, JSON.stringify(url.searchParams.getAll(name))]))
}

function namesOf(
  asked: Readonly<Record<string, string>>,
  recorded: Readonly<Record<string, string>>,
  what: string,
): string[] {
  const names = [...new Set([...Object.keys(asked), ...Object.keys(recorded)])]
  return names.filter((name) => !fits(asked[name], recorded[name])).map((name) => `${what} ${name}`)
}

/** Where a secret was recorded, any value fits now. */
function fits(asked: string | undefined, recorded: string | undefined): boolean {
  if (asked === recorded || asked === undefined || recorded === undefined) return asked === recorded
  const [opening = '', ...rest] = recorded.split(REDACTED)
  const ending = rest.pop()
  if (ending === undefined || !asked.startsWith(opening)) return false
  let at = opening.length
  for (const part of rest) {
    const found = asked.indexOf(part, at)
    if (found < 0) return false
    at = found + part.length
  }
  return asked.length - ending.length >= at && asked.endsWith(ending)
}
