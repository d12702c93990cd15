/**
 * One HTTP round trip over undici: kept connections, bounded in number, and a body that is decompressed and read up to a bound. What can be
 * different at the next attempt (connection, cut body, too many bytes) becomes AttemptFailed; an abort keeps the signal's reason.
 * The only file that knows undici. It follows no redirect and retries nothing.
 */
import type { Readable, Transform } from 'node:stream'
import { pipeline } from 'node:stream/promises'
import { createBrotliDecompress, createGunzip, createInflate } from 'node:zlib'
import { Agent, type Dispatcher, request as undiciRequest } from 'undici'
import { messageOf } from '../../../shared/errors.ts'
import { AttemptFailed } from './errors.ts'
import { excerptOf } from './excerpt.ts'

export type RawRequest = { method: 'GET' | 'POST'; url: URL; headers: Readonly<Record<string, string>>; body: string | undefined }
/** `text` is whole for 2xx and at most ERROR_BODY_BYTES_MAX long otherwise. `bytes` counts after decompression. */
export type RawAnswer = { status: number; headers: Record<string, string>; text: string; bytes: number }
export type Ask = (request: RawRequest, signal: AbortSignal) => Promise<RawAnswer>
export type Http = { ask: Ask; close(): Promise<void> }

/** To one origin. Partitions that run at once and the source's quota bound it further. */
const CONNECTIONS_MAX = 32
const CONNECT_TIMEOUT_MS = 10_000
const KEEP_ALIVE_MS = 30_000
const ERROR_BODY_BYTES_MAX = 64 * 1024
export const ACCEPT_ENCODING = 'gzip, br'

const DECODERS: Readonly<Record<string, () => Transform>> = {
  gzip: createGunzip,
  'x-gzip': createGunzip,
  br: createBrotliDecompress,
  deflate: createInflate,
}

export function createHttp(options: { bodyBytesMax: number }): Http {
  // Time is bounded by the timeout layer, over headers and body together.
  const agent = new Agent({
    connections: CONNECTIONS_MAX,
    connect: { timeout: CONNECT_TIMEOUT_MS },
    keepAliveTimeout: KEEP_ALIVE_MS,
    headersTimeout: 0,
    bodyTimeout: 0,
    allowH2: false,
  })
  return {
    ask: (request, signal) => roundTrip(agent, request, signal, options.bodyBytesMax),
    close: () => agent.destroy(),
  }
}

async function roundTrip(agent: Agent, request: RawRequest, signal: AbortSignal, bodyBytesMax: number): Promise<RawAnswer> {
  signal.throwIfAborted()
  let answered: Dispatcher.ResponseData | null = null
  try {
    answered = await undiciRequest(request.url, {
      dispatcher: agent,
      method: request.method,
      headers: request.headers,
      body: request.body ?? null,
      signal,
    })
    const ok = answered.statusCode >= 200 && answered.statusCode <= 299
    const headers = headersOf(answered.headers)
    const bytes = await read(answered.body, headers['content-encoding'], ok ? bodyBytesMax : ERROR_BODY_BYTES_MAX, ok)
    return { status: answered.statusCode, headers, text: textOf(bytes, headers['content-type'], ok), bytes: bytes.length }
  } catch (error) {
    signal.throwIfAborted()
    if (error instanceof AttemptFailed) throw error
    throw answered === null
      ? new AttemptFailed('connection', `the connection failed: ${messageOf(error)}`)
      : new AttemptFailed('cut', `the body ended early or is damaged: ${messageOf(error)}`)
  }
}

/** `whole`: more than `bytesMax` is a failed attempt; otherwise the rest is left unread. */
async function read(body: Readable, encoding: string | undefined, bytesMax: number, whole: boolean): Promise<Buffer> {
  const chunks: Buffer[] = []
  const collect = async (source: AsyncIterable<Buffer>): Promise<void> => {
    let bytes = 0
    for await (const chunk of source) {
      chunks.push(chunk)
      bytes += chunk.length
      if (bytes <= bytesMax) continue
      if (whole) throw tooLarge(bytesMax, chunks)
      return
    }
  }
  const decoder = decoderFor(encoding)
  try {
    await (decoder === null ? collect(body) : pipeline(body, decoder, collect))
  } catch (error) {
    // Of an error's body, whatever arrived is good enough.
    if (whole || chunks.length === 0) throw error
  }
  return Buffer.concat(chunks)
}

function tooLarge(bytesMax: number, chunks: readonly Buffer[]): AttemptFailed {
  const opening = excerptOf((chunks[0] ?? Buffer.alloc(0)).subarray(0, 1024).toString('utf8'))
  return new AttemptFailed('too_large', `the body is larger than ${bytesMax} bytes (bodyBytesMax); it opens with: ${opening}`)
}

/** A coding that was not asked for, or several at once, cannot be read (RFC 9110 section 8.4). */
function decoderFor(encoding: string | undefined): Transform | null {
  const coding = (encoding ?? '').trim().toLowerCase()
  if (coding === '' || coding === 'identity') return null
  const decoder = Object.hasOwn(DECODERS, coding) ? DECODERS[coding] : undefined
  if (decoder === undefined) throw new AttemptFailed('not_json', `the body has the content coding "${coding}", which was not asked for`)
  return decoder()
}

/** Strict for a page: a byte that is no text would otherwise turn into U+FFFD unseen. */
function textOf(bytes: Buffer, contentType: string | undefined, strict: boolean): string {
  const charset = /charset="?([^\s";]+)/i.exec(contentType ?? '')?.[1] ?? 'utf-8'
  try {
    return new TextDecoder(charset, { fatal: strict }).decode(bytes)
  } catch {
    if (!strict) return bytes.toString('latin1')
    throw new AttemptFailed('not_json', `the body is no valid ${charset} text`)
  }
}

/** Cookies are dropped: nothing uses them, and they are credentials. */
function headersOf(given: Readonly<Record<string, string | string[] | undefined>>): Record<string, string> {
  const headers: Record<string, string> = {}
  for (const [name, value] of Object.entries(given)) {
    if (value === undefined || name === 'set-cookie') continue
    headers[name] = Array.isArray(value) ? value.join(', ') : value
  }
  return headers
}
