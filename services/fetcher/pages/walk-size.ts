/**
 * What a walk learns about its own size, page by page: totals, page counts, flags. Its end is compared with that
 * (walk-end.ts), since a page that is empty by mistake looks like an end. Pure, apart from the author's functions.
 * Assumes one tracker per walk. Its state is plain data, so that a restart in the middle of a walk loses nothing.
 */

import type { Stream } from '#shared/declaration/compile.ts'
import type { WalkSize } from '#shared/progress/offset-metadata.ts'
import type { PageRequest } from '../http/messages.ts'
import type { PageStep } from './paginators/paginator.ts'
import { walkShort } from './paginators/read-response.ts'
import { type SaidPage, type SaidTotal, totalOf } from './said-total.ts'
import { gapsIn, heldAtEnd, holeIn, isByNumber } from './walk-end.ts'

/** Worth a warning, once in a run. */
export type Caution = { about: 'total' | 'full_page' | 'fewer' | 'counted'; says: string }

export type Sized = { size: WalkSize; step: PageStep; cautions: readonly Caution[] }

/** `base`: records read before the list of this page began; a total counts from there. */
type SeenPage = SaidPage & { base?: number }

const NO_SIZE: WalkSize = { longest: 0, read: 0 }

/** For a new walk, or for one that is resumed. */
export const sizeAt = (stored: WalkSize | undefined, isResumed: boolean): WalkSize =>
  stored ?? (isResumed ? { ...NO_SIZE, partial: true } : NO_SIZE)

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
  const end = { count, isBodyless: page.isBodyless, least, said, step, fullPage }
  if (step.cursor !== null && step.list === undefined)
    return { size: learned, step: held(step, holeIn(end)), cautions: [] }
  const gaps = gapsIn(stream, before, learned, end)
  const failure = gaps.find(({ kind }) => kind === 'fails')
  if (failure !== undefined) throw walkShort(stream, failure.says, failure.remedy)
  const isConfirmed = said.isSure && learned.total !== undefined && learned.read >= learned.total
  return {
    size: next,
    step: held(step, heldAtEnd(stream, before, gaps, end)),
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
function leastOf(stream: Stream, { read }: WalkSize, count: number, { again = 0 }: PageStep): number {
  if (count === 0) return read
  return isByNumber(stream) ? read + Math.max(0, count - again) : count
}

function learnedFrom(before: WalkSize, said: SaidTotal, least: number, count: number, step: PageStep): WalkSize {
  const total = lower(before.total, said.total, least)
  const pages = lower(before.pages, step.pages?.pages ?? null, least === 0 ? 0 : (step.pages?.page ?? 0))
  const lastTotal = said.total === null || said.total < least ? before.lastTotal : said.total
  const pagesLeft = (step.pages?.pages ?? 0) - (step.pages?.page ?? 0)
  return {
    longest: Math.max(before.longest, count),
    read: before.read + Math.max(0, count - (step.again ?? 0)),
    ...(total === null ? {} : { total }),
    ...(lastTotal === undefined || lastTotal === total ? {} : { lastTotal }),
    ...(pages === null ? {} : { pages }),
    ...(pagesLeft > 0 ? { pagesLeft } : {}),
    ...(before.partial === true ? { partial: true } : {}),
    ...(step.more === true ? { more: true } : {}),
    ...(before.agreed === true ? { agreed: true } : {}),
  }
}

const fullPageCaution = (count: number): Caution => ({
  about: 'full_page',
  says:
    `the walk ended at a page of exactly the requested ${count} records; ` +
    'the answer does not say that it is the last one, so the list may continue',
})

/** A number below `floor` is ignored. */
function lower(before: number | undefined, said: number | null, floor: number): number | null {
  if (said === null || said < floor) return before ?? null
  return Math.min(before ?? said, said)
}
