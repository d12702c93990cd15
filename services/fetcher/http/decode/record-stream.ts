/**
 * The records of a file of any size, read while it arrives: bytes are decompressed, become text and then records, part
 * by part. Reading slowly slows the transfer down. Guarantees: no more than one part and one record are in memory.
 * Throws AttemptFailed for a transfer that breaks and for a file that cannot be read, or the signal's reason.
 */
import { pipeline, Readable } from 'node:stream'
import { createGunzip } from 'node:zlib'
import type { Decode } from '#shared/declaration/decode.ts'
import { messageOf } from '#shared/errors.ts'
import { AttemptFailed } from '../errors.ts'
import { decoderFor, NotText } from '../transport/charset.ts'
import { streamDecoders } from '../transport/content-coding.ts'
import { csvReader } from './csv.ts'
import { jsonlReader } from './jsonl.ts'
import { isGzip } from './open-file.ts'
import { cut, type RecordReader, refuseHtml, unreadable } from './records.ts'

/** `bytes`: of the text that the records were read from, without markup of the file. */
export type RecordPart = { records: unknown[]; bytes: number }

/** Read once. */
export class RecordStream {
  /** The first records that were read, for a person who looks at the answer. */
  sample: readonly unknown[] = []
  readonly #parts: AsyncIterable<RecordPart>
  readonly #body: Readable | null
  #isEnded = false
  readonly #listeners: (() => void)[] = []

  /** `body`: what is destroyed when nobody reads any more. */
  constructor(parts: AsyncIterable<RecordPart>, body: Readable | null) {
    this.#parts = parts
    this.#body = body
    body?.once('close', () => this.#end())
  }

  /** Called once, when the transfer is over. Returns true. */
  onEnd(listener: () => void): true {
    if (this.#isEnded) listener()
    else this.#listeners.push(listener)
    return true
  }

  /** Ends the transfer, if it is not over. */
  close(): void {
    this.#body?.on('error', () => undefined)
    this.#body?.destroy()
    this.#end()
  }

  /** The same stream; `see` is called with each part that is read. */
  tapped(see: (records: readonly unknown[]) => void): RecordStream {
    const source = this
    const tap = new RecordStream(
      (async function* () {
        for await (const part of source) {
          see(part.records)
          yield part
        }
      })(),
      this.#body,
    )
    return tap
  }

  async *[Symbol.asyncIterator](): AsyncGenerator<RecordPart> {
    try {
      for await (const part of this.#parts) {
        if (this.sample.length === 0) this.sample = part.records
        yield part
      }
    } finally {
      this.close()
    }
  }

  #end(): void {
    if (this.#isEnded) return
    this.#isEnded = true
    for (const listener of this.#listeners) listener()
  }
}

type Answer = { headers: Readonly<Record<string, string>> }

export const recordStream = (body: Readable, answer: Answer, decode: Decode, { signal }: { signal: AbortSignal }) =>
  new RecordStream(partsOf(body, answer, decode, signal), body)

async function* partsOf(
  body: Readable,
  { headers }: Answer,
  decode: Decode,
  signal: AbortSignal,
): AsyncGenerator<RecordPart> {
  const reader = readerOf(decode)
  let decoder: InstanceType<typeof TextDecoder> | null = null
  const read = async (bytes: Buffer): Promise<unknown[]> => {
    const isFirst = decoder === null
    decoder ??= decoderFor(bytes, headers['content-type'])
    const text = decoder.decode(bytes, { stream: true })
    if (isFirst) refuseHtml(text)
    return reader.read(text)
  }
  try {
    for await (const bytes of plainParts(body, headers, decode)) {
      signal.throwIfAborted()
      yield { records: await read(bytes), bytes: bytes.length }
    }
    const rest = decoder === null ? '' : (decoder as InstanceType<typeof TextDecoder>).decode()
    yield { records: [...(await reader.read(rest)), ...(await reader.end())], bytes: 0 }
  } catch (error) {
    signal.throwIfAborted()
    if (error instanceof AttemptFailed) throw error
    if (error instanceof NotText || (error instanceof TypeError && 'code' in error))
      throw unreadable(error instanceof NotText ? error.message : 'the body is not text in its charset')
    throw cut(`the body ended early or is damaged: ${messageOf(error)}`)
  }
}

function readerOf({ body, chunks }: Decode): RecordReader {
  if (typeof body !== 'function' && body.kind === 'csv') return csvReader(body, chunks?.recordBytesMax)
  return jsonlReader(chunks?.recordBytesMax)
}

const GUNZIP_CHUNK_BYTES = 64 * 1024

async function* plainParts(body: Readable, headers: Answer['headers'], { files }: Decode): AsyncGenerator<Buffer> {
  const codings = streamDecoders(headers['content-encoding'])
  // Its errors arrive where the last stream is read.
  let parts: AsyncIterable<Buffer> = codings.length === 0 ? body : chained(body, codings)
  const isUndone = codings.length > 0
  for (const _ of files) parts = gunzipped(parts, isUndone)
  yield* parts
}

const chained = (from: Readable, through: readonly NodeJS.ReadWriteStream[]): AsyncIterable<Buffer> =>
  pipeline([from, ...through], () => undefined) as unknown as AsyncIterable<Buffer>

/** `isUndone`: a content coding was undone, which can have been the file's own gzip. */
async function* gunzipped(parts: AsyncIterable<Buffer>, isUndone: boolean): AsyncGenerator<Buffer> {
  const source = parts[Symbol.asyncIterator]()
  let opening = Buffer.alloc(0)
  for (let next = await source.next(); next.done !== true; next = await source.next()) {
    opening = Buffer.concat([opening, next.value])
    if (opening.length > 1) break
  }
  const whole = async function* () {
    yield opening
    for (let next = await source.next(); next.done !== true; next = await source.next()) yield next.value
  }
  if (opening.length === 0) throw cut('the body is empty: it should be a compressed file')
  if (isGzip(opening)) yield* chained(Readable.from(whole()), [createGunzip({ chunkSize: GUNZIP_CHUNK_BYTES })])
  else if (isUndone) yield* whole()
  else {
    refuseHtml(opening.toString('latin1'))
    throw unreadable('the body is not gzip')
  }
}
