/**
 * Bounds the time of a test file, which Node's runner does not: its timeout is one of tests, and a file whose tests
 * have ended can keep running for ever. A file that runs too long is killed with all that it has started, and Node's
 * runner goes on with the others. So is a process that a file left behind: it can hold the file's output open.
 */
import type { Clock } from '#shared/clock.ts'
import { type Identity, identify, isAlive, signalTo } from '../../services/stack/processes/identity.ts'
import { descendantsOf, type ProcessEntry, processTable } from './process-table.ts'

export type WatchOptions = {
  fileMsMax: number
  /** Of a process whose file has ended. */
  leftMsMax: number
  clock: Clock
  /** Of the file that a process runs. */
  nameOf(command: string): string
  /** What was killed, when it was. */
  say(line: string): void
}

export type Watch = {
  /** What was killed so far, a line each. */
  killed: readonly string[]
  /** Files that run now. */
  running(): Promise<string[]>
  stop(): Promise<void>
}

const LOOK_EVERY_MS = 5_000
const LOOKS_A_BOUND = 4
/** For guards of servers to see that their starter is gone, and to end the servers. */
const GUARDS_MS_MAX = 30_000
const GONE_POLL_MS = 100
/** A process can start others until it is stopped itself. */
const STOP_PASSES_MAX = 10
const COMMAND_CHARS_MAX = 160

/** `runner` is the pid of Node's runner, which leads a group of processes. */
export function watchFiles(runner: number, options: WatchOptions): Watch {
  const { fileMsMax, leftMsMax, clock, nameOf, say } = options
  const everyMs = Math.min(LOOK_EVERY_MS, fileMsMax / LOOKS_A_BOUND, leftMsMax / LOOKS_A_BOUND)
  const stopping = new AbortController()
  const [filesSince, leftSince] = [new Map<string, number>(), new Map<string, number>()]
  const killed: string[] = []

  function overdue(found: readonly ProcessEntry[], since: Map<string, number>, msMax: number): ProcessEntry[] {
    const nowMs = clock.elapsedMs()
    const keyOf = ({ pid, command }: ProcessEntry) => `${pid} ${command}`
    const keys = new Set(found.map(keyOf))
    for (const key of since.keys()) if (!keys.has(key)) since.delete(key)
    for (const key of keys) if (!since.has(key)) since.set(key, nowMs)
    return found.filter((entry) => nowMs - (since.get(keyOf(entry)) ?? nowMs) > msMax)
  }

  async function end(entry: ProcessEntry, what: string, msMax: number): Promise<void> {
    const others = await killTree(entry, Math.min(GUARDS_MS_MAX, leftMsMax), clock)
    const with_ = others.length === 0 ? '' : `, with ${others.map(({ command }) => shortened(command)).join('; ')}`
    const line = `${what} still ran after ${msMax / 1000} s and was killed${with_}`
    killed.push(line)
    say(line)
  }

  async function look(): Promise<void> {
    const table = await processTable()
    const own = new Set(descendantsOf(table, runner).map(({ pid }) => pid))
    const files = table.filter(({ parent }) => parent === runner)
    const left = table.filter(({ pid, group }) => group === runner && pid !== runner && !own.has(pid))
    for (const entry of overdue(files, filesSince, fileMsMax)) await end(entry, nameOf(entry.command), fileMsMax)
    for (const entry of overdue(left, leftSince, leftMsMax))
      await end(entry, `a process that a test file left behind (${shortened(entry.command)})`, leftMsMax)
  }

  async function lookOften(): Promise<void> {
    while (!stopping.signal.aborted) {
      await look()
      await clock.sleep(everyMs, stopping.signal).catch(() => undefined)
    }
  }

  const looking = lookOften()
  looking.catch((error) => say(`test files are not watched any more: ${error}`))
  return {
    killed,
    async running() {
      const table = await processTable()
      return table.filter(({ parent }) => parent === runner).map(({ command }) => nameOf(command))
    },
    async stop() {
      stopping.abort()
      await looking
    },
  }
}

/** Returns the others that went with it. */
async function killTree(root: ProcessEntry, guardsMsMax: number, clock: Clock): Promise<ProcessEntry[]> {
  const tree = await stopTree(root)
  const identities = await Promise.all(tree.map(({ pid }) => identify(pid)))
  // Guards of servers are in groups of their own. They end their servers when they see that their starter is gone.
  const ofGroup = ({ group }: ProcessEntry) => group === root.group
  for (const [at, entry] of tree.entries()) if (ofGroup(entry)) await send(identities[at], 'SIGKILL')
  const endMs = clock.elapsedMs() + guardsMsMax
  while ((await anyAlive(identities)) && clock.elapsedMs() < endMs) await clock.sleep(GONE_POLL_MS)
  for (const identity of identities) await send(identity, 'SIGKILL')
  return tree.slice(1)
}

/** What is stopped starts no other process. */
async function stopTree(root: ProcessEntry): Promise<ProcessEntry[]> {
  let tree = [root]
  const stopped = new Set<number>()
  for (let pass = 0; pass < STOP_PASSES_MAX; pass++) {
    const running = tree.filter(({ pid, group }) => group === root.group && !stopped.has(pid))
    if (running.length === 0) break
    for (const { pid } of running) {
      stopped.add(pid)
      await send(await identify(pid), 'SIGSTOP')
    }
    tree = [root, ...descendantsOf(await processTable(), root.pid)]
  }
  return tree
}

async function anyAlive(identities: readonly (Identity | undefined)[]): Promise<boolean> {
  for (const identity of identities) if (identity !== undefined && (await isAlive(identity))) return true
  return false
}

async function send(identity: Identity | undefined, signal: NodeJS.Signals): Promise<void> {
  if (identity !== undefined) await signalTo(identity, signal)
}

const shortened = (command: string): string =>
  command.length > COMMAND_CHARS_MAX ? `${command.slice(0, COMMAND_CHARS_MAX)}…` : command
