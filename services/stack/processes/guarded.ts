/**
 * The starter's side of a guard: starts one, receives its reports, releases it. Until the handle is released, the
 * server lives no longer than this process. Assumes only that SIGTERM ends the server; one that ignores it is killed.
 */
import { type ChildProcess, spawn } from 'node:child_process'
import { closeSync, mkdirSync, openSync, renameSync, statSync } from 'node:fs'
import { dirname } from 'node:path'
import type { Environment } from '#shared/config/config.ts'
import { moduleFile } from '#shared/installation.ts'

export type GuardSpec = {
  command: string
  args: string[]
  cwd: string
  /** Added to the environment that guard and server inherit. */
  env: Record<string, string>
  /** Where the guard stores its own and the server's identity. */
  pidFile?: string
  /** From SIGTERM to SIGKILL. */
  stopWithinMs: number
}

export type GuardReport =
  | { kind: 'started'; pid: number }
  | { kind: 'failed'; message: string }
  | { kind: 'exited'; code: number | null; signal: NodeJS.Signals | null }

export type Guarded = {
  /** Settles when the server has ended or could not be started; never rejects. */
  ended: Promise<Exclude<GuardReport, { kind: 'started' }>>
  /** The server keeps running when this process ends. */
  release(): Promise<void>
  /** Ends the server through the guard: SIGTERM, and SIGKILL after `stopWithinMs`. Resolves when both are gone. */
  stop(): Promise<void>
  /** From now on this process may exit while the server runs; unless released, the server ends with it. */
  unref(): void
}

export function describeEnd(end: Awaited<Guarded['ended']>): string {
  return end.kind === 'failed'
    ? end.message
    : end.signal === null
      ? `exit status ${end.code}`
      : `killed by ${end.signal}`
}

const GUARD = moduleFile(import.meta, 'guard')
const LOG_BYTES_MAX = 16 * 1024 * 1024

/**
 * Starts `spec.command` under a guard, its output appended to `logFile`. A command that cannot be started shows in
 * `ended`.
 */
export function startGuarded(spec: GuardSpec, logFile: string, env: Environment): Guarded {
  const log = openLog(logFile)
  const guard = spawn(process.execPath, [GUARD, JSON.stringify(spec)], {
    detached: true,
    cwd: spec.cwd,
    env: { ...env, ...spec.env },
    stdio: ['ignore', log, log, 'ipc'],
  })
  closeSync(log)
  const gone = new Promise<void>((resolve) => {
    guard.once('error', () => resolve())
    guard.once('exit', () => resolve())
  })
  const stop = () => {
    guard.ref()
    guard.kill('SIGTERM')
    return gone
  }
  const unref = () => {
    guard.unref()
    guard.channel?.unref()
  }
  return { ended: endOf(guard), release: () => release(guard), stop, unref }
}

function endOf(guard: ChildProcess): Guarded['ended'] {
  return new Promise((resolve) => {
    guard.on('message', (message) => {
      const report = message as GuardReport
      if (report.kind !== 'started') resolve(report)
    })
    guard.once('error', (error) => resolve({ kind: 'failed', message: error.message }))
    const lost = () => resolve({ kind: 'failed', message: 'its guard ended' })
    // A report can still be in the channel after the guard has exited: only the end of the channel shows that there is
    // none.
    guard.once('exit', () => (guard.connected ? guard.once('disconnect', lost) : lost()))
  })
}

/** Resolves when the guard has closed the channel, so that this process may exit. */
function release(guard: ChildProcess): Promise<void> {
  return new Promise((resolve) => {
    if (!guard.connected) return resolve()
    guard.once('disconnect', () => resolve())
    guard.channel?.ref()
    guard.send('release', () => {})
  })
}

/** Appends; a log that has grown too large is kept once as `.1`. */
function openLog(path: string): number {
  mkdirSync(dirname(path), { recursive: true })
  if ((statSync(path, { throwIfNoEntry: false })?.size ?? 0) > LOG_BYTES_MAX) renameSync(path, `${path}.1`)
  return openSync(path, 'a')
}
