/**
 * Page markers that no fetcher wrote, or that were damaged: each is bounded when it is read, becomes a dead letter
 * where it says nothing that can be believed, and never stops a loader, its topic or another one.
 */
import assert from 'node:assert/strict'
import { after, test } from 'node:test'
import { z } from '#shared/index.ts'
import { parseDeadLetterHeaders, singleHeaders } from '#shared/messages/frame.ts'
import { commits, count, loadAll, query } from '../../support/loading.ts'
import { closeAll, compileStream, markerOf, order, ownPlace, publish } from '../../support/published.ts'

after(closeAll)

const LONG = 'x'.repeat(5_000)
const marker = (changes: object) => JSON.stringify({ ...markerOf(1, 0, Date.now()), ...changes })

test('forged markers are dead letters that say what is wrong; their topic and the others go on, after a restart too', async () => {
  const place = await ownPlace({ LOADER_BATCH_AGE_MS: '100' })
  const [orders, refunds] = [await publish(place), await publish(place, compileStream({ name: 'refunds' }))]
  const forged: [string, string | Buffer][] = [
    ['run: ', marker({ run: LONG })],
    ['run: ', marker({ run: '\ud800' })],
    ['share: ', marker({ share: LONG })],
    ['page: ', marker({ page: 2 ** 40 })],
    ['records: ', marker({ records: 1e300 })],
    ['at: ', marker({ at: 8e15 })],
    ['durationMs: ', marker({ durationMs: -1 })],
    ['coveredBelow: ', marker({ coveredBelow: 2 ** 60 })],
    ['watermark: ', marker({ watermark: '\udc00' })],
    ['more than 65536', marker({ note: 'x'.repeat(100_000) })],
    ['it is not JSON', Buffer.from([0xff, 0xfe, 0x00])],
    ['it is not JSON', '['.repeat(20_000)],
  ]
  await orders.page({ records: [order(1)], marker: { watermark: '2026-01-01T00:00:00Z' } })
  for (const [, header] of forged) {
    await orders.raw(0, [{ key: null, value: null, headers: { 'headrace-marker': header } }])
    await loadAll(place)
  }
  await orders.page({ records: [order(2)], marker: { watermark: '2026-01-02T00:00:00Z' } })
  await refunds.page({ records: [order(1)] })
  await loadAll(place)
  const letters = (await orders.deadLetters()).map(({ headers }) => parseDeadLetterHeaders(singleHeaders(headers)))
  assert.equal(letters.length, forged.length)
  for (const [index, [what]] of forged.entries()) {
    assert.equal(letters[index]?.reason, 'unknown_marker')
    assert.ok(letters[index]?.issues.includes(what), `${letters[index]?.issues} says ${what}`)
  }
  assert.deepEqual([await count(place, orders.table), await count(place, refunds.table)], [2, 1])
  assert.equal((await commits(place, orders.topic))[0]?.watermark, '2026-01-02T00:00:00Z')
  await orders.close()
  await refunds.close()
})

test('a watermark of kind text may be as long as it likes: the offset moves, and what is confirmed is its beginning', async () => {
  const place = await ownPlace({ LOADER_BATCH_AGE_MS: '100' })
  const schema = z.object({ id: z.string(), slug: z.string() })
  const slugs = await publish(
    place,
    compileStream({ name: 'slugs', schema, watermark: { field: 'slug', param: 'after' } as never }),
  )
  for (const [index, slug] of [
    'a',
    `b${'y'.repeat(600)}`,
    `c${'ü'.repeat(5_000)}`,
    `c${'\u0001'.repeat(900)}`,
  ].entries()) {
    const end = await slugs.page({ records: [{ id: String(index), slug }], marker: { watermark: slug } })
    await loadAll(place)
    const [commit] = await commits(place, slugs.topic)
    assert.ok((commit?.offset ?? 0) >= end)
    const { watermark = null } = commit ?? {}
    assert.ok(watermark !== null && watermark.length > 0 && slug.startsWith(watermark))
  }
  assert.equal(await count(place, slugs.table), 4)
  const [longest] = await query<{ n: string }>(place, 'SELECT max(length(watermark)) AS n FROM {db}.headrace_pages')
  assert.ok(Number(longest?.n) <= 240)
  await slugs.close()
})
