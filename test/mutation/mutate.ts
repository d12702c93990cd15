/**
 * Draws mutants of files, and finds those that no test and no type notices. Quick things first: the nearest unit tests
 * that come to the place, the types, the other unit tests that come to it, and with `servers` the tests on real
 * servers, the nearest first. Results are kept as they come, so that a stopped run goes on.
 */
import { createHash } from 'node:crypto'
import { appendFileSync, existsSync, mkdirSync, readFileSync } from 'node:fs'
import { glob } from 'node:fs/promises'
import { dirname, join } from 'node:path'
import { between, randomFrom } from '../support/random.ts'
import { type Coverage, measureCoverage } from './coverage.ts'
import { EQUIVALENTS } from './equivalents.ts'
import { type Importer, importGraph } from './imports.ts'
import { type Mutant, mutantsOf, mutated, nameOf } from './mutants.ts'
import { openSandbox, type Sandbox } from './sandbox.ts'
import { createTypeCheck, type TypeCheck } from './types.ts'

export type KilledBy = 'types' | 'unit' | 'servers'
export type Result = { name: string; killedBy: KilledBy | null }
export type Survey = {
  mutants: number
  killed: Record<KilledBy, number>
  equivalent: number
  survivors: Mutant[]
  unknown: number
  score: number
}

export type MutateOptions = {
  root: string
  files: readonly string[]
  /** How many to draw; all by default. */
  sample?: number | undefined
  seed: number
  /** The test stack's folder, where tests on servers may be run. */
  stack?: string | undefined
  /** A file for results; without it they are not kept. */
  kept?: string | undefined
  /** A folder for what each test runs. */
  keptCoverage?: string | undefined
  /** No new mutant is begun after so long. */
  msMax: number
  say(line: string): void
}

const MUTANT_MS_MAX = 60_000
/** Of the nearest tests: few, so that most mutants cost a second. */
const NEAR_FILES_MAX = 5
const FAR_FILES_MAX = 30
/** Of a file with mutants, the nearest unit tests whose coverage is measured; those beyond are not run. */
const COVERED_FILES_MAX = 40
const SERVER_FILES_MAX = 6
/** Unit tests that take longer than so many times what they take without the change, and than this, do not end. */
const UNIT_TIMES_MAX = 5
const UNIT_MS_MIN = 10_000
const AT_ONCE = 2

export async function mutate(options: MutateOptions): Promise<Survey> {
  const { root, say, msMax } = options
  const all: string[] = []
  for await (const file of glob('{services,shared,test,bench}/**/*.ts', { cwd: root })) all.push(file)
  const importersOf = importGraph(root, all)
  const texts = new Map(options.files.map((file) => [file, readFileSync(join(root, file), 'utf8')]))
  const drawn = draw(
    [...texts].flatMap(([file, text]) => mutantsOf(file, text)),
    options.sample,
    options.seed,
  )
  const done = keptResults(options.kept)
  const equivalent = new Set(EQUIVALENTS.map(nameOf))
  for (const name of stale(equivalent, texts)) say(`no longer there, so not equivalent to anything: ${name}`)
  const queue = drawn.filter((mutant) => !done.has(nameOf(mutant)) && !equivalent.has(nameOf(mutant)))
  const checkTypes = createTypeCheck(root, all)
  const sandboxes = await Promise.all(Array.from({ length: AT_ONCE }, () => openSandbox(root)))
  try {
    const changed = [...new Set(queue.map(({ file }) => file))]
    const coverage = await measureCoverage({
      ...{ sandboxes, files: options.files, kept: options.keptCoverage },
      tests: [...new Set(changed.flatMap((file) => nearestUnitTests(importersOf(file))))].sort(),
      texts: all.filter((file) => !file.endsWith('.test.ts')).sort(),
    })
    const beganMs = performance.now()
    await Promise.all(
      sandboxes.map(async (sandbox) => {
        for (
          let mutant = queue.shift();
          mutant !== undefined && performance.now() - beganMs < msMax;
          mutant = queue.shift()
        ) {
          const text = texts.get(mutant.file) ?? ''
          const killedBy = await kill(mutant, text, {
            sandbox,
            checkTypes,
            coverage,
            importers: importersOf(mutant.file),
            stack: options.stack,
          })
          const result = { name: nameOf(mutant), killedBy }
          done.set(result.name, result)
          if (options.kept !== undefined) appendFileSync(options.kept, `${JSON.stringify(result)}\n`)
          if (killedBy === null) say(`survives: ${shown(mutant)}`)
        }
      }),
    )
  } finally {
    await Promise.all(sandboxes.map((sandbox) => sandbox.remove()))
  }
  return survey(drawn, done, equivalent)
}

/** Without replacement; the same seed draws the same ones of the same files. */
function draw(all: readonly Mutant[], sample = all.length, seed: number): Mutant[] {
  const random = randomFrom(seed)
  const left = [...all]
  return Array.from(
    { length: Math.min(sample, left.length) },
    () => left.splice(between(random, 0, left.length - 1), 1)[0] as Mutant,
  )
}

/** Names of equivalents in these files that no mutant has. */
function stale(equivalent: ReadonlySet<string>, texts: ReadonlyMap<string, string>): string[] {
  const names = new Set([...texts].flatMap(([file, text]) => mutantsOf(file, text).map(nameOf)))
  return [...equivalent].filter((name) => texts.has((JSON.parse(name) as string[])[0] ?? '') && !names.has(name))
}

const isTest = (file: string): boolean => file.endsWith('.test.ts') && !file.startsWith('test/mutation/')
const nearestUnitTests = (importers: readonly Importer[]): string[] =>
  importers
    .map(({ file }) => file)
    .filter(isUnitTest)
    .slice(0, COVERED_FILES_MAX)
const isUnitTest = (file: string): boolean => file.endsWith('.unit.test.ts')

type KillTools = {
  sandbox: Sandbox
  checkTypes: TypeCheck
  coverage: Coverage
  importers: readonly Importer[]
  stack: string | undefined
}

async function kill(
  mutant: Mutant,
  text: string,
  { sandbox, checkTypes, coverage, importers, stack }: KillTools,
): Promise<KilledBy | null> {
  const { file, start } = mutant
  const changed = mutated(text, mutant)
  const seeing = importers.map((importer) => importer.file)
  const unit = seeing.filter((test) => isUnitTest(test) && coverage.runs(test, file, start))
  const noticed = (tests: readonly string[]) => isNoticed(sandbox, tests, coverage)
  await sandbox.write(file, changed)
  try {
    if (await noticed(unit.slice(0, NEAR_FILES_MAX))) return 'unit'
    if (checkTypes(file, changed, [])) return 'types'
    if (await noticed(unit.slice(NEAR_FILES_MAX, FAR_FILES_MAX))) return 'unit'
    const product = seeing.filter((each) => !each.startsWith('test/'))
    if (checkTypes(file, changed, product)) return 'types'
    if (stack === undefined) return null
    const endMs = performance.now() + MUTANT_MS_MAX
    for (const test of seeing.filter((each) => isTest(each) && !isUnitTest(each)).slice(0, SERVER_FILES_MAX)) {
      const leftMs = endMs - performance.now()
      if (leftMs <= 0) break
      // One that takes longer than there is time for has noticed nothing.
      if ((await sandbox.run([test], leftMs, { HEADRACE_TEST_STACK: stack })) === 'failed') return 'servers'
    }
    return null
  } finally {
    await sandbox.write(file, text)
  }
}

/** A unit test that does not end has noticed a loop without an end. */
async function isNoticed(sandbox: Sandbox, tests: readonly string[], { msOf }: Coverage): Promise<boolean> {
  const msMax = UNIT_MS_MIN + UNIT_TIMES_MAX * tests.reduce((sum, test) => sum + msOf(test), 0)
  return tests.length > 0 && (await sandbox.run(tests, msMax)) !== 'passed'
}

function survey(drawn: readonly Mutant[], done: ReadonlyMap<string, Result>, equivalent: ReadonlySet<string>): Survey {
  const killed = { types: 0, unit: 0, servers: 0 }
  const survivors: Mutant[] = []
  let [same, unknown] = [0, 0]
  for (const mutant of drawn) {
    const result = done.get(nameOf(mutant))
    if (equivalent.has(nameOf(mutant))) same += 1
    else if (result === undefined) unknown += 1
    else if (result.killedBy === null) survivors.push(mutant)
    else killed[result.killedBy] += 1
  }
  const tried = drawn.length - same - unknown
  return {
    ...{ mutants: drawn.length, killed, equivalent: same, survivors, unknown },
    score: tried === 0 ? 1 : (tried - survivors.length) / tried,
  }
}

export const shown = ({ file, line, column, operator, original, replacement }: Mutant): string =>
  `${file}:${line}:${column}  ${operator}: ${oneLine(original)} → ${oneLine(replacement)}`

const SHOWN_CHARS_MAX = 100
const oneLine = (text: string): string => text.replace(/\s+/g, ' ').slice(0, SHOWN_CHARS_MAX)

const KEPT = '.headrace/mutation'
export const coveragePath = (root: string): string => join(root, KEPT, 'coverage')

/** Of these very files: a result of another text says nothing. */
export function keptPath(root: string, files: readonly string[], tests: readonly string[]): string {
  const hash = createHash('sha256')
  for (const file of [...files, ...tests].sort()) hash.update(file).update(readFileSync(join(root, file)))
  return join(root, KEPT, `${hash.digest('hex').slice(0, 16)}.jsonl`)
}

function keptResults(path: string | undefined): Map<string, Result> {
  if (path === undefined) return new Map()
  mkdirSync(dirname(path), { recursive: true })
  if (!existsSync(path)) return new Map()
  const results = readFileSync(path, 'utf8')
    .split('\n')
    .filter((line) => line.endsWith('}'))
    .map((line) => JSON.parse(line) as Result)
  return new Map(results.map((result) => [result.name, result]))
}
