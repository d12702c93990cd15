/**
 * Kafka brokers that belong to one test: a cluster of 1 or 3 real nodes (each broker and controller), on free ports, in
 * a temporary folder, with small heaps. For what must not be done to the shared stack: kill -9, restarts, replication,
 * logins, TLS, ACLs. Registry and ClickHouse stay those of the shared stack.
 *
 *     const brokers = await ownBrokers({ after }, { nodes: 3 })
 *     const stack = await brokers.stack()    // a TestStack: pass it to pipeline() or ownPlace(), or take stack.env()
 *     await brokers.kill(2)              // kill -9 of node 2
 *     await brokers.start(2)             // again, on the same port and data
 *
 * Every node has a plain listener, INTERNAL, for the brokers themselves and for a test's own questions. With `clients`
 * it has a second one, CLIENTS, with TLS and logins; `stack` and `brokers` then name that one. With `acls`, nothing is
 * allowed to a user of CLIENTS unless `allow` says so. Everybody on INTERNAL (User:ANONYMOUS) is a super user.
 *
 *     const brokers = await ownBrokers({ after }, {
 *       acls: true,
 *       clients: { mechanisms: ['SCRAM-SHA-256'], users: { fetcher: 'secret' }, tls: authority.issue('broker') },
 *     })
 *     await brokers.allow('fetcher', { topic: 'headrace.*' }, ['READ', 'WRITE'])    // a star at the end: a prefix
 *
 * All of it ends with `after`, which is registered before anything is started; with kill -9 of the test at the latest.
 */
import { randomBytes } from 'node:crypto'
import { cp, mkdir, mkdtemp, readFile, rm, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { systemClock as clock } from '#shared/clock.ts'
import { silentLog as log } from '#shared/log.ts'
import { findJavas } from '../../services/stack/downloads/java.ts'
import { exists } from '../../services/stack/files.ts'
import { freePorts, HOST } from '../../services/stack/free-ports.ts'
import { lastLines } from '../../services/stack/processes/command.ts'
import { type Guarded, startGuarded } from '../../services/stack/processes/guarded.ts'
import { type Identity, signalTo } from '../../services/stack/processes/identity.ts'
import { brokerLaunch, fetchKafka, formatLog, type KafkaRuntime } from '../../services/stack/servers/kafka-broker.ts'
import { listedBrokers } from '../../services/stack/servers/kafka-ready.ts'
import { type Acls, aclsOf } from './broker-acls.ts'
import type { Certificate } from './certificates.ts'
import { until } from './loading.ts'
import type { Closes } from './processes.ts'
import { type TestStack, testStack } from './stack.ts'

export type Mechanism = 'PLAIN' | 'SCRAM-SHA-256' | 'SCRAM-SHA-512'

export type OwnBrokersOptions = {
  /** 1 by default. With 3, everything is written to all of them, and 2 in sync are enough. */
  nodes?: 1 | 3
  /** The authorizer: nothing is allowed unless `allow` says so. */
  acls?: boolean
  /** A listener of its own for clients, with TLS, logins or both. */
  clients?: {
    /** Logins; none without it. */
    mechanisms?: readonly Mechanism[]
    /** Name to password, for each mechanism. */
    users?: Readonly<Record<string, string>>
    /** The brokers' certificate, for 127.0.0.1. */
    tls?: Certificate
    /** Clients must show a certificate of this authority (PEM). Their user is then its whole name: `CN=fetcher`. */
    clientCa?: string
  }
  /** More lines of server.properties, of every node; these win. */
  properties?: Readonly<Record<string, string>>
  heapMegabytes?: number
}

export type OwnBrokers = Acls & {
  /** The shared stack with these brokers in place of its own, at the listener for clients. */
  stack(): Promise<TestStack>
  /** host:port of all nodes, separated by commas, as in KAFKA_BROKERS: the listener for clients, if there is one. */
  brokers: string
  /** The same of the plain listener. */
  internal: string
  ids: readonly number[]
  dir: string
  /** The ids that the node lists as up; empty if it does not respond. */
  listed(id: number): Promise<number[]>
  /** kill -9; it is gone when this resolves. */
  kill(id: number): Promise<void>
  /** Ends it cleanly: it hands its leaderships over first. */
  stop(id: number): Promise<void>
  /** Starts it again, and waits until it is up. */
  start(id: number): Promise<void>
  log(id: number): Promise<string>
}

type Node = { id: number; internal: number; controller: number; clients: number }

/** Enough for 50,000 records of some hundred bytes; 3 nodes take about 1 GB together. */
const HEAP_MEGABYTES = 256
const READY_MS_MAX = 180_000
const ASK_EVERY_MS = 100
const ANSWER_WITHIN_MS = 2_000

export async function ownBrokers(closes: Closes, options: OwnBrokersOptions = {}): Promise<OwnBrokers> {
  const running = new Map<number, Guarded>()
  const made: { dir?: string } = {}
  closes.after(async () => {
    await Promise.all([...running.keys()].map(kill))
    if (made.dir !== undefined) await rm(made.dir, { recursive: true, force: true })
  })
  const dir = await mkdtemp(join(tmpdir(), 'headrace-brokers-'))
  made.dir = dir

  /** The server itself, not its guard, which would end it cleanly. */
  async function kill(id: number): Promise<void> {
    const guarded = running.get(id)
    const path = join(dir, `${id}.pid`)
    await until(`broker ${id} has a process or has ended`, async () => !running.has(id) || (await exists(path)))
    if (guarded === undefined || !running.has(id)) return
    const { server } = JSON.parse(await readFile(path, 'utf8')) as { server: Identity }
    await signalTo(server, 'SIGKILL')
    await guarded.stop()
  }

  const [java] = await findJavas(process.env)
  const runtime = { java: java!.executable, jars: await fetchKafka({ dir, log, clock, env: process.env }) }
  const nodes = await nodesOf(options.nodes ?? 1)
  await writeFiles(dir, nodes, options)
  await format(dir, nodes, runtime, options)

  const logFile = (id: number) => join(dir, `${id}.log`)
  const listed = (id: number) => listedBrokers(nodeOf(id).internal, ANSWER_WITHIN_MS)

  function nodeOf(id: number): Node {
    const node = nodes.find((each) => each.id === id)
    if (node === undefined) throw new Error(`no broker ${id}`)
    return node
  }

  function launch(id: number): void {
    const command = brokerLaunch(runtime, `${id}.properties`, options.heapMegabytes ?? HEAP_MEGABYTES)
    const spec = { ...command, cwd: dir, pidFile: join(dir, `${id}.pid`) }
    const guarded = startGuarded(spec, logFile(id), process.env)
    guarded.unref()
    running.set(id, guarded)
    void guarded.ended.then(() => running.get(id) === guarded && running.delete(id))
  }

  async function untilUp(id: number, count: number): Promise<void> {
    const endMs = clock.elapsedMs() + READY_MS_MAX
    for (let ids: number[] = []; !ids.includes(id) || ids.length < count; ids = await listed(id)) {
      if (!running.has(id)) throw new Error(`broker ${id} has ended:${await lastLines(logFile(id))}`)
      if (clock.elapsedMs() > endMs) throw new Error(`broker ${id} is not up:${await lastLines(logFile(id))}`)
      await clock.sleep(ASK_EVERY_MS)
    }
  }

  for (const { id } of nodes) launch(id)
  await Promise.all(nodes.map(({ id }) => untilUp(id, nodes.length)))

  const addresses = (port: (node: Node) => number) => nodes.map((node) => `${HOST}:${port(node)}`).join(',')
  const internal = addresses((node) => node.internal)
  const brokers = options.clients === undefined ? internal : addresses((node) => node.clients)
  return {
    ...aclsOf(internal.split(','), closes),
    async stack() {
      const shared = await testStack()
      return { ...shared, brokers, env: (overrides = {}) => shared.env({ KAFKA_BROKERS: brokers, ...overrides }) }
    },
    brokers,
    internal,
    ids: nodes.map(({ id }) => id),
    dir,
    listed,
    kill,
    stop: async (id) => running.get(id)?.stop(),
    async start(id) {
      if (!running.has(id)) launch(id)
      await untilUp(id, 1)
    },
    log: (id) => readFile(logFile(id), 'utf8'),
  }
}

async function nodesOf(count: number): Promise<Node[]> {
  const ports = await freePorts(count * 3, clock)
  return Array.from({ length: count }, (_, index) => ({
    id: index + 1,
    internal: ports[index * 3] ?? 0,
    controller: ports[index * 3 + 1] ?? 0,
    clients: ports[index * 3 + 2] ?? 0,
  }))
}

async function writeFiles(dir: string, nodes: readonly Node[], options: OwnBrokersOptions): Promise<void> {
  const { tls, clientCa } = options.clients ?? {}
  if (tls !== undefined) await writeFile(join(dir, 'broker.pem'), `${tls.key}\n${tls.cert}`)
  if (clientCa !== undefined) await writeFile(join(dir, 'clients.pem'), clientCa)
  for (const node of nodes) {
    const lines = Object.entries(propertiesOf(node, nodes, options)).map(([name, value]) => `${name}=${value}\n`)
    await writeFile(join(dir, `${node.id}.properties`), lines.join(''))
  }
}

/** The tool runs once, which takes a second; the other nodes get what it wrote under ids of their own. */
async function format(dir: string, nodes: readonly Node[], runtime: KafkaRuntime, options: OwnBrokersOptions) {
  const { mechanisms = [], users = {} } = options.clients ?? {}
  const scram = mechanisms
    .filter((mechanism) => mechanism !== 'PLAIN')
    .flatMap((mechanism) => Object.entries(users).map((user) => [mechanism, ...user] as const))
    .flatMap(([mechanism, name, password]) => ['--add-scram', `${mechanism}=[name=${name},password=${password}]`])
  const logFile = join(dir, 'format.log')
  const hint = 'see its log'
  const formatting = { cwd: dir, properties: '1.properties', args: scram, logFile, hint }
  await formatLog(runtime, formatting, { env: process.env })
  for (const { id } of nodes.slice(1)) {
    await mkdir(join(dir, 'data'), { recursive: true })
    await cp(join(dir, 'data', '1'), join(dir, 'data', String(id)), { recursive: true })
    const path = join(dir, 'data', String(id), 'meta.properties')
    const meta = await readFile(path, 'utf8')
    const own = randomBytes(16).toString('base64url').replace(/^-/, 'A')
    await writeFile(
      path,
      meta.replace(/^node\.id=.*$/m, `node.id=${id}`).replace(/^directory\.id=.*$/m, `directory.id=${own}`),
    )
  }
}

function propertiesOf(node: Node, nodes: readonly Node[], options: OwnBrokersOptions): Record<string, string> {
  const copies = String(nodes.length)
  const inSync = nodes.length > 1 ? '2' : '1'
  const listeners = [`INTERNAL://${HOST}:${node.internal}`, `CONTROLLER://${HOST}:${node.controller}`]
  const protocols = ['INTERNAL:PLAINTEXT', 'CONTROLLER:PLAINTEXT']
  if (options.clients !== undefined) {
    listeners.push(`CLIENTS://${HOST}:${node.clients}`)
    protocols.push(`CLIENTS:${protocolOf(options.clients)}`)
  }
  return {
    'process.roles': 'broker,controller',
    'node.id': String(node.id),
    'controller.quorum.voters': nodes.map(({ id, controller }) => `${id}@${HOST}:${controller}`).join(','),
    listeners: listeners.join(','),
    'advertised.listeners': listeners.join(','),
    'controller.listener.names': 'CONTROLLER',
    'inter.broker.listener.name': 'INTERNAL',
    'listener.security.protocol.map': protocols.join(','),
    'log.dirs': `data/${node.id}`,
    'auto.create.topics.enable': 'false',
    'num.partitions': '3',
    'default.replication.factor': copies,
    'min.insync.replicas': inSync,
    'offsets.topic.replication.factor': copies,
    'offsets.topic.num.partitions': '4',
    'transaction.state.log.replication.factor': copies,
    'transaction.state.log.min.isr': inSync,
    'transaction.state.log.num.partitions': '4',
    'share.coordinator.state.topic.replication.factor': copies,
    'share.coordinator.state.topic.min.isr': inSync,
    'share.coordinator.state.topic.num.partitions': '1',
    'group.initial.rebalance.delay.ms': '0',
    // Half of a small heap otherwise.
    'log.cleaner.dedupe.buffer.size': String(4 * 1024 ** 2),
    'num.network.threads': '2',
    'num.io.threads': '4',
    ...(options.acls === true
      ? {
          'authorizer.class.name': 'org.apache.kafka.metadata.authorizer.StandardAuthorizer',
          'super.users': 'User:ANONYMOUS',
        }
      : {}),
    ...clientProperties(options.clients),
    ...options.properties,
  }
}

function protocolOf({ tls, mechanisms }: NonNullable<OwnBrokersOptions['clients']>): string {
  const names = [...(mechanisms === undefined ? [] : ['SASL']), ...(tls === undefined ? [] : ['SSL'])]
  return mechanisms !== undefined && tls === undefined ? 'SASL_PLAINTEXT' : names.join('_') || 'PLAINTEXT'
}

function clientProperties(clients: OwnBrokersOptions['clients']): Record<string, string> {
  const all: Record<string, string> = {}
  const set = (name: string, value: string) => {
    all[`listener.name.clients.${name}`] = value
  }
  const { mechanisms = [], users = {}, tls, clientCa } = clients ?? {}
  if (mechanisms.length > 0) set('sasl.enabled.mechanisms', mechanisms.join(','))
  for (const mechanism of mechanisms) {
    const module = mechanism === 'PLAIN' ? 'plain.PlainLoginModule' : 'scram.ScramLoginModule'
    const known = mechanism === 'PLAIN' ? Object.entries(users).map(([name, word]) => ` user_${name}="${word}"`) : []
    const jaas = `org.apache.kafka.common.security.${module} required${known.join('')};`
    set(`${mechanism.toLowerCase()}.sasl.jaas.config`, jaas)
  }
  if (tls !== undefined) {
    set('ssl.keystore.type', 'PEM')
    set('ssl.keystore.location', 'broker.pem')
  }
  if (clientCa !== undefined) {
    set('ssl.truststore.type', 'PEM')
    set('ssl.truststore.location', 'clients.pem')
    set('ssl.client.auth', 'required')
  }
  return all
}
