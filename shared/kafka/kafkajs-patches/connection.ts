/**
 * One socket at a time, and an outcome for every request (incoming bytes: `receive-buffer.ts`). Without this patch, the
 * package has these faults.
 * - Two callers that find a connection closed each open a socket, and the forgotten one keeps the process alive.
 * - The disconnect of an earlier socket ends a new one.
 * - A request that is pending when the other side closes during a disconnect is never answered, not even with a
 *   timeout. A reader then hangs for ever.
 */
import { systemClock } from '../../clock.ts'
import { internal } from './internals.ts'

type Connection = {
  host: string
  port: number
  connectionStatus: string
  socket?: { on(event: 'close', listener: () => void): unknown }
  connect(): Promise<unknown>
  disconnect(): Promise<unknown>
  isConnected(): boolean
  rejectRequests(error: Error): void
  /** Ours: what is under way. */
  connecting?: Promise<unknown> | undefined
  disconnecting?: Promise<unknown> | undefined
}
type Errors = { KafkaJSConnectionClosedError: new (message: string, at: { host: string; port: number }) => Error }

/** How long a disconnect waits for the responses to pending requests. */
const ANSWERS_WAIT_MAX_MS = 5_000

export function patchConnection(): void {
  const { prototype } = internal<{ prototype: Connection }>('network/connection.js')
  const { KafkaJSConnectionClosedError } = internal<Errors>('errors.js')
  const { connect, disconnect } = prototype

  prototype.connect = function () {
    this.connecting ??= open(this).finally(() => {
      this.connecting = undefined
    })
    return this.connecting
  }

  prototype.disconnect = async function () {
    if (this.connectionStatus === 'disconnected' && this.connecting === undefined) return true
    this.disconnecting ??= end(this).finally(() => {
      this.disconnecting = undefined
    })
    return this.disconnecting
  }

  async function open(connection: Connection): Promise<unknown> {
    await connection.disconnecting
    if (connection.isConnected()) return true
    const opening = connect.call(connection)
    const { socket } = connection
    socket?.on('close', () => {
      if (connection.socket === socket) reject(connection)
    })
    return opening
  }

  async function end(connection: Connection): Promise<unknown> {
    const ended = new AbortController()
    systemClock.sleep(ANSWERS_WAIT_MAX_MS, ended.signal).then(
      () => reject(connection),
      () => undefined,
    )
    try {
      return await disconnect.call(connection)
    } finally {
      ended.abort()
    }
  }

  function reject(connection: Connection): void {
    connection.rejectRequests(new KafkaJSConnectionClosedError('Closed connection', connection))
  }
}
