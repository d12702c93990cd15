/** The folders of declarations that a command reads, besides the built-in ones. */
import { existsSync } from 'node:fs'
import { join, resolve } from 'node:path'
import { splitList } from '#shared/config/options.ts'

/** Where `init` and `create` write, and what is read where nothing else is named. */
export const SOURCES_DIR = 'sources'

/** Those of HEADRACE_SOURCES and of --sources; without any, `sources` if it exists. */
export function sourceDirs({ HEADRACE_SOURCES = '' }: Named, given: readonly string[], cwd = '.'): string[] {
  const named = [...splitList(HEADRACE_SOURCES), ...given]
  const own = join(cwd, SOURCES_DIR)
  return named.length === 0 && existsSync(own) ? [own] : named
}
type Named = { HEADRACE_SOURCES?: string | undefined }

/** What a command needs to find the declarations of `dir`: nothing where it looks by itself. */
export const sourcesFlag = ({ HEADRACE_SOURCES = '' }: Named, dir: string): string =>
  HEADRACE_SOURCES === '' && resolve(dir) === resolve(SOURCES_DIR) ? '' : ` --sources ${dir}`
