/** What is wrong in a document, one line each, and only so many lines. */
import { cutText, shownText } from '#shared/shown.ts'

export type Problems = {
  /** `where`: the place in the document, as its author would look for it. */
  report(where: string, what: string): void
  /** The first of them, and how many there are beyond. */
  lines(): string[]
  /** Different ones. */
  count(): number
}

export const PROBLEMS_SHOWN_MAX = 20
/** Beyond this many, they are counted, each as a new one. */
const PROBLEMS_KEPT_MAX = 2_000
const LINE_CHARS_MAX = 200

export function createProblems(): Problems {
  const seen = new Set<string>()
  let beyond = 0
  return {
    report(where, what) {
      const line = cutText(shownText(`${where}: ${what}`), LINE_CHARS_MAX)
      if (seen.has(line)) return
      if (seen.size < PROBLEMS_KEPT_MAX) seen.add(line)
      else beyond += 1
    },
    lines() {
      const lines = [...seen].slice(0, PROBLEMS_SHOWN_MAX)
      const more = seen.size + beyond - lines.length
      return more > 0 ? [...lines, `and ${more} more`] : lines
    },
    count: () => seen.size + beyond,
  }
}
