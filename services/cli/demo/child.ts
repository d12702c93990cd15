/**
 * One service as a child process of the demo. Its log goes to a file, its exit is noticed, and it never outlives its
 * parent by accident.
 */
import { spawn } from 'node:child_process'
import { closeSync, mkdirSync, openSync } from 'node:fs'
import { join } from 'node:path'
import type { Environment } from '#shared/config/config.ts'
import { moduleFile } from '#shared/installation.ts'

export type Child = {
  name: string
  log: string
  /** Set when it exited by itself. */
  ended(): { code: number | null } | null
  stop(): Promise<void>
}

const CLI = moduleFile(import.meta, '../../cli')
/** Longer than the service's own deadline. */
const STOP_MS = 30_000

export function startChild(name: string, args: readonly string[], env: Environment, dir: string): Child {
  const logs = join(dir, 'logs')
  mkdirSync(logs, { recursive: true })
  const log = join(logs, `${name}.log`)
  const file = openSync(log, 'w')
  const child = spawn(process.execPath, [CLI, ...args], {
    env: { ...env, HEADRACE_LOG_FORMAT: 'json' },
    stdio: ['ignore', file, file],
  })
  closeSync(file)
  let exit: { code: number | null } | null = null
  const gone = new Promise<void>((resolve) => {
    child.once('exit', (code) => {
      exit = { code }
      resolve()
    })
  })
  // A crash of the demo must not leave its services running.
  const onExit = () => child.kill('SIGKILL')
  process.once('exit', onExit)
  return {
    name,
    log,
    ended: () => exit,
    async stop() {
      process.off('exit', onExit)
      if (exit !== null) return
      child.kill('SIGTERM')
      const late = setTimeout(() => child.kill('SIGKILL'), STOP_MS)
      await gone
      clearTimeout(late)
    },
  }
}
