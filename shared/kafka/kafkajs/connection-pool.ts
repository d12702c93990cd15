/**
 * Two requests that find a connection closed each open one, and the package remembers the second only: the first stays open for as long as the
 * process lives, and keeps it alive. It happens where reads of two partitions begin together. So whoever comes during a connect waits for it.
 */
import { internal } from './internals.ts'

type Connection = { isConnected(): boolean; connect(): Promise<unknown> }
type ConnectionPool = { pool: Connection[]; getConnection(index?: number): Promise<Connection> }

export function cureConnectionPool(): void {
  const { prototype } = internal<{ prototype: ConnectionPool }>('network/connectionPool.js')
  const connecting = new WeakMap<Connection, Promise<unknown>>()
  prototype.getConnection = async function (index = 0) {
    const connection = this.pool[index]
    if (connection === undefined) throw new RangeError(`a pool has no connection ${index}`)
    if (connection.isConnected()) return connection
    const open = connecting.get(connection) ?? connection.connect().finally(() => connecting.delete(connection))
    connecting.set(connection, open)
    await open
    return connection
  }
}
