/**
 * What a reader believes of a page marker. Anyone who may write to a records topic can write markers. So a marker is
 * believed only within what the registered schema declares, and only up to its message's own timestamp. Pure: the
 * loader and `verify` decide by the same rules.
 */
import { NS_PER_MS } from '../instant.ts'
import type { StreamAnnotation } from '../schema/json-schema.ts'
import { isInstant, positionOfText } from '../watermark.ts'
import type { PageMarker } from './page-marker.ts'

/** A record may carry a time that is ahead of the fetcher's clock, by a wrong zone at most. */
export const WATERMARK_AHEAD_MAX_MS = 86_400_000

export type MarkerPlace = {
  offset: number
  /** Of the message, epoch milliseconds. */
  timestampMs: number
  /** The marker closes replayed dead letters, not a page. */
  isReplay: boolean
}

/** What the registered schema declares as the watermark of a topic. */
export type DeclaredWatermark = StreamAnnotation['watermark'] | 'unregistered'

export const declaredIn = (annotation: Pick<StreamAnnotation, 'watermark'> | null): DeclaredWatermark =>
  annotation === null ? 'unregistered' : annotation.watermark

/** Why a marker's watermark is not believed; null if it is. */
export function watermarkDoubt(watermark: string, declared: DeclaredWatermark, timestampMs: number): string | null {
  if (declared === 'unregistered') return 'the registry has no schema of this topic'
  if (declared === null) return 'the registered schema declares no watermark'
  const position = positionOfText(declared.kind, watermark)
  if (position === null) return `it is not of the declared kind ${declared.kind}`
  if (typeof position === 'string' || !isInstant(declared.kind)) return null
  return position > BigInt(timestampMs + WATERMARK_AHEAD_MAX_MS) * NS_PER_MS
    ? 'it is more than 24 hours after its message'
    : null
}

/**
 * Why a marker's claim to end a complete walk is not believed, whatever the schema declares. Null if it is believed, or
 * if it makes no claim.
 */
export function completeDoubt(
  { complete }: Pick<PageMarker, 'complete'>,
  { offset, timestampMs, isReplay }: MarkerPlace,
): string | null {
  if (complete === undefined) return null
  if (isReplay) return 'it closes replayed dead letters'
  if (complete.startedMs < 0 || complete.startedMs > timestampMs)
    return 'the walk would have started after its own last message'
  return complete.from > offset ? 'the walk would have begun behind its own end' : null
}
