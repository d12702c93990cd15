/**
 * Finds and loads declarations: the files of `shared/sources/` and of every configured folder. A file is loaded as a
 * module; `headrace` means the same inside and outside this repository. Every mistake is a DeclarationError that names
 * the file, and does not affect the sources of other files.
 */
import { readdirSync, readFileSync } from 'node:fs'
import { registerHooks } from 'node:module'
import { basename, extname, join, resolve } from 'node:path'
import { DeclarationError, explain, messageOf, Stopped, WrongUse } from '../errors.ts'
import { compileSource, refuseTwins, type Source, type Stream } from './compile.ts'
import { loadModule, shownPath } from './load-module.ts'
import type { Declared } from './source-spec.ts'
import { withoutExit } from './without-exit.ts'

const SHARED = join(import.meta.dirname, '..')
const BUILT_IN = join(SHARED, 'sources')

let hooked = false

/**
 * A declaration or its test in another folder has no package of its own that provides `headrace` and
 * `headrace/testing`. They resolve from here.
 */
export function letDeclarationsImportHeadrace(): void {
  if (hooked) return
  hooked = true
  registerHooks({
    resolve: (specifier, context, next) =>
      next(specifier, /^headrace(\/|$)/.test(specifier) ? { ...context, parentURL: import.meta.url } : context),
  })
}

/** A file without a source; `mayDeclare`: whether its name and text suggest that it declares one. */
export type UnusableFile = { file: string; error: DeclarationError; mayDeclare(source: string): boolean }
export type Declarations = { sources: readonly Source[]; unusable: readonly UnusableFile[] }

/**
 * The sources of all files, built-in ones first. A file that cannot be used does not affect the others. Two sources
 * with the same name, table or topic are both unusable, since it is unclear which one is meant. A built-in source
 * that is fetched on demand gives way to a declaration with its name or table, so that examples can be copied. Throws
 * WrongUse for a folder that cannot be read.
 */
export async function readSources(dirs: readonly string[]): Promise<Declarations> {
  letDeclarationsImportHeadrace()
  const folders = new Set(dirs.map((dir) => resolve(dir)).filter((dir) => dir !== BUILT_IN))
  // Checked before anything is loaded: a folder that cannot be read ends the command at once.
  const files = [...folders].flatMap((dir) => declarationFiles(dir))
  const [builtIn, own] = await Promise.all([loadFiles(declarationFiles(BUILT_IN, OWN_ENDING)), loadFiles(files)])
  const sources = [...builtIn.sources.filter((source) => !makesWay(source, own.sources)), ...own.sources]
  const twins = twinsAmong(sources)
  return {
    sources: sources.filter((source) => !twins.some(({ file }) => file === source.file)),
    unusable: [...builtIn.unusable, ...own.unusable, ...twins],
  }
}

/** All sources; throws the first mistake in any file. */
export async function loadSources(dirs: readonly string[]): Promise<Source[]> {
  const { sources, unusable } = await readSources(dirs)
  const [first] = unusable
  if (first !== undefined) throw first.error
  return [...sources]
}

/** In parallel: modules with a slow top level delay the others once, not one after the other. */
async function loadFiles(files: readonly string[]): Promise<Declarations> {
  const loaded = await withoutExit(() => Promise.all(files.map(loadSource)))
  return {
    sources: loaded.flatMap((each) => ('error' in each ? [] : [each])),
    unusable: loaded.flatMap((each) => ('error' in each ? [each] : [])),
  }
}

function makesWay(example: Source, own: readonly Source[]): boolean {
  const tables = new Set(example.streams.map(({ table }) => table))
  return (
    example.onDemand &&
    own.some(({ name, streams }) => name === example.name || streams.some(({ table }) => tables.has(table)))
  )
}

function twinsAmong(sources: readonly Source[]): UnusableFile[] {
  return sources.flatMap((source) => {
    const others = sources.filter((other) => other !== source)
    const twin = others.find(({ name }) => name === source.name)
    const error = twin === undefined ? twinOfStreams(source, others) : sameName(source, twin)
    return error === null ? [] : [{ file: source.file, error, mayDeclare: (name: string) => name === source.name }]
  })
}

const sameName = (source: Source, twin: Source): DeclarationError =>
  new DeclarationError(
    'HR_DECLARATION',
    `${source.file}, field name: "${source.name}" is declared in ${twin.file} too`,
    {
      hint: 'rename one of them',
    },
  )

function twinOfStreams(source: Source, others: readonly Source[]): DeclarationError | null {
  try {
    for (const other of others) refuseTwins([...other.streams, ...source.streams])
    return null
  } catch (error) {
    if (error instanceof DeclarationError) return error
    throw error
  }
}

async function loadSource(path: string): Promise<Source | UnusableFile> {
  const file = shownPath(path)
  try {
    const declared = (await loadModule(path)) as Partial<Declared> | null | undefined
    if (declared?.declared !== 'headrace') {
      throw new DeclarationError('HR_DECLARATION', `${file}: does not export a source`, {
        hint: 'export default defineSource({ … }); start the name of a helper file with _, or move it elsewhere',
      })
    }
    return compileSource(declared.input, file)
  } catch (given) {
    const error =
      given instanceof DeclarationError
        ? given
        : new DeclarationError('HR_DECLARATION', `${file}: cannot be used: ${messageOf(given)}`)
    return { file, error, mayDeclare: (name) => basename(path, ENDING) === name || namesIn(path).includes(name) }
  }
}

/** Names that are written as literals, in a file that may have any mistake. */
function namesIn(path: string): string[] {
  try {
    return [...readFileSync(path, 'utf8').matchAll(/\bname\s*:\s*(['"`])([a-z][a-z0-9_-]*)\1/g)].map(
      ([, , name = '']) => name,
    )
  } catch {
    return []
  }
}

const ENDING = '.ts'
/** The built-in ones are compiled in the package. */
const OWN_ENDING = extname(import.meta.filename)
/** Tests and types; helpers (_shared.ts); temporary files of editors (.#shop.ts). */
const NO_DECLARATION = /^[._]|\.(test|spec|d)\.ts$/

function declarationFiles(path: string, ending = ENDING): string[] {
  try {
    return readdirSync(path, { withFileTypes: true })
      .filter((entry) => entry.name.endsWith(ending) && !NO_DECLARATION.test(entry.name) && !entry.isDirectory())
      .map(({ name }) => join(path, name))
      .sort()
  } catch {
    throw new WrongUse('HR_SOURCES_DIR', `${path} is not a readable folder`, {
      hint: 'give a folder of declarations: --sources DIR',
    })
  }
}

/**
 * The streams that a command names; without names, all but those on demand. Unusable files matter in two cases. One is
 * a name that is found nowhere. The other is a built-in example of the same name, which must not be fetched instead.
 */
export function chooseStreams(declared: Declarations | readonly Source[], labels: readonly string[]): Stream[] {
  const { sources, unusable } = 'unusable' in declared ? declared : { sources: declared, unusable: [] }
  const all = sources.flatMap((source) => source.streams)
  if (labels.length === 0) return all.filter((stream) => !stream.source.onDemand)
  return [...new Set(labels)].map((wanted) => {
    const stream = all.find((candidate) => candidate.label === wanted)
    const files = filesInTheWay({ sources, unusable }, wanted.split('.')[0] ?? wanted)
    if (files.length > 0) throw unusableError(`"${wanted}" cannot be used`, files)
    if (stream !== undefined) return stream
    const known = all.map((candidate) => candidate.label).join(', ')
    throw new WrongUse('HR_UNKNOWN_STREAM', `unknown stream "${wanted}"`, {
      hint: known === '' ? 'there are no declarations: give a folder with --sources DIR' : `known streams: ${known}`,
    })
  })
}

/**
 * The unusable files that may be why a wanted source is missing: those that seem to declare it, otherwise all of them.
 */
export function filesInTheWay({ sources, unusable }: Declarations, wanted: string): readonly UnusableFile[] {
  const found = sources.find(({ name }) => name === wanted)
  const likely = unusable.filter(({ mayDeclare }) => mayDeclare(wanted))
  if (found === undefined) return likely.length > 0 ? likely : unusable
  return resolve(found.file).startsWith(BUILT_IN) ? likely : []
}

const FILES_NAMED_MAX = 10

/** One error that names them all, each with its mistake and hint. */
export function unusableError(what: string, files: readonly UnusableFile[]): Stopped {
  const [only] = files
  if (files.length === 1 && only !== undefined)
    return new Stopped(UNUSABLE, `${what}: ${only.error.message}`, { hint: only.error.hint })
  const lines = files.slice(0, FILES_NAMED_MAX).map(({ error }) => explain(error))
  const more = files.length > FILES_NAMED_MAX ? [`and ${files.length - FILES_NAMED_MAX} files more`] : []
  return new Stopped(UNUSABLE, [`${what}:`, ...lines, ...more].join('\n'))
}
const UNUSABLE = 'HR_SOURCE_UNUSABLE'
