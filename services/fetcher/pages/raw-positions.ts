/**
 * Positions of the records of a page before they are validated: of the record itself, or of what `map` makes of it.
 * Null where no position can be read; validation then decides about the record.
 */
import type { Stream } from '#shared/declaration/compile.ts'
import type { Position } from '#shared/watermark.ts'
import { contextOf, enveloped, envelopeOf } from '../validate/envelope.ts'
import { functionsFor } from '../validate/record-functions.ts'
import { fieldPosition } from '../watermark/backfill-range.ts'
import type { Page } from './page.ts'

export function positionsOf(
  stream: Stream,
  partition: number,
  { records, response }: Pick<Page, 'records' | 'response'>,
): (Position | null)[] {
  const { watermark, envelope } = stream
  if (watermark === null) return records.map(() => null)
  const ofField = (record: unknown): Position | null =>
    typeof record === 'object' && record !== null ? fieldPosition(watermark, record) : null
  if (stream.map === undefined) return records.map(ofField)
  const context = contextOf(stream, partition, response)
  const values = envelope === undefined || records.length === 0 ? {} : envelopeOf(stream, context)
  const map = functionsFor({ map: stream.map })(context, context.values).map ?? ((record: unknown) => record)
  return records.map((record) => {
    try {
      return ofField(map(enveloped(record, values)))
    } catch {
      // Validation calls it again and makes a dead letter of the record.
      return null
    }
  })
}
