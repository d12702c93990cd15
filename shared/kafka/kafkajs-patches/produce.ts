/**
 * The Produce request (https://kafka.apache.org/protocol.html#The_Messages_Produce), versions 3 to 7: the package's
 * later versions are its version 3 with another number. Its own encoder took most of a producer's 15 CPU-microseconds a
 * record.
 */

import { promisify } from 'node:util'
import { gzip, zstdCompress } from 'node:zlib'
import { systemClock } from '../../clock.ts'
import { type Long, replaceInternal } from './internals.ts'
import { type BatchOptions, type Compressor, encodeBatch, type WireMessage } from './record-batch.ts'
import type { InPieces } from './request.ts'

type PartitionData = { partition: number; firstSequence?: number; messages: WireMessage[] }
type ProduceRequest = {
  acks: number
  timeout: number
  transactionalId?: string | null
  producerId?: Long | string | number
  producerEpoch?: number
  compression?: number
  topicData: { topic: string; partitions: PartitionData[] }[]
}

const API_KEY = 0
const API_VERSION = 3

/** By the code that the batch's attributes carry. */
const COMPRESSORS: Record<number, Compressor> = {
  1: { attribute: 1, compress: promisify<Buffer, Buffer>(gzip) },
  4: { attribute: 4, compress: promisify<Buffer, Buffer>(zstdCompress) },
}

export function patchProduce(): void {
  replaceInternal('protocol/requests/produce/v3/request.js', (request: ProduceRequest) => ({
    apiKey: API_KEY,
    apiVersion: API_VERSION,
    apiName: 'Produce',
    expectResponse: () => request.acks !== 0,
    encode: async () => ({ pieces: await encodeProduce(request) }) satisfies InPieces,
  }))
}

/** The body, in the pieces that follow one another in it. */
export async function encodeProduce(request: ProduceRequest): Promise<Buffer[]> {
  const transactionalId = request.transactionalId ?? null
  const parts = [
    nullableString(transactionalId),
    int16(request.acks),
    int32(request.timeout),
    int32(request.topicData.length),
  ]
  for (const { topic, partitions } of request.topicData) {
    parts.push(nullableString(topic), int32(partitions.length))
    for (const { partition, messages, firstSequence } of partitions) {
      const options: BatchOptions = {
        producerId: BigInt(String(request.producerId ?? -1)),
        producerEpoch: request.producerEpoch ?? 0,
        firstSequence: firstSequence ?? 0,
        transactional: transactionalId !== null,
        nowMs: systemClock.nowMs(),
      }
      const batch = await encodeBatch(messages, options, COMPRESSORS[request.compression ?? 0] ?? null)
      parts.push(int32(partition), int32(batch.length), batch)
    }
  }
  return parts
}

function nullableString(text: string | null): Buffer {
  if (text === null) return int16(-1)
  const bytes = Buffer.from(text)
  return Buffer.concat([int16(bytes.length), bytes])
}

function int16(value: number): Buffer {
  const buffer = Buffer.allocUnsafe(2)
  buffer.writeInt16BE(value)
  return buffer
}

function int32(value: number): Buffer {
  const buffer = Buffer.allocUnsafe(4)
  buffer.writeInt32BE(value)
  return buffer
}
