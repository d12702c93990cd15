/**
 * Whether the bytes of a record are exactly one JSON object: pure. ClickHouse reads `{…}{…}` and `{…},{…}` in one line
 * as two rows. The second row would be inserted without its offset and counted by nobody. Does not check anything else:
 * ClickHouse parses the bytes. Costs one search for a brace where no object is inside another. Only objects in arrays
 * are scanned byte by byte.
 */
const OPENING = 0x7b
const CLOSING = 0x7d
const COMMA = 0x2c
const QUOTE = 0x22
const BACKSLASH = 0x5c
const SPACE = 0x20

/** `from`: where the object opens; the last byte closes one. Never refuses bytes that are one JSON object. */
export function isSingleObject(value: Buffer, from: number): boolean {
  const last = value.length - 1
  for (let at = value.indexOf(CLOSING, from); at !== -1 && at < last; at = value.indexOf(CLOSING, at + 1)) {
    if (isFollowedByAnother(value, at + 1)) return closesAtItsEnd(value, from)
  }
  return true
}

function isFollowedByAnother(value: Buffer, from: number): boolean {
  let at = pastSpace(value, from)
  if (value[at] === COMMA) at = pastSpace(value, at + 1)
  return value[at] === OPENING
}

function pastSpace(value: Buffer, from: number): number {
  let at = from
  while (at < value.length && (value[at] as number) <= SPACE) at++
  return at
}

function closesAtItsEnd(value: Buffer, from: number): boolean {
  let depth = 0
  for (let at = from; at < value.length; at++) {
    const byte = value[at]
    if (byte === QUOTE) at = endOfText(value, at)
    else if (byte === OPENING) depth++
    else if (byte === CLOSING && --depth === 0) return at === value.length - 1
  }
  return true
}

/** Index of the closing quote. */
function endOfText(value: Buffer, opened: number): number {
  let at = opened + 1
  for (; at < value.length && value[at] !== QUOTE; at++) if (value[at] === BACKSLASH) at++
  return at
}
