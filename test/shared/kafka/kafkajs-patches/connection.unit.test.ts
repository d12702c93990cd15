import assert from 'node:assert/strict'
import { createServer, type Socket } from 'node:net'
import { test } from 'node:test'
import { setImmediate } from 'node:timers/promises'
import '#shared/kafka/kafkajs-patches/load.ts'
import { internal } from '#shared/kafka/kafkajs-patches/internals.ts'

type Pool = { getConnection(index: number): Promise<{ isConnected(): boolean }>; destroy(): Promise<void> }

test('requests that find a connection closed at the same time open one, and closing the pool leaves none', async (t) => {
  const sockets = new Set<Socket>()
  let accepted = 0
  const server = createServer((socket) => {
    accepted += 1
    sockets.add(socket.on('close', () => sockets.delete(socket)))
    socket.resume()
  })
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve))
  t.after(() => {
    for (const socket of sockets) socket.destroy()
    server.close()
  })
  const address = server.address()
  assert.ok(typeof address === 'object' && address !== null)

  const logger = { namespace: () => logger, debug() {}, error() {}, warn() {}, info() {} }
  const socketFactory = internal<() => unknown>('network/socketFactory.js')()
  const Pool = internal<new (options: object) => Pool>('network/connectionPool.js')
  const pool = new Pool({
    host: '127.0.0.1',
    port: address.port,
    logger,
    socketFactory,
    connectionTimeout: 5_000,
    requestTimeout: 5_000,
  })
  for (const connection of await Promise.all([0, 1, 1, 1].map((index) => pool.getConnection(index))))
    assert.ok(connection.isConnected())
  await pool.destroy()
  for (let turn = 0; sockets.size > 0 && turn < 10_000; turn++) await setImmediate()
  assert.equal(sockets.size, 0)
  assert.equal(accepted, 2)
})
