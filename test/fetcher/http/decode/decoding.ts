/** Decoders without a server: the body of some bytes, or why there is none. */
import assert from 'node:assert/strict'
import { type DecodeInput, decodeOf, decodeSpec } from '#shared/declaration/decode.ts'
import { decodeBody } from '../../../../services/fetcher/http/decode/decode-body.ts'
import { AttemptFailed } from '../../../../services/fetcher/http/errors.ts'

type Bounds = { elementsMax?: number; bytesMax?: number; headers?: Record<string, string>; records?: string }

export async function decodedBy(decode: DecodeInput, bytes: string | Buffer, bounds: Bounds = {}): Promise<unknown> {
  const { elementsMax = 1_000_000, bytesMax = 1_000_000, headers = {}, records = null } = bounds
  const compiled = decodeOf(decodeSpec.parse(decode), records, (_, what) => new Error(what))
  const pace = { turn: async () => {}, elapsedMs: () => 0 }
  const answer = { status: 200, headers, content: Buffer.from(bytes), notes: [] }
  return (await decodeBody(answer, compiled, { elementsMax, bytesMax, pace, signal: new AbortController().signal }))
    .body
}

export async function failsWith(
  decode: DecodeInput,
  bytes: string | Buffer,
  reason: AttemptFailed['reason'],
  message: RegExp,
  bounds: Bounds = {},
): Promise<void> {
  await assert.rejects(decodedBy(decode, bytes, bounds), (error: unknown) => {
    assert.ok(error instanceof AttemptFailed, String(error))
    assert.deepEqual([error.reason, message.test(error.message)], [reason, true], error.message)
    assert.doesNotMatch(error.message, /k3y/)
    return true
  })
}
