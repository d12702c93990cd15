/**
 * How many records wait for the loader. Subtracting offsets does not tell: page markers and the control records of
 * transactions take offsets too. So the messages between loader and end are read, up to a bound. Beyond it the number
 * is an upper bound, and says so.
 */
import type { Kafka, RawMessage } from '#shared/kafka/port.ts'
import { MARKER_HEADER } from '#shared/messages/frame.ts'

/** `atMost`: not all were counted, and there may be fewer. */
export type Lag = { records: number; atMost: boolean }

/** Offsets read for counting, per partition. */
const OFFSETS_MAX = 5_000
const BYTES_MAX = 32 * 1024 * 1024

export async function recordsIn(
  kafka: Pick<Kafka, 'readPartition'>,
  place: { topic: string; partition: number },
  from: number,
  to: number,
): Promise<Lag> {
  const offsets = Math.max(0, to - from)
  if (offsets === 0) return { records: 0, atMost: false }
  if (offsets > OFFSETS_MAX) return { records: offsets, atMost: true }
  let records = 0
  let bytes = 0
  for await (const message of kafka.readPartition(place.topic, place.partition, from, to)) {
    if (!isMarker(message)) records += 1
    bytes += message.value?.length ?? 0
    if (bytes > BYTES_MAX) return { records: records + Math.max(0, to - 1 - Number(message.offset)), atMost: true }
  }
  return { records, atMost: false }
}

/** As the loader tells them apart. */
const isMarker = ({ value, headers }: RawMessage): boolean => value === null && headers?.[MARKER_HEADER] !== undefined
