/** Tables of documents that are made from the code, between two comments in the file. */
import { readFileSync, writeFileSync } from 'node:fs'
import { WrongUse } from '#shared/errors.ts'

export const markdownTable = (header: readonly string[], rows: readonly (readonly string[])[]): string =>
  [header, header.map(() => '---'), ...rows].map((cells) => `| ${cells.join(' | ')} |`).join('\n')

/** The text of a document with this table at its place. Throws WrongUse if `file` has no such place. */
export function withTable(file: string, text: string, about: string, table: string): string {
  const [begin, end] = [`<!-- ${about}: begin -->`, `<!-- ${about}: end -->`]
  const [from, to] = [text.indexOf(begin), text.indexOf(end)]
  if (from < 0 || to < from)
    throw new WrongUse('HR_NO_TABLE', `${file} has no markers for the table of ${about}`, {
      hint: `add the lines ${begin} and ${end} to it`,
    })
  return `${text.slice(0, from + begin.length)}\n${table}\n${text.slice(to)}`
}

export function writeTable(file: string, about: string, table: string): void {
  writeFileSync(file, withTable(file, readFileSync(file, 'utf8'), about, table))
}
