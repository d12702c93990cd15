/** The steps over pages: does the declaration find the records, and another page with other records after the first? */
import LinkHeader from 'http-link-header'
import type { Stream } from '#shared/declaration/compile.ts'
import { cautionAbout, exportJobOf, pagesOf } from '#shared/declaration/paginate/paginate.ts'
import { type SimplePlace, unwrapped } from '#shared/declaration/place.ts'
import { messageOf, Stopped } from '#shared/errors.ts'
import { RecordStream } from '../../http/decode/record-stream.ts'
import { PageRefused } from '../../http/errors.ts'
import type { PageResponse } from '../../http/messages.ts'
import { COUNTED_CAUTION, FOLLOWED_NOTE, followed } from '../../pages/follow-watermark.ts'
import { isDeclaredEmpty, recordsOf } from '../../pages/records-of.ts'
import type { DryRun, SeenPage } from '../dry-run.ts'
import { hintOf } from './access.ts'
import { arraysIn, nextPointersIn } from './guess-pointers.ts'
import { type Attempt, type CheckStep, failed, ok, skipped, warned } from './step.ts'

/** The raw records of a response; null if a run would not take it for a page. */
export function recordsIn(stream: Stream, answer: PageResponse): readonly unknown[] | null {
  if (isDeclaredEmpty(stream, answer)) return []
  if (answer.body instanceof RecordStream) return answer.body.sample
  try {
    return recordsOf(stream, answer)
  } catch {
    return null
  }
}

/** `refused`: the address or the credentials have already failed. */
export function firstPageStep(
  { stream, answers }: DryRun,
  { page, error }: Attempt<SeenPage>,
  refused: boolean,
): CheckStep {
  const [answer] = answers
  if (exportJobOf(stream.paginate) !== null && page !== null)
    return ok('first page', `${page.records.length} records from the files of an export job`)
  if (answer === undefined)
    return refused ? skipped('first page', 'was not answered') : failed('first page', messageOf(error), hintOf(error))
  // Only the author's function knows what a response holds; it may combine several into a page.
  if (stream.paginate.kind === 'generator') {
    if (page === null) return failed('first page', messageOf(error), hintOf(error))
    return ok('first page', `${page.records.length} records from the function of generator`)
  }
  const records = recordsIn(stream, answer)
  const { at } = unwrapped<SimplePlace>(stream.records)
  const where = typeof at === 'string' ? `"${at}"` : 'the place that its function names'
  if (records === null) {
    const says = error instanceof Stopped && error.code === 'HR_NO_RECORDS' ? `: ${error.message}` : ''
    return failed('first page', `holds no array of records at ${where}${says}`, recordsAdvice(answer))
  }
  return ok('first page', `${records.length} records at ${where}`)
}

function recordsAdvice({ body }: PageResponse): string {
  const found = arraysIn(body).map(({ pointer, length }) => `records: '${pointer}' (${length} objects)`)
  return found.length > 0
    ? `the response has ${found.slice(0, 3).join(', or ')}`
    : 'the response has no array of objects: check path and params'
}

export function secondPageStep(dryRun: DryRun, first: Attempt<SeenPage>, second: Attempt<SeenPage> | null): CheckStep {
  const { stream, answers } = dryRun
  const [answer] = answers
  const isOwn = stream.paginate.kind === 'generator'
  if (exportJobOf(stream.paginate) !== null && first.page?.last === true)
    return skipped('second page', 'the first page is the last')
  if (answer === undefined || (!isOwn && recordsIn(stream, answer) === null))
    return skipped('second page', 'there is no first page')
  if (isEnvelope(first.error)) return skipped('second page', 'the first page lacks its envelope')
  if (first.error !== null)
    return failed('second page', messageOf(first.error), nextAdvice(stream, answer) ?? hintOf(first.error))
  if (first.page?.last === true) return warned(onlyPage(stream, answer), warningsOf(first.page))
  if (second === null || second.page === null)
    return failed('second page', messageOf(second?.error), secondAdvice(stream, second?.error))
  const { page } = second
  // A generator ends after its last page.
  if (isOwn && page.last && page.records.length === 0) return skipped('second page', 'the first page is the last')
  return warned(newRecords(dryRun, page), warningsOf(page))
}

/** What a run would warn about, or hold its watermark for. */
const warningsOf = ({ cautions = [], incomplete }: SeenPage): string[] => [
  ...cautions.map(({ says }) => says),
  ...(incomplete === undefined ? [] : [`a run would hold the watermark: ${incomplete}`]),
]

export const isEnvelope = (error: unknown): error is Stopped => error instanceof Stopped && error.code === 'HR_ENVELOPE'

/** If the declaration sees an end where the response has none, every later page would be lost. */
function onlyPage(stream: Stream, answer: PageResponse): CheckStep {
  // With hasMore, the API has decided: a cursor that remains means nothing.
  const pages = pagesOf(stream.paginate)
  const saysSo = pages.kind === 'generator' || ('hasMore' in pages && pages.hasMore !== undefined)
  const advice = saysSo ? null : nextAdvice(stream, answer)
  if (advice !== null)
    return failed(
      'second page',
      `paginate (${stream.paginate.kind}) finds no next page, but the response seems to name one`,
      advice,
    )
  return skipped('second page', stream.paginate.kind === 'none' ? 'paginate is none()' : 'the first page is the last')
}

function newRecords({ stream, pages }: DryRun, page: SeenPage): CheckStep {
  const before = new Set(pages.filter((each) => each !== page).flatMap(marksOf))
  const keys = marksOf(page)
  const fresh = keys.filter((key) => !before.has(key)).length
  // Some paginators read some records twice, and say so.
  if (keys.length > 0 && fresh === 0 && page.repeats === undefined) {
    return failed(
      'second page',
      `all its ${keys.length} records were on the first page`,
      'check that the cursor is sent where the API expects it',
    )
  }
  const counted = pages.some((each) => each.counted === true)
    ? followed(stream)
      ? FOLLOWED_NOTE
      : COUNTED_CAUTION
    : null
  const caution = cautionAbout(stream.paginate) ?? counted
  const rejected = page.validated.rejected.length > 0 ? `, ${page.validated.rejected.length} do not fit the schema` : ''
  const omitted = page.validated.omitted > 0 ? `, ${page.validated.omitted} are skipped by filter or map` : ''
  const end = page.last ? '; it is the last' : ''
  const says = `${page.records.length} records, ${fresh} of them new${rejected}${omitted}${end}`
  return ok('second page', says, caution === null ? [] : [caution])
}

/** The key of each record; the whole record if it does not fit the schema. */
const marksOf = ({ validated }: SeenPage): string[] => [
  ...validated.records.map(({ key }) => `key ${key}`),
  ...validated.rejected.map(({ raw }) => `raw ${raw}`),
]

const EXPIRED_OR_UNKNOWN = 'the API refuses the cursor: check in paginate where it is read and where it is sent'

const secondAdvice = (stream: Stream, error: unknown): string | undefined =>
  error instanceof PageRefused && stream.paginate.kind !== 'offset' ? EXPIRED_OR_UNKNOWN : hintOf(error)

/** Where the response seems to name a next page; null if nowhere. */
function nextAdvice({ paginate }: Stream, { body, headers }: PageResponse): string | null {
  const pointers = nextPointersIn(body).map((pointer) => `"${pointer}"`)
  const link =
    hasNextLink(headers.link) && paginate.kind !== 'link-header' ? ['a Link header: paginate: linkHeader()'] : []
  const found = [...link, ...pointers]
  return found.length === 0 ? null : `the response has ${found.slice(0, 3).join(', or ')}`
}

function hasNextLink(link: string | undefined): boolean {
  try {
    return link !== undefined && LinkHeader.parse(link).rel('next').length > 0
  } catch {
    return false
  }
}
