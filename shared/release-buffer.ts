/**
 * Gives memory back at once that the garbage collector would give back some time later: of buffers of megabytes that
 * come and go, it lets more lie about than are in use. Whoever still looks at the bytes finds none: their length is 0
 * from then on.
 */

/**
 * Of `bytes`, the whole memory behind it: for buffers that share it with nobody. What may lie in Node's pool of small
 * buffers is left alone.
 */
export function release({ buffer }: Buffer): void {
  if (buffer instanceof ArrayBuffer && buffer.byteLength > Buffer.poolSize) buffer.transfer(0)
}
