/**
 * How the bytes of an answer become its body: a decoder, after steps that open a compressed file. The decoded body is
 * what `records`, paging and `answers` see. A `Content-Encoding` is undone before and is not declared.
 */
import { z } from 'zod'
import { MIB } from '../units.ts'
import { pointer } from './place.ts'

/** Pure. Returns the body as plain JSON values. `headers`: by lower-case names. */
export type DecodeFunction = (bytes: Uint8Array, headers: Readonly<Record<string, string>>) => unknown

const empty = z.enum(['omit', 'null', 'text']).default('omit')
const character = z.string().length(1, 'expected one character')

/** For a file of any size: it is read record by record, and each chunk of records is a page with its own checkpoint. */
const chunkBounds = z.strictObject({
  /** Most records of a chunk. @default 1_000 */
  recordsMax: z.int().min(1).max(100_000).default(1_000),
  /** Bytes after which a chunk ends: 1 MiB. @default 1_048_576 */
  bytesMax: z
    .int()
    .min(1024)
    .max(64 * MIB)
    .default(MIB),
  /** Most bytes of one record: 4 MiB. `bodyBytesMax` does not apply to the file. @default 4_194_304 */
  recordBytesMax: z
    .int()
    .min(1024)
    .max(64 * MIB)
    .default(4 * MIB),
})
const chunks = z.union([z.literal(true), chunkBounds], 'expected true, or bounds of a chunk').optional()
export type ChunkBounds = z.infer<typeof chunkBounds>

const jsonSpec = z.strictObject({ kind: z.literal('json') })
const lenientJsonSpec = z.strictObject({ kind: z.literal('lenient-json') })
const jsonlSpec = z.strictObject({
  kind: z.literal('jsonl'),
  /** For a file of any size: true, or bounds of a chunk. It is read in chunks, each a page with its own checkpoint. */
  chunks,
})
const csvSpec = z.strictObject({
  kind: z.literal('csv'),
  /** The character between cells. @default ',' */
  delimiter: character.default(','),
  /** The character around cells; null: quotes are characters like others. @default '"' */
  quote: character.nullable().default('"'),
  /** The character before a quote inside a quoted cell. Without it, the quote itself. */
  escape: character.optional(),
  /** True: the first line names the fields. A list: the names, for a file without such a line. @default true */
  header: z
    .union([z.literal(true), z.array(z.string().min(1)).min(1)], 'expected true or a list of names')
    .default(true),
  /** Lines before the header that are not part of the table. @default 0 */
  skipLines: z.int().min(0).max(1000).default(0),
  /** Lines that start with this text, such as `'#'`, are ignored. */
  comment: z.string().min(1).optional(),
  /** True: spaces around the cells are removed. @default false */
  trim: z.boolean().default(false),
  /** What an empty cell becomes: no field at all, null, or an empty text. @default 'omit' */
  empty,
  /** For a file of any size: true, or bounds of a chunk. It is read in chunks, each a page with its own checkpoint. */
  chunks,
})
const xmlSpec = z.strictObject({
  kind: z.literal('xml'),
  /**
   * Pointers to elements that may repeat: `['/orders/order/line']`. They are always a list, also if there is one or
   * none. The place of `records` is one of them. @default []
   */
  lists: z.array(pointer.min(1)).default([]),
  /** Starts the name of an attribute's field. @default '@' */
  attributePrefix: z.string().default('@'),
  /** The field with the text of an element that has attributes or other elements. @default '#text' */
  textField: z.string().min(1).default('#text'),
  /** True: namespace prefixes of elements and attributes are removed. @default false */
  dropPrefixes: z.boolean().default(false),
  /** What an empty element becomes: no field at all, null, or an empty text. @default 'omit' */
  empty,
})
const gunzipSpec = z.strictObject({ kind: z.literal('gunzip') })
const zipSpec = z.strictObject({
  kind: z.literal('zip'),
  /** The file in the archive: `'orders-*.csv'`, with `*` for any characters. Without it, the archive has one file. */
  entry: z.string().min(1).optional(),
})
const decodeFunction = z.custom<DecodeFunction>(
  (value) => typeof value === 'function',
  'expected a decoder such as csv(), or a function of bytes and headers',
)

export const namedSteps = [jsonSpec, lenientJsonSpec, jsonlSpec, csvSpec, xmlSpec, gunzipSpec, zipSpec] as const
const step = z.union([z.discriminatedUnion('kind', namedSteps), decodeFunction])

/** An archive in an archive is rare; more would be a mistake. */
const STEPS_MAX = 4
export const decodeSpec = z.union([step, z.array(step).min(1).max(STEPS_MAX)])

export type CsvSpec = z.infer<typeof csvSpec>
export type XmlSpec = z.infer<typeof xmlSpec>
export type FileStep = z.infer<typeof gunzipSpec> | z.infer<typeof zipSpec>
type DecodeStep = z.infer<typeof step>
/** Turns the plain bytes into the body. */
export type BodyDecoder = Exclude<DecodeStep, FileStep>
/** Named by its kind: any but a function of the author. */
export type NamedDecoder = Exclude<BodyDecoder, DecodeFunction>
/** `chunks`: of a file that is read record by record. */
export type Decode = { files: readonly FileStep[]; body: BodyDecoder; chunks?: ChunkBounds }
export type DecodeInput = z.input<typeof decodeSpec>

/** The default. */
export const JSON_BODY: Decode = { files: [], body: { kind: 'json' } }

type Given<T extends z.ZodType> = Omit<z.input<T>, 'kind'>

/** The default, RFC 8259. Named only after a step that opens a file. */
export const json = () => ({ kind: 'json' as const })
/** JSON with comments, commas at the end of a list, single quotes, and NaN or Infinity, which become null. */
export const lenientJson = () => ({ kind: 'lenient-json' as const })
/** One JSON object a line. The body is the list of them. */
export const jsonl = (spec: Given<typeof jsonlSpec> = {}) => ({ kind: 'jsonl' as const, ...spec })
/** A table by RFC 4180: the body is the list of its rows, each an object of texts. `csv({ delimiter: ';' })`. */
export const csv = (spec: Given<typeof csvSpec> = {}) => ({ kind: 'csv' as const, ...spec })
/** An XML document: the body is an object with the root element. `xml({ lists: ['/orders/order/line'] })`. */
export const xml = (spec: Given<typeof xmlSpec> = {}) => ({ kind: 'xml' as const, ...spec })
/** A file that is gzip itself: `[gunzip(), csv()]`. */
export const gunzip = () => ({ kind: 'gunzip' as const })
/** A file in a zip archive: `[zip({ entry: '*.csv' }), csv()]`. */
export const zip = (spec: Given<typeof zipSpec> = {}) => ({ kind: 'zip' as const, ...spec })

type RefuseDecode = (field: string, what: string, hint: string) => Error

const isFile = (given: DecodeStep): given is FileStep =>
  typeof given !== 'function' && (given.kind === 'gunzip' || given.kind === 'zip')

/** `records`: the pointer to the records, if it is one. Throws what `refuse` makes. */
export function decodeOf(
  spec: z.infer<typeof decodeSpec> | undefined,
  records: string | null,
  refuse: RefuseDecode,
): Decode {
  if (spec === undefined) return JSON_BODY
  const steps: readonly DecodeStep[] = Array.isArray(spec) ? spec : [spec]
  const files = steps.slice(0, -1)
  const body = steps.at(-1)
  const notFile = files.findIndex((each) => !isFile(each))
  if (notFile !== -1) {
    const hint = 'only gunzip() and zip() come before it: decode: [gunzip(), csv()]'
    throw refuse(`decode[${notFile}]`, 'makes the body, so nothing can follow it', hint)
  }
  if (body === undefined || isFile(body))
    throw refuse('decode', 'does not say what the opened file holds', 'add its decoder: decode: [gunzip(), csv()]')
  checkCsv(body, refuse)
  const opening = files.filter(isFile)
  const bounds = typeof body === 'function' || !('chunks' in body) ? undefined : body.chunks
  if (bounds !== undefined && opening.some(({ kind }) => kind === 'zip'))
    throw refuse(
      'decode',
      'an archive is read as a whole, and chunks are read while the file arrives',
      'take chunks away',
    )
  return {
    files: opening,
    body: withRecords(body, records, refuse),
    ...(bounds === undefined ? {} : { chunks: chunkBounds.parse(bounds === true ? {} : bounds) }),
  }
}

/** What needs the whole body cannot be declared together with chunks. Throws what `refuse` makes. */
export function checkChunks(
  { chunks: bounds }: Decode,
  { paginate, seesBody }: { paginate: { kind: string; nextHeader?: unknown; hasMore?: unknown }; seesBody: boolean },
  refuse: RefuseDecode,
): void {
  if (bounds === undefined) return
  const { kind } = paginate
  const byHeader =
    kind === 'none' ||
    kind === 'export-job' ||
    kind === 'link-header' ||
    (kind === 'cursor' && paginate.nextHeader !== undefined && paginate.hasMore === undefined)
  if (!byHeader)
    throw refuse('paginate', `${kind} reads the body, and a file in chunks is never whole`, CHUNK_PAGES_HINT)
  if (seesBody)
    throw refuse('answers', 'has a function of the body, and a file in chunks is never whole', 'take one of them away')
}

const CHUNK_PAGES_HINT = 'use none(), linkHeader(), exportJob() or cursor({ nextHeader }), or take chunks away'

function checkCsv(body: BodyDecoder, refuse: RefuseDecode): void {
  if (typeof body === 'function' || body.kind !== 'csv') return
  const { delimiter, quote, header } = body
  if (delimiter === quote) throw refuse('decode.quote', 'is the delimiter too', 'for cells without quotes: quote: null')
  const isBreak = [delimiter, quote].find((char) => char === '\n' || char === '\r')
  if (isBreak !== undefined) throw refuse('decode', 'a line break ends a row', 'choose another delimiter or quote')
  const twice = header === true ? undefined : header.find((name, at) => header.indexOf(name) !== at)
  if (twice !== undefined) throw refuse('decode.header', `"${twice}" is named twice`, 'give each field its own name')
}

/** Rows and lines are the whole body; the records of XML are a list even if there is one. */
function withRecords(body: BodyDecoder, records: string | null, refuse: RefuseDecode): BodyDecoder {
  if (typeof body === 'function' || records === null || records === '') return body
  if (body.kind === 'csv' || body.kind === 'jsonl')
    throw refuse('records', `a ${body.kind.toUpperCase()} body is the list of its records itself`, 'take records away')
  return body.kind === 'xml' ? { ...body, lists: [...body.lists, records] } : body
}
