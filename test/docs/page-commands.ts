/**
 * The commands in the shell blocks of the pages, each as the words that a shell would pass. A line of a crontab is its
 * command behind the five fields. Nothing is executed here.
 */
import { type ControlOperator, parse } from 'shell-quote'
import { type Fence, fencesOf } from './fences.ts'

/** `at`: document:line. `words`: of one simple command, without assignments and redirections. */
export type PageCommand = { at: string; document: string; line: string; words: string[] }
export type Assignment = { at: string; document: string; name: string; value: string }
export type PageLine = { at: string; document: string; text: string; schedule: string | null }

const SHELL = ['sh', 'bash', 'shell', 'console']
const CRON = /^((?:[\d*/,-]+ +){5})(.*)$/
const ASSIGNMENT = /^([A-Za-z_]\w*)=(.*)$/s
const REDIRECTIONS = ['>', '>>', '<', '>&', '&>', '<<<', '>|']

/** Lines of shell blocks, without comments; a line that ends in a backslash is one with the next. */
export function linesOf(fences: readonly Fence[] = fencesOf(...SHELL)): PageLine[] {
  return fences.flatMap(({ document, line, text }) => {
    const joined = text.replaceAll(/\\\n/g, '\\\0').split('\n')
    let at = line
    return joined.flatMap((each) => {
      const here = at
      at += each.split('\0').length
      const whole = each.replaceAll('\\\0', ' ').trim()
      if (whole === '' || whole.startsWith('#')) return []
      const [, schedule = null, command = whole] = CRON.exec(whole) ?? []
      return [{ at: `${document}:${here}`, document, text: command, schedule: schedule?.trim() ?? null }]
    })
  })
}

export function commandsOf(lines: readonly PageLine[] = linesOf()): PageCommand[] {
  return lines.flatMap(({ at, document, text }) =>
    simpleCommands(text).flatMap(({ words }) => (words.length === 0 ? [] : [{ at, document, line: text, words }])),
  )
}

/** Of lines that are nothing but assignments: the blocks of settings. */
export function assignmentsOf(lines: readonly PageLine[] = linesOf()): Assignment[] {
  return lines.flatMap(({ at, document, text }) =>
    simpleCommands(text).flatMap(({ words, assigned }) =>
      words.length > 0 ? [] : assigned.map(([name, value]) => ({ at, document, name, value })),
    ),
  )
}

type Simple = { words: string[]; assigned: [string, string][] }

function simpleCommands(text: string): Simple[] {
  const commands: Simple[] = [{ words: [], assigned: [] }]
  let isTarget = false
  for (const entry of parse(text, (name) => `$${name}`)) {
    const last = commands.at(-1) as Simple
    if (typeof entry === 'object' && 'comment' in entry) break
    if (typeof entry === 'object' && entry.op !== 'glob') {
      if (isRedirection(entry)) isTarget = true
      else commands.push({ words: [], assigned: [] })
      continue
    }
    const word = typeof entry === 'string' ? entry : entry.pattern
    const assignment = last.words.length === 0 ? ASSIGNMENT.exec(word) : null
    if (isTarget) isTarget = false
    else if (assignment !== null) last.assigned.push([assignment[1] ?? '', assignment[2] ?? ''])
    else last.words.push(word)
  }
  return commands
}

const isRedirection = ({ op }: ControlOperator): boolean => REDIRECTIONS.includes(op)

/** A line as a person copies it: without its comment, and without the mark that puts it into the background. */
export const copied = (text: string): string => text.replace(/\s+#\s.*$/, '').replace(/\s*&$/, '')
