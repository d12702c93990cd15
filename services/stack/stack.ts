/**
 * The local stack: Kafka, a schema registry and ClickHouse as processes of this computer, without containers. `stackUp`
 * starts what is not running and returns when all three respond. `stackDown` ends them; the data stays. Two concurrent
 * callers wait for each other. Assumes that a stack's folder is on this machine and is used by one user.
 */
import { mkdir } from 'node:fs/promises'
import { messageOf, Unavailable } from '#shared/errors.ts'
import { choosePorts } from './choose-ports.ts'
import { findJavas, type Java } from './downloads/java.ts'
import { checkDisk } from './downloads/maven.ts'
import { exists, removeFile, writeJson } from './files.ts'
import { type Launch, type Ports, pathsOf, SERVER_NAMES, type ServerName, type StackOptions } from './options.ts'
import type { Guarded } from './processes/guarded.ts'
import { withLock } from './processes/lock.ts'
import { libraryPath, prepareClickhouse } from './servers/clickhouse.ts'
import { prepareKafka } from './servers/kafka.ts'
import { prepareRegistry } from './servers/registry.ts'
import { signalServer, startServer, stopServer } from './servers/server.ts'
import { type StackFile, stackFileOf } from './stack-file.ts'
import { stackStatus } from './status.ts'

export type { Ports, ServerName, StackOptions } from './options.ts'
export type { StackFile } from './stack-file.ts'
export { type ServerStatus, type StackStatus, stackStatus } from './status.ts'

export type Stack = {
  dir: string
  addresses: StackFile
  /** True if all servers were already running. */
  alreadyUp: boolean
  /** Signals one server; after a fatal signal it is gone when this resolves. */
  kill(name: ServerName, signal: NodeJS.Signals): Promise<void>
  /** Ends one server cleanly. */
  stop(name: ServerName): Promise<void>
  /** Starts one server again, on the same port and data, and waits until it responds. */
  start(name: ServerName): Promise<void>
  /** Ends all servers. */
  down(): Promise<void>
}

const LOCK_WAIT_MS = 25 * 60_000
const DISK_BYTES_WARM_MIN = 512 * 1024 ** 2

/**
 * Starts the servers that are not running. Throws `Unavailable`: HR_JAVA_MISSING, HR_JAVA_TOO_OLD, HR_MAVEN_MISSING,
 * HR_DISK_FULL, HR_CLICKHOUSE_MISSING, HR_PACKAGES_MISSING, HR_STACK_PORT_TAKEN, HR_STACK_SERVER_FAILED,
 * HR_STACK_COMMAND_FAILED, HR_STACK_LOCKED, HR_STACK_DIR and others. After an error, every server that this call
 * started has been ended.
 */
export async function stackUp(options: StackOptions): Promise<Stack> {
  const { dir, stackFile } = pathsOf(options)
  await makeFolders(options)
  return locked(options, async () => {
    const running = await runningServers(options)
    const ports = await choosePorts(options, running)
    const missing = SERVER_NAMES.filter((name) => !running.has(name))
    if (missing.length > 0) {
      // Before Kafka is downloaded.
      if (missing.includes('clickhouse')) libraryPath()
      await removeFile(stackFile)
      await startServers(missing, ports, options)
    }
    // An existing file has the same addresses, and perhaps the sample API's as well.
    if (!(await exists(stackFile))) await writeJson(stackFile, stackFileOf(ports))
    return handleOf(dir, ports, missing.length === 0, options)
  })
}

/** Ends all servers of the stack, however they were started; the data stays. Returns the names of those that ran. */
export async function stackDown(options: StackOptions): Promise<ServerName[]> {
  const { run, stackFile } = pathsOf(options)
  if (!(await exists(run))) return []
  return locked(options, async () => {
    await removeFile(stackFile)
    const ended = await Promise.all(SERVER_NAMES.map(async (name) => ((await stopServer(name, options)) ? [name] : [])))
    return ended.flat()
  })
}

async function makeFolders(options: StackOptions): Promise<void> {
  const { dir, run } = pathsOf(options)
  try {
    await mkdir(run, { recursive: true })
  } catch (error) {
    throw new Unavailable('HR_STACK_DIR', `cannot use ${dir} for the stack: ${messageOf(error)}`, {
      hint: 'choose a folder that this user may write to',
      cause: error,
    })
  }
}

/** The servers that run and respond. One that runs without responding is ended, to be restarted. */
async function runningServers(options: StackOptions): Promise<Set<ServerName>> {
  const { servers } = await stackStatus(options)
  const running = servers.filter(({ state }) => state === 'ready').map(({ name }) => name)
  await Promise.all(servers.filter(({ state }) => state !== 'ready').map(({ name }) => stopServer(name, options)))
  return new Set(running)
}

/**
 * All at once: the slowest decides. If one fails, the others are stopped, and the first error is thrown after they
 * have ended.
 */
async function startServers(names: readonly ServerName[], ports: Ports, options: StackOptions): Promise<void> {
  const javas = names.some((name) => name !== 'clickhouse') ? await findJavas(options.env, options.jvmFolders) : []
  await checkDisk(pathsOf(options).dir, DISK_BYTES_WARM_MIN)
  const failure = new AbortController()
  const signal = options.signal === undefined ? failure.signal : AbortSignal.any([options.signal, failure.signal])
  const starts = names.map(async (name) => {
    try {
      return await startOne(name, ports, javas, { ...options, signal })
    } catch (error) {
      failure.abort(error)
      throw error
    }
  })
  const results = await Promise.allSettled(starts)
  const guards = results.flatMap((result) => (result.status === 'fulfilled' ? [result.value] : []))
  if (guards.length < names.length) {
    await Promise.all(guards.map((guarded) => guarded.stop()))
    throw signal.reason
  }
  if (options.owned !== true) await Promise.all(guards.map((guarded) => guarded.release()))
}

async function startOne(
  name: ServerName,
  ports: Ports,
  javas: readonly Java[],
  options: StackOptions,
): Promise<Guarded> {
  const launch = await prepare(name, ports, javas, options)
  const startedMs = options.clock.elapsedMs()
  options.onProgress?.(`starting ${name}`)
  const guarded = await startServer(name, launch, ports, options)
  const elapsedMs = options.clock.elapsedMs() - startedMs
  options.onProgress?.(`${name} answers after ${(elapsedMs / 1000).toFixed(1)} s`)
  options.log.debug({ server: name, elapsedMs: Math.round(elapsedMs) }, 'server started')
  return guarded
}

async function prepare(name: ServerName, ports: Ports, javas: readonly Java[], options: StackOptions): Promise<Launch> {
  if (name === 'clickhouse') return prepareClickhouse(options, ports)
  return name === 'kafka' ? prepareKafka(options, ports, javas) : prepareRegistry(options, ports, javas)
}

function handleOf(dir: string, ports: Ports, alreadyUp: boolean, options: StackOptions): Stack {
  return {
    dir,
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
  return withLock(
    pathsOf(options).lock,
    { clock: options.clock, waitMs: LOCK_WAIT_MS, onWait, signal: options.signal },
    work,
  )
}
