/**
 * As much of Kafka's protocol as a proxy needs: whole frames out of a stream of bytes, what a request asks, and the
 * addresses of brokers in answers. Headers are those of versions that are not flexible, which are all that kafkajs
 * speaks. Source: Apache Kafka, "Kafka protocol guide".
 */
import type { Socket } from 'node:net'

export type Asked = { api: string; version: number; id: number }

const SIZE_BYTES = 4
/** What a broker takes in one request by default. */
const FRAME_BYTES_MAX = 104_857_600

const APIS: Readonly<Record<number, string>> = {
  0: 'Produce',
  1: 'Fetch',
  2: 'ListOffsets',
  3: 'Metadata',
  8: 'OffsetCommit',
  9: 'OffsetFetch',
  10: 'FindCoordinator',
  11: 'JoinGroup',
  12: 'Heartbeat',
  13: 'LeaveGroup',
  14: 'SyncGroup',
  18: 'ApiVersions',
  22: 'InitProducerId',
  24: 'AddPartitionsToTxn',
  25: 'AddOffsetsToTxn',
  26: 'EndTxn',
  28: 'TxnOffsetCommit',
}

/** Frames as they came, each with its four bytes of size in front. */
export async function* framesOf(socket: Socket): AsyncGenerator<Buffer> {
  let pieces: Buffer[] = []
  let bytes = 0
  for await (const piece of socket as AsyncIterable<Buffer>) {
    pieces.push(piece)
    bytes += piece.length
    if (bytes < SIZE_BYTES || bytes < sizeIn(pieces)) continue
    let all = Buffer.concat(pieces)
    for (let size = sizeIn([all]); all.length >= size; size = sizeIn([all])) {
      yield all.subarray(0, size)
      all = all.subarray(size)
    }
    pieces = [all]
    bytes = all.length
  }
}

/** Of the whole frame; the size is asked for only when its four bytes may be spread over the first pieces. */
function sizeIn(pieces: readonly Buffer[]): number {
  const first = pieces[0] as Buffer
  const head = first.length >= SIZE_BYTES ? first : Buffer.concat(pieces)
  if (head.length < SIZE_BYTES) return Number.POSITIVE_INFINITY
  const size = SIZE_BYTES + head.readInt32BE(0)
  if (size > FRAME_BYTES_MAX) throw new RangeError(`a frame of ${size} bytes`)
  return size
}

/** Of a request's frame. */
export function askedBy(frame: Buffer): Asked {
  const key = frame.readInt16BE(4)
  return { api: APIS[key] ?? `api ${key}`, version: frame.readInt16BE(6), id: frame.readInt32BE(8) }
}

/** Of an answer's frame. */
export const answerId = (frame: Buffer): number => frame.readInt32BE(4)

/** Writes `to` over the port `from` of every broker that the answer names; hosts stay. */
export function redirect(frame: Buffer, { api, version }: Asked, from: number, to: number): void {
  let at = 8
  const skip = (bytes: number): void => {
    at += bytes
  }
  const text = () => skip(2 + Math.max(0, frame.readInt16BE(at)))
  const port = () => {
    if (frame.readInt32BE(at) === from) frame.writeInt32BE(to, at)
    skip(4)
  }
  if (api === 'Metadata') {
    if (version >= 3) skip(4)
    const brokers = frame.readInt32BE(at)
    skip(4)
    for (let broker = 0; broker < brokers; broker++) {
      skip(4)
      text()
      port()
      if (version >= 1) text()
    }
  }
  if (api === 'FindCoordinator') {
    skip(version >= 1 ? 6 : 2)
    if (version >= 1) text()
    skip(4)
    text()
    port()
  }
}
