/**
 * A recording: the exchanges of one walk as a JSON file, for tests that need no API. It is made to be committed.
 * Requests have no credentials, responses only the headers that a walk reads, and `***` replaces every secret. The
 * token endpoint is never recorded: only what passes outside the authorize layer is.
 */

import { readFileSync, writeFileSync } from 'node:fs'
import { fileURLToPath } from 'node:url'
import { z } from 'zod'
import type { Clock } from '#shared/clock.ts'
import { HEADRACE } from '#shared/config/called-as.ts'
import { pagingPlaces } from '#shared/declaration/checks/request.ts'
import type { Stream } from '#shared/declaration/compile.ts'
import { scalars } from '#shared/declaration/request-functions.ts'
import { messageOf, Stopped, WrongUse } from '#shared/errors.ts'
import { redactUrl } from '#shared/redact/url.ts'
import type { Redactor } from '#shared/redact/value.ts'
import { RecordStream } from '../../http/decode/record-stream.ts'
import { secretParamsOf } from '../../http/describe.ts'
import type { PageRequest, PageResponse, Send } from '../../http/messages.ts'
import { shownResponse } from '../../http/signed-urls.ts'
import { parseJson } from '../../http/transport/lossless-json.ts'
import { rawText } from '../../validate/deep-json.ts'
import { pagingHeaders } from './paging-headers.ts'

const recordedRequest = z.strictObject({
  method: z.enum(['GET', 'POST', 'DELETE']),
  url: z.url(),
  headers: z.record(z.string(), z.string()).optional(),
  body: z.unknown().optional(),
  encoding: z.literal('form').optional(),
})

const exchange = z.strictObject({
  request: recordedRequest,
  response: z.strictObject({
    status: z.int().min(200).max(299),
    /** The address that responded, if a redirect led away from the requested one. */
    url: z.url().optional(),
    headers: z.record(z.string(), z.string()).default({}),
    body: z.unknown(),
  }),
})

const recording = z.strictObject({
  headrace: z.literal('recording'),
  v: z.literal(1),
  /** For the reader of the file. */
  note: z.string().optional(),
  /** `source.stream`. */
  stream: z.string(),
  partition: z.int().min(0),
  /** Of a partition with discovered slices: the slice that was walked. */
  values: scalars.optional(),
  /** What else its parent's record says. */
  extra: scalars.optional(),
  baseUrl: z.url(),
  recordedAt: z.iso.datetime(),
  exchanges: z.array(exchange).min(1),
})

export type Recording = z.infer<typeof recording>
export type RecordedExchange = z.infer<typeof exchange>
export type RecordedRequest = z.infer<typeof recordedRequest>

export type Recorder = {
  /** When the recording began, epoch milliseconds: the end of a walk in time windows. */
  startedMs: number
  /** Passes everything on and records the responses. */
  around(send: Send): Send
  /** Null if there was no response. */
  recording(note?: string): Recording | null
}

/** Request headers to record, besides those that paging and the watermark set. Others may hold a key. */
const HEADERS_SENT: readonly string[] = ['accept', 'accept-language', 'content-type']
/** Response headers that every walk reads; paging may name others. */
const HEADERS_READ = 'content-type date link x-total-count content-location location'.split(' ')

export function createRecorder(
  stream: Stream,
  tools: { partition: number; baseUrl: string; redactor: Redactor; clock: Clock },
): Recorder {
  const exchanges: RecordedExchange[] = []
  /** Of a file in chunks: the records that are read of it. */
  function recordedInParts(request: PageRequest, response: PageResponse, body: RecordStream): PageResponse {
    const records: unknown[] = []
    const whole = tools.redactor.value({
      request: requestOf(stream, request),
      response: answerOf(stream, request, { ...response, body: null }),
    })
    exchanges.push({ ...whole, response: { ...whole.response, body: records } })
    const see = (more: readonly unknown[]) => {
      for (const record of more) records.push(tools.redactor.value(record))
    }
    return { ...response, body: body.tapped(see) }
  }
  const recordedAt = new Date(tools.clock.nowMs()).toISOString()
  return {
    startedMs: Date.parse(recordedAt),
    around: (send) => async (request, context) => {
      const response = await send(request, context)
      if (response.body instanceof RecordStream) return recordedInParts(request, response, response.body)
      const answer = answerOf(stream, request, shownResponse(response, context))
      exchanges.push(tools.redactor.value({ request: requestOf(stream, request), response: answer }))
      return response
    },
    recording: (note) =>
      exchanges.length === 0
        ? null
        : {
            headrace: 'recording',
            v: 1,
            ...(note === undefined ? {} : { note }),
            stream: stream.label,
            partition: tools.partition,
            ...(stream.discovery === null ? {} : { values: stream.partitions[tools.partition] ?? {} }),
            ...(stream.extra === undefined ? {} : { extra: stream.extra }),
            baseUrl: redactUrl(tools.baseUrl),
            recordedAt,
            exchanges,
          },
  }
}

/** A request as it is recorded and compared. */
export function requestOf(stream: Stream, request: PageRequest): RecordedRequest {
  const headers = only(request.headers, [...HEADERS_SENT, ...headersSent(stream)])
  return {
    method: request.method,
    url: redactUrl(request.url, secretParamsOf(stream.source)),
    ...(Object.keys(headers).length === 0 ? {} : { headers }),
    ...(request.body === undefined ? {} : { body: request.body }),
    ...(request.encoding === undefined ? {} : { encoding: request.encoding }),
  }
}

/** Of the headers that paging and the watermark set. */
const headersSent = ({ paginate, watermark }: Stream): (string | undefined)[] => [
  ...pagingPlaces(paginate).map(({ kind, name }) => (kind === 'header' ? name : undefined)),
  watermark?.place.header,
  watermark?.endPlace?.header,
]

function answerOf(stream: Stream, request: PageRequest, response: PageResponse): RecordedExchange['response'] {
  const { href } = response.request.url
  return {
    status: recordedStatus(response),
    ...(href === request.url.href ? {} : { url: redactUrl(href, secretParamsOf(stream.source)) }),
    headers: only(response.headers, [...HEADERS_READ, ...pagingHeaders(stream.paginate)]),
    body: response.body,
  }
}

/** What an author's function has said is recorded as what it means: a page, or no content. */
function recordedStatus({ status, verdict }: PageResponse): number {
  if (verdict?.declared !== true) return status
  return verdict.kind === 'empty' ? NO_CONTENT : OK
}

const OK = 200
const NO_CONTENT = 204

function only(
  headers: Readonly<Record<string, string>>,
  names: readonly (string | undefined)[],
): Record<string, string> {
  const kept = names.map((name) => name?.toLowerCase())
  return Object.fromEntries(Object.entries(headers).filter(([name]) => kept.includes(name)))
}

/** Throws WrongUse that names the file. */
export function readRecording(file: string | URL): Recording {
  const path = pathOf(file)
  const refuse = (what: string) =>
    new WrongUse('HR_RECORDING', `${path}: ${what}`, {
      hint: `record one: ${HEADRACE} preview SOURCE.STREAM --record FILE`,
    })
  let content: unknown
  try {
    // Parsed as the client parses a response, so that an exact number stays exact.
    content = parseJson(readFileSync(path, 'utf8'))
  } catch (error) {
    throw refuse(`cannot be read as a recording: ${messageOf(error)}`)
  }
  const parsed = recording.safeParse(content)
  if (parsed.success) return parsed.data
  const issue = parsed.error.issues[0]
  throw refuse(`is not a recording: ${issue?.path.join('.') || 'the file'}: ${issue?.message}`)
}

/** Replaces an earlier recording and no other file. Throws WrongUse. */
export function writeRecording(file: string | URL, content: Recording): void {
  refuseOtherFile(file)
  try {
    writeFileSync(pathOf(file), recordingText(content))
  } catch (error) {
    throw new WrongUse('HR_RECORDING_FILE', `the recording cannot be written: ${messageOf(error)}`, {
      hint: 'name a file in a folder that exists',
    })
  }
}

/** A slip such as `--record shop.ts` must not overwrite a declaration. Throws WrongUse. */
export function refuseOtherFile(file: string | URL): void {
  const path = pathOf(file)
  let text: string
  try {
    text = readFileSync(path, 'utf8')
  } catch (error) {
    if (error instanceof Error && 'code' in error && error.code === 'ENOENT') return
    throw new WrongUse('HR_RECORDING_FILE', `the recording cannot be written: ${messageOf(error)}`, {
      hint: 'name a file',
    })
  }
  if (text === '' || /^\s*\{\s*"headrace":\s*"recording"/.test(text)) return
  throw new WrongUse('HR_RECORDING_FILE', `${path} exists and is not a recording`, {
    hint: 'choose another file; only a recording is replaced',
  })
}

/** For values nested deeper than JSON.stringify allows. */
export const DEEP_CHARS_MAX = 256 * 1024 * 1024

/** On one line if a response is nested too deeply for indentation. Throws Stopped for one that is too large as well. */
export function recordingText(content: Recording): string {
  try {
    return `${JSON.stringify(content, null, 2)}\n`
  } catch (error) {
    if (!(error instanceof RangeError)) throw error
    const text = rawText(content, DEEP_CHARS_MAX)
    if (text.length < DEEP_CHARS_MAX) return `${text}\n`
    throw new Stopped(
      'HR_RECORDING',
      `${content.stream}: the responses cannot be recorded: they are nested too deep and too large`,
      {
        hint: 'record fewer pages: --pages 1',
      },
    )
  }
}

const pathOf = (file: string | URL): string => (file instanceof URL ? fileURLToPath(file) : file)
