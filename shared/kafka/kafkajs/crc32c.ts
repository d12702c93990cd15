/**
 * CRC-32C (Castagnoli), the checksum of a record batch; Node's own `zlib.crc32` is another polynomial. Eight bytes a step from eight tables
 * ("slicing by 8"), four times as fast as one byte a step.
 */

const POLYNOMIAL = 0x82f63b78
const SLICES = 8
const SIZE = 256

const tables = buildTables()
const [t0, t1, t2, t3, t4, t5, t6, t7] = tables as [
  Int32Array,
  Int32Array,
  Int32Array,
  Int32Array,
  Int32Array,
  Int32Array,
  Int32Array,
  Int32Array,
]

/** Of `buffer[from, to)`, as an unsigned 32-bit number. */
export function crc32c(buffer: Uint8Array, from = 0, to = buffer.length): number {
  let crc = -1
  let at = from
  for (const last = to - SLICES; at <= last; at += SLICES) {
    crc ^= buffer[at]! | (buffer[at + 1]! << 8) | (buffer[at + 2]! << 16) | (buffer[at + 3]! << 24)
    crc =
      t7[crc & 0xff]! ^
      t6[(crc >>> 8) & 0xff]! ^
      t5[(crc >>> 16) & 0xff]! ^
      t4[crc >>> 24]! ^
      t3[buffer[at + 4]!]! ^
      t2[buffer[at + 5]!]! ^
      t1[buffer[at + 6]!]! ^
      t0[buffer[at + 7]!]!
  }
  for (; at < to; at++) crc = t0[(crc ^ buffer[at]!) & 0xff]! ^ (crc >>> 8)
  return ~crc >>> 0
}

function buildTables(): Int32Array[] {
  const first = Int32Array.from({ length: SIZE }, (_, byte) => {
    let value = byte
    for (let bit = 0; bit < 8; bit++) value = value & 1 ? (value >>> 1) ^ POLYNOMIAL : value >>> 1
    return value
  })
  const all = [first]
  for (let slice = 1; slice < SLICES; slice++) {
    all.push(all[slice - 1]!.map((value) => first[value & 0xff]! ^ (value >>> 8)))
  }
  return all
}
