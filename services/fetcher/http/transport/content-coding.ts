/**
 * Decodes the content codings of a body (RFC 9110 section 8.4). The bytes decide; the header only helps. Servers send
 * `Content-Encoding: UTF-8` over plain text, name gzip over bytes that are not, and omit the header over bytes that
 * are. An empty body is empty in every coding. Guarantees: the output of each coding is at most `bytesMax` long, so a
 * small body cannot exhaust the memory.
 */
import { isUtf8 } from 'node:buffer'
import { Readable, type Transform } from 'node:stream'
import { pipeline } from 'node:stream/promises'
import { createBrotliDecompress, createGunzip, createInflate, createInflateRaw, createZstdDecompress } from 'node:zlib'

/** `notes`: what the header declares wrongly. */
export type Decoded = { bytes: Buffer; notes: string[] }
export type CodingBounds = {
  bytesMax: number
  /** Throws the error for a body that is larger; `opening` is how it begins. */
  tooLarge(opening: Buffer): Error
  /** Codings that the header does not name stay: they belong to the file that is sent. */
  onlyDeclared?: boolean
}

/** More than any server has a reason for. */
const CODINGS_MAX = 4
const NAME_CHARS_MAX = 40

type Coding = { isThere(bytes: Buffer): boolean; open(bytes: Buffer): Transform }

const startsWith =
  (...magic: number[]) =>
  (bytes: Buffer): boolean =>
    magic.every((byte, at) => bytes[at] === byte)

const GZIP: Coding = { isThere: startsWith(0x1f, 0x8b), open: () => createGunzip() }
const ZSTD: Coding = { isThere: startsWith(0x28, 0xb5, 0x2f, 0xfd), open: () => createZstdDecompress() }
const BR: Coding = { isThere: () => true, open: () => createBrotliDecompress() }
/** Should be the zlib format (RFC 9110 section 8.4.1.2), but some servers send raw deflate. */
const DEFLATE: Coding = { isThere: () => true, open: (bytes) => (isZlib(bytes) ? createInflate() : createInflateRaw()) }

const CODINGS: ReadonlyMap<string, Coding> = new Map([
  ['gzip', GZIP],
  ['x-gzip', GZIP],
  ['br', BR],
  ['zstd', ZSTD],
  ['deflate', DEFLATE],
])

/** Throws zlib's error for damaged or cut bytes, and the error for a body beyond the bound. */
export async function decoded(body: Buffer, header: string | undefined, bounds: CodingBounds): Promise<Decoded> {
  const notes: string[] = []
  let bytes = body
  let undone = 0
  for (const name of namesIn(header).reverse()) {
    if (bytes.length === 0) return { bytes, notes: [] }
    const coding = CODINGS.get(name)
    if (coding === undefined) notes.push(`the content coding "${name}" is not known: the body is read as it is`)
    else if (!coding.isThere(bytes))
      notes.push(`the body is not ${name}, as its content coding says: it is read as it is`)
    else if (undone < CODINGS_MAX) {
      const opened = await undo(coding, bytes, bounds)
      if (opened === null) notes.push(`the body is not ${name}, as its content coding says: it is read as it is`)
      bytes = opened ?? bytes
      undone += 1
    }
  }
  if (bounds.onlyDeclared === true) return { bytes, notes }
  for (; undone < CODINGS_MAX && bytes.length > 0; undone++) {
    const coding = [GZIP, ZSTD].find(({ isThere }) => isThere(bytes))
    if (coding === undefined) break
    notes.push(`the body is ${coding === GZIP ? 'gzip' : 'zstd'}, which its content coding does not say`)
    bytes = await collected(coding, bytes, bounds)
  }
  return { bytes, notes }
}

/**
 * The decoders of a body that arrives in parts, outermost coding first. It cannot be looked at before: the header
 * decides, and an unknown coding is ignored.
 */
export const streamDecoders = (header: string | undefined): Transform[] =>
  namesIn(header)
    .reverse()
    .slice(0, CODINGS_MAX)
    .flatMap((name) => (name === 'deflate' ? [createInflate()] : (CODINGS.get(name)?.open(Buffer.alloc(0)) ?? [])))

/** As many bytes as can be decoded of a damaged or cut body: for an excerpt of an error response. Never throws. */
export async function decodedOpening(body: Buffer, header: string | undefined, bytesMax: number): Promise<Buffer> {
  let opening: Buffer = Buffer.alloc(0)
  const tooLarge = (found: Buffer) => {
    opening = found
    return new RangeError('more than is looked at')
  }
  try {
    return (await decoded(body, header, { bytesMax, tooLarge })).bytes
  } catch {
    return opening.length > 0 ? opening : body
  }
}

/** In the order in which they were applied. */
function namesIn(header: string | undefined): string[] {
  return (header ?? '')
    .split(',')
    .map((name) =>
      name
        .replace(/[^\x21-\x7e]|["']/g, '')
        .toLowerCase()
        .slice(0, NAME_CHARS_MAX),
    )
    .filter((name) => name !== '' && name !== 'identity')
}

/** Null for a text that was never in this coding: brotli and raw deflate have no magic bytes. */
async function undo(coding: Coding, bytes: Buffer, bounds: CodingBounds): Promise<Buffer | null> {
  if (coding === GZIP || coding === ZSTD || !opensLikeJson(bytes)) return collected(coding, bytes, bounds)
  return collected(coding, bytes, bounds).catch((error: unknown) => {
    if (isUtf8(bytes)) return null
    throw error
  })
}

async function collected(coding: Coding, bytes: Buffer, { bytesMax, tooLarge }: CodingBounds): Promise<Buffer> {
  const chunks: Buffer[] = []
  await pipeline(Readable.from([bytes]), coding.open(bytes), async (source: AsyncIterable<Buffer>) => {
    let length = 0
    for await (const chunk of source) {
      chunks.push(chunk)
      length += chunk.length
      if (length > bytesMax) throw tooLarge(Buffer.concat(chunks).subarray(0, bytesMax))
    }
  })
  return Buffer.concat(chunks)
}

const isZlib = (bytes: Buffer): boolean =>
  bytes.length > 1 && (bytes[0]! & 0x0f) === 8 && bytes.readUInt16BE(0) % 31 === 0

const JSON_OPENINGS = new Set([...' \t\r\n{["\u00ef'].map((char) => char.charCodeAt(0)))
const opensLikeJson = (bytes: Buffer): boolean => JSON_OPENINGS.has(bytes[0] ?? 0)
