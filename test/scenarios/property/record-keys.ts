/**
 * The exact guarantee for records that have no key of their own. A hash of all declared fields makes a changed record a
 * new row: each version has a key, and always the same. A hash of `id` alone is one key for all versions of a record.
 * No two keys are equal otherwise.
 */
import type { Case } from './case.ts'
import type { Held } from './held.ts'

/** The same log by the ids of its records, as other cases have it. */
export const byId = ({ capabilities }: Case, held: Held): Held =>
  capabilities === null || capabilities.keyless === null
    ? held
    : {
        ...held,
        entries: held.entries.map((entry) => (entry.record === null ? entry : { ...entry, key: `${entry.record.id}` })),
      }

export function keyProblems({ capabilities }: Case, { entries }: Held): string[] {
  const keyless = capabilities?.keyless ?? null
  if (keyless === null) return []
  const keys = new Map<string, string>()
  const owners = new Map<string, string>()
  const problems: string[] = []
  for (const { key, record, offset } of entries) {
    if (record === null) continue
    const what = keyless === 'id' ? `${record.id}` : `${record.id} version ${record.n}`
    const [known, owner] = [keys.get(what), owners.get(key ?? '')]
    if (key === null || !UUID.test(key)) problems.push(`offset ${offset}: ${what} has the key ${key}`)
    if (known !== undefined && known !== key) problems.push(`offset ${offset}: ${what} has another key than before`)
    if (owner !== undefined && owner !== what) problems.push(`offset ${offset}: ${what} has the key of ${owner}`)
    keys.set(what, key ?? '')
    owners.set(key ?? '', what)
  }
  return problems
}

const UUID = /^[\da-f]{8}(-[\da-f]{4}){3}-[\da-f]{12}$/
