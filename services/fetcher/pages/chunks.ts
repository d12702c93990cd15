/**
 * Groups the records of a file into chunks, bounded by records and bytes. The last one is marked, so a chunk waits
 * until the record behind it is known. When the transfer breaks, the records that are whole are a chunk too. Pure.
 */
import type { ChunkBounds } from '#shared/declaration/decode.ts'
import { AttemptFailed } from '../http/errors.ts'

export type Chunk = { records: unknown[]; bytes: number; isLast: boolean }
type Part = { records: readonly unknown[]; bytes: number }

export async function* chunksOf(
  parts: AsyncIterable<Part>,
  { recordsMax, bytesMax }: Pick<ChunkBounds, 'recordsMax' | 'bytesMax'>,
): AsyncGenerator<Chunk> {
  let records: unknown[] = []
  let bytes = 0
  const taken = (isLast: boolean): Chunk => {
    const chunk = { records, bytes, isLast }
    records = []
    bytes = 0
    return chunk
  }
  try {
    for await (const part of parts) {
      for (const record of part.records) {
        if (records.length >= recordsMax || (records.length > 0 && bytes >= bytesMax)) yield taken(false)
        records.push(record)
      }
      bytes += part.bytes
    }
  } catch (error) {
    if (error instanceof AttemptFailed && error.reason === 'cut' && records.length > 0) yield taken(false)
    throw error
  }
  yield taken(true)
}
