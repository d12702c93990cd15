/**
 * Frees memory at once that the garbage collector would free later. With buffers of megabytes that come and go, it
 * keeps more garbage than is in use. Code that still holds such a buffer finds it empty: its length is 0 from then on.
 */

/**
 * Frees the whole ArrayBuffer of `bytes`, so only for buffers that do not share it. What may lie in Node's pool of
 * small buffers is not touched.
 */
export function release({ buffer }: Buffer): void {
  if (buffer instanceof ArrayBuffer && buffer.byteLength > Buffer.poolSize) buffer.transfer(0)
}
