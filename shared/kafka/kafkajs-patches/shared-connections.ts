/**
 * Connections that the producers of a process share. The package opens one to every broker for each producer, so 200
 * partitions on three brokers had 600 sockets. Here a producer borrows one of at most `CONNECTIONS_MAX` to a broker.
 * Everything else is still its own: metadata, versions, the list of topics. A broker handles the requests of one
 * connection one after the other, so producers spread over several.
 *
 * Only producers borrow. A group member waits on its connection for the others, and a reader for records.
 */
import type { ISocketFactory } from 'kafkajs'
import { internal, replaceInternal } from './internals.ts'
import { createSocket } from './socket.ts'

type ConnectionPool = {
  host: string
  port: number
  sasl?: object | undefined
  isConnected(): boolean
  isAuthenticated(): boolean
  setVersions(versions: object): void
  setSupportAuthenticationProtocol(isSupported: boolean): void
  getConnection(index?: number): Promise<object>
  send(request: object): Promise<unknown>
  destroy(): Promise<void>
}
type Builder = { build(destination?: object): Promise<ConnectionPool> }
type Options = { socketFactory: ISocketFactory }
type CreateBuilder = (options: Options) => Builder
type Make = new (options: Options & { host: string; port: number }) => ConnectionPool
type Errors = { KafkaJSConnectionClosedError: new (message: string, at: { host: string; port: number }) => Error }

/** One connection, and who uses it. */
type Shared = { pool: ConnectionPool; borrowers: Set<object>; isBroken: boolean }
/** By address. */
type SharedPools = Map<string, Set<Shared>>

export const CONNECTIONS_MAX = 4

/** The factory is the one object that the package passes through from a client to its connections. */
const poolsOf = new WeakMap<ISocketFactory, SharedPools>()

/** Clients with this factory share their connections. */
export function sharedSockets(): ISocketFactory {
  const factory: ISocketFactory = (options) => createSocket(options)
  poolsOf.set(factory, new Map())
  return factory
}

export function patchConnectionPools(): void {
  const module = 'cluster/connectionPoolBuilder.js'
  const create = internal<CreateBuilder>(module)
  const patched: CreateBuilder = (options) => {
    const builder = create(options)
    const pools = poolsOf.get(options.socketFactory)
    if (pools === undefined) return builder
    const Pool = internal<Make>('network/connectionPool.js')
    const lend = (own: ConnectionPool) =>
      borrow(pools, own, () => new Pool({ ...options, host: own.host, port: own.port }))
    return { build: async (destination) => lend(await builder.build(destination)) }
  }
  replaceInternal(module, patched)
}

/** Looks like a pool of one producer to the package. `own` has the address; it is never connected itself. */
function borrow(pools: SharedPools, own: ConnectionPool, make: () => ConnectionPool): ConnectionPool {
  let shared: Shared | null = null
  const pending = new Set<(error: Error) => void>()

  function current(): ConnectionPool {
    if (shared?.isBroken) void release(pools, shared, borrower)
    if (shared === null || shared.isBroken) shared = take(pools, make, keyOf(own))
    shared.borrowers.add(borrower)
    return shared.pool
  }

  const borrower: ConnectionPool = Object.assign(Object.create(own) as ConnectionPool, {
    isConnected: () => shared?.pool.isConnected() ?? false,
    isAuthenticated: () => shared?.pool.isAuthenticated() ?? false,
    setVersions: (versions: object) => current().setVersions(versions),
    setSupportAuthenticationProtocol: (isSupported: boolean) => current().setSupportAuthenticationProtocol(isSupported),
    getConnection: async (index?: number) => current().getConnection(index),
    send: (request: object) =>
      new Promise((resolve, reject) => {
        pending.add(reject)
        const sent = current().send(request)
        void sent.then(resolve, reject).finally(() => pending.delete(reject))
      }),
    async destroy() {
      const left = shared
      shared = null
      for (const reject of pending) reject(closed(own))
      pending.clear()
      if (left !== null) await release(pools, left, borrower)
    },
  })
  return borrower
}

/** The connection with the fewest borrowers, or one more while there are few. */
function take(pools: SharedPools, make: () => ConnectionPool, key: string): Shared {
  const all = pools.get(key) ?? new Set()
  pools.set(key, all)
  const [least] = [...all].sort((a, b) => a.borrowers.size - b.borrowers.size)
  if (least !== undefined && (least.borrowers.size === 0 || all.size >= CONNECTIONS_MAX)) return least
  const fresh: Shared = { pool: make(), borrowers: new Set(), isBroken: false }
  all.add(fresh)
  return fresh
}

/** The last borrower closes it. After a failed login it is of no use to the others either, which then take another. */
async function release(pools: SharedPools, shared: Shared, borrower: object): Promise<void> {
  const { pool, borrowers } = shared
  borrowers.delete(borrower)
  if (pool.sasl !== undefined && !pool.isAuthenticated()) shared.isBroken = true
  if (borrowers.size > 0 && !shared.isBroken) return
  pools.get(keyOf(pool))?.delete(shared)
  if (borrowers.size === 0) await pool.destroy()
}

function closed({ host, port }: ConnectionPool): Error {
  const { KafkaJSConnectionClosedError } = internal<Errors>('errors.js')
  return new KafkaJSConnectionClosedError('Closed connection', { host, port })
}

function keyOf({ host, port }: ConnectionPool): string {
  return `${host}:${port}`
}
