import { beginning } from '#shared/shown.ts'

/** The beginning of a text that an API wrote, on one line and short enough for a log. */
const EXCERPT_CHARS_MAX = 200
/** Looked at: most texts are shorter once their blanks are one. */
const READ_CHARS_MAX = 4 * EXCERPT_CHARS_MAX

/** Ends with "…" wherever it was cut: a secret of which only the beginning is left is recognised by that. */
export function excerptOf(text: string): string {
  const line = beginning(text, READ_CHARS_MAX)
    .replace(/[\s\p{Cc}]+/gu, ' ')
    .trim()
  const isCut = line.length > EXCERPT_CHARS_MAX || text.length > READ_CHARS_MAX
  return isCut ? `${beginning(line, EXCERPT_CHARS_MAX)}…` : line
}
