/**
 * One HTTP round trip over undici: a bounded number of kept-alive connections, and a body that is read up to a bound
 * and decoded. What the next attempt may not repeat (connection, cut body, too many bytes) becomes AttemptFailed. An
 * abort keeps the signal's reason. It follows no redirect and retries nothing.
 */
import type { Readable } from 'node:stream'
import { type Dispatcher, request as undiciRequest } from 'undici'
import { messageOf } from '#shared/errors.ts'
import { excerptOf } from '../describe.ts'
import { AttemptFailed } from '../errors.ts'
import { isNoContent, isOk } from '../status.ts'
import { looselyTextOf } from './charset.ts'
import { connectionsOf, type Network, PLAIN_NETWORK, whyNotConnected } from './connections.ts'
import { decoded, decodedOpening } from './content-coding.ts'
import { pageText } from './page-text.ts'

export type RawRequest = {
  method: 'GET' | 'POST' | 'DELETE'
  url: URL
  headers: Readonly<Record<string, string>>
  body: string | undefined
  /**
   * What is wanted of a 2xx: its text (the default), its bytes, or the bytes of a file that may be compressed itself.
   * Of a file, only the codings in the header are undone. A stream is returned as it arrives.
   */
  read?: 'text' | 'bytes' | 'file' | 'stream'
  /** The answer is a secret: of at most so many bytes, and never quoted. */
  secretBytesMax?: number
  /** True: the answer has the cookies that it sets. */
  cookies?: boolean
}
type Headers = Record<string, string>
/** `notes`: what the headers declare wrongly about a body that can be read anyway. */
type Body = { text: string; content?: Buffer; stream?: Readable; bytes: number; notes: readonly string[] }
/**
 * `text` is whole for 2xx and at most ERROR_BODY_BYTES_MAX long otherwise. `content`: the bytes, where they were asked
 * for instead of the text. `bytes` counts after decompression.
 */
export type RawAnswer = { status: number; headers: Headers; cookies?: readonly string[] } & Body
export type RawExchange = (request: RawRequest, signal: AbortSignal) => Promise<RawAnswer>
export type Http = { ask: RawExchange; close(): Promise<void> }

const ERROR_BODY_BYTES_MAX = 64 * 1024
export const ACCEPT_ENCODING = 'gzip, br'

const NO_BODY: Body = { text: '', bytes: 0, notes: [] }

/** `timeoutMs`: between two parts of a stream. */
type HttpOptions = { bodyBytesMax: number; timeoutMs: number; network?: Network }

export function createHttp(options: HttpOptions): Http {
  const connections = connectionsOf(options.network ?? PLAIN_NETWORK)
  return {
    ask: (request, signal) => roundTrip(connections.to(request.url), request, signal, options),
    close: connections.destroy,
  }
}

async function roundTrip(
  dispatcher: Dispatcher,
  request: RawRequest,
  signal: AbortSignal,
  { bodyBytesMax: pageBytesMax, timeoutMs }: HttpOptions,
): Promise<RawAnswer> {
  signal.throwIfAborted()
  const { secretBytesMax } = request
  const bodyBytesMax = Math.min(pageBytesMax, secretBytesMax ?? pageBytesMax)
  const tooLarge: TooLarge = secretBytesMax === undefined ? pageTooLarge : secretTooLarge
  let answered: Dispatcher.ResponseData | null = null
  try {
    answered = await undiciRequest(request.url, {
      dispatcher,
      method: request.method,
      headers: request.headers,
      body: request.body ?? null,
      signal,
      ...(request.read === 'stream' ? { bodyTimeout: timeoutMs } : {}),
    })
    const { statusCode: status, body } = answered
    const ok = isOk(status)
    const headers = headersOf(answered.headers)
    if (request.read === 'stream' && ok && !isNoContent(status)) return { status, headers, ...NO_BODY, stream: body }
    const sent = await read(
      body,
      ok ? bodyBytesMax : ERROR_BODY_BYTES_MAX,
      ok && !isNoContent(status) ? tooLarge : null,
    )
    // A body of a response without content is ignored (RFC 9110 sections 15.3.5 and 15.3.6).
    const content = isNoContent(status)
      ? NO_BODY
      : ok
        ? await page(sent, headers, { bytesMax: bodyBytesMax, tooLarge }, request.read)
        : await opening(sent, headers)
    return { status, headers, ...(request.cookies === true ? cookiesOf(answered.headers) : {}), ...content }
  } catch (error) {
    signal.throwIfAborted()
    if (error instanceof AttemptFailed) throw error
    throw answered === null
      ? new AttemptFailed('connection', `the connection failed: ${whyNotConnected(error)}`)
      : new AttemptFailed('cut', `the body ended early or is damaged: ${messageOf(error)}`)
  }
}

type TooLarge = (bytesMax: number, opening: Buffer) => AttemptFailed

/**
 * The bytes from the wire. With `tooLarge`, the body is wanted whole, and more than `bytesMax` is that failure;
 * otherwise the rest is left unread.
 */
async function read(body: Readable, bytesMax: number, tooLarge: TooLarge | null): Promise<Buffer> {
  const chunks: Buffer[] = []
  let bytes = 0
  try {
    for await (const chunk of body) {
      chunks.push(chunk)
      bytes += chunk.length
      if (bytes <= bytesMax) continue
      if (tooLarge !== null) throw tooLarge(bytesMax, chunks[0] ?? chunk)
      break
    }
  } catch (error) {
    // Of an error's body, whatever arrived is enough.
    if (tooLarge !== null || chunks.length === 0) throw error
  }
  return Buffer.concat(chunks)
}

/** A page: exactly what was sent, or AttemptFailed. */
async function page(
  bytes: Buffer,
  headers: Headers,
  { bytesMax, tooLarge }: { bytesMax: number; tooLarge: TooLarge },
  read: RawRequest['read'],
): Promise<Body> {
  const { bytes: plain, notes } = await decoded(bytes, headers['content-encoding'], {
    bytesMax,
    tooLarge: (opening) => tooLarge(bytesMax, opening),
    ...(read === 'file' ? { onlyDeclared: true } : {}),
  })
  if (read !== undefined && read !== 'text') return { text: '', content: plain, bytes: plain.length, notes }
  const page = pageText(plain, headers['content-type'], notes)
  return { text: page.text, bytes: plain.length, notes: page.notes }
}

/** Of an error response, for an excerpt: its status counts, whatever its body is. */
async function opening(bytes: Buffer, headers: Headers): Promise<Body> {
  const plain = await decodedOpening(bytes, headers['content-encoding'], ERROR_BODY_BYTES_MAX)
  return { ...NO_BODY, text: looselyTextOf(plain, headers['content-type']), bytes: plain.length }
}

function pageTooLarge(bytesMax: number, opening: Buffer): AttemptFailed {
  const excerpt = excerptOf(opening.subarray(0, 1024).toString('utf8'))
  return new AttemptFailed(
    'too_large',
    `the body is larger than ${bytesMax} bytes (bodyBytesMax); it opens with: ${excerpt}`,
  )
}

const secretTooLarge = (bytesMax: number): AttemptFailed =>
  new AttemptFailed('too_large', `the body is larger than ${bytesMax} bytes`)

type GivenHeaders = Readonly<Record<string, string | string[] | undefined>>

const cookiesOf = ({ 'set-cookie': given }: GivenHeaders): { cookies?: readonly string[] } =>
  given === undefined ? {} : { cookies: [given].flat() }

/** Cookies are dropped: only a login uses them, and they are credentials. */
function headersOf(given: GivenHeaders): Record<string, string> {
  const headers: Record<string, string> = {}
  for (const [name, value] of Object.entries(given)) {
    if (value === undefined || name === 'set-cookie') continue
    headers[name] = Array.isArray(value) ? value.join(', ') : value
  }
  return headers
}
