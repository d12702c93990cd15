/**
 * How far the records of a parent reach, when it is read for its children. That is the highest position seen, capped as
 * the parent's own watermark is: it never passes the time at which reading began. A walk that may have ended early
 * holds it.
 */
import type { Stream } from '#shared/declaration/compile.ts'
import { comparePositions, type Position, positionOfText, watermarkText } from '#shared/watermark.ts'
import { clockAheadMs } from '../http/api-clock.ts'
import type { Page } from '../pages/page.ts'
import type { ValidRecord } from '../validate/validated-page.ts'
import { afterPage, startOf } from '../watermark/progress.ts'
import { sincePosition } from '../watermark/request-window.ts'

export type ParentPosition = {
  see(page: Pick<Page, 'response' | 'incomplete'>, records: readonly ValidRecord[]): void
  /** Whether a record has changed since the position that the parent is read from. */
  isChanged(record: ValidRecord): boolean
  /** Null if nothing was seen. */
  reached(): string | null
}

/** `since`: the position to read from; null for all. */
export function createParentPosition(stream: Stream, since: string | null, startedMs: number): ParentPosition {
  const { watermark } = stream
  // Several walks one after the other are not sorted as a whole.
  const watermarking = watermark === null ? null : { ...watermark, sorted: false }
  const from = watermark === null || since === null ? null : positionOfText(watermark.kind, since)
  const asked = sincePosition(since, stream)
  let progress = startOf(watermarking, from)
  let capMs = startedMs
  let aheadMs = 0
  let isHeld = false
  return {
    see({ response, incomplete }, records) {
      aheadMs = Math.max(aheadMs, clockAheadMs(response))
      capMs = Math.min(capMs, response.fetchedMs)
      isHeld ||= incomplete !== undefined
      progress = afterPage(progress, watermarking, records, { last: false, fetchedMs: capMs, startedMs: capMs })
    },
    isChanged: ({ position }) => isFrom(position, asked),
    reached() {
      if (isHeld) return since
      const endMs = capMs - aheadMs
      const times = { last: true, fetchedMs: endMs, startedMs: endMs }
      const { watermark: end } = afterPage(progress, watermarking, [], times)
      return end === null || watermark === null ? null : watermarkText(watermark.kind, end)
    },
  }
}

const isFrom = (position: Position | null, from: Position | null): boolean =>
  position === null || from === null || comparePositions(position, from) >= 0
