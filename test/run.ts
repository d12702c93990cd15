/**
 * The test runner: `node test/run.ts [--unit] [--seed N] [--seeds N] [--capabilities] [--kills N,N] [path or name
 * pattern…]`. Starts a private stack that all test files share, runs `node --test` over them, stops the stack and exits
 * with the tests' status. `--unit` runs only what needs no servers. A word that is part of a test file's path selects
 * that file; any other word is a pattern for the names of tests.
 */
import { spawn } from 'node:child_process'
import { glob, mkdtemp, rm, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join, relative, resolve } from 'node:path'
import { pathToFileURL } from 'node:url'
import { parseArgs } from 'node:util'
import { systemClock } from '#shared/clock.ts'
import { exitStatusOf, explain, WrongUse } from '#shared/errors.ts'
import { silentLog } from '#shared/log.ts'
import { type Stack, stackDown, stackUp } from '../services/stack/stack.ts'

const ROOT = resolve(import.meta.dirname, '..')
/** Hundreds of processes load the same files: what Node compiles of them is kept. */
const COMPILED = join(ROOT, '.headrace', 'compiled')
const FILES_AT_ONCE_MAX = 2
/** More of them share the cores evenly; each has to load the product. */
const UNIT_GROUPS = 4
/** Much is loaded in each group, and Node's own choice collects it as garbage again and again. */
const YOUNG_HEAP = '--max-semi-space-size=64'
const TEST_MS_MAX = 600_000
/** Of the random APIs, whose file has to end within the bound of a test like every other. */
const SEED_MS_MAX = 1_800
const SEEDS_DEFAULT = 500
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
  },
  allowPositionals: true,
})

const interruption = new AbortController()
for (const signal of ['SIGINT', 'SIGTERM'] as const)
  process.on(signal, () => interruption.abort(new Error(`ended by ${signal}`)))

try {
  process.exitCode = await main()
} catch (error) {
  process.stderr.write(`${explain(error)}\n`)
  process.exitCode = exitStatusOf(error)
}

async function main(): Promise<number> {
  const { files, names } = select(await testFiles(), positionals)
  if (files.length === 0) throw new WrongUse('HR_TEST_FILE', 'there is no test file')
  if (files.every(isUnit)) return withUnitGroups(files, (groups) => runTests(groups, names, {}, [YOUNG_HEAP]))
  const interleavings = process.env.HEADRACE_TEST_INTERLEAVINGS ?? INTERLEAVINGS
  const environment = { HEADRACE_TEST_INTERLEAVINGS: interleavings }
  return withStack((stack) => runTests(files, names, { ...environment, HEADRACE_TEST_STACK: stack.dir }))
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
  const fits = (word: string) => all.filter((file) => file.includes(pathOf(word)))
  const files = [...new Set(words.flatMap(fits))]
  const names = words.filter((word) => fits(word).length === 0)
  const wrong = names.find((name) => name.endsWith('.ts'))
  if (wrong !== undefined)
    throw new WrongUse('HR_TEST_FILE', `no test file ${wrong}`, { hint: 'give a part of a path below test/' })
  return { files: files.length > 0 ? files : all, names }
}

/**
 * Modules that import the unit tests of a few processes. To start a process for each file takes longer than its tests,
 * and a single process uses one core only.
 */
async function withUnitGroups(
  files: readonly string[],
  work: (groups: readonly string[]) => Promise<number>,
): Promise<number> {
  const dir = await mkdtemp(join(tmpdir(), 'headrace-unit-'))
  try {
    const groups = Array.from({ length: Math.min(UNIT_GROUPS, files.length) }, (_, group) => ({
      path: join(dir, `${group}.mjs`),
      members: files.filter((_file, at) => at % UNIT_GROUPS === group),
    }))
    for (const { path, members } of groups)
      await writeFile(path, members.map((file) => `import '${pathToFileURL(join(ROOT, file))}'\n`).join(''))
    return await work(groups.map(({ path }) => path))
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
 * Node's own runner, whose summary is the last thing printed. A signal lets it end its files; after a while it is
 * killed. It opens a group of processes, and what of that is left when it has ended is killed: a file that a signal
 * ends takes none of its services with it.
 */
function runTests(
  files: readonly string[],
  names: readonly string[],
  environment: Record<string, string>,
  flags: readonly string[] = [],
): Promise<number> {
  const args = [
    ...flags,
    '--test',
    '--test-reporter=spec',
    `--test-concurrency=${FILES_AT_ONCE_MAX}`,
    `--test-timeout=${Math.max(TEST_MS_MAX, Number(values.seeds ?? SEEDS_DEFAULT) * SEED_MS_MAX)}`,
    ...names.map((name) => `--test-name-pattern=${name}`),
    ...files,
  ]
  const chosen = {
    ...(values.seed === undefined ? {} : { HEADRACE_TEST_SEED: values.seed }),
    ...(values.seeds === undefined ? {} : { HEADRACE_TEST_SEEDS: values.seeds }),
    ...(values.capabilities ? { HEADRACE_TEST_CAPABILITIES: '1' } : {}),
    ...(values.kills === undefined ? {} : { HEADRACE_TEST_KILLS: values.kills }),
  }
  return new Promise((done) => {
    const env = { NODE_COMPILE_CACHE: COMPILED, ...process.env, ...environment, ...chosen }
    const tests = spawn(process.execPath, args, { cwd: ROOT, stdio: 'inherit', env, detached: true })
    let killer: NodeJS.Timeout | undefined
    interruption.signal.addEventListener('abort', () => {
      tests.kill('SIGTERM')
      killer = setTimeout(() => tests.kill('SIGKILL'), STOP_WITHIN_MS)
    })
    tests.once('error', (error) => {
      process.stderr.write(`${explain(error)}\n`)
      done(1)
    })
    tests.once('exit', (code) => {
      clearTimeout(killer)
      if (tests.pid !== undefined) killGroup(tests.pid)
      done(interruption.signal.aborted ? INTERRUPTED : (code ?? INTERRUPTED))
    })
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
