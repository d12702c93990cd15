/**
 * `npm run mutate [-- FILES] [--sample N] [--seed S] [--minutes M] [--unit]`: changes the deciding files in small ways,
 * one at a time and in a copy, and shows the changes that no test notices. `--unit` leaves the tests on real servers
 * out. A run that was stopped goes on where it was.
 */
import { glob, mkdtemp, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join, resolve } from 'node:path'
import { parseArgs } from 'node:util'
import { systemClock } from '#shared/clock.ts'
import { exitStatusOf, explain, WrongUse } from '#shared/errors.ts'
import { silentLog } from '#shared/log.ts'
import { stackDown, stackUp } from '../../services/stack/stack.ts'
import { DECIDING } from './files.ts'
import { coveragePath, keptPath, mutate, shown } from './mutate.ts'

const ROOT = resolve(import.meta.dirname, '..', '..')
const MINUTE_MS = 60_000
const MINUTES_DEFAULT = '600'
const SURVIVING_SHARE_MAX = 0.03

const { values, positionals } = parseArgs({
  options: {
    sample: { type: 'string' },
    seed: { type: 'string', default: '1' },
    minutes: { type: 'string', default: MINUTES_DEFAULT },
    unit: { type: 'boolean', default: false },
  },
  allowPositionals: true,
})

try {
  process.exitCode = await main()
} catch (error) {
  process.stderr.write(`${explain(error)}\n`)
  process.exitCode = exitStatusOf(error)
}

async function main(): Promise<number> {
  const files = chosen(positionals)
  const say = (line: string) => process.stdout.write(`${line}\n`)
  const tests: string[] = []
  for await (const file of glob('test/**/*.ts', { cwd: ROOT })) tests.push(file)
  const options = {
    ...{ root: ROOT, files, say, kept: keptPath(ROOT, DECIDING, tests), keptCoverage: coveragePath(ROOT) },
    ...(values.sample === undefined ? {} : { sample: numberOf('sample', values.sample) }),
    seed: numberOf('seed', values.seed),
    msMax: numberOf('minutes', values.minutes) * MINUTE_MS,
  }
  const survey = values.unit ? await mutate(options) : await withStack((stack) => mutate({ ...options, stack }))
  const { mutants, killed, equivalent, survivors, unknown, score } = survey
  say(
    `${mutants} mutants of ${files.length} files, seed ${options.seed}: ${killed.unit} noticed by unit tests, ${killed.types} by types, ${killed.servers} by tests on servers; ` +
      `${equivalent} equivalent, ${survivors.length} survive${unknown === 0 ? '' : `, ${unknown} not tried`}. Score ${(score * 100).toFixed(1)} %`,
  )
  for (const mutant of survivors) say(shown(mutant))
  return 1 - score > SURVIVING_SHARE_MAX ? 1 : 0
}

/** Words are parts of paths; without any, all that decide. */
function chosen(words: readonly string[]): readonly string[] {
  const files = words.flatMap((word) => {
    const found = DECIDING.filter((file) => file.includes(word))
    if (found.length === 0)
      throw new WrongUse('HR_MUTATE_FILE', `no deciding file is called ${word}`, {
        hint: 'test/mutation/files.ts lists them',
      })
    return found
  })
  return files.length === 0 ? DECIDING : [...new Set(files)]
}

/** Decimal, or hexadecimal such as the first digits of a commit: 0x1a2b3c4d. */
function numberOf(name: string, text: string): number {
  const number = Number(text)
  if (Number.isFinite(number) && number >= 0) return number
  throw new WrongUse('HR_MUTATE_OPTION', `--${name} is "${text}", not a number`, {
    hint: 'hexadecimal numbers begin with 0x',
  })
}

async function withStack<T>(work: (stack: string) => Promise<T>): Promise<T> {
  const given = process.env.HEADRACE_TEST_STACK
  if (given !== undefined) return work(given)
  const dir = await mkdtemp(join(tmpdir(), 'headrace-mutation-stack-'))
  const common = { dir, log: silentLog, clock: systemClock, env: process.env }
  try {
    await stackUp({ ...common, owned: true })
    return await work(dir)
  } finally {
    await stackDown(common)
    await rm(dir, { recursive: true, force: true })
  }
}
