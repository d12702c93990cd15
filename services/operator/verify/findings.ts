/**
 * What `headrace verify` can find, as a code and in words for a person. All findings are counted, and the first
 * examples of each are kept.
 */

export const DIFFERENCES = {
  page_missing: 'pages of the topic have no row in headrace_pages',
  page_other: 'rows of headrace_pages say something else than the page in the topic',
  page_unknown: 'rows of headrace_pages are of no page in the topic',
  page_twice: 'pages are in headrace_pages more than once, with other counts',
  page_miscounted: 'pages of which the loader read another number of records than they have',
  page_short: 'pages of which the topic holds another number of records than they have',
  letter_missing: 'dead letters have no row in headrace_dead_letters',
  letter_unknown: 'rows of headrace_dead_letters are of no letter in the topic',
  table_missing: 'the table is not there',
  row_missing: 'records of the topic are not in the table, nor is a newer version or a dead letter',
  row_older: 'the table shows an older version than the topic has',
  row_stale:
    'records are hidden by a row that lies before them in the log: the newest record of their key is not the one shown',
  row_hidden: 'records of a walk are hidden by its own deletion marks',
  mark_unfounded: 'rows are hidden by deletion marks of no complete walk that counts',
  mark_all: 'rows are hidden by deletion marks of a walk that left none and that nobody released',
  row_unknown: 'rows of the table are of no record in the topic',
  row_unreadable: 'records of the topic can be no rows, and have no dead letter',
  watermark: 'the committed watermark is not that of the last page',
} as const

export type DifferenceKind = keyof typeof DIFFERENCES
export type Difference = { kind: DifferenceKind; what: string; count: number; examples: string[] }

export type Findings = { note(kind: DifferenceKind, example: string, count?: number): void; list(): Difference[] }

export function createFindings(examplesMax: number): Findings {
  const found = new Map<DifferenceKind, Difference>()
  return {
    note(kind, example, count = 1) {
      const known = found.get(kind) ?? { kind, what: DIFFERENCES[kind], count: 0, examples: [] }
      found.set(kind, known)
      known.count += count
      if (known.examples.length < examplesMax) known.examples.push(example)
    },
    list: () => [...found.values()],
  }
}
