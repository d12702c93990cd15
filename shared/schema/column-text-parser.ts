/** Parses the text of a column type into tokens and nested nodes. Pure; it knows no type by name. */

export type TypeToken = { kind: 'word' | 'number' | 'text' | 'name' | 'sign'; text: string }
/** `args` are types, names with types, enum members or plain values, as the family has them. */
export type TypeNode = { name: string; args: Arg[] }
export type Arg = { tokens: readonly TypeToken[]; text: string }

const TOKEN = /\s*(?:([A-Za-z_]\w*)|(-?\d+(?:\.\d+)?)|('(?:[^'\\]|\\.|'')*')|(`(?:[^`\\]|\\.|``)+`)|([(),=.+]))/sy
const KINDS = ['word', 'number', 'text', 'name', 'sign'] as const

/** Whether a statement can contain it: its quotes and parentheses are balanced, and nothing else ends it. */
export const isWholeText = (text: string): boolean => tokensOf(text) !== null

export function tokensOf(text: string): TypeToken[] | null {
  const tokens: TypeToken[] = []
  const end = text.trimEnd().length
  let depth = 0
  TOKEN.lastIndex = 0
  while (TOKEN.lastIndex < end) {
    const found = TOKEN.exec(text)
    if (found === null) return null
    const index = found.slice(1).findIndex((part) => part !== undefined)
    const token: TypeToken = { kind: KINDS[index] ?? 'sign', text: found[index + 1] ?? '' }
    if (token.text === '(') depth++
    if (token.text === ')' && --depth < 0) return null
    tokens.push(token)
  }
  return depth === 0 && tokens.length > 0 ? tokens : null
}

/** `Name` or `Name(…)`. */
export function nodeOf(tokens: readonly TypeToken[]): TypeNode | null {
  const [first, open, ...rest] = tokens
  if (first?.kind !== 'word') return null
  if (open === undefined) return { name: first.text, args: [] }
  if (open.text !== '(' || rest.at(-1)?.text !== ')') return null
  const args = argsOf(rest.slice(0, -1))
  return args === null ? null : { name: first.text, args }
}

/** Splits at commas outside of parentheses. Null where the first parenthesis is closed before the end. */
function argsOf(tokens: readonly TypeToken[]): Arg[] | null {
  if (tokens.length === 0) return []
  const parts: TypeToken[][] = [[]]
  let depth = 0
  for (const token of tokens) {
    if (token.text === '(') depth++
    if (token.text === ')' && --depth < 0) return null
    if (token.text === ',' && depth === 0) parts.push([])
    else parts.at(-1)?.push(token)
  }
  return parts.map((part) => ({ tokens: part, text: textOf(part) }))
}

export const textOf = (tokens: readonly TypeToken[]): string => tokens.map(({ text }) => text).join(' ')
export const nameOf = ({ tokens }: Arg): string => nodeOf(tokens)?.name ?? ''

export function isWhole(args: readonly Arg[], count: number, min: number, max: number): boolean {
  return args.length === count && args.every(({ tokens }) => tokens.length === 1 && isNumber(tokens[0], min, max))
}

export const isNumber = (token: TypeToken | undefined, min: number, max: number): boolean =>
  token?.kind === 'number' &&
  Number.isInteger(Number(token.text)) &&
  Number(token.text) >= min &&
  Number(token.text) <= max
