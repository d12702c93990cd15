/**
 * The start position of a run: the watermark less the lookback, one step earlier in the request if the API excludes
 * equal records. Pure.
 */
import type { Stream, Watermarking } from '#shared/declaration/compile.ts'
import { earlier, type Position, positionOfText, requestText, stepBefore } from '#shared/watermark.ts'

/** `from`: the watermark to resume from, null for the stream's start. Null: the run reads everything. */
export function sincePosition(from: string | null, { watermark }: Pick<Stream, 'watermark'>): Position | null {
  if (watermark === null) return null
  if (from === null) return watermark.start
  const position = positionOfText(watermark.kind, from)
  return position === null ? null : earlier(watermark.kind, position, watermark.lookback)
}

/** A start position as the request writes it. */
export const fromText = (position: Position, { exclusive, kind, form }: Watermarking): string =>
  requestText(exclusive ? stepBefore(kind, position, form) : position, form)

/** The same, as the request of the first page has it. */
export function sinceText(from: string | null, { watermark }: Pick<Stream, 'watermark'>): string | null {
  const position = sincePosition(from, { watermark })
  return position === null || watermark === null ? null : fromText(position, watermark)
}
