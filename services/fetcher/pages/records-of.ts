/**
 * The records of a response. A missing array is not an empty page: an error with status 200, a renamed array and an
 * unknown response shape all look like that. Null is an empty page. Throws Stopped (HR_NO_RECORDS), which says what the
 * body has instead.
 */
import type { Stream } from '#shared/declaration/compile.ts'
import { pagesOf } from '#shared/declaration/paginate/paginate.ts'
import { type SimplePlace, unwrapped } from '#shared/declaration/place.ts'
import { messageOf, Stopped } from '#shared/errors.ts'
import { valueAt } from '#shared/json-pointer.ts'
import type { PageResponse } from '../http/messages.ts'
import { isNoContent } from '../http/status.ts'
import { errorIn, summaryOf } from './body-summary.ts'

/** Whether the declaration, by a list or a function, takes the response for an empty page. */
export const isDeclaredEmpty = ({ answers }: Pick<Stream, 'answers'>, { status, verdict }: PageResponse): boolean =>
  verdict?.declared === true ? verdict.kind === 'empty' : answers.meanings.get(status) === 'empty'

export function recordsOf(stream: Stream, response: PageResponse): readonly unknown[] {
  const { body, status, verdict, redact = (text) => text } = response
  if (isNoContent(status) || (verdict?.declared === true && verdict.kind === 'empty')) return []
  const { at, isOptional } = unwrapped<SimplePlace>(stream.records)
  const found = typeof at === 'function' ? recordsBy(stream, at, response) : valueAt(body, at)
  const where = typeof at === 'string' ? `at "${at}"` : (connectionOf(stream) ?? 'from its records function')
  if (found === undefined && !isOptional) {
    throw noRecords(stream, `has nothing ${where}; ${redact(summaryOf(body))}`, OMITTED_HINT)
  }
  if (found !== undefined && found !== null && !Array.isArray(found)) {
    throw noRecords(
      stream,
      `holds no array of records ${where}, but ${typeof found === 'object' ? 'an object' : `a ${typeof found}`}`,
    )
  }
  const records = found ?? []
  // An error in the usual shape, unless the author has said what an error is.
  const isSure = records.length > 0 || stream.answers.failed !== null || verdict?.declared === true
  const error = isSure ? null : errorIn(body)
  if (error !== null) throw noRecords(stream, `has no records, but ${redact(error)}`, FAILED_HINT)
  return records
}

/** Authors who page by graphql know the records by their connection. */
function connectionOf({ paginate }: Stream): string | null {
  const pages = pagesOf(paginate)
  return pages.kind === 'graphql' ? `in the connection at "${unwrapped(pages.connection).at}"` : null
}

const OMITTED_HINT =
  'correct records in the declaration; if the API omits it when there is nothing: records: optional(…)'
const FAILED_HINT = 'if that is not an error, declare which answers are: answers: { failed: (body) => null }'

function recordsBy(
  stream: Stream,
  records: (body: unknown) => unknown,
  { body, redact = (text) => text }: PageResponse,
): unknown {
  try {
    return records(body)
  } catch (error) {
    throw noRecords(
      stream,
      `is not what its records function expects: ${redact(messageOf(error))}; ${redact(summaryOf(body))}`,
    )
  }
}

const noRecords = (stream: Stream, what: string, hint = 'correct records in the declaration'): Stopped =>
  new Stopped('HR_NO_RECORDS', `${stream.label}: the answer ${what}`, { hint })
