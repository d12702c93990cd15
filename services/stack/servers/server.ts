/**
 * One server of the stack from start to end: launched under a guard, polled until it responds, signalled, stopped.
 * Knows the three servers only as a name, a launch and a readiness check.
 */
import { readFile, rm } from 'node:fs/promises'
import { Unavailable } from '#shared/errors.ts'
import { isPortFree, portTaken } from '../free-ports.ts'
import { type Launch, type Ports, pathsOf, type ServerName, type StackOptions } from '../options.ts'
import { lastLines } from '../processes/command.ts'
import { describeEnd, type Guarded, startGuarded } from '../processes/guarded.ts'
import { endProcess, type Identity, isAlive, isIdentity, signalTo, waitGone } from '../processes/identity.ts'
import { isClickhouseReady } from './clickhouse.ts'
import { isKafkaReady } from './kafka.ts'
import { isRegistryReady } from './registry.ts'

type PidFile = { guard?: Identity; server: Identity }

const READY_WITHIN_MS = 120_000
const ASK_EVERY_MS = 100
const ANSWER_WITHIN_MS = 2_000
const STOP_WITHIN_MS = 30_000

export function isReady(name: ServerName, ports: Ports): Promise<boolean> {
  if (name === 'kafka') return isKafkaReady(ports.kafka, ANSWER_WITHIN_MS)
  if (name === 'registry') return isRegistryReady(ports.registry, ANSWER_WITHIN_MS)
  return isClickhouseReady(ports.clickhouse, ANSWER_WITHIN_MS)
}

/**
 * Starts a server and waits until it responds; it is still bound to this process then. If it dies, does not respond in
 * time, or the signal aborts, it is ended first. Throws HR_STACK_SERVER_FAILED, or the signal's reason.
 */
export async function startServer(
  name: ServerName,
  launch: Launch,
  ports: Ports,
  options: StackOptions,
): Promise<Guarded> {
  options.signal?.throwIfAborted()
  if (!(await isPortFree(ports[name]))) throw portTaken(name, ports[name])
  const paths = pathsOf(options)
  const guarded = startGuarded(
    { ...launch, cwd: paths.dir, pidFile: paths.pidFile(name) },
    paths.log(name),
    options.env,
  )
  try {
    await untilReady(name, guarded, ports, options)
  } catch (error) {
    await guarded.stop()
    throw error
  }
  guarded.unref()
  return guarded
}

/** A response counts only while our own server lives: another one may use its port. */
async function untilReady(
  name: ServerName,
  guarded: Guarded,
  ports: Ports,
  { clock, signal, ...options }: StackOptions,
): Promise<void> {
  let why: string | undefined
  void guarded.ended.then((end) => {
    why = describeEnd(end)
  })
  const endMs = clock.elapsedMs() + READY_WITHIN_MS
  while (why === undefined) {
    const ready = await isReady(name, ports)
    if (ready && why === undefined) return
    await clock.sleep(ASK_EVERY_MS, signal)
    if (clock.elapsedMs() > endMs) why ??= `no answer within ${READY_WITHIN_MS / 1000} s`
  }
  const { log } = pathsOf(options)
  throw new Unavailable(
    'HR_STACK_SERVER_FAILED',
    `${name} did not start: ${why}; its log is ${log(name)}${await lastLines(log(name))}`,
    {
      hint: 'the last lines of its log, above, say why',
    },
  )
}

/** The living server's identity; undefined if it is not running. */
export async function serverIdentity(
  name: ServerName,
  options: Pick<StackOptions, 'dir'>,
): Promise<Identity | undefined> {
  const noted = await readPidFile(pathsOf(options).pidFile(name))
  return noted !== undefined && (await isAlive(noted.server)) ? noted.server : undefined
}

/**
 * Sends a signal to the server itself, not to its guard. Unless it only pauses or resumes, waits until server and guard
 * are gone.
 */
export async function signalServer(name: ServerName, signal: NodeJS.Signals, options: StackOptions): Promise<boolean> {
  const noted = await readPidFile(pathsOf(options).pidFile(name))
  if (noted === undefined || !(await signalTo(noted.server, signal))) return false
  if (signal === 'SIGSTOP' || signal === 'SIGCONT') return true
  await waitGone(noted.server, STOP_WITHIN_MS, options.clock)
  if (noted.guard !== undefined) await waitGone(noted.guard, STOP_WITHIN_MS, options.clock)
  return true
}

/** Ends the server cleanly through its guard, or directly if the guard is gone; true if there was one to end. */
export async function stopServer(name: ServerName, options: StackOptions): Promise<boolean> {
  const path = pathsOf(options).pidFile(name)
  const noted = await readPidFile(path)
  if (noted === undefined) return false
  const wasAlive = await isAlive(noted.server)
  if (noted.guard !== undefined) await endProcess(noted.guard, STOP_WITHIN_MS, options.clock)
  await endProcess(noted.server, STOP_WITHIN_MS, options.clock)
  await rm(path, { force: true })
  return wasAlive
}

async function readPidFile(path: string): Promise<PidFile | undefined> {
  try {
    const value: unknown = JSON.parse(await readFile(path, 'utf8'))
    if (typeof value !== 'object' || value === null || !('server' in value) || !isIdentity(value.server))
      return undefined
    return 'guard' in value && isIdentity(value.guard)
      ? { guard: value.guard, server: value.server }
      : { server: value.server }
  } catch {
    return undefined
  }
}
