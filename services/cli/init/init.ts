/**
 * `headrace init`: a new declaration, its test, and made-up pages for the test. Guarantees: the declaration loads and
 * its test passes; nothing is overwritten; nothing is written after an error.
 */
import { existsSync, mkdirSync, writeFileSync } from 'node:fs'
import { join, relative } from 'node:path'
import { systemClock } from '#shared/clock.ts'
import { environment, readOptions } from '#shared/config/config.ts'
import { readSources } from '#shared/declaration/load-sources.ts'
import { messageOf, WrongUse } from '#shared/errors.ts'
import { NAME_PATTERN } from '#shared/names.ts'
import { print } from '../service-process.ts'
import { answersFor, type InitAnswers, type InitFlags } from './answers.ts'
import { authPart } from './declaration.ts'
import { filesFor, type NewFile } from './files.ts'
import { openTerminal } from './terminal.ts'

export type InitCommandOptions = InitFlags & { sources: string[]; dir: string; json?: boolean }

const ROOT = join(import.meta.dirname, '..', '..', '..')
const REGISTER = join(ROOT, 'services', 'fetcher', 'authoring', 'recording', 'register.ts')

export async function initCommand(name: string, options: InitCommandOptions): Promise<number> {
  if (!NAME_PATTERN.test(name)) {
    throw new WrongUse('HR_OPTION', `"${name}" is not a valid source name`, {
      hint: 'use lower-case letters, digits, _ and -, starting with a letter',
    })
  }
  const { dir } = options
  refuseExisting(join(dir, `${name}.ts`))
  await refuseDeclared(name, [dir, ...(readOptions(environment).HEADRACE_SOURCES ?? '').split(','), ...options.sources])
  const answers = await answersOf(name, options)
  const files = await filesFor(answers, dir, systemClock)
  for (const { path } of files) refuseExisting(path)
  write(dir, files)
  const next = nextSteps(answers, dir, files)
  if (options.json === true) print(JSON.stringify({ files: files.map(({ path }) => path), next }))
  else
    print(
      [
        'Written:',
        ...files.map(({ path, what }) => `  ${path}: ${what}`),
        'Next:',
        ...next.map((step) => `  ${step}`),
      ].join('\n'),
    )
  return 0
}

/** Flags first; a person is asked for the rest if there is a terminal. */
async function answersOf(name: string, flags: InitFlags): Promise<InitAnswers> {
  if (process.stdin.isTTY !== true || process.stderr.isTTY !== true) return answersFor(name, flags, null)
  const terminal = openTerminal(process.stdin, process.stderr)
  try {
    return await answersFor(name, flags, terminal)
  } finally {
    terminal.close()
  }
}

function refuseExisting(path: string): void {
  if (existsSync(path))
    throw new WrongUse('HR_EXISTS', `${path} exists: nothing was written`, {
      hint: 'choose another name or another --dir',
    })
}

/**
 * Two sources of one name would share their topics. An unusable file matters to this command only if it seems to
 * declare the name.
 */
async function refuseDeclared(name: string, dirs: readonly string[]): Promise<void> {
  const folders = dirs.filter((dir) => dir !== '' && existsSync(dir))
  const { sources, unusable } = await readSources(folders)
  const twin = sources.find((source) => source.name === name) ?? unusable.find(({ mayDeclare }) => mayDeclare(name))
  if (twin !== undefined)
    throw new WrongUse('HR_EXISTS', `a source "${name}" is declared in ${twin.file}`, { hint: 'choose another name' })
}

function write(dir: string, files: readonly NewFile[]): void {
  try {
    mkdirSync(dir, { recursive: true })
    // wx: a file that another process wrote first is not overwritten.
    for (const { path, text } of files) writeFileSync(path, text, { flag: 'wx' })
  } catch (error) {
    throw new WrongUse('HR_INIT', `cannot write: ${messageOf(error)}`, {
      hint: 'choose a folder that this user may write to: --dir DIR',
    })
  }
}

function nextSteps(answers: InitAnswers, dir: string, files: readonly NewFile[]): string[] {
  const { name, stream } = answers
  const [, test, recording] = files
  const headrace = `npm run headrace -- --sources ${dir}`
  const isInside = !relative(ROOT, dir).startsWith('..')
  const node = relative('.', process.execPath)
  return [
    ...authPart(answers).variables.map((variable) => `export ${variable}=…`),
    `${headrace} check ${name}`,
    `${headrace} preview ${name}.${stream} --record ${recording?.path}`,
    `${node}${isInside ? '' : ` --import ${REGISTER}`} --test ${test?.path}`,
  ]
}
