/**
 * Reads a table as RFC 4180 describes it, with the declared delimiter and quote. Each row becomes an object of texts. A
 * row with more or fewer cells than the header is returned as the list of its cells. The schema rejects it, so it
 * becomes a dead letter, and no cell gets a wrong name. Errors name a line and never quote a cell.
 */
import { Parser } from 'csv-parse'
import type { CsvSpec } from '#shared/declaration/decode.ts'
import { setField } from '#shared/set-field.ts'
import { shownName } from '#shared/shown.ts'
import { AttemptFailed } from '../errors.ts'
import { cut, type RecordReader, unreadable } from './records.ts'

/** `recordBytesMax`: of one row. */
export function csvReader(spec: CsvSpec, recordBytesMax?: number): RecordReader {
  let columns: Columns | null = spec.header === true ? null : columnsOf(spec.header, spec)
  let records: unknown[] = []
  let failure: AttemptFailed | null = null
  let chars = 0
  let endsLine = true
  /** The last row had too few cells. */
  let isShort = false
  let rows = 0
  const parser = new Parser({
    delimiter: spec.delimiter,
    quote: spec.quote ?? false,
    escape: spec.escape ?? spec.quote ?? '"',
    ...(spec.comment === undefined ? {} : { comment: spec.comment, comment_no_infix: true }),
    from_line: spec.skipLines + 1,
    record_delimiter: ['\r\n', '\n', '\r'],
    relax_column_count: true,
    skip_empty_lines: true,
    trim: spec.trim,
    ...(recordBytesMax === undefined ? {} : { max_record_size: recordBytesMax }),
    // Collected here: pushing each record through a Node stream would take longer than parsing it.
    on_record: (cells: string[]) => {
      if (columns === null) columns = columnsOf(cells, spec)
      else {
        rows += 1
        isShort = cells.length < columns.names.length
        records.push(cells.length === columns.names.length ? columns.objectOf(cells) : cells)
      }
      return null
    },
  })
  parser.on('error', (error: Error) => {
    failure ??= failureOf(error, recordBytesMax)
  })
  const taken = (): unknown[] => {
    if (failure !== null) throw failure
    const found = records
    records = []
    return found
  }
  return {
    async read(text) {
      if (text === '') return []
      if (chars === 0) refuseJson(text)
      chars += text.length
      endsLine = text.endsWith('\n') || text.endsWith('\r')
      await new Promise<void>((done) => parser.write(Buffer.from(text), () => done()))
      return taken()
    },
    async end() {
      await new Promise<void>((done) => {
        parser.once('error', () => done())
        parser.once('end', done)
        parser.resume()
        parser.end()
      })
      const found = taken()
      if (columns === null) throw cut('the body is empty: a CSV table has at least its header')
      if (isShort && !endsLine) throw cut(`the body is cut CSV: it ends inside line ${parser.info.lines}`)
      if (spec.header === true && rows === 0 && columns.names.length === 1)
        throw unreadable(`the body is not CSV: it is one line without the delimiter "${spec.delimiter}"`)
      return found
    },
  }
}

type Columns = { names: readonly string[]; objectOf(cells: readonly string[]): Record<string, unknown> }

function columnsOf(names: readonly string[], { empty }: CsvSpec): Columns {
  const own = names.map((name, at) => (name === '' ? `column_${at + 1}` : name))
  const twice = own.find((name, at) => own.indexOf(name) !== at)
  if (twice !== undefined)
    throw unreadable(`the body is not CSV that can be read: its header names ${shownName(twice)} twice`)
  const isPlain = !own.includes('__proto__')
  return {
    names: own,
    objectOf(cells) {
      const record: Record<string, unknown> = {}
      for (let at = 0; at < own.length; at++) {
        const name = own[at] ?? ''
        const cell = cells[at] ?? ''
        if (cell === '' && empty === 'omit') continue
        const value = cell === '' && empty === 'null' ? null : cell
        if (isPlain) record[name] = value
        else setField(record, name, value)
      }
      return record
    },
  }
}

const REASONS: Readonly<Record<string, string>> = {
  CSV_INVALID_CLOSING_QUOTE: 'something follows the quote that ends a cell',
  CSV_NON_TRIMABLE_CHAR_AFTER_CLOSING_QUOTE: 'something follows the quote that ends a cell',
  INVALID_OPENING_QUOTE: 'a quote is inside a cell that does not start with one',
}

function failureOf(error: Error, recordBytesMax: number | undefined): AttemptFailed {
  // Of the header.
  if (error instanceof AttemptFailed) return error
  const { code = '', lines } = error as Error & { code?: string; lines?: number }
  const line = lines === undefined ? '' : `line ${lines}: `
  if (code === 'CSV_QUOTE_NOT_CLOSED') return cut(`the body is cut CSV: ${line}it ends inside a quoted cell`)
  if (code === 'CSV_MAX_RECORD_SIZE')
    return unreadable(`${line}a row is larger than ${recordBytesMax} bytes (recordBytesMax)`)
  return unreadable(`the body is not CSV: ${line}${REASONS[code] ?? 'it cannot be parsed'}; check delimiter and quote`)
}

/** An API that answers with an error in JSON would look like a table without rows. */
function refuseJson(text: string): void {
  if (!/^\s*[{[]/.test(text)) return
  try {
    JSON.parse(text)
  } catch {
    return
  }
  throw unreadable('the body is JSON, not CSV')
}
