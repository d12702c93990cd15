/**
 * Locates an error of loading a module, also in one that it imports: file, line, column and the line's text. Node
 * reports it in three ways. For syntax, types that cannot be stripped and names that are not exported, there is an
 * excerpt above the stack. What was thrown has a stack. For what only the JavaScript parser refuses, Node says nothing,
 * and is run again with `--check`, file by file.
 */
import { execFileSync } from 'node:child_process'
import { readFileSync } from 'node:fs'
import { dirname, resolve } from 'node:path'
import { fileURLToPath } from 'node:url'

export type ErrorPlace = { path: string; line: number; column: number | null; text: string }

/** An entry that imports more helpers than this is checked only up to this number. */
const FILES_CHECKED_MAX = 20
const CHECK_MS_MAX = 10_000
const TEXT_CHARS_MAX = 120
/** A static import of another file by a relative path. */
const IMPORTS = /\b(?:import|from)\s*\(?\s*(['"])(\.{1,2}\/[^'"\n]+)\1/g
const STRIP =
  "const source = require('node:fs').readFileSync(process.argv[1], 'utf8');" +
  "process.stdout.write(require('node:module').stripTypeScriptTypes(source))"

/** Null where the place is unknown. */
export function placeOfError(error: unknown, entry: string): ErrorPlace | null {
  const stack = error instanceof Error ? (error.stack ?? '') : ''
  return excerptIn(stack) ?? frameIn(stack, entry) ?? (error instanceof SyntaxError ? checkedPlace(entry) : null)
}

/** `path:line`, the lines around it, and a caret below the place. */
function excerptIn(stack: string, path?: string): ErrorPlace | null {
  const match = /^(\S.*?):(\d+)\n/.exec(stack)
  if (match === null) return null
  const [head, given = '', line = ''] = match
  const place = path ?? pathOf(given)
  const lines = stack.slice(head.length).split('\n')
  const caret = lines.findIndex((each) => /^\s*\^+\s*$/.test(each))
  // A truncated file has no caret: the mistake is at its end.
  if (caret < 1) return { path: place, line: Number(line), column: null, text: shortened(lineOf(place, Number(line))) }
  const column = (lines[caret]?.indexOf('^') ?? 0) + 1
  return { path: place, line: Number(line), column, text: shortened(lines[caret - 1] ?? '') }
}

/** The first call in one of the author's files: in his own folder, not in a package and not in Node. */
function frameIn(stack: string, entry: string): ErrorPlace | null {
  const folder = dirname(entry)
  for (const [, url = '', line = '', column = ''] of stack.matchAll(/(file:\/\/\/[^\s()]+?):(\d+):(\d+)/g)) {
    const path = pathOf(url)
    if (!path.startsWith(folder) || path.includes('/node_modules/')) continue
    return { path, line: Number(line), column: Number(column), text: shortened(lineOf(path, Number(line))) }
  }
  return null
}

function checkedPlace(entry: string): ErrorPlace | null {
  for (const path of withImports(entry)) {
    const place = checkedFile(path)
    if (place !== null) return place
  }
  return null
}

function withImports(entry: string): string[] {
  const paths = [entry]
  for (let at = 0; at < paths.length && paths.length < FILES_CHECKED_MAX; at++) {
    const from = paths[at] ?? entry
    for (const [, , specifier = ''] of readText(from).matchAll(IMPORTS)) {
      const path = resolve(dirname(from), specifier)
      if (/\.[cm]?[jt]s$/.test(path) && !paths.includes(path)) paths.push(path)
    }
  }
  return paths
}

/** Stripping types keeps each character in its place, so a position in the result is one in the file. */
function checkedFile(path: string): ErrorPlace | null {
  const node = (args: string[], input: string) =>
    execFileSync(process.execPath, ['--no-warnings', ...args], {
      input,
      timeout: CHECK_MS_MAX,
      encoding: 'utf8',
      stdio: 'pipe',
      env: {},
    })
  try {
    const stripped = /\.[cm]?ts$/.test(path) ? node(['-e', STRIP, path], '') : readText(path)
    node(['--input-type=module', '--check', '-'], stripped)
    return null
  } catch (error) {
    const said = error instanceof Error && 'stderr' in error ? String(error.stderr) : ''
    return excerptIn(said, path)
  }
}

const pathOf = (given: string): string => (given.startsWith('file:') ? fileURLToPath(given) : given)
const lineOf = (path: string, line: number): string => readText(path).split('\n')[line - 1] ?? ''

function readText(path: string): string {
  try {
    return readFileSync(path, 'utf8')
  } catch {
    return ''
  }
}

function shortened(text: string): string {
  const line = text.trim()
  return line.length > TEXT_CHARS_MAX ? `${line.slice(0, TEXT_CHARS_MAX)}…` : line
}
