/** Values of a parent's records: of all, or of those that have changed since a position. */
import type { ParentOfPart } from '#shared/declaration/discovery-parts.ts'
import { parentValuesOf } from '#shared/declaration/parent.ts'
import { messageOf, Stopped } from '#shared/errors.ts'
import type { Stop } from '../schedule/stop-signal.ts'
import type { DiscoveryTools } from './discovery-tools.ts'
import { createParentPosition } from './parent-position.ts'
import { parentRecords } from './parent-stream.ts'
import { type RawValues, valuesOfRecord } from './parent-values.ts'
import { wrongValues } from './wrong-values.ts'

export type FoundByParent = { found: (RawValues & { changed?: boolean })[]; reached: string | null }

/** `since`: of a parent that is read incrementally; null for all records. */
export async function byParent(
  tools: DiscoveryTools,
  declared: ParentOfPart,
  since: string | null,
  stop: Stop,
): Promise<FoundByParent> {
  const { stream } = tools
  const parent = stream.source.streams.find(({ name }) => name === declared.stream)
  if (parent === undefined) throw new RangeError(`${stream.label} has no parent ${declared.stream}`)
  const { at, isOptional } = parentValuesOf(declared.values)
  const found: FoundByParent['found'] = []
  const position = createParentPosition(parent, since, tools.clock.nowMs())
  const reading = { since, position }
  let parents = 0
  let missing = 0
  for await (const { record, values, isChanged } of parentRecords({ ...tools, stream: parent }, reading, stop)) {
    try {
      const own = valuesOfRecord(at, declared.extra, record, { values })
      parents += 1
      if (own.missing) missing += 1
      for (const set of own.sets) found.push(since === null ? set : { ...set, changed: isChanged })
    } catch (error) {
      if (error instanceof Stopped) throw error
      throw wrongValues(stream, `throws: ${messageOf(error)}`)
    }
  }
  // A function may skip single parents with undefined; if it skips all of them, a field has gone. Of changed parents
  // alone, there may be few.
  if (since === null && parents > 0 && missing === parents && !isOptional) {
    throw wrongValues(
      stream,
      `returns undefined for all ${parents} parents`,
      'correct it: return null to skip a parent, or declare values: optional(…)',
    )
  }
  return { found, reached: position.reached() }
}
