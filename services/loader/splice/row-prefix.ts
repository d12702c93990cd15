/**
 * The prefix that the loader writes before each record's fields: `{"_partition":…,"_offset":…,"_fetched_at":…,`.
 * Offsets are consecutive and fetch times repeat. So the previous prefix is kept as bytes and its offset counted up in
 * place. Building and writing a new string for each record costs three times as much.
 */

/** The bytes of `{"_partition":65535,"_offset":9007199254740991,"_fetched_at":-9007199254740991,` and the newline. */
export const PREFIX_BYTES_MAX = 96
const ZERO = 0x30
const NINE = 0x39

export type RowPrefix = {
  opening: string
  bytes: Buffer
  length: number
  /** The offset of the prefix in `bytes`; NaN before the first. */
  offset: number
  timestampMs: number
  /** Index of the offset's last digit. */
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

/** Returns the index after the prefix in `body`. */
export function writePrefix(prefix: RowPrefix, body: Buffer, at: number, offset: number, timestampMs: number): number {
  const follows = offset === prefix.offset + 1 && timestampMs === prefix.timestampMs
  if (!follows || !countUp(prefix)) rewrite(prefix, offset, timestampMs)
  prefix.offset = offset
  const { bytes, length } = prefix
  for (let index = 0; index < length; index++) body[at + index] = bytes[index] as number
  return at + length
}

/** False when the offset needs one more digit. */
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
