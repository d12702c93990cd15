/** The beginning of a text that an API wrote, on one line and short enough for a log. */
const EXCERPT_CHARS_MAX = 200

export function excerptOf(text: string): string {
  const line = text
    .slice(0, 4 * EXCERPT_CHARS_MAX)
    .replace(/[\s\p{Cc}]+/gu, ' ')
    .trim()
  return line.length > EXCERPT_CHARS_MAX ? `${line.slice(0, EXCERPT_CHARS_MAX)}…` : line
}
