/**
 * Where and why a text is not JSON (RFC 8259). It is cut, followed by something else, or has a token that JSON does not
 * have, such as NaN. The engine's own messages do not tell these apart, and quote the text. Here no value is quoted:
 * strings and numbers are masked, the names of fields stay. Used only after a parser has refused the text. One pass, no
 * recursion.
 */

export type JsonDefect = {
  /**
   * `cut`: it ends inside a value. `trailing`: something follows the value. `token`: a token that JSON does not have.
   */
  kind: 'cut' | 'trailing' | 'token'
  /** Of the defect, from 0. */
  at: number
  /** Both from 1. */
  line: number
  column: number
  /** What was found there. */
  what: string
  /** What precedes it, values masked. */
  before: string
}

const CODES = {
  quote: 0x22,
  backslash: 0x5c,
  comma: 0x2c,
  colon: 0x3a,
  open: 0x7b,
  close: 0x7d,
  openList: 0x5b,
  closeList: 0x5d,
}
const NUMBER = /-?(?:0|[1-9]\d*)(?:\.\d+)?(?:[eE][+-]?\d+)?/y
const NUMBER_CUT = /^-?(?:0|[1-9]\d*)?(?:\.\d*)?(?:[eE][+-]?\d*)?$/
const LITERALS = ['true', 'false', 'null']
const WORD = /[\p{L}\p{N}_$+-]{1,24}/uy
const TOKENS_BEFORE = 12
const NAME_CHARS_MAX = 40
const EXCERPT_CHARS_MAX = 60

type Expected = 'value' | 'valueOrEnd' | 'nameOrEnd' | 'name' | 'colon' | 'commaOrEnd' | 'nothing'

/** Null for valid JSON. */
export function defectOf(text: string): JsonDefect | null {
  /** True: an object. */
  const open: boolean[] = []
  const recent: Token[] = []
  let expected: Expected = 'value'
  let at = 0
  const defect = (kind: JsonDefect['kind'], place: number, what: string): JsonDefect => ({
    ...{ kind, at: place, ...placeIn(text, place), what, before: shown(text, recent) },
  })
  const behindValue = (): Expected => (open.length === 0 ? 'nothing' : 'commaOrEnd')
  for (;;) {
    at = behindSpace(text, at)
    if (at >= text.length) return expected === 'nothing' ? null : defect('cut', at, 'the end')
    if (expected === 'nothing') return defect('trailing', at, trailing(text, at))
    const token = tokenAt(text, at)
    if (typeof token === 'number') {
      if (token < 0) return defect('cut', text.length, 'the end')
      return defect('token', token, wordAt(text, token))
    }
    const next = after(expected, token, open, behindValue)
    if (next === null) return defect('token', at, wordAt(text, at))
    expected = next
    recent.push(token)
    if (recent.length > TOKENS_BEFORE) recent.shift()
    at = token.end
  }
}

type Token = { kind: 'text' | 'number' | 'literal' | 'sign'; start: number; end: number; code: number }

/** What may follow, or null for a token in the wrong place. */
function after(
  expected: Expected,
  { kind, code }: Token,
  open: boolean[],
  behindValue: () => Expected,
): Expected | null {
  const mayBeValue = expected === 'value' || expected === 'valueOrEnd'
  if (kind === 'text' && (expected === 'name' || expected === 'nameOrEnd')) return 'colon'
  if (kind !== 'sign') return mayBeValue ? behindValue() : null
  if (code === CODES.open || code === CODES.openList) {
    if (!mayBeValue) return null
    open.push(code === CODES.open)
    return code === CODES.open ? 'nameOrEnd' : 'valueOrEnd'
  }
  if (code === CODES.colon) return expected === 'colon' ? 'value' : null
  if (code === CODES.comma) return expected !== 'commaOrEnd' ? null : open.at(-1) === true ? 'name' : 'value'
  const isObject = code === CODES.close
  const mayEnd = expected === 'commaOrEnd' || expected === (isObject ? 'nameOrEnd' : 'valueOrEnd')
  if (!mayEnd || open.at(-1) !== isObject) return null
  open.pop()
  return behindValue()
}

/** A token, the place of an invalid one, or -1 if the text ends inside one. */
function tokenAt(text: string, start: number): Token | number {
  const code = text.charCodeAt(start)
  if (code === CODES.quote) return textAt(text, start)
  if (isSign(code)) return { kind: 'sign', start, end: start + 1, code }
  for (const literal of LITERALS) {
    if (text.startsWith(literal, start)) return { kind: 'literal', start, end: start + literal.length, code }
    if (literal.startsWith(text.slice(start, start + literal.length)) && text.length - start < literal.length) return -1
  }
  NUMBER.lastIndex = start
  const number = NUMBER.exec(text)?.[0]
  const rest = text.length - start < EXCERPT_CHARS_MAX ? text.slice(start) : null
  if (rest !== null && number !== rest && rest !== '' && NUMBER_CUT.test(rest)) return -1
  return number === undefined ? start : { kind: 'number', start, end: start + number.length, code }
}

function textAt(text: string, start: number): Token | number {
  for (let at = start + 1; at < text.length; at++) {
    const code = text.charCodeAt(at)
    if (code === CODES.quote) return { kind: 'text', start, end: at + 1, code }
    if (code < 0x20) return at
    if (code !== CODES.backslash) continue
    const escaped = text.slice(at, at + 6)
    if (!/^\\(?:["\\/bfnrt]|u[\da-fA-F]{4})/.test(escaped)) return /^\\(?:u[\da-fA-F]{0,3})?$/.test(escaped) ? -1 : at
    at += escaped[1] === 'u' ? 5 : 1
  }
  return -1
}

const isSign = (code: number): boolean =>
  code === CODES.comma ||
  code === CODES.colon ||
  code === CODES.open ||
  code === CODES.close ||
  code === CODES.openList ||
  code === CODES.closeList

function behindSpace(text: string, from: number): number {
  let at = from
  for (; at < text.length; at++) {
    const code = text.charCodeAt(at)
    if (code !== 0x20 && code !== 0x0a && code !== 0x0d && code !== 0x09) break
  }
  return at
}

function placeIn(text: string, at: number): { line: number; column: number } {
  let line = 1
  let start = 0
  for (let next = text.indexOf('\n'); next !== -1 && next < at; next = text.indexOf('\n', start)) {
    line += 1
    start = next + 1
  }
  return { line, column: at - start + 1 }
}

/** A word such as NaN, or one character; an invisible one by its number. */
function wordAt(text: string, at: number): string {
  WORD.lastIndex = at
  const word = WORD.exec(text)?.[0] ?? String.fromCodePoint(text.codePointAt(at) ?? 0)
  return /^[\p{C}\p{Z}]/u.test(word)
    ? `U+${(word.codePointAt(0) ?? 0).toString(16).toUpperCase().padStart(4, '0')}`
    : word
}

/** What follows is quoted unless it is again API data. */
function trailing(text: string, at: number): string {
  return /[{["\d-]/.test(text[at] ?? '') ? 'another JSON value' : text.slice(at, at + EXCERPT_CHARS_MAX)
}

function shown(text: string, tokens: readonly Token[]): string {
  return tokens
    .map(({ kind, start, end }, index) => {
      if (kind === 'number') return '0'
      if (kind !== 'text') return text.slice(start, end)
      const isName = tokens[index + 1]?.code === CODES.colon && tokens[index + 1]?.kind === 'sign'
      return isName ? text.slice(start, Math.min(end, start + NAME_CHARS_MAX)) : '"…"'
    })
    .join('')
}
