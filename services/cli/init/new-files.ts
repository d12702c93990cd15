/** Writes new files without replacing any, and says what to do with them. */
import { existsSync, mkdirSync, writeFileSync } from 'node:fs'
import { join, relative } from 'node:path'
import { messageOf, WrongUse } from '#shared/errors.ts'
import type { NewFile } from './files.ts'

const ROOT = join(import.meta.dirname, '..', '..', '..')
const REGISTER = join(ROOT, 'services', 'fetcher', 'authoring', 'recording', 'register.ts')

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
  const headrace = `npm run headrace -- --sources ${dir}`
  const isInside = !relative(ROOT, dir).startsWith('..')
  const node = relative('.', process.execPath)
  const record = recording?.path ?? join(dir, `${name}.${stream}.recording.json`)
  return [
    ...variables.map((variable) => `export ${variable}=…`),
    `${headrace} check ${name}`,
    `${headrace} preview ${name}.${stream} --record ${record}`,
    ...(test === undefined ? [] : [`${node}${isInside ? '' : ` --import ${REGISTER}`} --test ${test.path}`]),
  ]
}
