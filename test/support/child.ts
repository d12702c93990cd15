/** Runs `headrace <command>` as a process of its own, for what can only be done to a process. */
import { type ChildProcess, spawn } from 'node:child_process'
import { join, resolve } from 'node:path'
import { atEnd } from './published.ts'

export type Child = {
  pid: number
  process: ChildProcess
  /** Lines of standard error so far. */
  lines: string[]
  exited: Promise<{ code: number | null; signal: NodeJS.Signals | null }>
}

const ROOT = resolve(import.meta.dirname, '..', '..')

export const headrace = (args: readonly string[], env: Record<string, string>): Child =>
  run(['services/cli.ts', ...args], env)

/** A loader that the group misses soon after it has died. */
export const shortLivedLoader = (env: Record<string, string>): Child => run(['test/support/load-child.ts'], env)

function run([file = '', ...args]: readonly string[], env: Record<string, string>): Child {
  const child = spawn(join(ROOT, 'node_modules', '.bin', 'node'), [join(ROOT, file), ...args], {
    env: { ...env, HEADRACE_LOG_FORMAT: 'json' },
    stdio: ['ignore', 'ignore', 'pipe'],
  })
  const lines: string[] = []
  child.stderr.setEncoding('utf8').on('data', (text: string) => {
    lines.push(...text.split('\n').filter((line) => line !== ''))
    if (process.env.LOADER_TEST_LOG === '1') process.stderr.write(text)
  })
  const exited = new Promise<{ code: number | null; signal: NodeJS.Signals | null }>((done) =>
    child.once('exit', (code, signal) => done({ code, signal })),
  )
  atEnd(async () => child.kill('SIGKILL'))
  return { pid: child.pid ?? 0, process: child, lines, exited }
}
