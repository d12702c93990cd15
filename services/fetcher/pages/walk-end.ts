/**
 * Where the end of a walk contradicts what the walk has learned of its size. A list may grow or shrink during the walk.
 * So an end short of the lowest number fails. An end short of a higher number fails only where the last page itself
 * shows that it is empty by mistake. Pure.
 */
import type { Stream } from '#shared/declaration/compile.ts'
import { endsByTotal } from '#shared/declaration/paginate/page-number-and-offset.ts'
import { pagesOf } from '#shared/declaration/paginate/paginate.ts'
import type { WalkSize } from '#shared/progress/offset-metadata.ts'
import type { PageStep } from './paginators/paginator.ts'
import { inexact, isExact } from './paginators/read-response.ts'
import type { SaidTotal } from './said-total.ts'

/**
 * The last page of a list. `least`: the least number of records there are, by the page itself. `fullPage`: records of a
 * full page, if that is known.
 */
type EndPage = {
  count: number
  isBodyless: boolean
  least: number
  said: SaidTotal
  step: PageStep
  fullPage: number | null
}

type Gap = { kind: 'fails' | 'holds' | 'warns'; says: string; remedy: string }

/** There, the records read are the first ones of the list. */
export function isByNumber({ paginate }: Pick<Stream, 'paginate'>): boolean {
  const { kind } = pagesOf(paginate)
  return kind === 'page-number' || kind === 'offset'
}

/** A checkpoint without counts does not say how much was read before it. */
export function gapsIn(stream: Stream, before: WalkSize, learned: WalkSize, page: EndPage): Gap[] {
  if (learned.partial === true) return []
  const { said } = page
  const isOpen = mayBeCut(before, page)
  const total = missedTotal(stream, before, learned, page)
  const pages = missedPages(before, learned, page)
  return [
    ...(total === null ? [] : [gapOf(said, `after ${learned.read} records, but the API said ${total}`, isOpen)]),
    ...(pages === null ? [] : [gapOf(pagesSaid(stream), pages, isOpen)]),
  ]
}

/** A total that the walk did not come to. */
function missedTotal(
  stream: Stream,
  before: WalkSize,
  { read, total }: WalkSize,
  { count, said }: EndPage,
): number | null {
  if (total !== undefined && read < total) return total
  const last = before.lastTotal ?? before.total
  if (count > 0 || last === undefined || last <= read || said.total === read) return null
  // Any other walk never reads what is added before its place. There, only a number below what was read is a mistake.
  return isByNumber(stream) || (said.total !== null && said.total < read) ? last : null
}

/** An end before the last page. If its records were deleted meanwhile, its own number counts the pages before it. */
function missedPages(before: WalkSize, { pages }: WalkSize, { count, step }: EndPage): string | null {
  const at = step.pages
  if (at !== undefined && pages !== undefined && at.page < pages)
    return `at page ${at.page}, but the API said ${pages} pages`
  if (count > 0 || before.pagesLeft === undefined) return null
  // One that counts itself is a hole, and holds the watermark.
  const isAgreed = at !== undefined && at.pages !== null && at.pages >= at.page - 1
  return isAgreed ? null : `at a page without records, but the page before counted ${before.pagesLeft} more`
}

function pagesSaid({ paginate }: Stream): Omit<SaidTotal, 'total'> {
  const spec = pagesOf(paginate)
  const declared = spec.kind === 'page-number' ? spec.totalPages : undefined
  return { exact: declared === undefined || isExact(declared), remedy: inexact('totalPages'), isSure: true }
}

function gapOf({ exact, remedy, isSure }: Omit<SaidTotal, 'total'>, what: string, isOpen: boolean): Gap {
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
function mayBeCut({ longest, read, agreed }: WalkSize, { count, step, fullPage }: EndPage): boolean {
  // An empty window was not emptied by mistake if the header never matched the number of records before.
  if (count === 0) return read > 0 || (step.list === 'ended' && agreed === true)
  return (read > 0 && count >= longest) || (fullPage !== null && count >= fullPage)
}

/** A number that ends the walk and is lower than what the page itself shows. */
function beliedEnd({ paginate }: Stream, { said, least, count, step }: EndPage): string | undefined {
  if (count === 0) return undefined
  const { pages } = step
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

/** Some APIs promise too much, so this is not a failure. */
const NO_MORE = 'the page before said that there is more, and this page has no records'

/** For a page without records that counts itself among those that have some. */
export function holeIn({ count, isBodyless, step: { pages } }: Omit<EndPage, 'fullPage'>): string | undefined {
  if (count > 0 || isBodyless) return undefined
  // Many APIs count one page where there is nothing at all.
  if (pages === undefined || !pages.exact || pages.pages === null || pages.pages < Math.max(2, pages.page))
    return undefined
  return `the answer says that there are ${pages.pages} pages, and page ${pages.page} has no records`
}

/** Why the watermark holds at an end that is not known to be wrong; undefined if it does not. */
export function heldAtEnd(stream: Stream, before: WalkSize, gaps: readonly Gap[], page: EndPage): string | undefined {
  const broken = page.count === 0 && !page.isBodyless && before.more === true ? NO_MORE : undefined
  return heldBy(gaps) ?? holeIn(page) ?? broken ?? beliedEnd(stream, page)
}
