/**
 * Parses JSON without silent damage. A number that a double cannot hold stays as its text. That is an integer beyond
 * 2^53, more than 17 significant digits, or one beyond the largest or below the smallest double. A field declared as
 * `int64()` or `decimal()` takes it exactly. A field declared as a number rejects it, so that it becomes a dead letter.
 * All other JSON is parsed as JSON.parse does.
 */

/**
 * Cheap search of the whole text for a number of 16 digits, 18 significant ones or a large exponent. It looks after
 * each character that opens a value. A match only means that the slower, exact way is taken.
 */
const MAY_BE_INEXACT = /[:,[\s]-?(?:\d{16}|[1-9][\d.]{18}|0\.0*[1-9]\d{17}|\d[\d.]*[eE][+-]?\d{3})/
const STRING_OR_NUMBER = /"[^"\\]*(?:\\.[^"\\]*)*"|-?\d+(?:\.\d+)?(?:[eE][+-]?\d+)?/g
const INTEGER = /^-?\d+$/
const DOUBLE_DIGITS_MAX = 17

type Reviver = (key: string, value: unknown, context?: { source?: string }) => unknown
const parseWithSource = JSON.parse as (text: string, reviver: Reviver) => unknown

/** Throws SyntaxError. */
export function parseJson(text: string): unknown {
  if (!MAY_BE_INEXACT.test(text) && !/^-?\d/.test(text)) return JSON.parse(text)
  try {
    return parseWithSource(text, (_key, value, context) => {
      const source = context?.source
      return typeof value === 'number' && source !== undefined && !isExact(value, source) ? source : value
    })
  } catch (error) {
    if (error instanceof SyntaxError) throw error
    // Nested deeper than a reviver's recursion allows. One such record must not keep its page from being read.
    return JSON.parse(withTexts(text))
  }
}

/** The same JSON with its inexact numbers as texts. */
const withTexts = (text: string): string =>
  text.replace(STRING_OR_NUMBER, (token) =>
    token.startsWith('"') || isExact(Number(token), token) ? token : `"${token}"`,
  )

function isExact(value: number, source: string): boolean {
  if (INTEGER.test(source)) return Number.isSafeInteger(value)
  const digits = (source.split(/[eE]/, 1)[0] ?? '').replace(/[-.]/g, '').replace(/^0+/, '')
  return (
    Number.isFinite(value) && digits.replace(/0+$/, '').length <= DOUBLE_DIGITS_MAX && (value !== 0 || digits === '')
  )
}
