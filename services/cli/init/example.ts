/**
 * Two made-up pages in the shape that the answers describe. They let the test of a new declaration walk before the API
 * is called.
 */
import type { Clock } from '#shared/clock.ts'
import type { Stream } from '#shared/declaration/compile.ts'
import { messageOf, WrongUse } from '#shared/errors.ts'
import { withValueAt } from '#shared/json-pointer.ts'
import { NOTHING_REDACTED } from '#shared/redact/value.ts'
import { createDryRun } from '../../fetcher/authoring/dry-run.ts'
import { createRecorder, type Recording } from '../../fetcher/authoring/recording/recording.ts'
import type { PageRequest, PageResponse, Send } from '../../fetcher/http/messages.ts'
import type { InitAnswers } from './answers.ts'
import { fieldsOf } from './declaration.ts'

const PAGES = 2
const PAGE_RECORDS = 2

/** Recorded by the code that makes real recordings. Throws WrongUse if answers contradict each other. */
export async function exampleRecording(
  stream: Stream,
  answers: InitAnswers,
  note: string,
  clock: Clock,
): Promise<Recording> {
  let page = 0
  const send: Send = async (request) => {
    page += 1
    return answerOf(answers, page, request, clock)
  }
  const recorder = createRecorder(stream, { partition: 0, baseUrl: answers.url, redactor: NOTHING_REDACTED, clock })
  const { signal } = new AbortController()
  const dryRun = createDryRun({
    stream,
    partition: 0,
    baseUrl: answers.url,
    send: recorder.around(send),
    signal,
    startedMs: recorder.startedMs,
  })
  while (dryRun.pages.length < PAGES && (await dryRun.next()) !== null);
  const recording = recorder.recording(note)
  if (recording === null) throw new RangeError('nothing was recorded')
  return recording
}

function answerOf(answers: InitAnswers, page: number, request: PageRequest, clock: Clock): PageResponse {
  const last = page === PAGES || answers.paginate === 'none'
  const link = new URL(request.url)
  link.searchParams.set('page', String(page + 1))
  const next = last ? null : answers.paginate === 'next-url' ? link.href : `page-${page + 1}`
  let body: unknown = {}
  try {
    body = withValueAt(body, answers.records, recordsOf(answers, page, last))
    if (answers.next !== '') body = withValueAt(body, answers.next, next)
  } catch (error) {
    throw new WrongUse('HR_OPTION', `--records and --next contradict each other: ${messageOf(error)}`, {
      hint: 'point each at its place in the response',
    })
  }
  const headers: Record<string, string> = { 'content-type': 'application/json' }
  if (answers.paginate === 'link-header' && !last) headers.link = `<${link.href}>; rel="next"`
  return {
    status: 200,
    headers,
    body,
    bytes: 0,
    request,
    attempts: 1,
    retries: 0,
    durationMs: 0,
    fetchedMs: clock.nowMs(),
  }
}

/** The last page has one record fewer, as last pages do. */
function recordsOf(answers: InitAnswers, page: number, last: boolean): Record<string, string>[] {
  const count = last ? PAGE_RECORDS - 1 : PAGE_RECORDS
  return Array.from({ length: count }, (_, index) => {
    const number = (page - 1) * PAGE_RECORDS + index + 1
    const time = new Date(Date.UTC(2026, 0, number)).toISOString().replace('.000Z', 'Z')
    return Object.fromEntries(
      fieldsOf(answers).map(({ field }) => [field, field === answers.watermark?.field ? time : `${field}-${number}`]),
    )
  })
}
