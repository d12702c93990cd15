/**
 * What a schema id leads to: the target of its records, or why they are refused. Pure.
 */
import type { ReadBatch } from '#shared/kafka/kafka.ts'
import { schemaIdOf } from '#shared/messages/frame.ts'
import type { Target } from '../batch/batch.ts'

/** Why no record of this schema can be loaded. */
export type RefusedSchema = { refused: string; issues: string }
export type Lookup = (schemaId: number) => Target | RefusedSchema | undefined

/** The schema ids of a batch that `lookup` does not know yet. */
export function unknownSchemas({ messages }: ReadBatch, lookup: Lookup): number[] {
  const unknown = new Set<number>()
  let last: number | null = null
  for (const { value } of messages) {
    const id = value === null ? null : schemaIdOf(value)
    if (id === null || id === last) continue
    last = id
    if (lookup(id) === undefined) unknown.add(id)
  }
  return [...unknown]
}
