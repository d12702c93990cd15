/**
 * The commands of Headrace as real processes: started as a person or a supervisor starts them, with their output kept
 * and real signals. Each is gone when its test ends, and at the latest when the test's process does.
 */
import { type ChildProcess, spawn } from 'node:child_process'
import { resolve } from 'node:path'
import { setTimeout as sleep } from 'node:timers/promises'
import { until } from './loading.ts'

export type Exit = { status: number | null; signal: NodeJS.Signals | null }
export type LogLine = { level: string; msg: string; name: string; [field: string]: unknown }

export type Running = {
  name: string
  pid: number
  stdout(): string
  stderr(): string
  /** What it logged, as JSON. */
  lines(): LogLine[]
  logged(text: string | RegExp): LogLine[]
  exit: Promise<Exit>
  /** Null while it runs. */
  ended(): Exit | null
  kill(signal: NodeJS.Signals): void
  /** SIGTERM, and its end. */
  stop(): Promise<Exit>
  /** Of its health server, when it has told. */
  url(): Promise<string>
}

/** `after` of a test or a suite. */
export type Closes = { after(close: () => void | Promise<void>): void }

/**
 * Hooks of one owner: the last one first, so that what uses a thing ends before it. Each runs also if another one
 * fails; a test leaves the rest of its hooks out then, and a process that none of them ends keeps the file running.
 */
export function inReverse(owner: Closes): Closes {
  const hooks: (() => void | Promise<void>)[] = []
  owner.after(async () => {
    const failures: unknown[] = []
    for (const hook of hooks.splice(0).reverse()) {
      try {
        await hook()
      } catch (error) {
        failures.push(error)
      }
    }
    if (failures.length > 0) throw failures[0]
  })
  return { after: (hook) => void hooks.push(hook) }
}

export type Done = { status: number | null; stdout: string; stderr: string; seconds: number }

const CLI = resolve(import.meta.dirname, '..', '..', 'services', 'cli.ts')
/** Longer than most commands may take. */
const COMMAND_MS_MAX = 60_000
const STOP_MS_MAX = 30_000
const KILL_MS_MAX = 10_000

const alive = new Set<ChildProcess>()
process.on('exit', () => {
  for (const child of alive) child.kill('SIGKILL')
})

/** A process of a test, which is killed when the test ends, however it ends. */
export function owned<Child extends ChildProcess>(closes: Closes, child: Child): Child {
  alive.add(child)
  child.once('close', () => alive.delete(child))
  closes.after(() => killed(child, String(child.spawnargs.at(1))))
  return child
}

/** Bounded: what a child has started can hold its output open. */
async function killed(child: ChildProcess, name: string): Promise<void> {
  if (!alive.has(child)) return
  const closed = new Promise((done) => child.once('close', done))
  child.kill('SIGKILL')
  try {
    await within(closed, KILL_MS_MAX, `${name} to be gone`)
  } finally {
    for (const stream of child.stdio) stream?.destroy()
  }
}

/** Starts `headrace …args`. */
export function start(
  closes: Closes,
  name: string,
  args: readonly string[],
  env: Readonly<Record<string, string>>,
): Running {
  const child = spawn(process.execPath, [CLI, ...args], { env, stdio: ['ignore', 'pipe', 'pipe'] })
  alive.add(child)
  const texts = { stdout: '', stderr: '' }
  for (const stream of ['stdout', 'stderr'] as const) {
    child[stream].setEncoding('utf8')
    child[stream].on('data', (text: string) => {
      texts[stream] += text
      if (process.env.HEADRACE_TEST_ECHO === '1') process.stderr.write(text.replace(/^(?=.)/gm, `${name}| `))
    })
  }
  let ended: Exit | null = null
  const exit = new Promise<Exit>((done, refuse) => {
    child.once('error', refuse)
    // Not `exit`: what it wrote last must be here too.
    child.once('close', (status, signal) => {
      alive.delete(child)
      ended = { status, signal }
      done(ended)
    })
  })
  closes.after(() => killed(child, name))
  const lines = () => texts.stderr.split('\n').flatMap(parsed)
  return {
    name,
    pid: child.pid ?? -1,
    stdout: () => texts.stdout,
    stderr: () => texts.stderr,
    lines,
    logged: (text) => lines().filter(({ msg }) => (typeof text === 'string' ? msg.includes(text) : text.test(msg))),
    exit,
    ended: () => ended,
    kill: (signal) => void child.kill(signal),
    async stop() {
      child.kill('SIGTERM')
      return within(exit, STOP_MS_MAX, `${name} to stop`)
    },
    async url() {
      await until(`${name} tells its address`, () => lines().some(({ url }) => url !== undefined))
      return String(lines().find(({ url }) => url !== undefined)?.url)
    },
  }
}

/** Runs `headrace …args` to its end. */
export async function run(
  closes: Closes,
  args: readonly string[],
  env: Readonly<Record<string, string>>,
  waitMaxMs = COMMAND_MS_MAX,
): Promise<Done> {
  const startedMs = performance.now()
  const command = start(closes, args.join(' '), args, env)
  const { status } = await within(command.exit, waitMaxMs, `headrace ${args.join(' ')} to end`)
  return { status, stdout: command.stdout(), stderr: command.stderr(), seconds: (performance.now() - startedMs) / 1000 }
}

export async function within<T>(work: Promise<T>, ms: number, what: string): Promise<T> {
  const timer = new AbortController()
  const late = sleep(ms, undefined, { signal: timer.signal }).then(() => {
    throw new Error(`waited ${ms / 1000} s for ${what}`)
  })
  late.catch(() => undefined)
  try {
    return await Promise.race([work, late])
  } finally {
    timer.abort()
  }
}

function parsed(line: string): LogLine[] {
  try {
    return line.startsWith('{') ? [JSON.parse(line)] : []
  } catch {
    return []
  }
}
