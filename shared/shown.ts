/**
 * Makes foreign text safe to display: field names, reasons, error bodies, header values and the like. They can contain
 * terminal control sequences (ANSI and C1 controls), change the reading order, or be invisible. Each such code unit is
 * written as `\uXXXX`, the escape of JSON, so escaped JSON still parses to the true value. Backslashes stay as they
 * are: error bodies are full of them, and escaping a text twice changes nothing. Stored data stays exact: only what is
 * displayed passes through here.
 */

/**
 * Controls, format characters (bidirectional, zero-width, byte order mark), line and paragraph separators, lone
 * surrogates, noncharacters.
 */
const UNSAFE = /[\p{Cc}\p{Cf}\p{Cs}\p{Zl}\p{Zp}\ufdd0-\ufdef]/gu
const UNSAFE_BUT_NEWLINE = /(?!\n)[\p{Cc}\p{Cf}\p{Cs}\p{Zl}\p{Zp}\ufdd0-\ufdef]/gu
/** Names differ long before this length. */
const NAME_CHARS_MAX = 120
const ELLIPSIS = '…'
const HALF_AN_ESCAPE = /\\(u[0-9a-f]{0,3})?$/

/** On one line: a newline is escaped as well. Applying it twice changes nothing. */
export const shownText = (text: string): string => text.replace(UNSAFE, escaped)

/** For whole outputs whose lines are ours, and for JSON: newlines are kept. */
export const withoutControls = (text: string): string => text.replace(UNSAFE_BUT_NEWLINE, escaped)

/**
 * A name as it is displayed or counted, of bounded length. An API that makes endless names fills neither logs nor
 * metrics. A cut name says how long it was. Applying it twice changes nothing.
 */
export function shownName(name: string): string {
  const shown = shownText(beginning(name, NAME_CHARS_MAX))
  if (name.length <= NAME_CHARS_MAX && shown.length <= NAME_CHARS_MAX) return shown
  const end = `${ELLIPSIS} (${name.length} characters)`
  return `${beginning(shown, NAME_CHARS_MAX - end.length).replace(HALF_AN_ESCAPE, '')}${end}`
}

/** At most this many UTF-16 code units, including the mark of the cut; never half of a character. */
export function cutText(text: string, charsMax: number): string {
  if (text.length <= charsMax) return text
  return `${beginning(text, Math.max(0, charsMax - ELLIPSIS.length))}${ELLIPSIS}`
}

/** The first code units of a text, without half of a character at the end. */
export function beginning(text: string, chars: number): string {
  const last = text.charCodeAt(chars - 1)
  const isHalf = last >= 0xd800 && last <= 0xdbff && chars < text.length
  return text.slice(0, isHalf ? chars - 1 : chars)
}

/**
 * A JSON value with all its names and texts made safe to display, and no text longer than `charsMax`. Texts below one
 * of `multiline` keep their newlines. Anything deeper than the limit is omitted.
 */
export function shownValue(
  value: unknown,
  options: { charsMax: number; multiline: ReadonlySet<string> },
  depth = 0,
  name = '',
): unknown {
  if (typeof value === 'string') {
    const cut = cutText(value, options.charsMax)
    return options.multiline.has(name) ? withoutControls(cut) : shownText(cut)
  }
  if (typeof value !== 'object' || value === null) return value
  if (depth >= DEPTH_MAX) return ELLIPSIS
  if (Array.isArray(value)) return value.map((each) => shownValue(each, options, depth + 1, name))
  return Object.fromEntries(
    Object.entries(value).map(([key, each]) => [shownName(key), shownValue(each, options, depth + 1, key)]),
  )
}

const DEPTH_MAX = 12

function escaped(character: string): string {
  let text = ''
  for (let unit = 0; unit < character.length; unit++)
    text += `\\u${character.charCodeAt(unit).toString(16).padStart(4, '0')}`
  return text
}
