/** The fenced blocks of every page that a user or a contributor reads. */
import { globSync, readFileSync } from 'node:fs'
import { join } from 'node:path'
import { ROOT } from './typescript-program.ts'

/** `line`: where its text begins in the document. `language`: empty where the fence names none. */
export type Fence = { document: string; line: number; language: string; text: string }

const FENCE = /^( *)```(\w*)[^\n]*\n(.*?)^ *```/gms

export const PAGES: readonly string[] = [
  'README.md',
  'CONTRIBUTING.md',
  'SECURITY.md',
  ...globSync(['docs/**/*.md', 'deploy/**/*.md', 'template/**/*.md'], { cwd: ROOT }).sort(),
]

export function fencesIn(document: string, text = readFileSync(join(ROOT, document), 'utf8')): Fence[] {
  return [...text.matchAll(FENCE)].map(({ index, 1: indent = '', 2: language = '', 3: inside = '' }) => ({
    document,
    line: text.slice(0, index).split('\n').length + 1,
    language,
    text: inside.replace(new RegExp(`^${indent}`, 'gm'), ''),
  }))
}

export const fencesOf = (...languages: readonly string[]): Fence[] =>
  PAGES.flatMap((page) => fencesIn(page)).filter(({ language }) => languages.includes(language))
