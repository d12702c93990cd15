/**
 * The hot path: turns the messages of one fetch into the lines of an insert. Parses no record: the loader's own columns
 * are written before the payload's fields, byte by byte. A message that is not a frame of a known schema becomes a dead
 * letter. A marker ends the count of its page. Costs one string, one write and one copy a record; the body is allocated
 * once a part.
 */
import type { RawMessage, ReadBatch } from '#shared/kafka/kafka.ts'
import { FRAME_HEAD_BYTES, parseMarker, replaysOf, schemaIdOf } from '#shared/messages/frame.ts'
import type { DeclaredWatermark } from '#shared/messages/marker-trust.ts'
import type { BatchPart, PartitionState, Target } from '../batch/batch.ts'
import { bytesOfBatch, finishPart, type PartBuilder, startPart, writeRow } from './part-builder.ts'
import { readMarker } from './read-marker.ts'
import { markerHeader, refusedFrame } from './refused-frame.ts'
import type { Lookup, RefusedSchema } from './schema-lookup.ts'
import { isSingleObject } from './single-object.ts'

/**
 * The batch as parts, in order, one for each run of records of the same schema. There is at least one part, so that
 * offsets move where there are no rows. Returns none when a schema id is not known yet: it is looked up first.
 * `declared`: what the watermarks of markers are checked against, where that is known.
 * Pure but for the memory it allocates.
 */
export function splice(
  batch: ReadBatch,
  before: PartitionState,
  lookup: Lookup,
  declared?: DeclaredWatermark,
): BatchPart[] {
  const parts: BatchPart[] = []
  let builder = startPart(batch, 0)
  // One object for the whole batch: a new one for each record would be the most expensive thing here.
  const state = { ...before }
  let lastId = -1
  let target: Target | RefusedSchema | undefined
  let endsRun = false
  const { messages } = batch
  for (let index = 0; index < messages.length; index++) {
    const message = messages[index] as RawMessage
    const { value } = message
    const id = value === null ? null : schemaIdOf(value)
    if (id !== null && id !== lastId) {
      lastId = id
      target = lookup(id)
      if (target === undefined) return []
    }
    if (
      value !== null &&
      id !== null &&
      target !== undefined &&
      !('refused' in target) &&
      isSingleObject(value, FRAME_HEAD_BYTES)
    ) {
      if (builder.target === null) builder.target = target
      else if (builder.target !== target) {
        parts.push(finishPart(batch, builder, { ...state, nextOffset: Number(message.offset) }, 0))
        builder = startPart(batch, index)
        builder.target = target
      }
      if (state.rowless) delete state.rowless
      writeRow(builder, message, value)
      pass(state, builder, message)
    } else {
      const marker = value === null ? parseMarker(markerHeader(message)) : null
      if (marker !== null) {
        builder.markers.push(readMarker(state, message, marker, declared))
        endsRun = marker.last && index === messages.length - 1
      } else {
        builder.refusedFrames.push(refusedFrame(message, id, target))
        if (state.wholeFrom !== undefined) state.wholeFrom = Number(message.offset) + 1
        pass(state, builder, message)
      }
    }
  }
  const last = finishPart(batch, builder, { ...state, nextOffset: batch.nextOffset }, bytesOfBatch(batch))
  if (endsRun && batch.nextOffset >= batch.highOffset) last.isRunEnd = true
  parts.push(last)
  return parts
}

/** Counts a record of the open page. A replayed record may lie in the middle of another page, so it counts for none. */
function pass(state: PartitionState, to: PartBuilder, { offset, headers }: RawMessage): void {
  const replays = replaysOf(headers)
  if (replays > 0) {
    to.replays ??= new Map()
    to.replays.set(Number(offset), replays)
  } else if (state.open !== null) state.open++
}
