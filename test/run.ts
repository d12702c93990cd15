/**
 * The test runner: `node test/run.ts [--unit] [--seed N] [path or name pattern…]`. Starts a private stack that all test files share,
 * runs `node --test` over them, stops the stack and exits with the tests' status. `--unit` runs only what needs no servers.
 * A word that is part of a test file's path selects that file; any other word is a pattern for the names of tests.
 */
import { spawn } from 'node:child_process'
import { glob, mkdtemp, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join, relative, resolve } from 'node:path'
import { parseArgs } from 'node:util'
import { type Stack, stackUp } from '../services/stack/stack.ts'
import { systemClock } from '../shared/clock.ts'
import { exitStatusOf, explain } from '../shared/errors.ts'
import { silentLog } from '../shared/log.ts'

const ROOT = resolve(import.meta.dirname, '..')
const FILES_AT_ONCE_MAX = 2
const TEST_MS_MAX = 300_000
const STOP_WITHIN_MS = 20_000
const INTERRUPTED = 130

const { values, positionals } = parseArgs({
  options: { unit: { type: 'boolean', default: false }, seed: { type: 'string' } },
  allowPositionals: true,
})

let interrupted: () => void = () => {}
for (const signal of ['SIGINT', 'SIGTERM'] as const) process.on(signal, () => interrupted())

try {
  process.exitCode = await main()
} catch (error) {
  process.stderr.write(`${explain(error)}\n`)
  process.exitCode = exitStatusOf(error)
}

async function main(): Promise<number> {
  const { files, names } = select(await testFiles(), positionals)
  if (files.length === 0) {
    process.stderr.write('no test file fits\n')
    return 2
  }
  if (files.every((file) => file.endsWith('.unit.test.ts'))) return runTests(files, names, {})
  return withStack((stack) => runTests(files, names, { HEADRACE_TEST_STACK: stack.dir }))
}

async function testFiles(): Promise<string[]> {
  const pattern = values.unit ? 'test/**/*.unit.test.ts' : 'test/**/*.test.ts'
  const files: string[] = []
  for await (const file of glob(pattern, { cwd: ROOT })) files.push(file)
  return files.sort()
}

/** Words that are part of a path choose files; without such words all files run. The others choose tests by name. */
function select(all: readonly string[], words: readonly string[]): { files: string[]; names: string[] } {
  const pathOf = (word: string) => (word.startsWith('/') || word.startsWith('.') ? relative(ROOT, resolve(word)) : word)
  const chosen = words.flatMap((word) => all.filter((file) => file.includes(pathOf(word))))
  const names = words.filter((word) => !all.some((file) => file.includes(pathOf(word))))
  return { files: chosen.length > 0 ? [...new Set(chosen)].sort() : [...all], names: chosen.length > 0 || names.every(isName) ? names : [] }
}

function isName(word: string): boolean {
  if (!word.endsWith('.ts')) return true
  throw new Error(`no test file ${word}`)
}

async function withStack(work: (stack: Stack) => Promise<number>): Promise<number> {
  const dir = await mkdtemp(join(tmpdir(), 'headrace-test-'))
  const onProgress = (line: string) => process.stderr.write(`${line}\n`)
  try {
    const stack = await stackUp({ dir, log: silentLog, clock: systemClock, env: process.env, owned: true, onProgress })
    try {
      return await work(stack)
    } finally {
      await stack.down()
    }
  } finally {
    await rm(dir, { recursive: true, force: true })
  }
}

/** Node's own runner, whose summary is the last thing printed. The first signal lets it end its files, a later one kills it. */
function runTests(files: readonly string[], names: readonly string[], environment: Record<string, string>): Promise<number> {
  const args = [
    '--test',
    '--test-reporter=spec',
    `--test-concurrency=${FILES_AT_ONCE_MAX}`,
    `--test-timeout=${TEST_MS_MAX}`,
    ...names.map((name) => `--test-name-pattern=${name}`),
    ...files,
  ]
  const seed = values.seed === undefined ? {} : { HEADRACE_TEST_SEED: values.seed }
  return new Promise((done) => {
    const tests = spawn(process.execPath, args, { cwd: ROOT, stdio: 'inherit', env: { ...process.env, ...environment, ...seed } })
    interrupted = () => {
      tests.kill('SIGTERM')
      void systemClock.sleep(STOP_WITHIN_MS).then(() => tests.kill('SIGKILL'))
    }
    tests.once('error', (error) => {
      process.stderr.write(`${explain(error)}\n`)
      done(1)
    })
    tests.once('exit', (code) => done(code ?? INTERRUPTED))
  })
}
