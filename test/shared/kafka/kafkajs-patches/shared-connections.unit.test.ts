/** The connections of producers that share them, to a server that accepts and answers nothing. */
import assert from 'node:assert/strict'
import { createServer, type Socket } from 'node:net'
import { test } from 'node:test'
import { systemClock } from '#shared/clock.ts'
import { internal } from '#shared/kafka/kafkajs-patches/internals.ts'
import '#shared/kafka/kafkajs-patches/load.ts'
import { CONNECTIONS_MAX, sharedSockets } from '#shared/kafka/kafkajs-patches/shared-connections.ts'

type Pool = {
  isConnected(): boolean
  getConnection(): Promise<object>
  send(request: object): Promise<unknown>
  destroy(): Promise<void>
}

const PRODUCERS = 20
const POLLS_MAX = 200
const silent = { debug() {}, info() {}, warn() {}, error() {}, namespace: () => silent }
const request = { request: { apiKey: 3, apiVersion: 0, apiName: 'Metadata', encode: async () => ({ pieces: [] }) } }

async function serving() {
  const sockets = new Set<Socket>()
  const server = createServer((socket) => {
    sockets.add(socket)
    socket.resume().on('error', () => undefined)
    socket.on('close', () => sockets.delete(socket))
  })
  await new Promise<void>((done) => server.listen(0, '127.0.0.1', done))
  const { port } = server.address() as { port: number }
  const close = () => {
    for (const socket of sockets) socket.destroy()
    server.close()
  }
  return { sockets, port, close }
}

async function until(done: () => boolean): Promise<void> {
  for (let poll = 0; !done(); poll++) {
    assert.ok(poll < POLLS_MAX, 'it never happened')
    await systemClock.sleep(10)
  }
}

function producers(port: number): Promise<Pool[]> {
  const socketFactory = sharedSockets()
  const build = internal<(options: object) => { build(to: object): Promise<Pool> }>('cluster/connectionPoolBuilder.js')
  const common = { socketFactory, brokers: [`127.0.0.1:${port}`], logger: silent, connectionTimeout: 4_000 }
  const builder = () => build({ ...common, clientId: 'test', requestTimeout: 20_000 })
  return Promise.all(Array.from({ length: PRODUCERS }, () => builder().build({ host: '127.0.0.1', port })))
}

test('many producers share a few connections, which the last one closes', async (t) => {
  const { sockets, port, close } = await serving()
  t.after(close)
  const [first, ...others] = (await producers(port)) as [Pool, ...Pool[]]
  const pools = [first, ...others]
  assert.deepEqual(
    pools.filter((pool) => pool.isConnected()),
    [],
  )
  await Promise.all(pools.map((pool) => pool.getConnection()))
  await until(() => sockets.size === CONNECTIONS_MAX)
  await first.destroy()
  assert.equal(first.isConnected(), false)
  assert.deepEqual(
    others.filter((pool) => !pool.isConnected()),
    [],
  )
  await first.getConnection()
  assert.equal(first.isConnected(), true)
  assert.equal(sockets.size, CONNECTIONS_MAX)
  await Promise.all(pools.map((pool) => pool.destroy()))
  await until(() => sockets.size === 0)
})

test('a producer that closes ends its own requests, and not those of others on the same connection', async (t) => {
  const { sockets, port, close } = await serving()
  t.after(close)
  const pools = await producers(port)
  await Promise.all(pools.map((pool) => pool.getConnection()))
  const [first, another] = [pools[0]!, pools[CONNECTIONS_MAX]!]
  const requests = [first.send(request), another.send(request)] as const
  const outcomes = Promise.allSettled(requests)
  let isOver = false
  requests[1]
    .catch(() => undefined)
    .finally(() => {
      isOver = true
    })
  await first.destroy()
  await assert.rejects(requests[0], { name: 'KafkaJSConnectionClosedError' })
  assert.equal(isOver, false)
  for (const socket of sockets) socket.destroy()
  assert.deepEqual(
    (await outcomes).map(({ status }) => status),
    ['rejected', 'rejected'],
  )
  await Promise.all(pools.map((pool) => pool.destroy()))
})
