/**
 * What a run asks from: the watermark less the lookback, one step earlier in the request where the API leaves equal
 * records out. Pure.
 */
import type { Stream, Watermarking } from '#shared/declaration/compile.ts'
import { earlier, type Position, positionOfText, requestText, stepBefore } from '#shared/watermark.ts'

/** `from`: the watermark to go on from, null for the stream's start. Null: the run asks for everything. */
export function sincePosition(from: string | null, { watermark }: Pick<Stream, 'watermark'>): Position | null {
  if (watermark === null) return null
  if (from === null) return watermark.start
  const position = positionOfText(watermark.kind, from)
  return position === null ? null : earlier(watermark.kind, position, watermark.lookback)
}

/** A position as the request writes where to begin. */
export const fromText = (position: Position, { exclusive, kind, form }: Watermarking): string =>
  requestText(exclusive ? stepBefore(kind, position, form) : position, form)

/** The same as the request of the first page has it. */
export function sinceText(from: string | null, { watermark }: Pick<Stream, 'watermark'>): string | null {
  const position = sincePosition(from, { watermark })
  return position === null || watermark === null ? null : fromText(position, watermark)
}
