/**
 * Turns a message that cannot become a row into a dead letter with its reason: pure. Copies its bytes, so that the dead
 * letter does not depend on the buffer of the fetch.
 */
import type { RawMessage } from '#shared/kafka/kafka.ts'
import { MARKER_HEADER, markerMistake } from '#shared/messages/frame.ts'
import type { RefusedFrame, Target } from '../batch/batch.ts'
import type { RefusedSchema } from './schema-lookup.ts'

export function markerHeader({ headers }: RawMessage): Buffer | string | undefined {
  const header = headers?.[MARKER_HEADER]
  return Array.isArray(header) ? header[0] : header
}
export function refusedFrame(
  message: RawMessage,
  id: number | null,
  target: Target | RefusedSchema | undefined,
): RefusedFrame {
  const { value, key } = message
  const place = {
    offset: Number(message.offset),
    timestampMs: Number(message.timestamp),
    key: key === null ? null : Buffer.from(key),
    value: value === null ? null : Buffer.from(value),
  }
  if (id !== null && target !== undefined && 'refused' in target)
    return { ...place, reason: target.refused, issues: target.issues }
  const marker = value === null ? markerHeader(message) : undefined
  if (marker !== undefined) {
    const issues = `the header of a page marker says what this loader does not know: ${markerMistake(marker)}`
    return { ...place, value: Buffer.from(marker), reason: 'unknown_marker', issues }
  }
  if (value === null)
    return { ...place, reason: 'no_value', issues: 'the message has neither a value nor the header of a page marker' }
  if (value.length === 0) return { ...place, reason: 'empty', issues: 'the value has no bytes' }
  if (id !== null && target !== undefined)
    return { ...place, reason: 'several_objects', issues: 'the value holds more than one JSON object' }
  if (value[0] !== 0)
    return { ...place, reason: 'no_frame', issues: `the value opens with byte ${value[0]}, a frame with 0` }
  return { ...place, reason: 'cut_frame', issues: `${value.length} bytes that are not a schema id and one JSON object` }
}
