export type Bytes = Buffer | string | null

const SHORT_CHARS_MAX = 32
const ASCII_MAX = 0x7f

/** The length on the wire in bytes, texts in UTF-8; 0 for null. */
export function bytesOf(bytes: Bytes): number {
  if (bytes === null) return 0
  return typeof bytes === 'string' ? utf8Length(bytes) : bytes.length
}

/** Keys and the like are counted here: the call into the engine takes longer than they do. */
function utf8Length(text: string): number {
  const { length } = text
  if (length > SHORT_CHARS_MAX) return Buffer.byteLength(text)
  for (let at = 0; at < length; at++) if (text.charCodeAt(at) > ASCII_MAX) return Buffer.byteLength(text)
  return length
}
