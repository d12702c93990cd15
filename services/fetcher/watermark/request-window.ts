/**
 * The range that a walk requests: its start, and its end if it does not continue up to the newest record. If the API
 * supports an end, a regular run ends before now by the settle time. A backfill has both ends given, and no lookback.
 * Pure.
 */
import type { Stream, Watermarking } from '#shared/declaration/compile.ts'
import { NS_PER_MS } from '#shared/instant.ts'
import {
  comparePositions,
  earlier,
  isInstant,
  type Position,
  positionOfText,
  requestText,
  stepAfter,
  stepBefore,
} from '#shared/watermark.ts'

type Walked = {
  stream: Pick<Stream, 'watermark'>
  /** The watermark to resume from, null for the stream's start. */
  from: string | null
  /** Start of the run, epoch milliseconds. */
  startedMs: number
  /** The end of a backfill, exclusive. */
  to?: Position | null | undefined
}

export type Bounds = {
  since: Position | null
  /** Null: up to the newest record. */
  until: Position | null
  /** The same as the request of the first page has them. */
  texts: { since: string | null; until: string | null }
}

export function boundsOf(walk: Walked): Bounds {
  const { watermark } = walk.stream
  if (watermark === null) return { since: null, until: null, texts: { since: null, until: null } }
  const isBackfill = walk.to !== undefined && walk.to !== null
  const since =
    isBackfill && walk.from !== null ? positionOfText(watermark.kind, walk.from) : sincePosition(walk.from, walk.stream)
  const until = isBackfill ? upTo(walk.to ?? 0n, watermark) : settled(walk.startedMs, since, watermark)
  return {
    since,
    until,
    texts: {
      since: since === null ? null : fromText(since, watermark),
      until: until === null ? null : endText(until, watermark),
    },
  }
}

/** Rounded up to what the request can express: everything before the end is requested. */
function upTo(end: Position, { kind, form }: Watermarking): Position {
  if (typeof end === 'string') return end
  const until = stepAfter(kind, end - 1n, form)
  // An author's form may round by the days of another zone: one unit more covers every offset.
  return typeof form === 'object' && isInstant(kind) ? stepAfter(kind, until, form) : until
}

function settled(startedMs: number, since: Position | null, { settle, kind, form }: Watermarking): Position | null {
  if (settle === 0) return null
  const until = BigInt(Math.floor(startedMs - settle)) * NS_PER_MS
  // The API would refuse an end before the start. Requesting slightly more is harmless, since nothing after the settled
  // time is confirmed.
  return since !== null && comparePositions(until, since) <= 0 ? stepAfter(kind, since, form) : until
}

/** Null if the API supports no end. */
function endText(until: Position, { kind, form, endPlace, inclusiveEnd }: Watermarking): string | null {
  if (endPlace === null) return null
  return requestText(inclusiveEnd ? stepBefore(kind, until, form) : until, form)
}

/**
 * The start position of a run: the watermark less the lookback. `from`: the watermark to resume from, null for the
 * stream's start. Null: the run reads everything.
 */
export function sincePosition(from: string | null, { watermark }: Pick<Stream, 'watermark'>): Position | null {
  if (watermark === null) return null
  if (from === null) return watermark.start
  const position = positionOfText(watermark.kind, from)
  return position === null ? null : earlier(watermark.kind, position, watermark.lookback)
}

/** A start position as the request writes it: one step earlier if the API excludes equal records. */
export const fromText = (position: Position, { exclusive, kind, form }: Watermarking): string =>
  requestText(exclusive ? stepBefore(kind, position, form) : position, form)

/** The same, as the request of the first page has it. */
export function sinceText(from: string | null, { watermark }: Pick<Stream, 'watermark'>): string | null {
  const position = sincePosition(from, { watermark })
  return position === null || watermark === null ? null : fromText(position, watermark)
}
