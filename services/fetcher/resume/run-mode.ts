/**
 * What differs between a regular run, a full run and the backfill of a range, as one value. The run and its partition
 * use it without knowing which of them it is. Pure.
 */
import type { Stream } from '#shared/declaration/compile.ts'
import type { Names } from '#shared/names.ts'
import type { Position } from '#shared/watermark.ts'
import { publishingAll, publishingRecords, type SeenRecords } from '../deduplicate/seen-records.ts'
import type { Page } from '../pages/page.ts'
import type { ValidatedPage } from '../validate/validated-page.ts'
import { type BackfillRange, type Ends, endsOf, isPast, rangeId, within } from '../watermark/backfill-range.ts'
import type { RunPlan } from './run-plan.ts'

export type RunMode = {
  /** The consumer group of its checkpoints. */
  group: string
  /** Where its walk ends, exclusive; null: at the newest record. */
  until: Position | null
  /** Whether its pages may move the partition's watermark, and its end shows how much a partition has in all. */
  confirms: boolean
  /** The seen records as this run uses them. */
  remembers(seenRecords: SeenRecords): SeenRecords
  /** The records of a page that belong to the run. */
  keeps(page: ValidatedPage): ValidatedPage
  /** Whether the run ends with this page, even if the walk does not. `sorted`: no record came out of order so far. */
  ends(page: Page, validated: ValidatedPage, sorted: boolean): boolean
}

type Planned = Pick<RunPlan, 'full' | 'range'>

export function runModeOf(
  { full, range }: Planned,
  stream: Stream,
  names: Pick<Names, 'fetcherGroup' | 'backfillGroup'>,
): RunMode {
  if (range !== undefined) return backfillMode(stream, range, names.backfillGroup(rangeId(range)))
  const regular = regularMode(stream, names.fetcherGroup)
  return full === undefined ? regular : { ...regular, remembers: publishingAll }
}

const regularMode = ({ deletes }: Stream, group: string): RunMode => ({
  group,
  until: null,
  confirms: true,
  remembers: (seenRecords) => (deletes === undefined ? seenRecords : publishingRecords(seenRecords)),
  keeps: (page) => page,
  ends: () => false,
})

function backfillMode(stream: Stream, range: BackfillRange, group: string): RunMode {
  const ends = endsOf(stream, range)
  return {
    group,
    until: ends?.to ?? null,
    confirms: false,
    remembers: publishingAll,
    keeps: (page) => (ends === null ? page : within(stream, page, ends)),
    ends: (page, validated, sorted) => page.last || (ends !== null && sorted && isPastIn(page, validated, ends)),
  }
}

/** A page that repeats earlier records, or goes back for skipped ones, does not show how far the walk has come. */
const isPastIn = ({ repeats, shifted }: Page, validated: ValidatedPage, ends: Ends): boolean =>
  repeats === undefined && shifted !== true && isPast(validated, ends)
