/**
 * What a failure of ClickHouse means for the rows: pure. The lists hold ClickHouse's own error codes
 * (src/Common/ErrorCodes.cpp). An unlisted code blocks the table, because only a failure that is known to lie in a row
 * may send it to the dead-letter topic.
 */
import { cutText } from '#shared/shown.ts'

/**
 * ambiguous: the rows may have been inserted; send the same bytes with the same token again. overload: wait. memory:
 * wait, and make the inserts smaller. table: nothing can be inserted until a person fixes something. cut: a cut body or
 * a bad row; retry once, then treat as data. data: a row is bad.
 */
export type FailureKind = 'ambiguous' | 'overload' | 'memory' | 'table' | 'cut' | 'data'

export type Failure = {
  kind: FailureKind
  /** ClickHouse's code; null when the response did not come from ClickHouse. */
  code: number | null
  /** A short, stable name: ClickHouse's (`CANNOT_PARSE_NUMBER`), the socket's (`ECONNRESET`) or ours. */
  name: string
  message: string
  /** The row that ClickHouse names, counted from 1; null when it names none. */
  row: number | null
}

/** 279: a shard cannot be reached; other shards may have their rows. */
const AMBIGUOUS = [159, 209, 210, 236, 279, 319, 394, 425, 999]
const OVERLOAD = [202, 203, 252, 364]
const MEMORY = [241]
const TABLE = [16, 47, 60, 62, 81, 115, 122, 164, 192, 193, 194, 242, 243, 497, 516]
const CUT = [3, 33]
const DATA = [
  6, 10, 25, 26, 27, 38, 41, 53, 69, 70, 72, 117, 128, 130, 131, 321, 349, 376, 407, 441, 467, 469, 675, 676, 691,
]

const BY_CODE: ReadonlyMap<number, FailureKind> = new Map(
  (
    [
      ['ambiguous', AMBIGUOUS],
      ['overload', OVERLOAD],
      ['memory', MEMORY],
      ['table', TABLE],
      ['cut', CUT],
      ['data', DATA],
    ] as const
  ).flatMap(([kind, codes]) => codes.map((code) => [code, kind] as const)),
)

const MESSAGE_CHARS_MAX = 500
const CODE = /Code: (\d+)\. DB::\w*Exception/
/** The message quotes the record's own text first, so the last match is ClickHouse's. */
const TYPE_NAME = /\(([A-Z][A-Z0-9_]{2,})\)/g
const PLACE = /(\(while reading the value of key [^\n]{1,200}\): )?\(at row \d+\)/g
const ROW = /\(at row (\d+)\)/g

/**
 * For rows that the loader wrote itself, or a statement without rows. A failure of such rows is a failure of the table,
 * and the loader waits for it.
 */
export function ofTable(failure: Failure | null): Failure | null {
  return failure?.kind === 'data' || failure?.kind === 'cut' || failure?.kind === 'memory'
    ? { ...failure, kind: 'table' }
    : failure
}

/**
 * Table failures that pass by themselves: without a Keeper, or with too few replicas, nobody has to change anything
 * here.
 */
const PASSES = [225, 242, 254, 285, 286, 305]

/** Whether the table needs a person, rather than a server that comes back by itself. */
export const needsPerson = ({ kind, code }: Failure): boolean =>
  kind === 'table' && (code === null || !PASSES.includes(code))

export const kindOfCode = (code: number): FailureKind => BY_CODE.get(code) ?? 'table'

/** From the text of ClickHouse's error, and the code in its header where there is one. */
export function failureOfText(text: string, headerCode: number | null): Failure {
  const code = headerCode ?? numberIn(CODE.exec(text)?.[1])
  const row = numberIn([...text.matchAll(ROW)].at(-1)?.[1])
  const name = [...text.matchAll(TYPE_NAME)].at(-1)?.[1] ?? (code === null ? 'UNKNOWN' : `CODE_${code}`)
  return { kind: code === null ? 'table' : kindOfCode(code), code, name, message: shortened(text), row }
}

/** From an HTTP response that does not come from ClickHouse, such as a proxy's. */
export function failureOfStatus(status: number, text: string): Failure {
  const kind =
    status === 413
      ? 'memory'
      : status === 429
        ? 'overload'
        : status >= 500 || status === 408 || status < 300
          ? 'ambiguous'
          : 'table'
  return { kind, code: null, name: `HTTP_${status}`, message: shortened(`HTTP ${status}: ${text}`), row: null }
}

/** From an error before any response: refused, reset, cut, timed out. */
export function failureOfTransport(error: unknown): Failure {
  const message = error instanceof Error ? error.message : String(error)
  const name = error instanceof Error && 'code' in error && typeof error.code === 'string' ? error.code : 'NO_ANSWER'
  return { kind: 'ambiguous', code: null, name, message: shortened(message), row: null }
}

export function tableFailure(name: string, message: string): Failure {
  return { kind: 'table', code: null, name, message, row: null }
}

function numberIn(text: string | undefined): number | null {
  return text === undefined ? null : Number(text)
}

/** ClickHouse's description of the bad value and its position, without the following records that ClickHouse quotes. */
function shortened(text: string): string {
  const end = text.search(/\n|\\n\{/)
  const [first, rest] = end === -1 ? [text, ''] : [text.slice(0, end), text.slice(end)]
  const head = cutText(first.trim(), MESSAGE_CHARS_MAX)
  const place = [...rest.matchAll(PLACE)].at(-1)?.[0]
  return place === undefined ? head : `${head} … ${place}`
}
