/**
 * How far a partition has come with a parent that is read incrementally. A run reads the parent's records from a stored
 * position, and walks the children of what has changed. The position moves at the end of a run, and only if every slice
 * of it was walked to its end. A run that is resumed keeps the position that its own start has found: what has changed
 * since then is left for the next one. From time to time all parents are read, and all slices are walked. Pure.
 */
import type { Checkpoint } from '#shared/progress/offset-metadata.ts'

export type ParentProgress = NonNullable<Checkpoint['parents']>
export type ParentRun = NonNullable<ParentProgress['run']>

export type ParentPlan = {
  /** The parent's position to read from; null for all of its records. */
  since: string | null
  /** All slices are walked, the known ones from `whole`. */
  isFull: boolean
  /** As it was before the run. */
  base: ParentProgress
  /** `unknown`: the run was begun by another declaration, so nobody knows which slices it has walked. */
  resumed: ParentRun | 'unknown' | null
}

/** What a page carries; see `progressAfter`. */
export type PageParents = Pick<ParentPlan, 'base'> & { run: ParentRun }

/**
 * `id`: of the declaration; another one begins with a full walk. `startedMs`: of the run, the same when it is resumed.
 * `isForced`: a run that reads everything anyway. `isResumed`: it has walked slices already.
 */
export function planParents(
  { id, fullEvery }: { id: string; fullEvery: number },
  stored: ParentProgress | undefined,
  { startedMs, isForced, isResumed }: { startedMs: number; isForced: boolean; isResumed: boolean },
): ParentPlan {
  const own = stored?.id === id ? stored : undefined
  const base = { id, at: own?.at ?? null, fullMs: own?.fullMs ?? 0, ...wholeOf(stored) }
  const resumed = isResumed ? (own?.run ?? 'unknown') : null
  const isFull = isForced || base.at === null || isDue(startedMs - base.fullMs, fullEvery)
  return { since: isFull ? null : base.at, isFull, base, resumed }
}

/** Also after a clock that was far ahead. */
const isDue = (elapsedMs: number, everyMs: number): boolean => Math.abs(elapsedMs) >= everyMs

/** `reached`: by the parent's records. `startedMs`: when reading them began. */
export type FoundParents = { reached: string | null; startedMs: number }

export function parentRunOf({ isFull, resumed }: ParentPlan, { reached, startedMs }: FoundParents): ParentRun {
  const foundMs = Math.floor(startedMs)
  if (resumed === 'unknown') return { to: null, foundMs }
  return resumed ?? { to: reached, foundMs, ...(isFull ? { full: true as const } : {}) }
}

/** `watermark`: of the partition, with this page. `isHeld`: a slice may have more than was read. */
export function progressAfter(
  { base, run }: PageParents,
  { last, isHeld, watermark }: { last: boolean; isHeld: boolean; watermark: string | null },
): ParentProgress {
  if (!last) return { ...base, run }
  if (isHeld) return base
  return run.full === true ? { ...base, at: run.to, fullMs: run.foundMs, whole: watermark } : { ...base, at: run.to }
}

/** For a walk that starts again at its first slice. */
export function withoutRun({ run: _, ...base }: ParentProgress): ParentProgress {
  return base
}

const wholeOf = (stored: ParentProgress | undefined): Pick<ParentProgress, 'whole'> =>
  stored?.whole === undefined ? {} : { whole: stored.whole }
