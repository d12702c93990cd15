/**
 * `headrace init`: a new declaration, its test, and made-up pages for the test. Guarantees: the declaration loads and
 * its test passes; nothing is overwritten; nothing is written after an error.
 */

import { existsSync } from 'node:fs'
import { join } from 'node:path'
import { systemClock } from '#shared/clock.ts'
import { environment, readOptions } from '#shared/config/config.ts'
import { readSources } from '#shared/declaration/load-sources.ts'
import { WrongUse } from '#shared/errors.ts'
import { NAME_PATTERN } from '#shared/names.ts'
import { asJson } from '../output.ts'
import { print } from '../service-process.ts'
import { sourceDirs } from '../source-dirs.ts'
import { answersFor, type InitAnswers } from './answers.ts'
import { initByAsking } from './asked/init-asked.ts'
import { authPart } from './declaration.ts'
import { filesFor } from './files.ts'
import { givenEndpoint, type InitCommandOptions } from './given.ts'
import { nextSteps, refuseExisting, writeNew } from './new-files.ts'
import { openTerminal } from './terminal.ts'

export async function initCommand(name: string, options: InitCommandOptions): Promise<number> {
  if (!NAME_PATTERN.test(name)) {
    throw new WrongUse('HR_OPTION', `"${name}" is not a valid source name`, {
      hint: 'use lower-case letters, digits, _ and -, starting with a letter',
    })
  }
  const { dir } = options
  refuseExisting(join(dir, `${name}.ts`))
  await refuseDeclared(name, [dir, ...sourceDirs(readOptions(environment), options.sources)])
  if (options.openapi !== undefined)
    return (await import('./openapi/init-openapi.ts')).initByOpenapi(name, options.openapi, options)
  if (options.only !== undefined)
    throw new WrongUse('HR_OPTION', '--only chooses lists of a document', { hint: 'name the document: --openapi FILE' })
  const given = options.offline === true ? null : givenEndpoint(name, options)
  if (given !== null) return initByAsking(given, options)
  const answers = await answersOf(name, options)
  const files = await filesFor(answers, dir, systemClock)
  writeNew(dir, files)
  const next = nextSteps(answers, authPart(answers).variables, dir, files)
  if (options.json === true) print(asJson({ files: files.map(({ path }) => path), next }))
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
async function answersOf(name: string, flags: InitCommandOptions): Promise<InitAnswers> {
  if (process.stdin.isTTY !== true || process.stderr.isTTY !== true) return answersFor(name, flags, null)
  const terminal = openTerminal(process.stdin, process.stderr)
  try {
    return await answersFor(name, flags, terminal)
  } finally {
    terminal.close()
  }
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
