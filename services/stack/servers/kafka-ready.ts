/**
 * Asks a broker which brokers are up, by one Metadata request of its own. A broker that is still fenced does not list
 * itself. Needs a listener without TLS and login.
 */
import { connect } from 'node:net'
import { HOST } from '../free-ports.ts'

const ANSWER_BYTES_MAX = 64 * 1024
const CORRELATION_ID = 1
const API_METADATA = 3
const METADATA_VERSION = 4
const BROKERS_MAX = 1_000

/** The ids of the brokers that are up, as the broker on this port knows them; empty if it does not respond. */
export async function listedBrokers(port: number, withinMs: number): Promise<number[]> {
  const answer = await ask(port, metadataRequest(), withinMs)
  try {
    return answer === undefined ? [] : brokersIn(answer)
  } catch {
    return []
  }
}

/** Metadata response v4: correlation id, throttle time, then the brokers: id, host, port, rack. */
function brokersIn(answer: Buffer): number[] {
  const count = answer.readInt32BE(8)
  if (answer.readInt32BE(0) !== CORRELATION_ID || count > BROKERS_MAX) return []
  const ids: number[] = []
  let at = 12
  for (let index = 0; index < count; index++) {
    ids.push(answer.readInt32BE(at))
    at += 4 + 2 + answer.readInt16BE(at + 4) + 4
    at += 2 + Math.max(0, answer.readInt16BE(at))
  }
  return ids
}

/**
 * Metadata request v4 without topics: header v1 (api, version, correlation, client), an empty array of topics, no
 * auto-creation.
 */
function metadataRequest(): Buffer {
  const body = Buffer.alloc(2 + 2 + 4 + 2 + 4 + 1)
  body.writeInt16BE(API_METADATA, 0)
  body.writeInt16BE(METADATA_VERSION, 2)
  body.writeInt32BE(CORRELATION_ID, 4)
  body.writeInt16BE(-1, 8)
  const size = Buffer.alloc(4)
  size.writeInt32BE(body.length)
  return Buffer.concat([size, body])
}

/** Sends one request and reads one size-prefixed response; undefined if none comes. */
export function ask(port: number, request: Buffer, withinMs: number): Promise<Buffer | undefined> {
  return new Promise((resolve) => {
    const socket = connect({ host: HOST, port })
    let received = Buffer.alloc(0)
    const end = (answer?: Buffer) => {
      socket.destroy()
      resolve(answer)
    }
    socket.setTimeout(withinMs, () => end())
    socket.once('error', () => end())
    socket.once('close', () => end())
    socket.once('connect', () => socket.write(request))
    socket.on('data', (chunk) => {
      received = Buffer.concat([received, chunk])
      if (received.length > ANSWER_BYTES_MAX) return end()
      if (received.length >= 4 && received.length >= 4 + received.readInt32BE(0)) end(received.subarray(4))
    })
  })
}
