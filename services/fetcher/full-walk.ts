/**
 * For streams of APIs that say nothing of deletions (`deletes: 'full-walk'`): whether a walk brought everything, so that what it did not bring may
 * be marked deleted. Pure. Guarantees: times rise from run to run of a partition whatever the clocks of its owners say, and every page of a run is
 * later than the run's start. So a mark that carries the time of the start is newer than what was there before, and older than all that this
 * walk or a later one brings: none of that can it hide, in whatever order or how often it is written.
 */
import { type Checkpoint, parseCheckpoint } from '../../shared/checkpoint.ts'
import type { StoredOffset } from '../../shared/resume.ts'
import type { Judged } from './judge.ts'

export type FullWalk = NonNullable<Checkpoint['walk']>

/** `share`: what the partition asks for. `last`: what the partition published last; `high`: the end of its log. The first record of the run comes at `high` or behind it. */
export function beginWalk(share: string | undefined, last: StoredOffset | null, high: number, nowMs: number) {
  const before = last === null ? null : parseCheckpoint(last.metadata)
  const startedMs = Math.max(nowMs, (before?.startedMs ?? 0) + 1, (before?.walk?.atMs ?? 0) + 1)
  // What was another partition's before may not have been walked there yet.
  const sameShare = last === null || (before?.walk !== undefined && before.share === share)
  const walk: FullWalk = {
    from: high,
    atMs: startedMs,
    ...(sameShare ? {} : { lacks: 'the first one after deletes was declared or the partitions were changed' }),
  }
  return { startedMs, walk }
}

export type WalkedPage = { judged: Pick<Judged, 'rejected' | 'records'>; shifted: boolean; atMs: number }

export function walkedOn(walk: FullWalk, { judged, shifted, atMs }: WalkedPage): FullWalk {
  const lacks =
    walk.lacks ?? (judged.rejected.length > 0 ? 'records were rejected' : shifted ? 'records moved while they were walked' : undefined)
  const brought = walk.brought === true || judged.records.length > 0
  return {
    ...{ from: walk.from, atMs: Math.max(walk.atMs, atMs) },
    ...(brought ? { brought } : {}),
    ...(lacks === undefined ? {} : { lacks }),
  }
}

/** Why a walk that has come to its end does not show what is deleted; null if it does. An API that has nothing at all is rather one that fails. */
export function whyNotWhole(walk: FullWalk | undefined): string | null {
  if (walk === undefined) return 'it began before deletes was declared'
  return walk.lacks ?? (walk.brought === true ? null : 'it brought no record at all')
}
