/**
 * How many records wait for the loader. Subtracting offsets does not tell: page markers and the control records of
 * transactions take offsets too. So the messages between loader and end are read, up to a bound. Beyond it the number
 * is an upper bound, and says so. The bound of all partitions together keeps `status` quick with thousands of them.
 */
import type { Kafka, RawMessage } from '#shared/kafka/port.ts'
import { MARKER_HEADER } from '#shared/messages/frame.ts'

/** `atMost`: not all were counted, and there may be fewer. */
export type Lag = { records: number; atMost: boolean }

/** Offsets read for counting, per partition. */
const OFFSETS_MAX = 5_000
const BYTES_MAX = 32 * 1024 * 1024
/** The same for all partitions that one budget is for. Each takes a request, even for a single record. */
const ALL_PARTITIONS_MAX = 500
const ALL_OFFSETS_MAX = 100_000

/** True if so many offsets of one more partition may be read. */
export type ReadBudget = (offsets: number) => boolean

export function createReadBudget(): ReadBudget {
  let partitions = 0
  let read = 0
  return (offsets) => {
    if (partitions >= ALL_PARTITIONS_MAX || read + offsets > ALL_OFFSETS_MAX) return false
    partitions += 1
    read += offsets
    return true
  }
}

export async function recordsIn(
  kafka: Pick<Kafka, 'readPartition'>,
  place: { topic: string; partition: number },
  from: number,
  to: number,
  mayRead: ReadBudget = createReadBudget(),
): Promise<Lag> {
  const offsets = Math.max(0, to - from)
  if (offsets === 0) return { records: 0, atMost: false }
  if (offsets > OFFSETS_MAX || !mayRead(offsets)) return { records: offsets, atMost: true }
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
