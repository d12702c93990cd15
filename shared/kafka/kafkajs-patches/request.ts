/**
 * The header of every request (https://kafka.apache.org/protocol.html#protocol_messages, header version 1). The package
 * copies the body into one buffer for the header, and that into another for the length. Each is zeroed and rounded up
 * to a power of two: for one megabyte of records, four are touched. Here everything is written once.
 */
import { replaceInternal } from './internals.ts'

/** A body in pieces, besides the package's own encoders. */
export type InPieces = { pieces: readonly Buffer[] }
type Encoded = InPieces | { buffer: Buffer }
type Created = {
  correlationId: number
  clientId: string
  request: { apiKey: number; apiVersion: number; encode(): Promise<Encoded> }
}

const LENGTH_BYTES = 4
/** Key, version, correlation id, and the length of the client id. */
const HEAD_BYTES = 2 + 2 + 4 + 2

export function patchRequest(): void {
  replaceInternal('protocol/request.js', async (created: Created) => ({ buffer: await encodeRequest(created) }))
}

export async function encodeRequest({
  correlationId,
  clientId,
  request: { apiKey, apiVersion, encode },
}: Created): Promise<Buffer> {
  const encoded = await encode()
  const pieces = 'pieces' in encoded ? encoded.pieces : [encoded.buffer]
  const client = Buffer.from(clientId)
  const head = Buffer.allocUnsafe(LENGTH_BYTES + HEAD_BYTES)
  const bodyBytes = pieces.reduce((bytes, piece) => bytes + piece.length, 0)
  head.writeInt32BE(HEAD_BYTES + client.length + bodyBytes, 0)
  head.writeInt16BE(apiKey, 4)
  head.writeInt16BE(apiVersion, 6)
  head.writeInt32BE(correlationId, 8)
  head.writeInt16BE(client.length, 12)
  return Buffer.concat([head, client, ...pieces])
}
