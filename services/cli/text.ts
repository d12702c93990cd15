/** How the commands write for a person: tables without lines between rows, and counted things. */
import Table from 'cli-table3'

const NO_LINES_BETWEEN_ROWS = { mid: '', 'left-mid': '', 'mid-mid': '', 'right-mid': '' }

export type Cell = string | number

export function table(rows: readonly (readonly Cell[])[], head: readonly string[] = []): string {
  const drawn = new Table({ style: { head: [], border: [] }, chars: NO_LINES_BETWEEN_ROWS })
  if (head.length > 0) drawn.push(head.map((name) => name.toUpperCase()))
  for (const row of rows) drawn.push([...row])
  return drawn.toString()
}

/** `1 page`, `2 pages`. */
export const counted = (count: number, one: string, many = `${one}s`): string => `${count} ${count === 1 ? one : many}`
