/**
 * What the loader writes in front of each record's fields: `{"_partition":…,"_offset":…,"_fetched_at":…,`. Offsets
 * follow each other and fetch times repeat, so the head before is kept as bytes and its offset counted up in place: a
 * text made and written for each record costs three times as much.
 */

/** `{"_partition":65535,"_offset":9007199254740991,"_fetched_at":-9007199254740991,` and the newline. */
export const PREFIX_BYTES_MAX = 96
const ZERO = 0x30
const NINE = 0x39

export type RowPrefix = {
  opening: string
  bytes: Buffer
  length: number
  /** Of the head that `bytes` holds; NaN before the first. */
  offset: number
  timestampMs: number
  /** Its last digit. */
  offsetEnd: number
}

export function openPrefix(partition: number): RowPrefix {
  const opening = `{"_partition":${partition},"_offset":`
  return {
    opening,
    bytes: Buffer.alloc(PREFIX_BYTES_MAX),
    length: 0,
    offset: Number.NaN,
    timestampMs: Number.NaN,
    offsetEnd: 0,
  }
}

/** Returns the place behind the head in `body`. */
export function writePrefix(prefix: RowPrefix, body: Buffer, at: number, offset: number, timestampMs: number): number {
  const follows = offset === prefix.offset + 1 && timestampMs === prefix.timestampMs
  if (!follows || !countUp(prefix)) rewrite(prefix, offset, timestampMs)
  prefix.offset = offset
  const { bytes, length } = prefix
  for (let index = 0; index < length; index++) body[at + index] = bytes[index] as number
  return at + length
}

/** False when the offset takes a digit more. */
function countUp({ bytes, offsetEnd, opening }: RowPrefix): boolean {
  let at = offsetEnd
  while (at >= opening.length && bytes[at] === NINE) bytes[at--] = ZERO
  if (at < opening.length) return false
  bytes[at] = (bytes[at] as number) + 1
  return true
}

function rewrite(prefix: RowPrefix, offset: number, timestampMs: number): void {
  const opening = `${prefix.opening}${offset}`
  prefix.length = prefix.bytes.write(`${opening},"_fetched_at":${timestampMs},`, 0, 'latin1')
  prefix.offsetEnd = opening.length - 1
  prefix.timestampMs = timestampMs
}
