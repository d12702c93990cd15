/**
 * What a page marker says, compared with what was read before it: pure but for the partition's state, which it updates.
 * A watermark that cannot be trusted does not move the state's.
 */
import type { RawMessage } from '#shared/kafka/kafka.ts'
import { type PageMarker, replaysOf } from '#shared/messages/frame.ts'
import { completeDoubt, type DeclaredWatermark, watermarkDoubt } from '#shared/messages/marker-trust.ts'
import type { PartitionState, ReadMarker } from '../batch/batch.ts'

/** `declared`: what the watermark is checked against, where that is known. */
export function readMarker(
  state: PartitionState,
  message: RawMessage,
  marker: PageMarker,
  declared: DeclaredWatermark | undefined,
): ReadMarker {
  const offset = Number(message.offset)
  const isReplay = replaysOf(message.headers) > 0
  const counted = isReplay ? null : state.open
  if (counted !== null && counted !== marker.records && state.wholeFrom !== undefined) state.wholeFrom = offset + 1
  const whole = marker.complete === undefined || state.wholeFrom === undefined ? {} : { wholeFrom: state.wholeFrom }
  const timestampMs = message.timestampMs ?? Number(message.timestamp)
  const complete = completeDoubt(marker, { offset, timestampMs, isReplay })
  const watermark = isReplay ? null : passMarker(state, marker, { offset, timestampMs, declared })
  const records = isReplay ? undefined : passPage(state, marker)
  const walked = marker.complete === undefined || records === undefined ? {} : { walked: records }
  return { offset, facts: marker, counted, ...whole, ...walked, ...doubtsOf(watermark, complete) }
}

type Passed = { offset: number; timestampMs: number; declared: DeclaredWatermark | undefined }

/**
 * A marker's watermark counts unless records before it were lost and not fetched again. Returns why it is not trusted;
 * the state's watermark then stays. Null when it is trusted, or when there is none that could count.
 */
function passMarker(
  state: PartitionState,
  { watermark, share, coveredBelow = 0 }: PageMarker,
  { offset, timestampMs, declared }: Passed,
): string | null {
  state.open = 0
  const { lost } = state
  if (watermark === null || (lost !== null && coveredBelow < lost.below)) return null
  const doubt = declared === undefined ? null : watermarkDoubt(watermark, declared, timestampMs)
  if (doubt !== null) {
    state.doubted = offset
    return doubt
  }
  delete state.doubted
  state.watermark = watermark
  if (share === undefined) delete state.scope
  else state.scope = share
  state.lost = null
  return null
}

/** How many records the run has so far; undefined where its first page was not read. */
function passPage(state: PartitionState, { run, page, records, last }: PageMarker): number | undefined {
  const { walked } = state
  const isNext = walked?.run === run && walked.page + 1 === page
  const total = page === 1 ? records : isNext ? walked.records + records : undefined
  if (total === undefined || last) delete state.walked
  else state.walked = { run, page, records: total }
  return total
}

function doubtsOf(watermark: string | null, complete: string | null): Pick<ReadMarker, 'doubts'> {
  if (watermark === null && complete === null) return {}
  return { doubts: { ...(watermark === null ? {} : { watermark }), ...(complete === null ? {} : { complete }) } }
}
