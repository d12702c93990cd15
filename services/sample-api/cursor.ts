/**
 * The sample API's cursors, opaque to clients: base64url of an HMAC-SHA-256, cut to 16 bytes, and of the position and
 * filters. A forged, cut or foreign cursor is refused. The key follows from the client's secret, so a cursor survives a
 * restart.
 */
import { createHmac, timingSafeEqual } from 'node:crypto'
import { z } from 'zod'
import { type Key, REGIONS, type Region } from './data.ts'

const CHECK_BYTES = 16

const content = z.strictObject({
  region: z.enum(REGIONS).nullable(),
  since: z.int().nullable(),
  updated: z.int(),
  id: z.string(),
})

export type SampleCursor = { region: Region | null; since: number | null; after: Key }
export type CursorSeal = { write(cursor: SampleCursor): string; read(text: string): SampleCursor | null }

export function cursorSeal(secret: string): CursorSeal {
  const key = createHmac('sha256', secret).update('sample-api cursor').digest()
  const checkOf = (bytes: Buffer) => createHmac('sha256', key).update(bytes).digest().subarray(0, CHECK_BYTES)
  return {
    write({ region, since, after }) {
      const bytes = Buffer.from(JSON.stringify({ region, since, ...after }))
      return Buffer.concat([checkOf(bytes), bytes]).toString('base64url')
    },
    read(text) {
      const sealed = Buffer.from(text, 'base64url')
      const bytes = sealed.subarray(CHECK_BYTES)
      // Decoding skips what is not base64url: only a text that encodes back to itself is ours.
      if (bytes.length === 0 || sealed.toString('base64url') !== text) return null
      if (!timingSafeEqual(sealed.subarray(0, CHECK_BYTES), checkOf(bytes))) return null
      const { updated, id, ...filters } = content.parse(JSON.parse(bytes.toString()))
      return { ...filters, after: { updated, id } }
    },
  }
}
