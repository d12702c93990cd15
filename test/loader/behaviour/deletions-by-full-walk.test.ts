/**
 * Marks of deletion never win against what their own walk or a later one brought, in whatever order the table hears of
 * it.
 */
import assert from 'node:assert/strict'
import { after, test } from 'node:test'
import { none, z } from '#shared/index.ts'
import { loadAll, query } from '../../support/loading.ts'
import { closeAll, compileStream, ownPlace, publish } from '../../support/published.ts'

after(closeAll)

const stream = compileStream({
  paginate: none(),
  schema: z.object({ id: z.string() }),
  watermark: undefined,
  deletes: 'full-walk',
})

test('a row that reaches the table after the marks of its walk is shown, and one from before is not', async () => {
  const place = await ownPlace()
  const { page, table } = await publish(place, stream)
  const ids = async () => {
    await loadAll(place)
    return (await query<{ id: string }>(place, `SELECT id FROM {db}.${table} FINAL ORDER BY id`))
      .map(({ id }) => id)
      .join('')
  }
  const from = await page({ records: [{ id: 'a' }, { id: 'b' }, { id: 'c' }], atMs: 4_999 })
  assert.equal(await ids(), 'abc')
  // The marker stands for a statement that does not see the walk's rows yet, as on a replica that lags behind.
  await page({ records: [], atMs: 9_000, marker: { complete: { from, startedMs: 5_000, allowed: true } } })
  assert.equal(await ids(), '')
  await page({ records: [{ id: 'a' }], atMs: 5_001 })
  await page({ records: [{ id: 'c' }], atMs: 4_998 })
  assert.equal(await ids(), 'a')
  const { topic } = await publish(place, stream)
  await place.kafka.resetOffsets(place.names.loaderGroup, topic, new Map([[0, 0]]))
  assert.equal(await ids(), 'a')
})
