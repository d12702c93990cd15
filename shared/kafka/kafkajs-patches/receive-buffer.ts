/**
 * Collects a response as it arrives, in one buffer of exactly its size. The length prefix is as in
 * https://kafka.apache.org/protocol#protocol_common. Without this patch, the package has these faults.
 * - It keeps the pieces and joins them at the end, so a fetch is in memory twice.
 * - An empty view after the last response keeps all of it alive.
 * - After a socket is closed in the middle of a response, that half precedes the next socket's responses. None of those
 *   can be parsed any more.
 */
import { internal } from './internals.ts'

const LENGTH_BYTES = 4
const CORRELATION_BYTES = 4
/**
 * A response that claims to be longer was not sent by Kafka. It is dropped, and the request that waits for it times
 * out.
 */
const ANSWER_BYTES_MAX = 256 * 1024 * 1024

type Connection = {
  socket?: object
  authHandlers: { onSuccess(data: Buffer): void } | null
  authExpectResponse: boolean
  broker: string
  rejectRequests(error: Error): void
  requestQueue: { fulfillRequest(answer: { size: number; correlationId: number; payload: Buffer }): void }
  processData(data: Buffer): void
  /** Ours: the bytes that have arrived over each socket. */
  receiving?: { socket: object | undefined; receive: Receive }
}

type Errors = { KafkaJSConnectionError: new (message: string, at: { broker: string }) => Error }

/** The bytes passed in may be overwritten when it returns. */
export type Receive = (data: Buffer) => void

export function patchReceive(): void {
  const { KafkaJSConnectionError } = internal<Errors>('errors.js')
  const { prototype } = internal<{ prototype: Connection }>('network/connection.js')
  prototype.processData = function (data) {
    // Some logins read bytes without a length prefix.
    if (this.authHandlers !== null && !this.authExpectResponse) {
      this.authHandlers.onSuccess(Buffer.from(data))
      return
    }
    if (this.receiving === undefined || this.receiving.socket !== this.socket) {
      const onAlert = () =>
        this.rejectRequests(new KafkaJSConnectionError('Connection error: it speaks TLS', { broker: this.broker }))
      this.receiving = { socket: this.socket, receive: createReceiver((answer) => handOver(this, answer), onAlert) }
    }
    this.receiving.receive(data)
  }
}

/** How a TLS record with an alert begins (RFC 8446 section 5.1): the answer of a TLS listener. */
const TLS_ALERT = 0x1503

/**
 * `onAnswer` gets each response with its length prefix; its bytes are not shared. `onAlert`: the other side speaks TLS.
 */
export function createReceiver(onAnswer: (answer: Buffer) => void, onAlert = () => {}): Receive {
  const length = Buffer.alloc(LENGTH_BYTES)
  let lengthBytes = 0
  /** Null while the length is read. */
  let answer: Buffer | null = null
  let filled = 0
  let senseless = false

  function open(): void {
    const size = length.readInt32BE(0)
    senseless = size < 0 || size > ANSWER_BYTES_MAX
    if (senseless && length.readUInt16BE(0) === TLS_ALERT) onAlert()
    if (senseless) return
    answer = Buffer.allocUnsafeSlow(LENGTH_BYTES + size)
    filled = length.copy(answer)
  }

  return (data) => {
    for (let at = 0; at < data.length && !senseless; ) {
      if (answer === null) {
        const copied = data.copy(length, lengthBytes, at)
        at += copied
        lengthBytes += copied
        if (lengthBytes === LENGTH_BYTES) open()
      } else {
        const copied = data.copy(answer, filled, at)
        at += copied
        filled += copied
      }
      if (answer === null || filled < answer.length) continue
      const whole: Buffer = answer
      answer = null
      lengthBytes = 0
      onAnswer(whole)
    }
  }
}

function handOver({ authHandlers, requestQueue }: Connection, answer: Buffer): void {
  if (authHandlers !== null) authHandlers.onSuccess(answer)
  else {
    const correlationId = answer.readInt32BE(LENGTH_BYTES)
    const payload = answer.subarray(LENGTH_BYTES + CORRELATION_BYTES)
    requestQueue.fulfillRequest({ size: answer.length - LENGTH_BYTES, correlationId, payload })
  }
}
