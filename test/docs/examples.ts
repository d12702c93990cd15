/** The declarations in documents: blocks of TypeScript that define a source. */
import { readFileSync } from 'node:fs'
import { join } from 'node:path'
import { ROOT } from './typescript-program.ts'

/** `heading`: the nearest one before the block. `line`: where its code begins in the document. */
export type Example = { document: string; heading: string; line: number; code: string }

const BLOCK = /^( *)```ts\n(.*?)^ *```/gms

export function examplesIn(document: string, text = readFileSync(join(ROOT, document), 'utf8')): Example[] {
  return [...text.matchAll(BLOCK)].flatMap(({ index, 1: indent = '', 2: code = '' }) => {
    if (!code.includes('export default defineSource(')) return []
    const before = text.slice(0, index)
    const heading = [...before.matchAll(/^#+ (.*)$/gm)].at(-1)?.[1] ?? ''
    return [{ document, heading, line: before.split('\n').length + 1, code: code.replaceAll(`\n${indent}`, '\n') }]
  })
}
