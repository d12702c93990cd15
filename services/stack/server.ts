/**
 * One server of the stack from start to end: launched below a guard, asked until it answers, signalled, stopped. Knows the three
 * servers only as a name, a launch and a question whether it is ready.
 */
import { readFile, rm } from 'node:fs/promises'
import type { Clock } from '../../shared/clock.ts'
import { Unavailable } from '../../shared/errors.ts'
import { isClickhouseReady } from './clickhouse.ts'
import { lastLines } from './command.ts'
import { type Guarded, startGuarded } from './guarded.ts'
import { isKafkaReady } from './kafka.ts'
import { isIdentity } from './lock.ts'
import { type Ports, pathsOf, type ServerName, type StackOptions } from './options.ts'
import { endProcess, type Identity, isAlive, signalTo, waitGone } from './process.ts'
import { isRegistryReady } from './registry.ts'

/** How a server is started. */
export type Launch = { command: string; args: string[]; env: Record<string, string>; stopWithinMs: number }

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

/** Starts a server and waits until it answers. It is still bound to this process then. Throws HR_STACK_SERVER_FAILED. */
export async function startServer(name: ServerName, launch: Launch, ports: Ports, options: StackOptions): Promise<Guarded> {
  const paths = pathsOf(options)
  const guarded = startGuarded({ ...launch, cwd: paths.dir, pidFile: paths.pidFile(name) }, paths.log(name), options.env)
  let end: string | undefined
  void guarded.ended.then((report) => {
    end = report.kind === 'failed' ? report.message : `it ended with ${report.code ?? report.signal}`
  })
  const endMs = options.clock.elapsedMs() + READY_WITHIN_MS
  while (!(await isReady(name, ports)) || end !== undefined) {
    if (end === undefined && options.clock.elapsedMs() > endMs) end = `no answer within ${READY_WITHIN_MS / 1000} s`
    if (end !== undefined) {
      guarded.stop()
      throw await startFailure(name, end, paths.log(name))
    }
    await options.clock.sleep(ASK_EVERY_MS)
  }
  return guarded
}

async function startFailure(name: ServerName, why: string, logFile: string): Promise<Unavailable> {
  return new Unavailable('HR_STACK_SERVER_FAILED', `${name} did not start: ${why}; its log is ${logFile}${await lastLines(logFile)}`, {
    hint: 'the last lines of its log say why; `headrace stack down` and a new start begin cleanly',
  })
}

/** The living server's identity; undefined when it is not running. */
export async function serverIdentity(name: ServerName, options: Pick<StackOptions, 'dir'>): Promise<Identity | undefined> {
  const noted = await readPidFile(pathsOf(options).pidFile(name))
  return noted !== undefined && (await isAlive(noted.server)) ? noted.server : undefined
}

/** Sends a signal to the server itself, past its guard. Unless it only pauses or resumes, waits until server and guard are gone. */
export async function signalServer(name: ServerName, signal: NodeJS.Signals, options: StackOptions): Promise<boolean> {
  const noted = await readPidFile(pathsOf(options).pidFile(name))
  if (noted === undefined || !(await signalTo(noted.server, signal))) return false
  if (signal === 'SIGSTOP' || signal === 'SIGCONT') return true
  await waitGone(noted.server, STOP_WITHIN_MS, options.clock)
  if (noted.guard !== undefined) await waitGone(noted.guard, STOP_WITHIN_MS, options.clock)
  return true
}

/** Ends the server cleanly through its guard, or directly where the guard is gone; true when there was one to end. */
export async function stopServer(name: ServerName, options: StackOptions): Promise<boolean> {
  const path = pathsOf(options).pidFile(name)
  const noted = await readPidFile(path)
  if (noted === undefined) return false
  const wasAlive = await isAlive(noted.server)
  if (noted.guard !== undefined) await endByGuard(noted.guard, options.clock)
  await endProcess(noted.server, STOP_WITHIN_MS, options.clock)
  await rm(path, { force: true })
  return wasAlive
}

/** The guard itself waits and kills; it needs no SIGKILL of its own unless it hangs. */
async function endByGuard(guard: Identity, clock: Clock): Promise<void> {
  await endProcess(guard, STOP_WITHIN_MS, clock)
}

async function readPidFile(path: string): Promise<PidFile | undefined> {
  try {
    const value: unknown = JSON.parse(await readFile(path, 'utf8'))
    if (typeof value !== 'object' || value === null || !('server' in value) || !isIdentity(value.server)) return undefined
    return 'guard' in value && isIdentity(value.guard) ? { guard: value.guard, server: value.server } : { server: value.server }
  } catch {
    return undefined
  }
}
