/** What the first request of a run asks from: the watermark less the lookback, one step earlier where the API leaves equal records out. */
import type { Stream } from '../../shared/declaration.ts'
import { earlier, positionOfText, requestText, stepBefore } from '../../shared/watermark.ts'

/** `from`: the watermark to go on from, null for the stream's start. Null: the request asks for everything. Pure. */
export function sinceText(from: string | null, { watermark }: Pick<Stream, 'watermark'>): string | null {
  if (watermark === null) return null
  const position = from === null ? watermark.start : positionOfText(watermark.kind, from)
  if (position === null) return null
  const back = from === null ? position : earlier(watermark.kind, position, watermark.lookback)
  return requestText(watermark.exclusive ? stepBefore(watermark.kind, back, watermark.form) : back, watermark.form)
}
