/**
 * The deduplication token of an insert. It is the same for the same bytes of the same process, so ClickHouse drops a
 * repeated insert after a lost response. It is never the same after a restart, a replay or in a recreated topic: there
 * the rows may be missing and must be inserted.
 */
import { createHash } from 'node:crypto'
import { crc32 } from 'node:zlib'
import type { Clock } from '#shared/clock.ts'
import type { Batch } from '../batch/batch.ts'
import { bytesOf, type Piece } from '../batch/row-ranges.ts'

const NONCE_RADIX = 36

/** The part of a token that no other process has, drawn once. */
export const drawNonce = (clock: Pick<Clock, 'random' | 'nowMs'>): string =>
  clock.random().toString(NONCE_RADIX) + clock.nowMs().toString(NONCE_RADIX)

/** `nonce`: see `drawNonce`. The checksum covers the bytes, and takes about 20 ms for 32 MiB. */
export function tokenOf(batch: Batch, piece: Piece, nonce: string): string {
  const places = batch.parts.map(({ partition, after }) => `${partition}:${after.nextOffset}`).join()
  const checksum = bytesOf(batch, piece).reduce((sum, bytes) => crc32(bytes, sum), 0)
  return createHash('sha256')
    .update(`${nonce} ${batch.topic} ${places} ${piece.join(' ')} ${checksum}`)
    .digest('hex')
}
