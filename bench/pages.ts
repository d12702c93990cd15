/**
 * Pages of the bench's API. They are made by writing numbers and times into a ready text, so that the API costs next to
 * nothing.
 */
export const PAGE_RECORDS = 1000
export const FIRST_MS = Date.UTC(2026, 0, 1)
const ID_DIGITS = 10
/** Found in the ready text and overwritten in each page. */
export const ID_HOLE = '#'.repeat(ID_DIGITS)
export const TIME_HOLE = '@'.repeat('2026-01-01T00:00:00.000Z'.length)

export const idOf = (number: number): string => String(number).padStart(ID_DIGITS, '0')
const timeOf = (number: number): string => new Date(FIRST_MS + number).toISOString()

export type PageWriter = (first: number, next: number | null) => Buffer

/**
 * Pages of `records`, each with one hole for its id and two for its time, numbered from `first`. `next` is the cursor
 * that the page names. `head`: fields of the page before its records.
 */
export function pageWriterOf(records: readonly unknown[], head: Record<string, unknown> = {}): PageWriter {
  const opening = JSON.stringify({ ...head, data: [] }).slice(0, -2)
  const body = JSON.stringify(records).slice(1, -1)
  const ready = Buffer.from(`${opening}${unquoted(body)}],"next":`)
  const [ids, times] = [placesOf(ready, ID_HOLE), placesOf(ready, TIME_HOLE)]
  return (first, next) => {
    const tail = `${next === null ? 'null' : `"${next}"`}}`
    const page = Buffer.allocUnsafe(ready.length + tail.length)
    ready.copy(page)
    page.write(tail, ready.length, 'latin1')
    for (let index = 0; index < records.length; index++) {
      const time = timeOf(first + index)
      page.write(idOf(first + index), ids[index] as number, 'latin1')
      page.write(time, times[2 * index] as number, 'latin1')
      page.write(time, times[2 * index + 1] as number, 'latin1')
    }
    return page
  }
}

/** A JSON number that JSON.stringify cannot write: one with these digits. */
export const numberOf = (digits: string): string => `${NUMBER_MARK}${digits}`
const NUMBER_MARK = '\u00a7'
const unquoted = (json: string): string => json.replace(/"\u00a7([^"]*)"/g, '$1')

function placesOf(text: Buffer, hole: string): number[] {
  const places: number[] = []
  for (let at = text.indexOf(hole); at >= 0; at = text.indexOf(hole, at + hole.length)) places.push(at)
  return places
}
