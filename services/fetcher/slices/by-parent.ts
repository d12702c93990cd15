/** Values of a parent's records. */
import type { ParentOfPart } from '#shared/declaration/discovery-parts.ts'
import { parentValuesOf } from '#shared/declaration/parent.ts'
import { messageOf, Stopped } from '#shared/errors.ts'
import type { Stop } from '../schedule/stop-signal.ts'
import type { DiscoveryTools } from './discovery-tools.ts'
import { parentRecords } from './parent-stream.ts'
import { type RawValues, valuesOfRecord } from './parent-values.ts'
import { wrongValues } from './wrong-values.ts'

export async function byParent(tools: DiscoveryTools, declared: ParentOfPart, stop: Stop): Promise<RawValues[]> {
  const { stream } = tools
  const parent = stream.source.streams.find(({ name }) => name === declared.stream)
  if (parent === undefined) throw new RangeError(`${stream.label} has no parent ${declared.stream}`)
  const { at, isOptional } = parentValuesOf(declared.values)
  const found: RawValues[] = []
  let parents = 0
  let missing = 0
  for await (const { record, values } of parentRecords({ ...tools, stream: parent }, stop)) {
    try {
      const own = valuesOfRecord(at, declared.extra, record, { values })
      parents += 1
      if (own.missing) missing += 1
      for (const set of own.sets) found.push(set)
    } catch (error) {
      if (error instanceof Stopped) throw error
      throw wrongValues(stream, `throws: ${messageOf(error)}`)
    }
  }
  // A function may skip single parents with undefined; if it skips all of them, a field has gone.
  if (parents > 0 && missing === parents && !isOptional) {
    throw wrongValues(
      stream,
      `returns undefined for all ${parents} parents`,
      'correct it: return null to skip a parent, or declare values: optional(…)',
    )
  }
  return found
}
