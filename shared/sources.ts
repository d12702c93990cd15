/**
 * Finds and loads declarations: the files of `shared/sources/` and of every folder that is named. A file is loaded as the module it is;
 * `headrace` means the same inside and outside this repository. Every mistake is a DeclarationError that names the file.
 */
import { readdirSync, statSync } from 'node:fs'
import { registerHooks } from 'node:module'
import { dirname, join, relative, resolve } from 'node:path'
import { fileURLToPath, pathToFileURL } from 'node:url'
import { compileSource, refuseTwins, type Source, type Stream } from './declaration.ts'
import type { Declared } from './declare/source.ts'
import { DeclarationError, messageOf, WrongUse } from './errors.ts'

const SHARED = dirname(fileURLToPath(import.meta.url))
const BUILT_IN = join(SHARED, 'sources')

let hooked = false

/** A declaration or its test in another folder has no package of its own to find `headrace` and `headrace/testing` in: they find them from here. */
export function letDeclarationsImportHeadrace(): void {
  if (hooked) return
  hooked = true
  registerHooks({
    resolve: (specifier, context, next) =>
      next(specifier, /^headrace(\/|$)/.test(specifier) ? { ...context, parentURL: import.meta.url } : context),
  })
}

/**
 * All sources, built-in ones first. Two of one name are refused: their topics would be the same. A built-in one that is fetched on demand only
 * makes way for a declaration of its name or table: an example is made to be copied.
 */
export async function loadSources(dirs: readonly string[]): Promise<Source[]> {
  letDeclarationsImportHeadrace()
  const builtIn = await loadFolders([BUILT_IN])
  const folders = new Set(dirs.map((dir) => resolve(dir)).filter((dir) => dir !== BUILT_IN))
  const own = await loadFolders([...folders])
  const sources = [...builtIn.filter((source) => !makesWay(source, own)), ...own]
  refuseSameName(sources)
  refuseTwins(sources.flatMap((source) => source.streams))
  return sources
}

async function loadFolders(folders: readonly string[]): Promise<Source[]> {
  const sources: Source[] = []
  for (const file of folders.flatMap(declarationFiles)) sources.push(await loadSource(file))
  return sources
}

function makesWay(example: Source, own: readonly Source[]): boolean {
  const tables = new Set(example.streams.map(({ table }) => table))
  return example.onDemand && own.some(({ name, streams }) => name === example.name || streams.some(({ table }) => tables.has(table)))
}

function refuseSameName(sources: readonly Source[]): void {
  for (const [index, source] of sources.entries()) {
    const twin = sources.slice(0, index).find((other) => other.name === source.name)
    if (twin === undefined) continue
    throw new DeclarationError('HR_DECLARATION', `${source.file}, field name: "${source.name}" is declared in ${twin.file} too`, {
      hint: 'rename one of them',
    })
  }
}

async function loadSource(path: string): Promise<Source> {
  const file = relative('.', path).startsWith('..') ? path : relative('.', path)
  let exported: unknown
  try {
    exported = (await import(pathToFileURL(path).href)).default
  } catch (error) {
    throw new DeclarationError('HR_DECLARATION', `${file}: cannot be loaded: ${reasonOf(error)}`, { hint: hintFor(error) })
  }
  const declared = exported as Partial<Declared> | undefined
  if (declared?.declared !== 'headrace') {
    throw new DeclarationError('HR_DECLARATION', `${file}: exports no source`, { hint: 'export default defineSource({ … })' })
  }
  return compileSource(declared.input, file)
}

/** The first line that says something: a mistake of syntax opens with blank ones. */
const reasonOf = (error: unknown): string =>
  messageOf(error)
    .split('\n')
    .map((line) => line.trim())
    .find((line) => line !== '') ?? 'no reason given'

function hintFor(error: unknown): string {
  if (/Cannot find package 'zod'/.test(messageOf(error))) return "import { z } from 'headrace', which brings its own"
  return 'mend what it names; `npx tsc --noEmit` shows mistakes of type'
}

function declarationFiles(path: string): string[] {
  try {
    if (!statSync(path).isDirectory()) throw new Error('not a folder')
    return readdirSync(path)
      .filter((file) => file.endsWith('.ts') && !file.endsWith('.test.ts') && !file.endsWith('.d.ts'))
      .sort()
      .map((file) => join(path, file))
  } catch {
    throw new WrongUse('HR_SOURCES_DIR', `${path} is no folder that can be read`, { hint: 'name a folder of declarations: --sources DIR' })
  }
}

/** The streams that a command names; all but those on demand when it names none. */
export function chooseStreams(sources: readonly Source[], labels: readonly string[]): Stream[] {
  const all = sources.flatMap((source) => source.streams)
  if (labels.length === 0) return all.filter((stream) => !stream.source.onDemand)
  return [...new Set(labels)].map((wanted) => {
    const stream = all.find((candidate) => candidate.label === wanted)
    if (stream !== undefined) return stream
    const known = all.map((candidate) => candidate.label).join(', ')
    throw new WrongUse('HR_UNKNOWN_STREAM', `no stream is called "${wanted}"`, {
      hint: known === '' ? 'there are no declarations: name a folder with --sources DIR' : `known streams: ${known}`,
    })
  })
}
