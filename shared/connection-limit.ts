/**
 * A bound on the open connections of a server. One more than the bound closes the oldest, whatever it is doing, so the
 * newest client is always answered: a probe gets through however many connections were opened and left standing.
 * Without it, each half-open connection costs a file descriptor, and a process without descriptors loses Kafka and the
 * API too.
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
    // At once: its close event comes later than the next connections.
    open.delete(oldest)
    oldest.destroy()
  })
}
