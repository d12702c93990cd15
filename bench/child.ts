/**
 * A Node process of the bench: started, watched, waited for or stopped. What it writes goes to a log file whose last
 * lines are in the error when it fails. It never outlives the bench.
 */
import { type ChildProcess, spawn } from 'node:child_process'
import { closeSync, mkdirSync, openSync, readFileSync } from 'node:fs'
import { join, resolve } from 'node:path'
import { systemClock } from '#shared/clock.ts'
import { Stopped } from '#shared/errors.ts'
import { type Sample, type Watching, watch } from './usage.ts'

export const ROOT = resolve(import.meta.dirname, '..')
export const CLI = join(ROOT, 'services', 'cli.ts')

export type ChildSpec = {
  name: string
  /** The script and its arguments. */
  args: readonly string[]
  env: Record<string, string>
  logDir: string
  /** What runs the script, if not this Node. */
  runtime?: string
  /** Folder for a CPU profile; null for none. */
  profile?: string | null
}
export type Ended<Result> = { result: Result; samples: readonly Sample[]; seconds: number }
export type Child = {
  pid: number
  samples(): readonly Sample[]
  /** The last lines of its log. */
  lastLines(): string
  /** The next message that the process sends to its parent. */
  message<T>(): Promise<T>
  /** Sends a message, and resolves with the next one that comes. */
  ask<T>(message: object): Promise<T>
  /** Its exit status; null if a signal ended it, or it could not be started. */
  exited: Promise<number | null>
  /** SIGTERM. Resolves with the exit status; null when a signal ended it. */
  stop(): Promise<number | null>
}

const CHILD_WITHIN_MS = 30 * 60_000
const STOP_WITHIN_MS = 30_000
const LOG_LINES_SHOWN = 12

const running = new Set<ChildProcess>()
process.once('exit', () => {
  for (const child of running) child.kill('SIGKILL')
})

/**
 * Runs to the end. `result` is the JSON of the last line on standard output. Throws Stopped when it fails, or takes too
 * long.
 */
export async function runChild<Result>(spec: ChildSpec): Promise<Ended<Result>> {
  const { child, watching, exited, out, log } = launch(spec)
  const startMs = systemClock.elapsedMs()
  const timer = setTimeout(() => child.kill('SIGKILL'), CHILD_WITHIN_MS)
  const code = await exited
  const seconds = (systemClock.elapsedMs() - startMs) / 1000
  clearTimeout(timer)
  const samples = watching.end()
  if (code !== 0) throw failure(spec.name, `ended with status ${code}`, log)
  return { result: JSON.parse(out().trim().split('\n').at(-1) ?? '') as Result, samples, seconds }
}

/** Runs until it is stopped. */
export function startChild(spec: ChildSpec): Child {
  const { child, watching, exited, log } = launch(spec)
  const message = <T>() =>
    new Promise<T>((done, failed) => {
      child.once('message', (sent) => done(sent as T))
      void exited.then((code) => failed(failure(spec.name, `ended with status ${code}`, log)))
    })
  return {
    pid: child.pid ?? 0,
    samples: () => watching.samples,
    lastLines: () => lastLines(log),
    message,
    ask<T>(request: object) {
      const answer = message<T>()
      child.send(request)
      return answer
    },
    exited,
    async stop() {
      watching.end()
      child.kill('SIGTERM')
      const timer = setTimeout(() => child.kill('SIGKILL'), STOP_WITHIN_MS)
      const status = await exited
      clearTimeout(timer)
      return status
    },
  }
}

function launch({ name, args, env, logDir, runtime = process.execPath, profile = null }: ChildSpec) {
  mkdirSync(logDir, { recursive: true })
  const log = join(logDir, `${name}.log`)
  const file = openSync(log, 'a')
  const profiling =
    profile === null ? [] : ['--cpu-prof', `--cpu-prof-dir=${resolve(profile)}`, `--cpu-prof-name=${name}.cpuprofile`]
  const child = spawn(runtime, [...profiling, ...args], { cwd: ROOT, env, stdio: ['ignore', 'pipe', file, 'ipc'] })
  closeSync(file)
  running.add(child)
  let text = ''
  child.stdout?.setEncoding('utf8').on('data', (chunk: string) => {
    text += chunk
  })
  const exited = new Promise<number | null>((done) => {
    child.once('error', () => done(null))
    // Not exit: what it wrote last may still be in the pipe.
    child.once('close', (code) => done(code))
  }).finally(() => running.delete(child))
  const watching: Watching = watch(child.pid ?? 0)
  return { child, watching, exited, out: () => text, log }
}

function failure(name: string, what: string, log: string): Stopped {
  return new Stopped('HR_BENCH_CHILD', `${name} ${what}`, { hint: `its last lines:\n${lastLines(log)}` })
}

const lastLines = (log: string): string =>
  readFileSync(log, 'utf8').trim().split('\n').slice(-LOG_LINES_SHOWN).join('\n')
