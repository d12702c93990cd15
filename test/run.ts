/**
 * The test runner: `node test/run.ts [--unit] [--seed N] [--seeds N] [--capabilities] [--kills N,N] [--file-seconds N]
 * [--run-seconds N] [path or name pattern…]`. Starts a private stack that all test files share, runs `node --test` over
 * them, stops the stack and exits with the tests' status. `--unit` runs only what needs no servers. A word that is part
 * of a test file's path selects that file; any other word is a pattern for the names of tests. A file that runs too
 * long is killed, named and counted as failed, and the rest goes on; a run that takes too long is ended.
 */
import { type ChildProcess, spawn } from 'node:child_process'
import { existsSync } from 'node:fs'
import { glob, mkdtemp, rm, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join, relative, resolve } from 'node:path'
import { pathToFileURL } from 'node:url'
import { parseArgs } from 'node:util'
import { systemClock } from '#shared/clock.ts'
import { exitStatusOf, explain, WrongUse } from '#shared/errors.ts'
import { silentLog } from '#shared/log.ts'
import { type Stack, stackDown, stackUp } from '../services/stack/stack.ts'
import { type Watch, watchFiles } from './run/watch-files.ts'

const ROOT = resolve(import.meta.dirname, '..')
/** Hundreds of processes load the same files: what Node compiles of them is kept. */
const COMPILED = join(ROOT, '.headrace', 'compiled')
const FILES_AT_ONCE_MAX = 2
/** More of them share the cores evenly; each has to load the product. All run at once: while one waits, others work. */
const UNIT_GROUPS = 4
/** Much is loaded in each group, and Node's own choice collects it as garbage again and again. */
const YOUNG_HEAP = '--max-semi-space-size=64'
const TEST_MS_MAX = 600_000
/** Of the random APIs, whose file has to end within the bound of a test like every other. */
const SEED_MS_MAX = 1_800
const SEEDS_DEFAULT = 500
/** Of a file, past the bound of its longest test: a test that takes too long is to be named by its own bound. */
const FILE_BEYOND_TEST_MS = 60_000
/** Of a process that a file left behind when it ended. */
const LEFT_MS_MAX = 60_000
/** From the first start of a server to the last end of one; the CI ends everything after 90 minutes. */
const RUN_MS_MAX = 70 * 60_000
/** From the end of the time to the last end of a server; after it, guards end what is left. */
const WIND_UP_MS_MAX = 3 * 60_000
/** Of the model of the loader's commits; the quick part has fewer. */
const INTERLEAVINGS = '1500'
const STOP_WITHIN_MS = 20_000
const INTERRUPTED = 130

const { values, positionals } = parseArgs({
  options: {
    unit: { type: 'boolean', default: false },
    seed: { type: 'string' },
    seeds: { type: 'string' },
    kills: { type: 'string' },
    capabilities: { type: 'boolean', default: false },
    'file-seconds': { type: 'string' },
    'run-seconds': { type: 'string' },
  },
  allowPositionals: true,
})

const testMsMax = Math.max(TEST_MS_MAX, Number(values.seeds ?? SEEDS_DEFAULT) * SEED_MS_MAX)
const fileMsMax = millisecondsOf('file-seconds') ?? testMsMax + FILE_BEYOND_TEST_MS
/** Only whoever asks for many seeds waits for longer. */
const runMsMax = millisecondsOf('run-seconds') ?? Math.max(RUN_MS_MAX, fileMsMax)

const interruption = new AbortController()
for (const signal of ['SIGINT', 'SIGTERM'] as const)
  process.on(signal, () => interruption.abort(new Error(`ended by ${signal}`)))
let outOfTime = false
let runner: ChildProcess | undefined
const runTimer = setTimeout(() => {
  outOfTime = true
  interruption.abort(new Error(`the tests were ended: they took longer than ${runMsMax / 1000} s`))
}, runMsMax)
const lastTimer = setTimeout(() => {
  process.stderr.write('the servers of the tests did not stop in time\n')
  if (runner?.pid !== undefined) killGroup(runner.pid)
  process.exit(1)
}, runMsMax + WIND_UP_MS_MAX)

try {
  process.exitCode = await main()
} catch (error) {
  process.stderr.write(`${explain(error)}\n`)
  process.exitCode = exitStatusOf(error)
} finally {
  clearTimeout(runTimer)
  clearTimeout(lastTimer)
}

function millisecondsOf(name: 'file-seconds' | 'run-seconds'): number | undefined {
  const text = values[name]
  if (text === undefined) return undefined
  const seconds = Number(text)
  if (seconds > 0 && Number.isFinite(seconds)) return seconds * 1000
  process.stderr.write(`--${name} ${text} is no number above 0\n`)
  process.exit(2)
}

async function main(): Promise<number> {
  const { files, names } = select(await testFiles(), positionals)
  if (files.length === 0) throw new WrongUse('HR_TEST_FILE', 'there is no test file')
  if (files.every(isUnit)) {
    const flags = [YOUNG_HEAP, `--test-concurrency=${UNIT_GROUPS}`]
    return withUnitGroups(files, (groups) => runTests(groups, names, {}, flags))
  }
  const each = files.map((path) => ({ path, members: [path] }))
  const interleavings = process.env.HEADRACE_TEST_INTERLEAVINGS ?? INTERLEAVINGS
  const environment = { HEADRACE_TEST_INTERLEAVINGS: interleavings }
  return withStack((stack) => runTests(each, names, { ...environment, HEADRACE_TEST_STACK: stack.dir }))
}

function isUnit(file: string): boolean {
  return file.endsWith('.unit.test.ts')
}

async function testFiles(): Promise<string[]> {
  const pattern = values.unit ? 'test/**/*.unit.test.ts' : 'test/**/*.test.ts'
  const files: string[] = []
  for await (const file of glob(pattern, { cwd: ROOT })) files.push(file)
  return files.sort()
}

/**
 * Words that are part of a path choose files, without such words all run; the others are patterns for names of tests.
 */
function select(all: readonly string[], words: readonly string[]): { files: readonly string[]; names: string[] } {
  const pathOf = (word: string) => (word.startsWith('/') || word.startsWith('.') ? relative(ROOT, resolve(word)) : word)
  const fits = (word: string) => {
    const path = pathOf(word)
    // Outside of test/: a file of a test of this runner.
    const isOther = path.startsWith('..') && path.endsWith('.test.ts') && existsSync(join(ROOT, path))
    return isOther ? [path] : all.filter((file) => file.includes(path))
  }
  const files = [...new Set(words.flatMap(fits))]
  const names = words.filter((word) => fits(word).length === 0)
  const wrong = names.find((name) => name.endsWith('.ts'))
  if (wrong !== undefined)
    throw new WrongUse('HR_TEST_FILE', `no test file ${wrong}`, { hint: 'give a part of a path below test/' })
  return { files: files.length > 0 ? files : all, names }
}

/** What one process runs: a test file, or a module that imports several. */
type TestProcess = { path: string; members: readonly string[] }

/**
 * Modules that import the unit tests of a few processes. To start a process for each file takes longer than its tests,
 * and a single process uses one core only.
 */
async function withUnitGroups(
  files: readonly string[],
  work: (groups: readonly TestProcess[]) => Promise<number>,
): Promise<number> {
  const dir = await mkdtemp(join(tmpdir(), 'headrace-unit-'))
  try {
    const groups = Array.from({ length: Math.min(UNIT_GROUPS, files.length) }, (_, group) => ({
      path: join(dir, `${group}.mjs`),
      members: files.filter((_file, at) => at % UNIT_GROUPS === group),
    }))
    for (const { path, members } of groups)
      await writeFile(path, members.map((file) => `import '${pathToFileURL(join(ROOT, file))}'\n`).join(''))
    return await work(groups)
  } finally {
    await rm(dir, { recursive: true, force: true })
  }
}

async function withStack(work: (stack: Stack) => Promise<number>): Promise<number> {
  const dir = await mkdtemp(join(tmpdir(), 'headrace-test-'))
  const common = { log: silentLog, clock: systemClock, env: process.env }
  const onProgress = (line: string) => process.stderr.write(`${line}\n`)
  try {
    const stack = await stackUp({ ...common, dir, owned: true, onProgress, signal: interruption.signal })
    try {
      return await work(stack)
    } finally {
      await stackDown({ ...common, dir })
    }
  } finally {
    await rm(dir, { recursive: true, force: true })
  }
}

/**
 * Node's own runner, whose summary is the last thing printed but for files that were killed. A signal lets it end its
 * files; after a while it is killed. It opens a group of processes, and what of that is left when it has ended is
 * killed: a file that a signal ends takes none of its services with it.
 */
async function runTests(
  files: readonly TestProcess[],
  names: readonly string[],
  environment: Record<string, string>,
  flags: readonly string[] = [`--test-concurrency=${FILES_AT_ONCE_MAX}`],
): Promise<number> {
  const args = [
    ...flags,
    '--test',
    '--test-reporter=spec',
    `--test-timeout=${testMsMax}`,
    ...names.map((name) => `--test-name-pattern=${name}`),
    ...files.map(({ path }) => path),
  ]
  const chosen = {
    ...(values.seed === undefined ? {} : { HEADRACE_TEST_SEED: values.seed }),
    ...(values.seeds === undefined ? {} : { HEADRACE_TEST_SEEDS: values.seeds }),
    ...(values.capabilities ? { HEADRACE_TEST_CAPABILITIES: '1' } : {}),
    ...(values.kills === undefined ? {} : { HEADRACE_TEST_KILLS: values.kills }),
  }
  const env = { NODE_COMPILE_CACHE: COMPILED, ...process.env, ...environment, ...chosen }
  const tests = spawn(process.execPath, args, { cwd: ROOT, stdio: 'inherit', env, detached: true })
  runner = tests
  const watch = watchFiles(tests.pid ?? process.pid, {
    ...{ fileMsMax, leftMsMax: Math.min(LEFT_MS_MAX, fileMsMax), clock: systemClock },
    nameOf(command) {
      const members = files.find(({ path }) => command.endsWith(path))?.members ?? [command]
      return members.length === 1 ? String(members[0]) : `one of ${members.join(', ')}`
    },
    say: (line) => process.stderr.write(`\n✖ ${line}\n\n`),
  })
  let killer: NodeJS.Timeout | undefined
  const interrupt = () => {
    tests.kill('SIGTERM')
    killer = setTimeout(() => tests.kill('SIGKILL'), STOP_WITHIN_MS)
  }
  const running = interrupted(watch, interrupt)
  const code = await ended(tests)
  clearTimeout(killer)
  await watch.stop()
  if (tests.pid !== undefined) killGroup(tests.pid)
  for (const line of [...watch.killed, ...(outOfTime ? await running : [])]) process.stderr.write(`✖ ${line}\n`)
  if (interruption.signal.aborted && !outOfTime) return INTERRUPTED
  return outOfTime || watch.killed.length > 0 ? 1 : (code ?? INTERRUPTED)
}

/** When the time is over or a signal came: what still ran then, a line each. */
function interrupted(watch: Watch, interrupt: () => void): Promise<string[]> {
  return new Promise((done) => {
    interruption.signal.addEventListener('abort', async () => {
      const files = await watch.running().catch(() => [])
      interrupt()
      done(files.map((file) => `${file} still ran after ${runMsMax / 1000} s, when the time for all tests was over`))
    })
  })
}

function ended(tests: ChildProcess): Promise<number | null> {
  return new Promise((done) => {
    tests.once('error', (error) => {
      process.stderr.write(`${explain(error)}\n`)
      done(1)
    })
    tests.once('exit', done)
  })
}

function killGroup(pid: number): void {
  try {
    process.kill(-pid, 'SIGKILL')
  } catch (error) {
    // Nobody is left, as after every run that was not interrupted.
    if ((error as NodeJS.ErrnoException).code !== 'ESRCH') throw error
  }
}
