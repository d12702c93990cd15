/** Texts, names and data as TypeScript source, formatted as this repository is. */

const IDENTIFIER = /^[\p{ID_Start}$_][\p{ID_Continue}$]*$/u

export const property = (name: string): string => (IDENTIFIER.test(name) ? name : quoted(name))

/** A text in TypeScript, whatever a person typed. */
export function quoted(text: string): string {
  const inner = JSON.stringify(text).slice(1, -1)
  return inner.includes("'") && !inner.includes('\\"')
    ? `"${inner}"`
    : `'${inner.replaceAll('\\"', '"').replaceAll("'", "\\'")}'`
}

export const LINE_COLUMNS = 120

/** JSON data as an expression: on one line where it fits behind `column` characters, else a line for each member. */
export function literal(value: unknown, indent: string, column = indent.length): string {
  const short = oneLine(value)
  if (column + short.length < LINE_COLUMNS || typeof value !== 'object' || value === null) return short
  const inner = `${indent}  `
  const members = Array.isArray(value)
    ? value.map((each) => `${inner}${literal(each, inner)},`)
    : Object.entries(value).map(([name, each]) => {
        const head = `${inner}${property(name)}: `
        return `${head}${literal(each, inner, head.length)},`
      })
  const [open, close] = Array.isArray(value) ? '[]' : '{}'
  return `${open}\n${members.join('\n')}\n${indent}${close}`
}

function oneLine(value: unknown): string {
  if (typeof value === 'string') return quoted(value)
  if (typeof value !== 'object' || value === null) return String(value)
  if (Array.isArray(value)) return `[${value.map(oneLine).join(', ')}]`
  const members = Object.entries(value).map(([name, each]) => `${property(name)}: ${oneLine(each)}`)
  return members.length === 0 ? '{}' : `{ ${members.join(', ')} }`
}

export const lines = (texts: readonly (string | false)[]): string => texts.filter((text) => text !== false).join('\n')

/** A comment of one or more lines, none longer than the line. */
export function comment(text: string, indent: string): string {
  const width = LINE_COLUMNS - indent.length - 3
  const rows: string[] = []
  let row = ''
  for (const word of text.replaceAll(/\s+/g, ' ').trim().split(' ')) {
    if (row !== '' && row.length + 1 + word.length > width) {
      rows.push(row)
      row = word
    } else row = row === '' ? word : `${row} ${word}`
  }
  return [...rows, row].map((each) => `${indent}// ${each}`).join('\n')
}
