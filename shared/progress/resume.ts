/**
 * The resume rule: given what Kafka holds, where does the next run of a partition start? A pure function, so every
 * row of the table in docs/ARCHITECTURE.md is a test. A stopped loader costs no API quota and a lost log costs no
 * data. Resetting the loader's offsets causes no new requests to the API.
 */
import { EARLIEST } from '../kafka/port.ts'
import { type Checkpoint, parseCheckpoint, parseCommit } from './offset-metadata.ts'
import { isOf, type OwnShare } from './partition-scopes.ts'

export type StoredOffset = { offset: number; metadata: string }

export type ResumeFacts = {
  /** Fetcher's group at the partition. */
  published: StoredOffset | null
  /** Loader's group at the partition. */
  loaded: StoredOffset | null
  /** The partition's log: the first retained offset, and the offset after the last record. */
  log: { low: number; high: number }
  /** The partition's scope. Without it, whatever is stored is accepted as its own. */
  own?: OwnShare | undefined
}

export type Resume =
  /** A run was in progress: continue at its cursor or, without one, from the best watermark of the run. */
  | { kind: 'continue'; checkpoint: Checkpoint }
  /**
   * Start a new run from `watermark`; null is the stream's start. `otherShare`: the checkpoint belongs to an earlier
   * scope of the partition.
   */
  | {
      kind: 'start'
      watermark: string | null
      gap: Gap | null
      coveredBelow: number | undefined
      otherShare?: true
      known?: string
      parents?: Checkpoint['parents']
      whole?: number
    }

/**
 * Published records that no loader can read any more, [from, to). `confirmed` is where the API is requested from again.
 */
export type Gap = { from: number; to: number; confirmed: string | null }

export function resume(facts: ResumeFacts): Resume {
  const confirmed = confirmedOf(facts)
  const stored = facts.published === null ? null : parseCheckpoint(facts.published.metadata)
  if (facts.published === null || stored === null)
    return { kind: 'start', watermark: confirmed, gap: null, coveredBelow: undefined }

  const other = isOf(facts.own, stored.share) ? {} : { otherShare: true as const }
  const gap = gapBetween(facts, facts.published.offset, stored.coveredBelow ?? 0, confirmed)
  if (gap !== null) return { kind: 'start', watermark: confirmed, gap, coveredBelow: facts.log.low, ...other }
  if (other.otherShare)
    return { kind: 'start', watermark: confirmed, gap: null, coveredBelow: stored.coveredBelow, ...other }
  if (!stored.done) return { kind: 'continue', checkpoint: stored }
  return {
    kind: 'start',
    watermark: stored.watermark,
    gap: null,
    coveredBelow: stored.coveredBelow,
    ...knownIn(stored),
  }
}

const knownIn = ({ known, parents, whole }: Checkpoint) => ({
  ...(known === undefined ? {} : { known }),
  ...(parents === undefined ? {} : { parents }),
  ...(whole === undefined ? {} : { whole }),
})

/** What the loader has confirmed of another scope says nothing about this one. */
function confirmedOf({ loaded, own }: ResumeFacts): string | null {
  const commit = loaded === null ? null : parseCommit(loaded.offset, loaded.metadata)
  return (commit !== null && isOf(own, commit.share) ? commit.watermark : null) ?? own?.startsFrom ?? null
}

/** Records between the loader's offset and the checkpoint must still be in the log, or the table never gets them. */
function gapBetween(facts: ResumeFacts, published: number, coveredBelow: number, confirmed: string | null): Gap | null {
  const { low, high } = facts.log
  // The topic was recreated: the checkpoint belongs to a log that no longer exists.
  if (published > high) return { from: 0, to: published, confirmed }
  // The same holds for a loader's offset beyond the end: it has read nothing of this log.
  const loaded = facts.loaded === null || facts.loaded.offset > high ? null : facts.loaded
  const place = loaded === null ? 0 : loaded.offset === EARLIEST ? low : loaded.offset
  // The loader has moved past a gap, and its commit records that.
  const lost = loaded === null ? undefined : parseCommit(loaded.offset, loaded.metadata)?.lost
  if (lost !== undefined && lost.from < published && lost.below > coveredBelow) {
    const below = place < low ? Math.max(lost.below, low) : lost.below
    return { from: lost.from, to: Math.min(below, published), confirmed }
  }
  // A gap that a run has already requested again stays visible until the loader moves on. It is not requested twice.
  return place < low && place < published && low > coveredBelow
    ? { from: place, to: Math.min(low, published), confirmed }
    : null
}
