/**
 * Counts records that have the key of another record of their run, and other values outside the key. Only one of them
 * stays in the table. Bounded: two equal keys that lie far apart are not counted.
 */
import type { ValidRecord } from '../validate/validated-page.ts'

/** Each of two generations. */
const KEYS_MAX = 10_000

export type EqualKeys = {
  /** How many of these records differ from an earlier one of their key. */
  see(records: readonly Pick<ValidRecord, 'key' | 'beyondKey'>[]): number
}

/** Of one run. */
export function createEqualKeys(keysMax: number = KEYS_MAX): EqualKeys {
  let young = new Map<string, string>()
  let old = new Map<string, string>()
  return {
    see(records) {
      let count = 0
      for (const { key, beyondKey } of records) {
        if (beyondKey === undefined) continue
        const before = young.get(key) ?? old.get(key)
        if (before !== undefined && before !== beyondKey) count += 1
        young.set(key, beyondKey)
        if (young.size < keysMax) continue
        old = young
        young = new Map()
      }
      return count
    },
  }
}

/** For a person; null for none. */
export function equalKeysText(count: number): string | null {
  if (count === 0) return null
  const [records, is] = count === 1 ? ['1 record', 'has'] : [`${count} records`, 'have']
  return `${records} ${is} the key of another record and other values outside the key; ${KEPT}`
}

const KEPT = 'the table keeps the newest of each key'

export const EQUAL_KEYS_HINT = 'declare the fields that tell them apart, or name more fields in recordKey'
