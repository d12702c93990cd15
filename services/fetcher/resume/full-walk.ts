/**
 * For streams of APIs that say nothing of deletions (`deletes: 'full-walk'`): whether a walk brought everything, so
 * that what it did not bring may be marked deleted. Pure. Guarantees: times rise from run to run of a partition
 * whatever the clocks of its owners say, and every page of a run is later than the run's start. So a mark that carries
 * the time of the start is newer than what was there before, and older than all that this walk or a later one brings:
 * none of that can it hide, in whatever order or how often it is written.
 */

import type { PageMarker } from '#shared/messages/frame.ts'
import type { Attention } from '#shared/progress/attention.ts'
import { type Checkpoint, parseCheckpoint, parseCommit } from '#shared/progress/offset-metadata.ts'
import type { StoredOffset } from '#shared/progress/resume.ts'
import type { DeletesPolicy } from '#shared/schema/json-schema.ts'
import type { ValidatedPage } from '../validate/validated-page.ts'

const REJECTED = 'records were rejected'

export type FullWalk = NonNullable<Checkpoint['walk']>

/**
 * `share`: what the partition asks for. `last`: what the partition published last; `high`: the end of its log. The
 * first record of the run comes at `high` or behind it. `left`: see `rowsLeft`.
 */
export function beginWalk(
  share: string | undefined,
  last: StoredOffset | null,
  high: number,
  nowMs: number,
  left?: number,
) {
  const before = last === null ? null : parseCheckpoint(last.metadata)
  const startedMs = Math.max(nowMs, (before?.startedMs ?? 0) + 1, (before?.walk?.atMs ?? 0) + 1)
  // What was another partition's before may not have been walked there yet.
  const walked = before?.share === share ? before?.walk : undefined
  const measure = left ?? (before === null || walked === undefined ? undefined : recordsBefore(walked, before.done))
  const walk: FullWalk = {
    from: high,
    atMs: startedMs,
    ...(measure === undefined ? {} : { before: measure }),
    ...(last === null || walked !== undefined
      ? {}
      : { lacks: 'the first one after deletes was declared or the partitions were changed' }),
  }
  return { startedMs, walk }
}

/** Until a loader says what is left: a walk that fell short of the measure does not become the measure. */
const recordsBefore = (walk: FullWalk, done: boolean): number | undefined =>
  walk.before ?? (done && whyNotWhole(walk) === null ? walk.records : undefined)

/** Rows that the last walk left which the loader accepted, by what it has committed. */
export const rowsLeft = (loaded: StoredOffset | null): number | undefined =>
  loaded === null ? undefined : parseCommit(loaded.offset, loaded.metadata)?.deletes?.rows

/** `held`: why the walk may end short of what the API has; null if it does not. */
export type WalkedPage = {
  judged: Pick<ValidatedPage, 'rejected' | 'records'>
  shifted: boolean
  held?: string | null
  atMs: number
}

export function walkedOn(walk: FullWalk, { judged, shifted, held = null, atMs }: WalkedPage): FullWalk {
  const lacks =
    walk.lacks ??
    held ??
    (judged.rejected.length > 0 ? REJECTED : shifted ? 'records moved while they were walked' : undefined)
  const brought = walk.brought === true || judged.records.length > 0
  return {
    ...{ from: walk.from, atMs: Math.max(walk.atMs, atMs), records: (walk.records ?? 0) + judged.records.length },
    ...(walk.before === undefined ? {} : { before: walk.before }),
    ...(walk.allowed === undefined ? {} : { allowed: walk.allowed }),
    ...(brought ? { brought } : {}),
    ...(lacks === undefined ? {} : { lacks }),
  }
}

/**
 * Why a walk that has come to its end does not show what is deleted; null if it does. An API that has nothing at all is
 * rather one that fails.
 */
export function whyNotWhole(walk: FullWalk | undefined): string | null {
  if (walk === undefined) return 'it began before deletes was declared'
  return walk.lacks ?? (walk.brought === true || walk.allowed === true ? null : 'it brought no record at all')
}

/**
 * What the last marker of a walk says to the loader, which knows the table and decides by its own count: also of a walk
 * that brought no record at all, so that the loader can say what it withholds.
 */
export function completeOf(walk: FullWalk | undefined, startedMs: number): PageMarker['complete'] {
  if (walk === undefined || walk.lacks !== undefined) return undefined
  return { from: walk.from, startedMs, ...(walk.allowed === undefined ? {} : { allowed: walk.allowed }) }
}

/**
 * What a person should look at when a walk has come to its end: the loader will rather not delete what is missing from
 * it. Null if nothing.
 */
export function deletesAttention(
  walk: FullWalk | undefined,
  { shareMax, rowsMin, allowAll }: DeletesPolicy,
  label: string,
): Attention | null {
  if (walk === undefined || walk.allowed === true) return null
  const release = `if they are gone from the API: headrace fetch ${label} --allow-deletes`
  const withheld = (message: string): Attention => ({
    kind: 'deletes_withheld',
    message: `deletes are withheld: ${message}`,
  })
  if (walk.lacks === REJECTED) return withheld('records of this walk were rejected; correct the schema or the API')
  const { records = 0, before = 0 } = walk
  const missing = before - records
  if (walk.lacks !== undefined || missing <= 0) return null
  if (records === 0 && !allowAll)
    return withheld(`this walk brought no record, the last complete one ${before}; ${release}`)
  if (missing < rowsMin || missing <= shareMax * before) return null
  return withheld(`this walk brought ${records} records, the last complete one ${before}; ${release}`)
}
