/**
 * What a partition published last for each key, so that records which lookback, overlap or an inclusive `since` bring again unchanged
 * are not published again. Bounded: a forgotten key only costs one more upsert. It must be emptied whenever published records may be
 * lost (a gap in the log), or it would keep them from being published again.
 */
import { type Accepted, digest, type Rejected } from './judge.ts'

export type Fresh = { records: Accepted[]; rejected: Rejected[]; unchanged: number }

export type Memory = {
  /**
   * Records and rejects of a page that are new or changed, remembered at once: pages behind this one must be compared with it. When
   * its transaction fails, the caller forgets everything.
   */
  fresh(records: readonly Accepted[], rejected: readonly Rejected[]): Fresh
  forget(): void
}

/** Keeps rejects apart from keys. */
const REJECTED = '\u0000'

export function createMemory(keysMax: number): Memory {
  // Two halves: what is used moves to the young one, and when that is full, the old one is forgotten as a whole.
  let young = new Map<string, string>()
  let old = new Map<string, string>()

  function isNew(key: string, version: string): boolean {
    if (keysMax === 0) return true
    const before = young.get(key) ?? old.get(key)
    young.set(key, version)
    if (young.size * 2 >= keysMax) {
      old = young
      young = new Map()
    }
    return before !== version
  }

  return {
    fresh(records, rejected) {
      const changed = records.filter((record) => isNew(record.key, digest(record.payload)))
      const newRejects = rejected.filter((reject) => isNew(REJECTED + digest(reject.raw), ''))
      return { records: changed, rejected: newRejects, unchanged: records.length - changed.length + rejected.length - newRejects.length }
    },
    forget() {
      young = new Map()
      old = new Map()
    },
  }
}
