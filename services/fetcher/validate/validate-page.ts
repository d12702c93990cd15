/**
 * Validates a page in slices, and lets the event loop run between them. A page can hold a million records, and other
 * partitions, their timers and the health of the process must not wait for it. Each slice goes through all steps:
 * schema, seen records, rejection limit. So a page of only rejects ends as soon as enough are rejected, without keeping
 * all of them. A page of one slice is passed on unchanged.
 */
import type { Pace } from '#shared/clock.ts'
import { Stopped } from '#shared/errors.ts'
import type { Fresh, PagePart } from '../deduplicate/seen-records.ts'
import type { SeenPart } from './rejection-limit.ts'
import { DRIFT_PATHS_MAX } from './validate.ts'
import type { ValidatedPage } from './validated-page.ts'

export type SliceTools = {
  validate(raws: readonly unknown[]): ValidatedPage | Promise<ValidatedPage>
  /** The part of a slice that belongs to the run. */
  keep?(page: ValidatedPage): ValidatedPage
  fresh(page: ValidatedPage, part: PagePart): Fresh
  /** Throws Stopped if the API has changed. */
  refuse(part: SeenPart, isEnd: boolean): void
  pace: Pace
  signal: AbortSignal
}

export type Validated = {
  /** For a page in slices, only the first rejected records. */
  page: ValidatedPage
  /** The same without the records outside the run's range. */
  kept: ValidatedPage
  fresh: Fresh
  /** Why the run stops before this page; the page is then not validated to its end. */
  stopped: Stopped | null
}

/** Most pages are one slice. */
const SLICE_RECORDS = 1_000
const SLICE_RECORDS_MIN = 200
const SLICE_RECORDS_MAX = 10_000
/** How long a slice should take; its size follows from the one before. */
const SLICE_MS = 20
/** Rejected records that are kept of a page in slices, for display. */
const REJECTED_SHOWN_MAX = 1_000

/** Throws the errors of `validate`, or the signal's reason. */
export async function validatePage(raws: readonly unknown[], tools: SliceTools): Promise<Validated> {
  const { pace, signal } = tools
  let whole: Validated | null = null
  let size = SLICE_RECORDS
  for (let from = 0; ; ) {
    const startMs = pace.elapsedMs()
    const to = Math.min(raws.length, from + size)
    const isEnd = to === raws.length
    const slice = await validated(from === 0 && isEnd ? raws : raws.slice(from, to), from > 0, isEnd, tools)
    whole = whole === null ? slice : both(whole, slice)
    if (isEnd || whole.stopped !== null) return whole
    from = to
    size = sizeAfter(size, pace.elapsedMs() - startMs)
    await pace.turn()
    signal.throwIfAborted()
  }
}

async function validated(
  raws: readonly unknown[],
  continues: boolean,
  isEnd: boolean,
  tools: SliceTools,
): Promise<Validated> {
  const page = await tools.validate(raws)
  const kept = tools.keep === undefined ? page : tools.keep(page)
  const fresh = tools.fresh(kept, { continues })
  try {
    tools.refuse({ fitting: kept.records.length, refused: fresh.refused, issues: fresh.rejected[0]?.issues }, isEnd)
    return { page, kept, fresh, stopped: null }
  } catch (error) {
    if (!(error instanceof Stopped)) throw error
    return { page, kept, fresh, stopped: error }
  }
}

/** Pure. Grows at most fourfold, since the records of a slice may differ from the next ones. */
export function sizeAfter(size: number, tookMs: number): number {
  const fitting = Math.round((size * SLICE_MS) / Math.max(tookMs, 1))
  return Math.min(Math.max(Math.min(fitting, size * 4), SLICE_RECORDS_MIN), SLICE_RECORDS_MAX)
}

/**
 * Adds `slice` to `whole`. The lists grow in place, since copying them for every slice would take longer than
 * validating them.
 */
function both(whole: Validated, slice: Validated): Validated {
  const page = addedPage(whole.page, slice.page)
  const kept = whole.kept === whole.page ? page : addedPage(whole.kept, slice.kept)
  return { page, kept, fresh: addedFresh(whole.fresh, slice.fresh), stopped: slice.stopped }
}

function addedPage(whole: ValidatedPage, slice: ValidatedPage): ValidatedPage {
  push(whole.records, slice.records)
  push(whole.positions, slice.positions)
  push(whole.rejected, slice.rejected.slice(0, Math.max(0, REJECTED_SHOWN_MAX - whole.rejected.length)))
  for (const [path, type] of slice.drift) {
    if (whole.drift.size >= DRIFT_PATHS_MAX && !whole.drift.has(path)) continue
    const example = slice.examples?.get(path)
    if (!whole.drift.has(path) && example !== undefined) whole.examples?.set(path, example)
    whole.drift.set(path, type)
  }
  for (const [path, misfit] of slice.misfits ?? []) whole.misfits?.set(path, misfit)
  for (const name of whole.absent) if (!slice.absent.has(name)) whole.absent.delete(name)
  whole.omitted += slice.omitted
  return whole
}

function addedFresh(whole: Fresh, slice: Fresh): Fresh {
  push(whole.records, slice.records)
  push(whole.rejected, slice.rejected)
  return { ...whole, unchanged: whole.unchanged + slice.unchanged, refused: whole.refused + slice.refused }
}

/** One by one: a call does not take so many arguments. */
function push<T>(into: T[], more: readonly T[]): void {
  for (const each of more) into.push(each)
}
