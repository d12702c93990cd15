/**
 * Whether the bytes of a record are one JSON object and no more: pure. ClickHouse takes `{…}{…}` and `{…},{…}` in one
 * line for two rows, and the second would come in beside the record, without its place, counted by nobody. Says nothing
 * else of the bytes: ClickHouse reads them. Costs one search for a brace where no object is inside another; only
 * objects in arrays are walked byte by byte.
 */
const OPENING = 0x7b
const CLOSING = 0x7d
const COMMA = 0x2c
const QUOTE = 0x22
const BACKSLASH = 0x5c
const SPACE = 0x20

/** `from`: where the object opens; the last byte closes one. Bytes that are one JSON object are never refused. */
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

/** The place of its closing quote. */
function endOfText(value: Buffer, opened: number): number {
  let at = opened + 1
  for (; at < value.length && value[at] !== QUOTE; at++) if (value[at] === BACKSLASH) at++
  return at
}
