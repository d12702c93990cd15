/** Writes new files without replacing any, and says what to do with them. */

import { existsSync, mkdirSync, writeFileSync } from 'node:fs'
import { createRequire } from 'node:module'
import { join, relative, resolve } from 'node:path'
import { HEADRACE } from '#shared/config/called-as.ts'
import { environment, readOptions } from '#shared/config/config.ts'
import { messageOf, WrongUse } from '#shared/errors.ts'
import { INSTALLATION_DIR, IS_CHECKOUT, moduleFile } from '#shared/installation.ts'
import { sourcesFlag } from '../source-dirs.ts'
import type { NewFile } from './files.ts'

const REGISTER = moduleFile(import.meta, '../../fetcher/authoring/recording/register')

/** Exit status for a declaration that a person has to complete. */
export const EXIT_OPEN = 3

export function refuseExisting(path: string): void {
  if (existsSync(path))
    throw new WrongUse('HR_EXISTS', `${path} exists: nothing was written`, {
      hint: 'choose another name or another --dir',
    })
}

/** All of them or, if one exists, none. Throws WrongUse. */
export function writeNew(dir: string, files: readonly NewFile[]): void {
  for (const { path } of files) refuseExisting(path)
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

/** `files`: declaration, test and recording, or the declaration alone. `variables`: those that hold its secrets. */
export function nextSteps(
  { name, stream }: { name: string; stream: string },
  variables: readonly string[],
  dir: string,
  files: readonly NewFile[],
): string[] {
  const [, test, recording] = files
  const headrace = HEADRACE + sourcesFlag(readOptions(environment), dir)
  const record = recording?.path ?? join(dir, `${name}.${stream}.recording.json`)
  return [
    ...variables.map((variable) => `export ${variable}=…`),
    `${headrace} check ${name}`,
    `${headrace} preview ${name}.${stream} --record ${record}`,
    ...(test === undefined ? [] : [testCommand(test.path)]),
  ]
}

/** The checkout's own Node runs a test; outside a project that has the package, `headrace` must be registered first. */
export function testCommand(test: string): string {
  const node = IS_CHECKOUT ? relative('.', process.execPath) : 'node'
  return `${node}${findsHeadrace(test) ? '' : ` --import ${REGISTER}`} --test ${test}`
}

/** Whether a file's `import 'headrace'` is found from where it is. */
function findsHeadrace(file: string): boolean {
  if (!relative(INSTALLATION_DIR, resolve(file)).startsWith('..')) return true
  const folders = createRequire(resolve(file)).resolve.paths('headrace') ?? []
  return folders.some((folder) => existsSync(join(folder, 'headrace')))
}
