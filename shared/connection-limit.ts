/**
 * Limits the open connections of a server. One more than the limit closes the oldest connection, whatever it is doing.
 * So the newest client is always answered: a probe gets through however many idle connections there are. Without it,
 * each half-open connection costs a file descriptor. A process without descriptors loses Kafka and the API too.
 */
import type { Server } from 'node:http'
import type { Socket } from 'node:net'

export function limitConnections(server: Server, connectionsMax: number): void {
  /** In the order of their arrival. */
  const open = new Set<Socket>()
  server.on('connection', (socket) => {
    open.add(socket)
    socket.on('close', () => open.delete(socket))
    const [oldest] = open
    if (open.size <= connectionsMax || oldest === undefined) return
    // Remove it now: its close event comes later than the next connections.
    open.delete(oldest)
    oldest.destroy()
  })
}
