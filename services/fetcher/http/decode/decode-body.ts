/**
 * From the bytes of a page to its body, by the decoder that the stream declares. Compressed files are opened, bytes
 * become text by their charset, and the text becomes JSON values. JSON itself, the usual case, takes another way:
 * `json-body.ts`. Throws AttemptFailed, which says what is wrong and where, and never quotes a record.
 */
import type { BodyDecoder, Decode, DecodeFunction, NamedDecoder } from '#shared/declaration/decode.ts'
import { messageOf } from '#shared/errors.ts'
import { excerptOf } from '../describe.ts'
import { AttemptFailed } from '../errors.ts'
import { pageText } from '../transport/page-text.ts'
import { TooManyElements } from '../transport/parse-in-slices.ts'
import { csvReader } from './csv.ts'
import { jsonPage, tooMany } from './json-body.ts'
import { jsonlReader } from './jsonl.ts'
import { strictJson } from './lenient-json.ts'
import { opened } from './open-file.ts'
import { allRecords, type BodyTools, cut, refuseHtml, unreadable } from './records.ts'
import { xmlBody } from './xml.ts'

export type Undecoded = {
  status: number
  headers: Readonly<Record<string, string>>
  /** After content codings. */
  content?: Buffer
  notes: readonly string[]
}
export type DecodeTools = BodyTools & { bytesMax: number }
/** `bytes`: of the opened file. */
export type DecodedBody = { body: unknown; bytes: number; note: string | null }

const NO_BYTES = Buffer.alloc(0)

export const isPlainJson = ({ files, body }: Decode): boolean =>
  files.length === 0 && typeof body !== 'function' && body.kind === 'json'

const ACCEPT: Readonly<Record<NamedDecoder['kind'], string>> = {
  json: 'application/json',
  'lenient-json': 'application/json',
  jsonl: 'application/x-ndjson, application/jsonl, */*;q=0.5',
  csv: 'text/csv, */*;q=0.5',
  xml: 'application/xml, text/xml, */*;q=0.5',
}
/** The value of the accept header. A file can have any type, and so can what an author's function reads. */
export const acceptOf = ({ files, body }: Decode): string =>
  files.length > 0 || typeof body === 'function' ? '*/*' : ACCEPT[body.kind]

export async function decodeBody(answer: Undecoded, { files, body }: Decode, tools: DecodeTools): Promise<DecodedBody> {
  const wasGzip = /gzip/i.test(answer.headers['content-encoding'] ?? '')
  let bytes = answer.content ?? NO_BYTES
  for (const file of files) bytes = await opened(bytes, file, { bytesMax: tools.bytesMax, wasGzip })
  tools.signal.throwIfAborted()
  if (typeof body === 'function') return { body: await byAuthor(body, bytes, answer), bytes: bytes.length, note: null }
  const { text, note, notes } = pageText(bytes, contentTypeOf(body, bytes, answer), answer.notes)
  try {
    const found = await bodyOf(body, { text, status: answer.status, bytes: bytes.length, notes }, tools)
    return { body: found, bytes: bytes.length, note }
  } catch (error) {
    tools.signal.throwIfAborted()
    throw error instanceof TooManyElements ? tooMany(bytes.length, tools.elementsMax) : error
  }
}

async function bodyOf(
  decoder: NamedDecoder,
  answer: { text: string; status: number; bytes: number; notes: readonly string[] },
  tools: BodyTools,
): Promise<unknown> {
  const { text } = answer
  switch (decoder.kind) {
    case 'json':
      return jsonPage(answer, tools)
    case 'lenient-json':
      return jsonPage({ ...answer, text: await strictJson(text, tools.pace, tools.signal) }, tools)
    case 'jsonl':
      refuseHtml(text)
      return allRecords(text, jsonlReader(), tools)
    case 'csv':
      refuseHtml(text)
      return allRecords(text, csvReader(decoder), tools)
    case 'xml':
      refuseNoXml(text)
      return xmlBody(text, decoder, tools)
  }
}

/** A charset in the header precedes the one of the document itself (RFC 7303 section 3). */
function contentTypeOf(decoder: BodyDecoder, bytes: Buffer, { headers }: Undecoded): string | undefined {
  const declared = headers['content-type']
  if (typeof decoder === 'function' || decoder.kind !== 'xml' || /charset/i.test(declared ?? '')) return declared
  const opening = bytes.subarray(0, 200).toString('latin1')
  const encoding = /^\s*<\?xml[^>]*\sencoding\s*=\s*["']([\w.:-]+)["']/.exec(opening)?.[1]
  return encoding === undefined ? declared : `text/xml; charset=${encoding}`
}

function refuseNoXml(text: string): void {
  if (text.trim() === '') throw cut('the body is empty: that is not XML')
  if (!/^\s*</.test(text)) throw unreadable(`the body is not XML: it does not start with an element`)
  if (/^\s*<(?:!doctype\s+html|html)\b/i.test(text))
    throw new AttemptFailed('not_json', `the body is HTML, not XML: ${excerptOf(text)}`)
}

async function byAuthor(decode: DecodeFunction, bytes: Buffer, { headers }: Undecoded): Promise<unknown> {
  try {
    return await decode(bytes, headers)
  } catch (error) {
    throw unreadable(`the function decode throws: ${messageOf(error)}`)
  }
}
