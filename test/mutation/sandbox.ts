/**
 * A copy of the repository in which one file at a time is changed, and the tests that run there: nothing is ever
 * changed in the working tree.
 */
import { spawn } from 'node:child_process'
import { cp, mkdtemp, rm, symlink, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join, relative } from 'node:path'

export type Sandbox = {
  root: string
  write(file: string, text: string): Promise<void>
  /** Ends at the first test that fails, and after `msMax`. */
  run(tests: readonly string[], msMax: number, env?: Record<string, string>): Promise<Verdict>
  remove(): Promise<void>
}

export type Verdict = 'passed' | 'failed' | 'endless'

const LEFT_OUT = new Set(['node_modules', '.git', '.headrace'])
const COMPILED = '.headrace/compiled'
/** A mutant may grow without an end. */
const HEAP_MB_MAX = 2048

export async function openSandbox(from: string): Promise<Sandbox> {
  const root = await mkdtemp(join(tmpdir(), 'headrace-mutation-'))
  await cp(from, root, { recursive: true, filter: (path) => !LEFT_OUT.has(relative(from, path).split('/')[0] ?? '') })
  await symlink(join(from, 'node_modules'), join(root, 'node_modules'))
  return {
    root,
    write: (file, text) => writeFile(join(root, file), text),
    run: (tests, msMax, env = {}) => runTests(root, tests, msMax, env),
    remove: () => rm(root, { recursive: true, force: true }),
  }
}

function runTests(
  root: string,
  tests: readonly string[],
  msMax: number,
  env: Record<string, string>,
): Promise<Verdict> {
  const isUnit = tests.every((test) => test.endsWith('.unit.test.ts'))
  const args = [
    ...['--test', '--test-reporter=tap', `--max-old-space-size=${HEAP_MB_MAX}`],
    ...(isUnit ? ['--test-isolation=none'] : []),
    ...tests,
  ]
  // Without it, a runner within a test reports to the outer one and runs nothing.
  const { NODE_TEST_CONTEXT: _, ...inherited } = process.env
  return new Promise((done) => {
    const running = spawn(process.execPath, args, {
      cwd: root,
      // Hundreds of runs load the same files: their stripped and compiled form is kept.
      env: { ...inherited, NODE_COMPILE_CACHE: join(root, COMPILED), ...env },
      stdio: ['ignore', 'pipe', 'ignore'],
      detached: true,
    })
    let verdict: Verdict = 'passed'
    const end = (why: Verdict) => {
      verdict = why
      if (running.pid !== undefined) killGroup(running.pid)
    }
    const timer = setTimeout(() => end('endless'), msMax)
    let rest = ''
    running.stdout.setEncoding('utf8').on('data', (text: string) => {
      const lines = (rest + text).split('\n')
      rest = lines.pop() ?? ''
      if (lines.some((line) => /^\s*not ok /.test(line))) end('failed')
    })
    running.once('close', (code) => {
      clearTimeout(timer)
      if (running.pid !== undefined) killGroup(running.pid)
      done(verdict === 'passed' && code !== 0 ? 'failed' : verdict)
    })
  })
}

/** With the processes that its tests have started. */
function killGroup(pid: number): void {
  try {
    process.kill(-pid, 'SIGKILL')
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code !== 'ESRCH') throw error
  }
}
