/**
 * Zigzag varints as in https://protobuf.dev/programming-guides/encoding/#signed-ints: 32 bits for lengths and counts,
 * 64 for timestamp deltas.
 */

const CONTINUE = 0x80
const LOW_BITS = 0x7f
const INT32_MAX = 0x7fffffff

export function sizeOfVarint(value: number): number {
  const zigzag = ((value << 1) ^ (value >> 31)) >>> 0
  if (zigzag < 0x80) return 1
  if (zigzag < 0x4000) return 2
  if (zigzag < 0x200000) return 3
  return zigzag < 0x10000000 ? 4 : 5
}

/** Returns the position after it. */
export function writeVarint(buffer: Uint8Array, at: number, value: number): number {
  let rest = ((value << 1) ^ (value >> 31)) >>> 0
  let next = at
  while (rest > LOW_BITS) {
    buffer[next++] = (rest & LOW_BITS) | CONTINUE
    rest >>>= 7
  }
  buffer[next++] = rest
  return next
}

export function sizeOfVarlong(value: number): number {
  if (fitsInt32(value)) return sizeOfVarint(value)
  let size = 1
  for (let rest = zigzag64(value); rest > 0x7fn; rest >>= 7n) size++
  return size
}

export function writeVarlong(buffer: Uint8Array, at: number, value: number): number {
  if (fitsInt32(value)) return writeVarint(buffer, at, value)
  let next = at
  let rest = zigzag64(value)
  for (; rest > 0x7fn; rest >>= 7n) buffer[next++] = Number(rest & 0x7fn) | CONTINUE
  buffer[next++] = Number(rest)
  return next
}

function fitsInt32(value: number): boolean {
  return value <= INT32_MAX && value >= -INT32_MAX
}

function zigzag64(value: number): bigint {
  const wide = BigInt(value)
  return BigInt.asUintN(64, (wide << 1n) ^ (wide >> 63n))
}
