/**
 * For streams whose API does not report deletions (`deletes: 'full-walk'`): whether a walk was complete, so that
 * records missing from it may be marked deleted. Pure. Guarantees: times rise from run to run of a partition whatever
 * the clocks of its owners say. Every page of a run is later than the run's start. So a deletion mark with the time of
 * the start is newer than all earlier versions. It is older than all that this walk or a later one publishes. In any
 * order and however often it is written, it hides none of those.
 */

import { HEADRACE } from '#shared/config/called-as.ts'
import type { PageMarker } from '#shared/messages/frame.ts'
import type { Attention } from '#shared/progress/attention.ts'
import { type Checkpoint, parseCheckpoint, parseCommit } from '#shared/progress/offset-metadata.ts'
import type { StoredOffset } from '#shared/progress/resume.ts'
import type { DeletesPolicy } from '#shared/schema/json-schema.ts'
import type { ValidatedPage } from '../validate/validated-page.ts'

const REJECTED = 'records were rejected'

export type FullWalk = NonNullable<Checkpoint['walk']>

/**
 * `scope`: of the partition. `last`: its last checkpoint; `high`: the end of its log. The first record of the
 * run is written at or after `high`. `left`: see `rowsLeft`.
 */
export function beginWalk(
  scope: string | undefined,
  last: StoredOffset | null,
  high: number,
  nowMs: number,
  left?: number,
) {
  const before = last === null ? null : parseCheckpoint(last.metadata)
  const startedMs = Math.max(nowMs, (before?.startedMs ?? 0) + 1, (before?.walk?.atMs ?? 0) + 1)
  // Records that belonged to another partition before may not have been walked there yet.
  const walked = before?.share === scope ? before?.walk : undefined
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

/** Used until a loader reports its rows: a walk that fell short of this number does not replace it. */
const recordsBefore = (walk: FullWalk, done: boolean): number | undefined =>
  walk.before ?? (done && whyNotWhole(walk) === null ? walk.records : undefined)

/** Rows that were left after the last walk that the loader accepted, from what it has committed. */
export const rowsLeft = (loaded: StoredOffset | null): number | undefined =>
  loaded === null ? undefined : parseCommit(loaded.offset, loaded.metadata)?.deletes?.rows

/** `held`: why the walk may end short of what the API has; null if it does not. */
export type WalkedPage = {
  page: Pick<ValidatedPage, 'rejected' | 'records'>
  shifted: boolean
  held?: string | null
  atMs: number
}

export function walkedOn(walk: FullWalk, { page, shifted, held = null, atMs }: WalkedPage): FullWalk {
  const lacks =
    walk.lacks ??
    held ??
    (page.rejected.length > 0 ? REJECTED : shifted ? 'records moved while they were walked' : undefined)
  const brought = walk.brought === true || page.records.length > 0
  return {
    ...{ from: walk.from, atMs: Math.max(walk.atMs, atMs), records: (walk.records ?? 0) + page.records.length },
    ...(walk.before === undefined ? {} : { before: walk.before }),
    ...(walk.allowed === undefined ? {} : { allowed: walk.allowed }),
    ...(brought ? { brought } : {}),
    ...(lacks === undefined ? {} : { lacks }),
  }
}

/**
 * Why a walk that has ended does not show what is deleted; null if it does. An API that returns nothing at all has more
 * likely failed.
 */
export function whyNotWhole(walk: FullWalk | undefined): string | null {
  if (walk === undefined) return 'it began before deletes was declared'
  return walk.lacks ?? (walk.brought === true || walk.allowed === true ? null : 'it returned no records at all')
}

/**
 * What the last marker of a walk tells the loader, which knows the table and decides by its own count. Also for a walk
 * without any record, so that the loader can say what it withholds.
 */
export function completeOf(walk: FullWalk | undefined, startedMs: number): PageMarker['complete'] {
  if (walk === undefined || walk.lacks !== undefined) return undefined
  return { from: walk.from, startedMs, ...(walk.allowed === undefined ? {} : { allowed: walk.allowed }) }
}

/**
 * What a person should check after a walk: the loader will probably not delete what is missing from it. Null if
 * nothing.
 */
export function deletesAttention(
  walk: FullWalk | undefined,
  { shareMax, rowsMin, allowAll }: DeletesPolicy,
  label: string,
): Attention | null {
  if (walk === undefined || walk.allowed === true) return null
  const release = `if they are gone from the API: ${HEADRACE} fetch ${label} --allow-deletes`
  const withheld = (message: string): Attention => ({
    kind: 'deletes_withheld',
    message: `deletes are withheld: ${message}`,
  })
  if (walk.lacks === REJECTED) return withheld('records of this walk were rejected; correct the schema or the API')
  const { records = 0, before = 0 } = walk
  const missing = before - records
  if (walk.lacks !== undefined || missing <= 0) return null
  if (records === 0 && !allowAll)
    return withheld(`this walk returned no records, the last complete one ${before}; ${release}`)
  if (missing < rowsMin || missing <= shareMax * before) return null
  return withheld(`this walk returned ${records} records, the last complete one ${before}; ${release}`)
}
