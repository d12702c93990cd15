/** Watermarks that are longer texts than markers, checkpoints and commits have room for. */
import assert from 'node:assert/strict'
import { test } from 'node:test'
import { none, z } from '#shared/index.ts'
import { parseMarker } from '#shared/messages/frame.ts'
import { WATERMARK_BYTES_MAX } from '#shared/watermark.ts'
import { runOnce } from '../pages/paginators/running.ts'

const stream = {
  schema: z.object({ id: z.string(), slug: z.string() }),
  primaryKey: ['id'],
  watermark: { field: 'slug', param: 'after', sorted: true },
  paginate: none(),
}

for (const length of [600, 5_000, 100_000]) {
  test(`a text of ${length} characters is a record like any other, and its marker and checkpoint hold what opens it`, async (t) => {
    const slugs = ['a', `b${'y'.repeat(length)}`, `c${'ü'.repeat(length)}`]
    const ran = await runOnce(
      t,
      () => ({ json: { data: slugs.map((slug, index) => ({ id: String(index), slug })) } }),
      { stream },
    )
    assert.equal(ran.error, undefined)
    const [page] = ran.put
    assert.deepEqual([page?.records.length, page?.rejected.length], [3, 0])
    // The clock of these tests has fractions.
    const { watermark } = parseMarker(JSON.stringify({ ...page?.marker, at: 0 })) ?? {}
    assert.ok(watermark && slugs[2]?.startsWith(watermark) && watermark > 'b')
    assert.ok(Buffer.byteLength(JSON.stringify(watermark)) <= WATERMARK_BYTES_MAX + 2)
    assert.equal(page?.checkpoint.watermark, watermark)
    assert.equal(ran.result?.watermark, watermark)
  })
}
