/**
 * Decodes the bytes of a response to text. What the bytes show (a byte order mark, the zeros of UTF-16) overrides the
 * declared charset. An unknown charset (`utf8mb4`, `binary`) is tried as UTF-8, the encoding of JSON (RFC 8259 section
 * 8.1). Strict: an invalid byte would otherwise silently become U+FFFD.
 */
import { isUtf8 } from 'node:buffer'

/** `note`: what the response declares wrongly. */
export type Text = { text: string; note: string | null }

/** The bytes are not text. `ends`: they stop inside a character, as a cut body does. */
export class NotText extends Error {
  readonly ends: boolean

  constructor(message: string, ends: boolean) {
    super(message)
    this.ends = ends
  }
}

const NAME_CHARS_MAX = 40
const UTF8 = 'utf-8'
/** Browsers read these as windows-1252, which would corrupt the UTF-8 that they declare here. */
const ASCII: readonly string[] = ['ascii', 'us-ascii', 'ansi_x3.4-1968', 'iso646-us', 'cp367']

/** Throws NotText. */
export function textOf(bytes: Buffer, contentType: string | undefined): Text {
  const declared = declaredCharset(contentType)
  const shown = charsetShown(bytes)
  if (shown === 'utf-32') throw new NotText('the body is UTF-32, which is not read; JSON is sent in UTF-8', false)
  if (shown !== null) return { text: strictly(bytes, shown), note: differs(declared, shown) }
  const known = knownCharset(declared)
  if (known === UTF8 || known === null) {
    const note = known === null ? `the charset "${declared}" is not known: the body is read as UTF-8` : null
    return { text: strictly(bytes, UTF8, declared), note }
  }
  // Real UTF-16 would have shown its zeros.
  if (known.startsWith('utf-16') && isUtf8(bytes)) return { text: strictly(bytes, UTF8), note: differs(declared, UTF8) }
  return { text: strictly(bytes, known), note: null }
}

/** A strict decoder for a text that arrives in parts, by its first bytes. Throws NotText. */
export function decoderFor(opening: Buffer, contentType: string | undefined): InstanceType<typeof TextDecoder> {
  const shown = charsetShown(opening)
  if (shown === 'utf-32') throw new NotText('the body is UTF-32, which is not read', false)
  return new TextDecoder(shown ?? knownCharset(declaredCharset(contentType)) ?? UTF8, { fatal: true })
}

/** For an excerpt: never throws. */
export function looselyTextOf(bytes: Buffer, contentType: string | undefined): string {
  try {
    return textOf(bytes, contentType).text
  } catch {
    return bytes.toString('latin1')
  }
}

function declaredCharset(contentType: string | undefined): string {
  const found = /;\s*charset\s*=\s*["']?([^\s"';,]+)/i.exec(contentType ?? '')?.[1] ?? UTF8
  return found
    .replace(/[^\x21-\x7e]/g, '')
    .toLowerCase()
    .slice(0, NAME_CHARS_MAX)
}

/** Null for one that is not known. */
function knownCharset(declared: string): string | null {
  if (ASCII.includes(declared)) return null
  try {
    return new TextDecoder(declared).encoding
  } catch {
    return null
  }
}

const differs = (declared: string, charset: string): string | null =>
  knownCharset(declared) === charset || (declared === 'utf-16' && charset.startsWith('utf-16')) || declared === UTF8
    ? null
    : `the body is ${charset}, not "${declared}" as its content type says`

/** By a byte order mark, or by the zeros of the ASCII that all JSON opens with. */
function charsetShown(bytes: Buffer): 'utf-8' | 'utf-16le' | 'utf-16be' | 'utf-32' | null {
  const [a, b, c, d] = bytes
  if (a === undefined || b === undefined) return null
  if (a === 0xef && b === 0xbb && c === 0xbf) return UTF8
  const fourZeros = bytes.length % 4 === 0 && c !== undefined && d !== undefined
  if (fourZeros && a === 0 && b === 0 && (c === 0xfe || c === 0) && d !== 0) return 'utf-32'
  if (fourZeros && b !== a && c === 0 && d === 0 && (b === 0xfe || b === 0)) return 'utf-32'
  if (a === 0xff && b === 0xfe) return 'utf-16le'
  if (a === 0xfe && b === 0xff) return 'utf-16be'
  if (a === 0 && b !== 0) return 'utf-16be'
  return a !== 0 && b === 0 ? 'utf-16le' : null
}

function strictly(bytes: Buffer, charset: string, declared = charset): string {
  try {
    return new TextDecoder(charset, { fatal: true }).decode(bytes)
  } catch {
    throw notText(bytes, charset, declared)
  }
}

/** Says where, for the one charset that allows finding it. */
function notText(bytes: Buffer, charset: string, declared: string): NotText {
  const named = declared === charset ? charset : `"${declared}" (read as ${charset})`
  if (charset !== UTF8)
    return new NotText(`the body is not valid ${named} text`, charset.startsWith('utf-16') && bytes.length % 2 === 1)
  const at = firstBadByte(bytes)
  const lines = bytes.subarray(0, at).toString('latin1').split('\n')
  const ends = at >= bytes.length - 3 && isOpening(bytes.subarray(at))
  const byte = `0x${(bytes[at] ?? 0).toString(16).padStart(2, '0')}`
  const place = `line ${lines.length}, byte ${(lines.at(-1)?.length ?? 0) + 1}`
  return new NotText(`the body is not valid ${named} text: the byte ${byte} at ${place}`, ends)
}

/** Binary search: every prefix before the bad byte is valid, and nothing after it makes it valid. */
function firstBadByte(bytes: Buffer): number {
  let good = 0
  let bad = bytes.length
  while (bad - good > 1) {
    const middle = (good + bad) >> 1
    if (isUtf8(bytes.subarray(0, boundaryBefore(bytes, middle)))) good = middle
    else bad = middle
  }
  return boundaryBefore(bytes, good)
}

/** The start of the character that the byte at `at` may be inside. */
function boundaryBefore(bytes: Buffer, at: number): number {
  let start = at
  while (start > at - 3 && start > 0 && ((bytes[start] ?? 0) & 0xc0) === 0x80) start -= 1
  return start
}

/** The first bytes of a character whose last ones are missing. */
function isOpening(bytes: Buffer): boolean {
  const [first = 0, ...rest] = bytes
  const length = first >= 0xf0 && first <= 0xf4 ? 4 : first >= 0xe0 ? 3 : first >= 0xc2 ? 2 : 1
  return first >= 0xc2 && first <= 0xf4 && bytes.length < length && rest.every((byte) => (byte & 0xc0) === 0x80)
}
