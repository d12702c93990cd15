import { beginning } from '#shared/shown.ts'

/** The beginning of a text that an API wrote, on one line and short enough for a log. */
const EXCERPT_CHARS_MAX = 200
/** Characters examined: most texts are shorter once each run of blanks is one. */
const READ_CHARS_MAX = 4 * EXCERPT_CHARS_MAX

/** Ends with "…" wherever it was cut: this lets `scrub` recognise the remaining beginning of a secret. */
export function excerptOf(text: string): string {
  const line = beginning(text, READ_CHARS_MAX)
    .replace(/[\s\p{Cc}]+/gu, ' ')
    .trim()
  const isCut = line.length > EXCERPT_CHARS_MAX || text.length > READ_CHARS_MAX
  return isCut ? `${beginning(line, EXCERPT_CHARS_MAX)}…` : line
}
