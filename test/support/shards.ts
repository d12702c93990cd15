/**
 * Two real ClickHouse servers that are the two shards of the cluster `two`, or the two replicas of its only shard,
 * beside the stack that all tests share. What is written to one replica stays there, since there is no Keeper.
 */
import { mkdir, mkdtemp, rm, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join, resolve } from 'node:path'
import { systemClock } from '#shared/clock.ts'
import { freePorts } from '../../services/stack/free-ports.ts'
import { type Guarded, startGuarded } from '../../services/stack/processes/guarded.ts'
import { clickhouseUrl, isClickhouseReady, libraryPath } from '../../services/stack/servers/clickhouse.ts'
import { until } from './loading.ts'
import { onCluster } from './on-cluster.ts'
import { atEnd } from './published.ts'
import { type TestStack, testStack } from './stack.ts'

export const CLUSTER = 'two'

export type Shard = { url: string; stop(): Promise<void>; start(): Promise<void> }
export type Shards = TestStack & { shards: [Shard, Shard]; statements: string[] }

const SERVER = resolve(import.meta.dirname, '..', '..', 'services', 'stack', 'servers', 'clickhouse-process.ts')
const STOP_WITHIN_MS = 10_000
const ASK_WITHIN_MS = 2_000

type Layout = 'shards' | 'replicas'

export const twoShards = (): Promise<Shards> => twoServers('shards', { CLICKHOUSE_SHARDED: 'true' })
export const twoReplicas = (): Promise<Shards> => twoServers('replicas', {})

/** They end with the test's process at the latest. A statement ON CLUSTER is done as in `on-cluster.ts`. */
async function twoServers(layout: Layout, options: Record<string, string>): Promise<Shards> {
  const stack = await testStack()
  const dir = await mkdtemp(join(tmpdir(), 'headrace-shards-'))
  const [http1 = 0, http2 = 0, tcp1 = 0, tcp2 = 0] = await freePorts(4, systemClock)
  const first = await startShard(join(dir, '1'), http1, configOf(layout, tcp1, [tcp1, tcp2]))
  const second = await startShard(join(dir, '2'), http2, configOf(layout, tcp2, [tcp1, tcp2]))
  atEnd(async () => {
    await Promise.all([first.stop(), second.stop()])
    await rm(dir, { recursive: true, force: true })
  })
  const { url, statements } = await onCluster([first.url, second.url])
  const ours = { CLICKHOUSE_URL: url, CLICKHOUSE_CLUSTER: CLUSTER, ...options }
  const env = (overrides = {}) => stack.env({ ...ours, ...overrides })
  return { ...stack, clickhouseUrl: url, env, shards: [first, second], statements }
}

async function startShard(dir: string, port: number, config: string): Promise<Shard> {
  await mkdir(dir, { recursive: true })
  const file = join(dir, 'config.xml')
  await writeFile(file, config)
  let server: Guarded | null = null
  const spec = {
    command: process.execPath,
    args: [SERVER, libraryPath(), join(dir, 'data'), String(port), file],
    cwd: dir,
  }
  const shard: Shard = {
    url: clickhouseUrl(port),
    async stop() {
      await server?.stop()
      server = null
    },
    async start() {
      server = startGuarded({ ...spec, env: {}, stopWithinMs: STOP_WITHIN_MS }, join(dir, 'log'), process.env)
      server.unref()
      await until(`the shard at ${port} answers`, () => isClickhouseReady(port, ASK_WITHIN_MS))
    },
  }
  await shard.start()
  return shard
}

function configOf(layout: Layout, tcp: number, all: readonly number[]): string {
  const replicas = all.map((port) => `<replica><host>127.0.0.1</host><port>${port}</port></replica>`)
  const inShards = layout === 'shards' ? replicas : [replicas.join('')]
  const shards = inShards.map((inside) => `<shard><internal_replication>true</internal_replication>${inside}</shard>`)
  return `<clickhouse>
  <tcp_port>${tcp}</tcp_port><listen_host>127.0.0.1</listen_host>
  <remote_servers><${CLUSTER}>${shards.join('')}</${CLUSTER}></remote_servers>
</clickhouse>`
}
