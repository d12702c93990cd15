/**
 * Turns JSON with additions of JSON5 into JSON: comments, a comma at the end of a list, single quotes, names without
 * quotes, NaN and Infinity. NaN and Infinity become null, since JSON and the table's numbers have no such values. Other
 * numbers stay as they are written, so that the exact parser reads them. What is not known here stays, and the parser
 * refuses it. Yields to the event loop, since a body can be large.
 */
import type { Pace } from '#shared/clock.ts'

const TOKEN = new RegExp(
  [
    /"[^"\\]*(?:\\[\s\S][^"\\]*)*"/,
    /'[^'\\]*(?:\\[\s\S][^'\\]*)*(?:'|$)/,
    /\/\/[^\n\r]*|\/\*[\s\S]*?\*\//,
    /[[\]{}:,]|\s+|[^\s[\]{}:,"'/]+|[\s\S]/,
  ]
    .map(({ source }) => source)
    .join('|'),
  'g',
)
const CLOSED = /^'[^'\\]*(?:\\[\s\S][^'\\]*)*'$/
const ESCAPES: Readonly<Record<string, string>> = { "\\'": "'", '"': '\\"' }
const NOT_A_NUMBER = /^[+-]?(?:NaN|Infinity)$/
const NAME = /^[\p{L}\p{Nl}$_][\p{L}\p{Nl}\p{Mn}\p{Nd}$_]*$/u
const NUMBER = /^[+-]?(?:\d+\.?\d*|\.\d+)(?:[eE][+-]?\d+)?$/
const HEX = /^([+-]?)(0[xX][\da-fA-F]+)$/
/** Some milliseconds. */
const TOKENS_AT_ONCE = 50_000

export async function strictJson(text: string, pace: Pace, signal: AbortSignal): Promise<string> {
  const parts: string[] = []
  /** The last token that is neither blank nor a comment, and where it is in `parts`. */
  let last = { token: '', at: -1 }
  /** A comma behind a value: it may be the last of its list. */
  let commaAt = -1
  let tokens = 0
  for (const [token] of text.matchAll(TOKEN)) {
    tokens += 1
    if (tokens % TOKENS_AT_ONCE === 0) {
      await pace.turn()
      signal.throwIfAborted()
    }
    if (/^\s/.test(token)) parts.push(token)
    else if (token.startsWith('//') || token.startsWith('/*')) parts.push(token.replace(/[^\n\r]/g, ' '))
    else {
      if (token === ':' && NAME.test(last.token)) parts[last.at] = JSON.stringify(last.token)
      if ((token === ']' || token === '}') && commaAt !== -1) parts[commaAt] = ' '
      const at = parts.push(strict(token)) - 1
      commaAt = token === ',' && !'[{,:'.includes(last.token) ? at : -1
      last = { token, at }
    }
  }
  return parts.join('')
}

function strict(token: string): string {
  if (token.startsWith("'")) return doubleQuoted(token)
  if (NOT_A_NUMBER.test(token)) return 'null'
  if (NUMBER.test(token)) return numberOf(token)
  const [, sign, digits] = HEX.exec(token) ?? []
  return digits === undefined ? token : `${sign === '-' ? '-' : ''}${BigInt(digits)}`
}

/** JSON has neither a plus, nor a point without digits on both sides. */
const numberOf = (token: string): string =>
  token
    .replace(/^\+/, '')
    .replace(/^(-?)\./, '$10.')
    .replace(/\.(?=$|[eE])/, '.0')

/** A text that is cut stays so. */
function doubleQuoted(token: string): string {
  const isClosed = CLOSED.test(token)
  const inner = token.slice(1, isClosed ? -1 : undefined)
  const escaped = inner.replace(/\\'|"|\\[\s\S]/g, (found) => ESCAPES[found] ?? found)
  return `"${escaped}${isClosed ? '"' : ''}`
}
