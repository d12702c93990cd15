/**
 * Compares the end of a walk with what the walk has learned about its own size: totals, page counts, flags. An end
 * short of the lowest total seen fails the run, since a page that is empty by mistake looks like an end. Pure, apart
 * from the author's functions. Assumes one tracker per walk. Its state is plain data, so that a restart in the middle
 * of a walk loses nothing.
 */

import type { Stream } from '#shared/declaration/compile.ts'
import { endsByTotal } from '#shared/declaration/paginate/page-number-and-offset.ts'
import { pagesOf } from '#shared/declaration/paginate/paginate.ts'
import type { TotalOrNone } from '#shared/declaration/place.ts'
import { isComputed } from '#shared/declaration/request-functions.ts'
import type { WalkSize } from '#shared/progress/offset-metadata.ts'
import type { PageRequest } from '../http/messages.ts'
import { isSizeParam } from './paginators/page-size.ts'
import type { PageStep, PageView } from './paginators/paginator.ts'
import { countOf, inexact, isExact, totalAt, walkShort } from './paginators/read-response.ts'

/** Worth a warning, once in a run. */
export type Caution = { about: 'total' | 'full_page' | 'fewer' | 'counted'; says: string }

export type Sized = { size: WalkSize; step: PageStep; cautions: readonly Caution[] }

/**
 * `isBodyless`: its status is declared empty, so its body says nothing. `base`: records read before the list of this
 * page began; a total counts from there.
 */
type SeenPage = Pick<PageView, 'body' | 'headers' | 'records'> & { isBodyless: boolean; base?: number }

const NO_SIZE: WalkSize = { longest: 0, read: 0 }

/** For a new walk, or for one that is resumed. */
export const sizeAt = (stored: WalkSize | undefined, isResumed: boolean): WalkSize =>
  stored ?? (isResumed ? { ...NO_SIZE, partial: true } : NO_SIZE)

const HEADER = 'x-total-count'

/** Throws Stopped (HR_WALK_SHORT) for an end that contradicts the walk. */
export function afterPage(
  stream: Stream,
  first: PageRequest,
  before: WalkSize,
  page: SeenPage,
  step: PageStep,
  fullPage: number | null,
): Sized {
  const count = page.records.length
  const own = totalOf(stream, first, page)
  const said = { ...own, total: own.total === null ? null : own.total + (page.base ?? 0) }
  const least = leastOf(stream, before, count, step)
  const learned = learnedFrom(before, said, least, count, step)
  const isAgreed =
    before.agreed === true || (step.list === 'ended' && learned.read > 0 && learned.read === learned.total)
  const next: WalkSize = { longest: learned.longest, read: 0, ...(isAgreed ? { agreed: true } : {}) }
  if (step.list === 'dropped') return { size: next, step, cautions: [] }
  const hole = count > 0 || page.isBodyless ? undefined : holeIn(step)
  if (step.cursor !== null && step.list === undefined) return { size: learned, step: held(step, hole), cautions: [] }
  const gaps = gapsIn(learned, said, step, mayBeCut(before, count, step, fullPage))
  const failure = gaps.find(({ kind }) => kind === 'fails')
  if (failure !== undefined) throw walkShort(stream, failure.says, failure.remedy)
  const broken = count === 0 && !page.isBodyless && before.more === true ? NO_MORE : undefined
  const isConfirmed = said.isSure && learned.total !== undefined && learned.read >= learned.total
  return {
    size: next,
    step: held(step, heldBy(gaps) ?? hole ?? broken ?? beliedEnd(stream, said, least, count, step)),
    cautions: [
      ...gaps.filter(({ kind }) => kind === 'warns').map(({ says }): Caution => ({ about: 'total', says })),
      ...(step.unsaid === true && count > 0 && count === fullPage && !isConfirmed ? [fullPageCaution(count)] : []),
    ],
  }
}

const FEWER_SHARE = 0.2
const FEWER_RECORDS_MIN = 10

/** For a complete walk over everything that read far fewer records than the one before it. */
export function fewerCaution(before: number | undefined, records: number): Caution[] {
  const missing = (before ?? 0) - records
  if (before === undefined || missing <= 0) return []
  if (records > 0 && (missing < FEWER_RECORDS_MIN || missing <= before * FEWER_SHARE)) return []
  return [
    {
      about: 'fewer',
      says:
        `this run read ${records} records, the last complete one ${before}; ` +
        'check that the API still lists them all',
    },
  ]
}

const held = (step: PageStep, why: string | undefined): PageStep =>
  why === undefined || step.incomplete !== undefined ? step : { ...step, incomplete: why }

/**
 * The least number of records there are, by the page itself. A lower total is not believed: it may be the
 * mistake itself. A page of a walk by number has all the records before it too. In any other walk, those may have been
 * deleted meanwhile.
 */
function leastOf({ paginate }: Stream, { read }: WalkSize, count: number, { again = 0 }: PageStep): number {
  const { kind } = pagesOf(paginate)
  if (count === 0) return read
  return kind === 'page-number' || kind === 'offset' ? read + Math.max(0, count - again) : count
}

function learnedFrom(before: WalkSize, said: Said, least: number, count: number, step: PageStep): WalkSize {
  const total = lower(before.total, said.total, least)
  const pages = lower(before.pages, step.pages?.pages ?? null, least === 0 ? 0 : (step.pages?.page ?? 0))
  return {
    longest: Math.max(before.longest, count),
    read: before.read + Math.max(0, count - (step.again ?? 0)),
    ...(total === null ? {} : { total }),
    ...(pages === null ? {} : { pages }),
    ...(before.partial === true ? { partial: true } : {}),
    ...(step.more === true ? { more: true } : {}),
    ...(before.agreed === true ? { agreed: true } : {}),
  }
}

/** Where the end is short of what was learned. A checkpoint without counts does not say how much was read before it. */
function gapsIn({ read, total, pages, partial }: WalkSize, said: Said, step: PageStep, isOpen: boolean): Gap[] {
  if (partial === true) return []
  const ofPages = { exact: step.pages?.exact !== false, remedy: inexact('totalPages'), isSure: true }
  const page = step.pages?.page
  return [
    ...(total !== undefined && read < total
      ? [gapOf(said, `after ${read} records, but the API said ${total}`, isOpen)]
      : []),
    ...(pages !== undefined && page !== undefined && page < pages
      ? [gapOf(ofPages, `at page ${page}, but the API said ${pages} pages`, isOpen)]
      : []),
  ]
}

/** Some APIs promise too much, so this is not a failure. */
const NO_MORE = 'the page before said that there is more, and this page has no records'

/** For a page without records that counts itself among those that have some. */
function holeIn({ pages }: PageStep): string | undefined {
  // Many APIs count one page where there is nothing at all.
  if (pages === undefined || !pages.exact || pages.pages === null || pages.pages < Math.max(2, pages.page))
    return undefined
  return `the answer says that there are ${pages.pages} pages, and page ${pages.page} has no records`
}

const fullPageCaution = (count: number): Caution => ({
  about: 'full_page',
  says:
    `the walk ended at a page of exactly the requested ${count} records; ` +
    'the answer does not say that it is the last one, so the list may continue',
})

/**
 * `isSure`: it surely counts what this walk requests. `remedy`: for a number that is right and still exceeds what the
 * walk reads.
 */
type Said = { total: number | null; exact: boolean; remedy: string; isSure: boolean }

const OF_ALL =
  'if X-Total-Count counts more than the request asks for, or what is never listed, ignore it: total: false in paginate'

function totalOf(stream: Stream, first: PageRequest, page: SeenPage): Said {
  const paginate = pagesOf(stream.paginate)
  const [field, declared] = declaredTotal(paginate)
  if (declared === undefined) {
    const total = paginate.kind === 'generator' ? null : countOf(page.headers[HEADER])
    return { total, exact: true, remedy: OF_ALL, isSure: !isFiltered(stream, first) }
  }
  const remedy = inexact(field)
  if (declared === false) return { total: null, exact: true, remedy, isSure: false }
  const total = page.isBodyless ? null : totalAt(stream, field, declared, page)
  return { total, exact: isExact(declared), remedy, isSure: true }
}

function declaredTotal(paginate: ReturnType<typeof pagesOf>): [field: string, total: TotalOrNone | undefined] {
  if (paginate.kind === 'page-number' && paginate.totalRecords !== undefined)
    return ['totalRecords', paginate.totalRecords]
  return ['total', 'total' in paginate ? paginate.total : undefined]
}

/** Parameters that do not filter a list, compared without case, `-` and `_`. */
const NEUTRAL_PARAMS = new Set([
  ...['page', 'offset', 'start', 'skip', 'sort', 'sortby', 'order', 'orderby', 'direction', 'dir', 'fields', 'select'],
  ...['include', 'expand', 'embed', 'format', 'lang', 'locale', 'apiversion', 'version'],
])

/** A header that is not declared may count the whole table, whatever the request asks for. */
function isFiltered(stream: Stream, { method, url, body }: PageRequest): boolean {
  const { paginate, watermark } = stream
  if (method !== 'GET' || body !== undefined || paginate.kind === 'windows' || isComputed(stream)) return true
  const asked = [...url.searchParams.keys()]
  // Even if its name is a neutral one, such as `start`.
  if (asked.some((name) => name === watermark?.place.param || name === watermark?.endPlace?.param)) return true
  return asked.some((name) => !isSizeParam(name) && !NEUTRAL_PARAMS.has(name.toLowerCase().replace(/[-_$]/g, '')))
}

type Gap = { kind: 'fails' | 'holds' | 'warns'; says: string; remedy: string }

function gapOf({ exact, remedy, isSure }: Omit<Said, 'total'>, what: string, isOpen: boolean): Gap {
  const kind = !exact ? 'warns' : isSure ? 'fails' : isOpen ? 'holds' : 'warns'
  return { kind, says: `the walk ended ${what}`, remedy }
}

function heldBy(gaps: readonly Gap[]): string | undefined {
  const gap = gaps.find(({ kind }) => kind === 'holds')
  return gap === undefined ? undefined : `${gap.says}; ${gap.remedy}`
}

/**
 * A page that has records but is not full is an end by itself. A header that counts something else does not block the
 * stream for ever.
 */
function mayBeCut(
  { longest, read, agreed }: WalkSize,
  count: number,
  { list }: PageStep,
  fullPage: number | null,
): boolean {
  // An empty window was not emptied by mistake if the header never matched the number of records before.
  if (count === 0) return read > 0 || (list === 'ended' && agreed === true)
  return (read > 0 && count >= longest) || (fullPage !== null && count >= fullPage)
}

/** A number that ends the walk and is lower than what the page itself shows. */
function beliedEnd(
  { paginate }: Stream,
  said: Said,
  least: number,
  count: number,
  { pages }: PageStep,
): string | undefined {
  if (count === 0) return undefined
  const spec = pagesOf(paginate)
  if (pages?.exact === true && pages.pages !== null && pages.pages < pages.page)
    return `the answer says that there are ${pages.pages} pages, and page ${pages.page} has records`
  const isEnd =
    (spec.kind === 'page-number' && endsByTotal(spec.totalRecords)) ||
    (spec.kind === 'offset' && endsByTotal(spec.total))
  return isEnd && said.total !== null && said.total < least
    ? `the answer says that there are ${said.total} records in all, and ${least} were read with its page`
    : undefined
}

/** A number below `floor` is ignored. */
function lower(before: number | undefined, said: number | null, floor: number): number | null {
  if (said === null || said < floor) return before ?? null
  return Math.min(before ?? said, said)
}
