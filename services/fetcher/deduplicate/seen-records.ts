/**
 * The last published version of each key, so that unchanged records are not published again when lookback, overlap or
 * an inclusive `since` repeats them. Bounded: a forgotten key only costs one more upsert. It must be emptied whenever
 * published records may be lost (a gap in the log), or it would keep them from being published again.
 *
 * Most records of a long sorted walk never come again. So a record is digested only once it is no longer recent and
 * lies where the next run will read. This must never keep an older version of a key: it would hide the way back to it.
 */
import { comparePositions, type Position } from '#shared/watermark.ts'
import type { RejectedRecord, ValidRecord } from '../validate/validated-page.ts'
import { digest } from './digest.ts'

export type Fresh = {
  records: ValidRecord[]
  rejected: RejectedRecord[]
  unchanged: number
  /** Rejects that no earlier run has seen, each as often as it came: the signal of a changed API. */
  refused: number
}

/** `repeats`: the page starts with records of earlier pages. `continues`: another part of the same page. */
export type PagePart = { repeats?: boolean; continues?: boolean }

export type SeenRecords = {
  /** A run begins: rejects of earlier runs are excused as often as they came then, and no more. */
  begin(): void
  /**
   * Records and rejects of a page that are new or changed. They are remembered at once, since later pages must be
   * compared with them. If its transaction fails, the caller forgets everything. No later run reads before `floor`;
   * null: it may read everything.
   */
  withoutUnchanged(
    records: readonly ValidRecord[],
    rejected: readonly RejectedRecord[],
    floor?: Position | null,
    part?: PagePart,
  ): Fresh
  forget(): void
}

/** Remembers what is published, and drops nothing. */
export const publishingAll = (seenRecords: SeenRecords): SeenRecords => ({
  ...seenRecords,
  withoutUnchanged(records, rejected, floor, part) {
    seenRecords.withoutUnchanged(records, rejected, floor, part)
    return { records: [...records], rejected: [...rejected], unchanged: 0, refused: rejected.length }
  },
})

/** Drops repeated rejects but no record: a full walk needs its unchanged records to tell them from deleted ones. */
export const publishingRecords = (seenRecords: SeenRecords): SeenRecords => ({
  ...seenRecords,
  withoutUnchanged: (records, rejected, floor, part) => ({
    ...seenRecords.withoutUnchanged([], rejected, floor, part),
    records: [...records],
  }),
})

/**
 * How often a reject came: `known` over all runs (as its dead letters say), `seen` in the run, `onPage` on the page.
 */
type Refusals = { known: number; run: symbol; seen: number; page: symbol; onPage: number }

/** Keeps rejects apart from keys. */
const REJECTED = '\u0000'
/** Limits of each of two generations that are kept whole. */
const RECENT_RECORDS_MAX = 2_000
const RECENT_CHARS_MAX = 2 * 1024 * 1024

const newGeneration = () => ({ records: new Map<string, ValidRecord>(), chars: 0 })

export function createSeenRecords(keysMax: number): SeenRecords {
  const recentMax = Math.min(RECENT_RECORDS_MAX, keysMax / 4)
  const digestsMax = keysMax / 2 - recentMax
  // Both are kept in two generations: an entry in use moves to the young one. When that is full, the old one is dropped
  // as a whole.
  let recent = newGeneration()
  let ageing = newGeneration()
  let young = new Map<string, string | Refusals>()
  let old = new Map<string, string | Refusals>()
  let run = Symbol()
  let page = Symbol()
  let floor: Position | null = null
  /**
   * False once the API has returned records before the floor: it ignores the requested start, and all records may come
   * again.
   */
  let floorHolds = true

  function isNew(record: ValidRecord): boolean {
    if (keysMax === 0) return true
    const before = recent.records.get(record.key) ?? ageing.records.get(record.key)
    const same = before === undefined ? isDigestOf(record.key, record.payload) : before.payload === record.payload
    recent.records.set(record.key, record)
    recent.chars += record.payload.length
    if (recent.records.size >= recentMax || recent.chars >= RECENT_CHARS_MAX) grow()
    return !same
  }

  function isDigestOf(key: string, payload: string): boolean {
    const known = young.get(key) ?? old.get(key)
    return known !== undefined && known === digest(payload)
  }

  function grow(): void {
    for (const { key, payload, position } of ageing.records.values()) {
      if (isBeforeFloor(position)) {
        young.delete(key)
        old.delete(key)
      } else remember(key, digest(payload))
    }
    ageing = recent
    recent = newGeneration()
  }

  function isBeforeFloor(position: Position | null): boolean {
    return floorHolds && position !== null && floor !== null && comparePositions(position, floor) < 0
  }

  /** Merges equal rejects of a page into one, with their count. */
  function newRejects(rejected: readonly RejectedRecord[], repeats: boolean): RejectedRecord[] {
    if (keysMax === 0) return [...rejected]
    const times = new Map<string, { reject: RejectedRecord; count: number }>()
    for (const reject of rejected) {
      const same = times.get(reject.raw)
      if (same === undefined) times.set(reject.raw, { reject, count: reject.times ?? 1 })
      else same.count += reject.times ?? 1
    }
    const fresh: RejectedRecord[] = []
    for (const { reject, count } of times.values()) {
      const more = timesMore(REJECTED + digest(reject.raw), count, repeats)
      if (more > 0) fresh.push(more === 1 ? reject : { ...reject, times: more })
    }
    return fresh
  }

  /**
   * By how much a reject now exceeds its count in any earlier run; not positive if it does not. It is excused only as
   * often as an earlier run had it. Otherwise a page of nothing but `null` would pass for unchanged because there was a
   * single `null` before.
   */
  function timesMore(key: string, count: number, repeats: boolean): number {
    const stored = young.get(key) ?? old.get(key)
    const before = typeof stored === 'object' ? stored : { known: 0, run, seen: 0, page, onPage: 0 }
    const seenBefore = before.run === run ? before.seen : 0
    const onPage = (before.run === run && before.page === page ? before.onPage : 0) + count
    const seen = repeats ? Math.max(seenBefore, onPage) : seenBefore + count
    remember(key, { known: Math.max(before.known, seen), run, seen, page, onPage })
    return seen - before.known
  }

  function remember(key: string, version: string | Refusals): void {
    young.set(key, version)
    if (young.size < digestsMax) return
    old = young
    young = new Map()
  }

  return {
    begin() {
      run = Symbol()
    },
    withoutUnchanged(records, rejected, newFloor = null, part = {}) {
      if (part.continues !== true) page = Symbol()
      if (records.some(({ position }) => isBeforeFloor(position))) floorHolds = false
      floor = newFloor
      const changed = records.filter(isNew)
      const fresh = newRejects(rejected, part.repeats === true)
      const refused = fresh.reduce((sum, { times = 1 }) => sum + times, 0)
      const unchanged = records.length - changed.length + rejected.length - fresh.length
      return { records: changed, rejected: fresh, unchanged, refused }
    },
    forget() {
      recent = newGeneration()
      ageing = newGeneration()
      young = new Map()
      old = new Map()
      floor = null
      floorHolds = true
    },
  }
}
