/**
 * Whoever may write to a topic can write a page marker: it is believed only within what the registered schema declares.
 */
import assert from 'node:assert/strict'
import { after, describe, test } from 'node:test'
import { none, z } from '#shared/index.ts'
import { statusOf } from '../../../services/operator/status/status.ts'
import { commits, count, loadAll, startLoader, until } from '../../support/loading.ts'
import { closeAll, compileStream, order, ownPlace, type Published, publish } from '../../support/published.ts'

after(closeAll)

const YEAR_3000_MS = Date.UTC(3000, 0, 1)
const ALL = { paginate: none(), schema: z.object({ id: z.string() }), watermark: undefined }
const walked = compileStream({ ...ALL, deletes: { by: 'full-walk', shareMax: 1, rowsMin: 10, allowAll: true } })
const undeclared = compileStream(ALL)
const records = ['a', 'b', 'c'].map((id) => ({ id }))

describe('the marker of a complete walk', () => {
  for (const [what, complete] of [
    ['from the year 3000', { from: 4, startedMs: YEAR_3000_MS }],
    ['from before the epoch', { from: 4, startedMs: -8_000_000_000_000_000 }],
    ['with records behind its own end', { from: 1_000_000, startedMs: 6_000 }],
  ] as const) {
    test(`${what} deletes nothing, and what follows it is loaded`, async () => {
      const place = await ownPlace()
      const { page, table, topic } = await publish(place, walked)
      await page({ records, atMs: 5_000 })
      const end = await page({ records: [], atMs: 9_000, marker: { complete } })
      const loader = startLoader(place)
      await until('it is committed', async () => ((await commits(place, topic))[0]?.offset ?? 0) >= end)
      await loader.stop()
      assert.equal(await count(place, table), 3)
      assert.ok(
        loader.lines.some(
          ({ level, msg, offset }) => level === 'warn' && offset === end - 1 && msg.includes('not believed'),
        ),
        'topic and offset are named',
      )
    })
  }

  test('deletes nothing in a stream that does not declare deletes, also after it is released by hand', async () => {
    const place = await ownPlace()
    const { page, table } = await publish(place, undeclared)
    await page({ records, atMs: 5_000 })
    await page({ records: [], atMs: 9_000, marker: { complete: { from: 4, startedMs: 6_000, allowed: true } } })
    await loadAll(place)
    assert.equal(await count(place, table), 3)
  })

  test('waits where the schema was registered before deletes, until the fetcher has registered it again; the loader runs on', async () => {
    const place = await ownPlace()
    const { page, table, topic } = await publish(place, undeclared)
    await page({ records, atMs: 5_000 })
    await page({ records: [], atMs: 9_000, marker: { complete: { from: 4, startedMs: 6_000 } } })
    const loader = startLoader(place)
    await until('it is warned of', () => loader.lines.some(({ msg }) => msg.includes('does not declare deletes')))
    assert.equal(await count(place, table), 3)
    const { changes } = await place.registry.register(place.names.subject(topic), walked.wireSchema)
    assert.deepEqual(
      changes.map(({ path, additive }) => [path, additive]),
      [['deletes', true]],
    )
    await until('a walk of the new schema deletes', async () => {
      const from = (await place.kafka.logRanges(topic))[0]?.high ?? 0
      await page({ records: [], atMs: 10_000, marker: { complete: { from, startedMs: 6_000 } } })
      return (await count(place, table)) === 0
    })
    await loader.stop()
  })

  test('counts again where deletes was taken away and declared once more', async () => {
    const place = await ownPlace()
    const { page, table, topic } = await publish(place, walked)
    await page({ records, atMs: 5_000 })
    const register = (stream: Published['stream']) =>
      place.registry.register(place.names.subject(topic), stream.wireSchema)
    await register(undeclared)
    await loadAll(place)
    await page({ records: [], atMs: 9_000, marker: { complete: { from: 4, startedMs: 6_000 } } })
    await loadAll(place)
    assert.equal(await count(place, table), 3)
    await register(walked)
    await page({ records: [], atMs: 10_000, marker: { complete: { from: 5, startedMs: 6_000 } } })
    await loadAll(place)
    assert.equal(await count(place, table), 0)
  })
})

test('a watermark far beyond its message holds the confirmed one, and status says so until one is believed again', async () => {
  const place = await ownPlace()
  const { page, topic } = await publish(place)
  const nowMs = Date.now()
  const at = (ms: number) => new Date(ms).toISOString()
  await page({ records: [order(1)], atMs: nowMs, marker: { watermark: at(nowMs + 3_600_000) } })
  const forged = await page({ records: [order(2)], atMs: nowMs, marker: { watermark: at(YEAR_3000_MS) } })
  const loader = startLoader(place)
  const end = await page({ records: [], atMs: nowMs, marker: { watermark: 'soon' } })
  await until('it is committed', async () => ((await commits(place, topic))[0]?.offset ?? 0) >= end)
  await loader.stop()
  assert.equal((await commits(place, topic))[0]?.watermark, at(nowMs + 3_600_000))
  assert.ok(
    loader.lines.some(
      ({ level, msg, offset }) => level === 'warn' && offset === forged - 1 && msg.includes('24 hours'),
    ),
  )
  const doubted = async () =>
    (await statusOf(place.kafka, place.names, ['shop.orders'], Date.now()))[0]?.partitions[0]?.doubtedMarker
  assert.equal(await doubted(), end - 1)
  await page({ records: [], atMs: nowMs, marker: { watermark: at(nowMs + 7_200_000) } })
  await loadAll(place)
  assert.equal((await commits(place, topic))[0]?.watermark, at(nowMs + 7_200_000))
  assert.equal(await doubted(), null)
})
