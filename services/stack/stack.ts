/**
 * The local stack: Kafka, a schema registry and ClickHouse as processes of this computer, without containers. `stackUp` starts what is
 * not running and answers when all three answer; `stackDown` ends them; the data stays. Two callers at once wait for each other.
 * Assumes that a stack's folder is on this machine and is used by one user.
 */
import { mkdir } from 'node:fs/promises'
import { Unavailable, WrongUse } from '../../shared/errors.ts'
import { prepareClickhouse } from './clickhouse.ts'
import type { Guarded } from './guarded.ts'
import { findJavas } from './java.ts'
import { prepareKafka } from './kafka.ts'
import { withLock } from './lock.ts'
import { checkDisk } from './maven.ts'
import { type Ports, pathsOf, SERVER_NAMES, type ServerName, type StackOptions } from './options.ts'
import { freePorts, isPortFree } from './ports.ts'
import { prepareRegistry } from './registry.ts'
import { isReady, type Launch, serverIdentity, signalServer, startServer, stopServer } from './server.ts'
import { readPorts, removeFile, type StackFile, stackFileOf, writeJson } from './stack-file.ts'

export type { Ports, ServerName, StackOptions } from './options.ts'
export type { StackFile } from './stack-file.ts'

export type Stack = {
  dir: string
  addresses: StackFile
  /** True when all servers were running already. */
  alreadyUp: boolean
  /** Signals one server; after a deadly signal it is gone when this resolves. */
  kill(name: ServerName, signal: NodeJS.Signals): Promise<void>
  /** Ends one server cleanly. */
  stop(name: ServerName): Promise<void>
  /** Starts one server again, on the same port and data, and waits until it answers. */
  start(name: ServerName): Promise<void>
  /** Ends all servers. */
  down(): Promise<void>
}

export type ServerStatus = { name: ServerName; state: 'ready' | 'not answering' | 'stopped'; pid?: number; address?: string; log: string }
export type StackStatus = { dir: string; state: 'up' | 'partly up' | 'down'; servers: ServerStatus[] }

const LOCK_WAIT_MS = 25 * 60_000
const DISK_BYTES_WARM_MIN = 512 * 1024 ** 2

/**
 * Starts the servers that are not running. Throws `Unavailable`: HR_JAVA_MISSING, HR_JAVA_TOO_OLD, HR_MAVEN_MISSING, HR_DISK_FULL,
 * HR_STACK_PORT_TAKEN, HR_STACK_SERVER_FAILED, HR_STACK_COMMAND_FAILED, HR_STACK_LOCKED, HR_CLICKHOUSE_MISSING. After an error
 * none of the servers that it started is left.
 */
export async function stackUp(options: StackOptions): Promise<Stack> {
  const paths = pathsOf(options)
  await mkdir(paths.run, { recursive: true })
  return locked(options, async () => {
    const running = await runningServers(options)
    const ports = await choosePorts(options, running)
    const missing = SERVER_NAMES.filter((name) => !running.has(name))
    if (missing.length > 0) await startServers(missing, ports, options)
    await writeJson(paths.stackFile, stackFileOf(ports))
    return handleOf(options, ports, missing.length === 0)
  })
}

/** Ends all servers of the stack, however they were started; the data stays. Answers the names of those that ran. */
export async function stackDown(options: StackOptions): Promise<ServerName[]> {
  const paths = pathsOf(options)
  await mkdir(paths.run, { recursive: true })
  return locked(options, async () => {
    await removeFile(paths.stackFile)
    const ended = await Promise.all(SERVER_NAMES.map(async (name) => ((await stopServer(name, options)) ? [name] : [])))
    return ended.flat()
  })
}

/** Asks each server; believes no file. */
export async function stackStatus(options: StackOptions): Promise<StackStatus> {
  const paths = pathsOf(options)
  const ports = await readPorts(paths.portsFile)
  const servers = await Promise.all(SERVER_NAMES.map((name) => serverStatus(name, ports, options)))
  const ready = servers.filter(({ state }) => state === 'ready').length
  const stopped = servers.filter(({ state }) => state === 'stopped').length
  return { dir: paths.dir, state: ready === servers.length ? 'up' : stopped === servers.length ? 'down' : 'partly up', servers }
}

async function serverStatus(name: ServerName, ports: Ports | undefined, options: StackOptions): Promise<ServerStatus> {
  const log = pathsOf(options).log(name)
  const identity = await serverIdentity(name, options)
  if (identity === undefined || ports === undefined) return { name, state: 'stopped', log }
  const state = (await isReady(name, ports)) ? 'ready' : 'not answering'
  return { name, state, pid: identity.pid, address: addressOf(name, stackFileOf(ports)), log }
}

function addressOf(name: ServerName, addresses: StackFile): string {
  return name === 'kafka' ? addresses.kafka.brokers : addresses[name].url
}

/** The servers that run and answer. One that runs and does not answer, or whose guard is gone, is ended, to be started anew. */
async function runningServers(options: StackOptions): Promise<Set<ServerName>> {
  const { servers } = await stackStatus(options)
  const running = servers.filter(({ state }) => state === 'ready').map(({ name }) => name)
  await Promise.all(servers.filter(({ state }) => state !== 'ready').map(({ name }) => stopServer(name, options)))
  return new Set(running)
}

/** The ports asked for, else those of the last start while they are free, else new ones. Throws HR_STACK_PORT_TAKEN. */
async function choosePorts(options: StackOptions, running: ReadonlySet<ServerName>): Promise<Ports> {
  const paths = pathsOf(options)
  const last = await readPorts(paths.portsFile)
  const fresh = await freePorts(4)
  const names = ['kafka', 'kafkaController', 'registry', 'clickhouse'] as const
  const ports = { kafka: 0, kafkaController: 0, registry: 0, clickhouse: 0 }
  for (const [index, name] of names.entries()) {
    const isRunning = running.has(name === 'kafkaController' ? 'kafka' : name)
    ports[name] =
      isRunning && last !== undefined ? last[name] : await choosePort(name, options.ports?.[name], last?.[name], fresh[index]!, options)
  }
  await writeJson(paths.portsFile, ports)
  return ports
}

async function choosePort(
  name: keyof Ports,
  asked: number | undefined,
  last: number | undefined,
  fresh: number,
  options: StackOptions,
): Promise<number> {
  if (asked !== undefined) {
    if (!Number.isInteger(asked) || asked < 1 || asked > 65_535)
      throw new WrongUse('HR_STACK_PORT_INVALID', `${asked} is not a port for ${name}`)
    if (await isPortFree(asked)) return asked
    throw new Unavailable('HR_STACK_PORT_TAKEN', `port ${asked} for ${name} is taken by another process`, {
      hint: 'end that process, choose another port, or leave the port out: then a free one is found',
    })
  }
  if (last === undefined || (await isPortFree(last))) return last ?? fresh
  options.onProgress?.(`port ${last} of the last start is taken: ${name} gets ${fresh}`)
  return fresh
}

/** All at once: the slowest decides. When one fails, the others are ended before the error is told. */
async function startServers(names: readonly ServerName[], ports: Ports, options: StackOptions): Promise<void> {
  await checkDisk(pathsOf(options).dir, DISK_BYTES_WARM_MIN)
  const launches = await prepareAll(names, ports, options)
  options.onProgress?.(`starting ${names.join(', ')}`)
  const startedMs = options.clock.elapsedMs()
  const results = await Promise.allSettled(
    names.map(async (name, index) => {
      const guarded = await startServer(name, launches[index]!, ports, options)
      options.onProgress?.(`${name} answers after ${((options.clock.elapsedMs() - startedMs) / 1000).toFixed(1)} s`)
      return guarded
    }),
  )
  const failed = results.find((result) => result.status === 'rejected')
  if (failed !== undefined) {
    await Promise.all(names.map((name) => stopServer(name, options)))
    throw failed.reason
  }
  const guards = results.flatMap((result) => (result.status === 'fulfilled' ? [result.value] : []))
  if (options.owned !== true) await Promise.all(guards.map((guarded: Guarded) => guarded.release()))
}

/** One after the other: the first start downloads, and one download at a time is kinder to the line. */
async function prepareAll(names: readonly ServerName[], ports: Ports, options: StackOptions): Promise<Launch[]> {
  const launches: Launch[] = []
  for (const name of names) launches.push(await prepare(name, ports, options))
  return launches
}

async function prepare(name: ServerName, ports: Ports, options: StackOptions): Promise<Launch> {
  if (name === 'clickhouse') return prepareClickhouse(options, ports)
  const javas = await findJavas(options.env, options.jvmFolders)
  return name === 'kafka' ? prepareKafka(options, ports, javas) : prepareRegistry(options, ports, javas)
}

function handleOf(options: StackOptions, ports: Ports, alreadyUp: boolean): Stack {
  return {
    dir: pathsOf(options).dir,
    addresses: stackFileOf(ports),
    alreadyUp,
    kill: async (name, signal) => void (await signalServer(name, signal, options)),
    stop: async (name) => void (await stopServer(name, options)),
    start: async (name) => {
      await stopServer(name, options)
      await startServers([name], ports, options)
    },
    down: async () => void (await stackDown(options)),
  }
}

function locked<T>(options: StackOptions, work: () => Promise<T>): Promise<T> {
  const onWait = (pid: number) => options.onProgress?.(`waiting for process ${pid}, which starts or stops this stack`)
  return withLock(pathsOf(options).lock, { clock: options.clock, waitMs: LOCK_WAIT_MS, onWait }, work)
}
