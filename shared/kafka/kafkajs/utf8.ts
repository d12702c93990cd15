const SHORT_CHARS_MAX = 32
const ASCII_MAX = 0x7f

/** Bytes of a text in UTF-8. Keys and the like are counted here: the call into the engine takes longer than they do. */
export function utf8Length(text: string): number {
  const { length } = text
  if (length > SHORT_CHARS_MAX) return Buffer.byteLength(text)
  for (let at = 0; at < length; at++) if (text.charCodeAt(at) > ASCII_MAX) return Buffer.byteLength(text)
  return length
}
