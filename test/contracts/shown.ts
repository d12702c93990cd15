/**
 * A test by its file and its name as it is written there, so that a list of promises notices a test which goes away.
 */
import { readFileSync } from 'node:fs'
import { join } from 'node:path'

/** File below test/, and the name of a test in it: the text between its quotes, placeholders included. */
export type Shown = readonly [file: string, name: string]
export type Line = { server: string; fetcher: string; shownBy: readonly Shown[] }

const TESTS = join(import.meta.dirname, '..')
/** The first text behind `test(`, or the first of a row of a table of cases. */
const NAME = /(?:\btest\(|^ {2,}\[)\s*(?:'((?:\\.|[^'\\])*)'|"((?:\\.|[^"\\])*)"|`((?:\\.|[^`\\])*)`)/gm

const names = new Map<string, Set<string>>()

function namesIn(file: string): Set<string> {
  const known = names.get(file)
  if (known !== undefined) return known
  const found = new Set<string>()
  for (const [, single, double, template] of readFileSync(join(TESTS, file), 'utf8').matchAll(NAME)) {
    found.add((single ?? double ?? template ?? '').replace(/\\(['"`])/g, '$1'))
  }
  names.set(file, found)
  return found
}

export const isThere = ([file, name]: Shown): boolean => namesIn(file).has(name)
