/**
 * Finds the numbers of a JSON text that a double cannot hold, and puts quotes round them before the text is parsed. The
 * native parser then does the rest: a reviver would be called for every value of the page. Guarantees: valid JSON stays
 * valid, with the same values elsewhere, and invalid JSON stays invalid. Nothing inside a text is touched.
 *
 * Whether a number is inside a text is mostly clear from what precedes it. A quote closes a text if no character before
 * it can precede a text. Behind such a quote and a colon there is a value. Where that is not clear, the texts before
 * the number are passed one by one.
 */

import { endOfText } from './end-of-text.ts'

const QUOTE = 0x22
const PLUS = 0x2b
const COMMA = 0x2c
const MINUS = 0x2d
const POINT = 0x2e
const ZERO = 0x30
const NINE = 0x39
const COLON = 0x3a
const UPPER_E = 0x45
const OPEN_LIST = 0x5b
const BACKSLASH = 0x5c
const LOWER_E = 0x65
const OPEN = 0x7b
const SPACE = 0x20

/** An inexact number has at least so many digits, or a point and at least so many digits, or a large exponent. */
const RUN_CHARS = 16
const RUN_WITH_POINT_CHARS = 19
const EXPONENT = /[eE][+-]?\d{3}/g
const NUMBER = /-?(?:0|[1-9]\d*)(?:\.\d+)?(?:[eE][+-]?\d+)?/y
const INTEGER = /^-?\d+$/
const DOUBLE_DIGITS_MAX = 17

/** The same JSON with its inexact numbers as texts; the same text if it has none. */
export function quoteInexact(text: string): string {
  const starts = candidatesIn(text)
  if (starts.length === 0) return text
  let quoted = ''
  let from = 0
  /** The last place that is known to be outside of every text. */
  let outside = 0
  for (const start of starts) {
    if (start < outside) continue
    NUMBER.lastIndex = start
    const token = NUMBER.exec(text)?.[0]
    if (token === undefined || isExact(Number(token), token)) continue
    const end = start + token.length
    if (!isBehindName(text, start, outside)) {
      outside = behindTexts(text, outside, start)
      if (outside > start) continue
      // In the place of a name, a number is a mistake, and must stay one.
      if (text.charCodeAt(behindSpace(text, end)) === COLON) continue
    }
    quoted += `${text.slice(from, start)}"${token}"`
    from = end
    outside = end
  }
  return from === 0 ? text : quoted + text.slice(from)
}

export function isExact(value: number, source: string): boolean {
  if (INTEGER.test(source)) return Number.isSafeInteger(value)
  const digits = (source.split(/[eE]/, 1)[0] ?? '').replace(/[-.]/g, '').replace(/^0+/, '')
  return (
    Number.isFinite(value) && digits.replace(/0+$/, '').length <= DOUBLE_DIGITS_MAX && (value !== 0 || digits === '')
  )
}

/** Where numbers begin that may be inexact, ascending. Some are in texts. Reads each character a few times. */
function candidatesIn(text: string): number[] {
  const starts: number[] = []
  let checked = 0
  // A run covers one of the places looked at. Most of them hold no digit.
  for (let at = RUN_CHARS - 1; at < text.length; at += RUN_CHARS) {
    if (!isInRun(text.charCodeAt(at))) continue
    let first = at
    while (first > 0 && isInRun(text.charCodeAt(first - 1))) first -= 1
    let end = at + 1
    while (isInRun(text.charCodeAt(end))) end += 1
    if (end - first >= RUN_CHARS && (end - first >= RUN_WITH_POINT_CHARS || !hasPoint(text, first, end))) {
      addStart(starts, text, first, checked)
      checked = end
    }
    // The next place looked at is the first behind the run.
    at += Math.floor((end - 1 - at) / RUN_CHARS) * RUN_CHARS
  }
  const ofRuns = starts.length
  checked = 0
  EXPONENT.lastIndex = 0
  for (let found = EXPONENT.exec(text); found !== null; found = EXPONENT.exec(text)) {
    if (isInRun(text.charCodeAt(found.index - 1))) addStart(starts, text, found.index, checked)
    checked = found.index + 1
  }
  return starts.length === ofRuns || ofRuns === 0 ? starts : starts.sort((a, b) => a - b)
}

/** Adds the start of the number around a place, if what precedes it can precede a value. */
function addStart(starts: number[], text: string, at: number, checked: number): void {
  let start = at
  while (start > checked && isInNumber(text.charCodeAt(start - 1))) start -= 1
  // Otherwise it continues what was looked at before.
  if (start === 0 || (start > checked && isBeforeValue(text.charCodeAt(start - 1)))) starts.push(start)
}

function hasPoint(text: string, from: number, to: number): boolean {
  for (let at = from; at < to; at++) if (text.charCodeAt(at) === POINT) return true
  return false
}

/**
 * Whether a colon and the closing quote of a name precede, or a list of numbers with these before it. False where that
 * is not clear.
 */
function isBehindName(text: string, start: number, outside: number): boolean {
  let at = beforeSpace(text, start - 1)
  if (at < 0) return true
  if (text.charCodeAt(at) === COMMA || text.charCodeAt(at) === OPEN_LIST) {
    while (at >= outside && isInNumbers(text.charCodeAt(at))) at -= 1
    // Only numbers and commas since the last number.
    if (at < outside) return outside > 0
    if (text.charCodeAt(at) !== OPEN_LIST) return false
    at = beforeSpace(text, at - 1)
  }
  if (text.charCodeAt(at) !== COLON) return false
  at = beforeSpace(text, at - 1)
  return at > 0 && text.charCodeAt(at) === QUOTE && !mayPrecedeText(text.charCodeAt(at - 1))
}

/** The first place from `at` on that is outside of every text and not before `to`. */
function behindTexts(text: string, from: number, to: number): number {
  let at = from
  for (let open = text.indexOf('"', at); open !== -1 && open < to; open = text.indexOf('"', at)) {
    at = endOfText(text, open) + 1
  }
  return Math.max(at, to)
}

function beforeSpace(text: string, from: number): number {
  let at = from
  while (at >= 0 && isSpace(text.charCodeAt(at))) at -= 1
  return at
}

function behindSpace(text: string, from: number): number {
  let at = from
  while (isSpace(text.charCodeAt(at))) at += 1
  return at
}

const isInRun = (code: number): boolean => (code >= ZERO && code <= NINE) || code === POINT
const isInNumber = (code: number): boolean =>
  isInRun(code) || code === MINUS || code === PLUS || code === LOWER_E || code === UPPER_E
const isInNumbers = (code: number): boolean => isInNumber(code) || code === COMMA || isSpace(code)
const isSpace = (code: number): boolean => code === SPACE || (code >= 0x09 && code <= 0x0d)
const isBeforeValue = (code: number): boolean => code === COLON || code === COMMA || code === OPEN_LIST || isSpace(code)
/** What can stand before the opening quote of a text, or makes a quote a part of one. */
const mayPrecedeText = (code: number): boolean => isBeforeValue(code) || code === OPEN || code === BACKSLASH
