/**
 * What a partition published last for each key, so that records which lookback, overlap or an inclusive `since` bring again unchanged
 * are not published again. Bounded: a forgotten key only costs one more upsert. It must be emptied whenever published records may be
 * lost (a gap in the log), or it would keep them from being published again.
 */
import { LRUCache } from 'lru-cache'
import { type Accepted, digest, type Rejected } from './judge.ts'

export type Memory = {
  /**
   * Records and rejects of a page that are new or changed, remembered at once: pages behind this one must be compared with it. When
   * its transaction fails, the caller forgets everything.
   */
  fresh(records: readonly Accepted[], rejected: readonly Rejected[]): { records: Accepted[]; rejected: Rejected[]; unchanged: number }
  forget(): void
}

export function createMemory(keysMax: number): Memory {
  if (keysMax === 0)
    return { fresh: (records, rejected) => ({ records: [...records], rejected: [...rejected], unchanged: 0 }), forget() {} }
  const known = new LRUCache<string, string>({ max: keysMax })
  const isNew = (key: string, version: string): boolean => {
    if (known.get(key) === version) return false
    known.set(key, version)
    return true
  }
  return {
    fresh(records, rejected) {
      const changed = records.filter((record) => isNew(record.key, digest(record.payload)))
      const newRejects = rejected.filter((reject) => isNew(`\u0000${digest(reject.raw)}`, ''))
      return { records: changed, rejected: newRejects, unchanged: records.length - changed.length + rejected.length - newRejects.length }
    },
    forget: () => known.clear(),
  }
}
