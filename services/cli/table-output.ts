/**
 * Formats for people: tables that fit a width, counted things, and tones for words of state. Foreign text in a cell is
 * escaped here; `print` escapes all other text. A newline in a cell begins a line of that cell.
 */
import Table from 'cli-table3'
import { withoutControls } from '#shared/shown.ts'

export type Cell = string | number
export type Tone = 'bad' | 'warn' | 'good'

/**
 * Noncharacters that mark a tone until `print` knows whether its stream has colours. In foreign text they can only
 * colour it.
 */
const TONE_MARKS: Readonly<Record<Tone, string>> = { bad: '\ufdd0', warn: '\ufdd1', good: '\ufdd2' }
const TONE_END = '\ufdd3'
const MARKS = /[\ufdd0-\ufdd3]/g
const SGR: Readonly<Record<string, string>> = {
  '\ufdd0': '\u001b[31m',
  '\ufdd1': '\u001b[33m',
  '\ufdd2': '\u001b[32m',
  '\ufdd3': '\u001b[39m',
}

const NO_LINES_BETWEEN_ROWS = { mid: '', 'left-mid': '', 'mid-mid': '', 'right-mid': '' }
/** What is drawn beside a cell that spans all columns, in place of the lines between rows. */
const LEFT_OF_A_SPAN = /^[┬┴┼├┤]+\n/gm
/** What a table draws around a cell, and at its end. */
const CELL_FRAME_CHARS = 3
const TABLE_FRAME_CHARS = 1
/** A column is not made narrower than this, whatever the width: its words could not be read. */
const COLUMN_MIN = 8
/** Characters two columns wide on a terminal: East Asian scripts and pictures. */
const WIDE_SCRIPTS = String.raw`\p{Script=Han}\p{Script=Hiragana}\p{Script=Katakana}\p{Script=Hangul}`
const WIDE = new RegExp(String.raw`[${WIDE_SCRIPTS}\p{Emoji_Presentation}\u3000-\u303f\uff01-\uff60\uffe0-\uffe6]`, 'u')
const NO_WIDTH = /[\p{Mn}\p{Me}\ufdd0-\ufdd3]/u

/** A word of state, in colour where the output has colours. */
export const toned = (text: string, tone: Tone): string => `${TONE_MARKS[tone]}${text}${TONE_END}`

/** What is written to a stream: no terminal sequences except our own colours. */
export function rendered(text: string, colours: boolean): string {
  return colours ? coloured(escapedBut(text)) : escapedBut(text).replace(MARKS, '')
}

const escapedBut = (text: string): string => text.replace(/[^\ufdd0-\ufdd3]+/g, withoutControls)

/**
 * Columns side by side; if they are wider than `width`, the widest are wrapped. Without a width, nothing is wrapped. A
 * single-cell row in a table of several columns spans all of them: it is a heading.
 */
export function table(
  rows: readonly (readonly Cell[])[],
  head: readonly string[] = [],
  width = Number.POSITIVE_INFINITY,
): string {
  const all = head.length === 0 ? rows : [head.map((name) => name.toUpperCase()), ...rows]
  const cells = all.map((row) => row.map((cell) => escapedBut(String(cell)).split('\n')))
  const columns = Math.max(0, ...cells.map((row) => row.length))
  const spans = (row: readonly unknown[]): boolean => row.length === 1 && columns > 1
  const inColumns = cells.filter((row) => !spans(row))
  const naturals = (measure: (line: string, isHead: boolean) => number): number[] =>
    Array.from({ length: columns }, (_, column) =>
      Math.max(
        0,
        ...inColumns.flatMap(
          (row) => row[column]?.map((line) => measure(line, head.length > 0 && row === cells[0])) ?? [],
        ),
      ),
    )
  const room = width - CELL_FRAME_CHARS * columns - TABLE_FRAME_CHARS
  const natural = naturals(columnsOf)
  // A name of two words is wrapped before a value is broken.
  const widths =
    sumOf(natural) <= room
      ? natural
      : fitted(
          naturals((line, isHead) => (isHead ? longestWord(line) : columnsOf(line))),
          room,
        )
  const drawn = new Table({ style: { head: [], border: [] }, chars: NO_LINES_BETWEEN_ROWS })
  const over = Math.max(COLUMN_MIN, width - CELL_FRAME_CHARS - TABLE_FRAME_CHARS)
  for (const row of cells) {
    if (spans(row)) {
      drawn.push([
        { content: coloured((row[0] ?? []).flatMap((line) => wrap(line, over)).join('\n')), colSpan: columns },
      ])
      continue
    }
    drawn.push(
      row.map((lines, column) => coloured(lines.flatMap((line) => wrap(line, widths[column] ?? 0)).join('\n'))),
    )
  }
  return uncoloured(drawn.toString()).replaceAll(LEFT_OF_A_SPAN, '')
}

/** The table library understands colours, not marks. The text has no other escapes: cells are escaped before. */
const coloured = (text: string): string => text.replace(MARKS, (mark) => SGR[mark] ?? '')
const uncoloured = (text: string): string =>
  Object.entries(SGR).reduce((all, [mark, sgr]) => all.replaceAll(sgr, mark), text)

/** Lines of at most `width` columns, broken at blanks if there are any; continuation lines are indented by `indent`. */
export function wrapped(text: string, width: number, indent = ''): string {
  return text
    .split('\n')
    .flatMap((line) => {
      const [first = '', ...others] = wrap(escapedBut(line), width)
      if (others.length === 0) return [first]
      const rest = escapedBut(line).slice(first.length).trimStart()
      return [first, ...wrap(rest, Math.max(COLUMN_MIN, width - indent.length)).map((each) => `${indent}${each}`)]
    })
    .join('\n')
}

const sumOf = (numbers: readonly number[]): number => numbers.reduce((sum, each) => sum + each, 0)
const longestWord = (line: string): number => Math.max(0, ...line.split(' ').map(columnsOf))

/** The widest columns shrink first. */
function fitted(natural: readonly number[], room: number): number[] {
  const sum = (cap: number) => natural.reduce((total, each) => total + Math.min(each, cap), 0)
  let cap = Math.max(0, ...natural)
  if (!Number.isFinite(room)) return [...natural]
  while (cap > COLUMN_MIN && sum(cap) > room) cap -= 1
  return natural.map((each) => Math.min(each, cap))
}

function wrap(line: string, width: number): string[] {
  if (!Number.isFinite(width) || columnsOf(line) <= width) return [line]
  const lines: string[] = []
  let rest = line
  // Each iteration takes at least one character.
  while (columnsOf(rest) > width) {
    const at = breakAt(rest, width)
    lines.push(rest.slice(0, at).trimEnd())
    rest = rest.slice(at).trimStart()
  }
  return rest === '' ? lines : [...lines, rest]
}

/** Where to break a line: after the last blank that fits, else within a word, never within a character. */
function breakAt(line: string, width: number): number {
  let columns = 0
  let at = 0
  let blank = 0
  for (const character of line) {
    columns += columnsOfCharacter(character)
    if (columns > width) break
    at += character.length
    // The blanks at the start of a line are its indentation.
    if (character === ' ' && line.slice(0, at).trim() !== '') blank = at
  }
  if (line[at] === ' ') return at
  return blank > 0 ? blank : Math.max(at, String.fromCodePoint(line.codePointAt(0) ?? 0).length)
}

/** Columns that a text takes on a terminal. */
export function columnsOf(text: string): number {
  let columns = 0
  for (const character of text) columns += columnsOfCharacter(character)
  return columns
}

const columnsOfCharacter = (character: string): number => {
  if (character <= '~') return 1
  if (NO_WIDTH.test(character)) return 0
  return WIDE.test(character) ? 2 : 1
}

/** `1 page`, `2 pages`. */
export const counted = (count: number, one: string, many = `${one}s`): string => `${count} ${count === 1 ? one : many}`
