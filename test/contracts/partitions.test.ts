/** What a partition that the API refuses does to the others. */
import assert from 'node:assert/strict'
import { test } from 'node:test'
import { declareShop, order, streamOf } from '../fetcher/declared.ts'
import { idsOf, markersOf, ownPlace } from '../fetcher/fetching.ts'
import { startApi } from '../support/api.ts'

for (const status of [400, 403, 404, 422]) {
  test(`a partition that is refused with ${status} is asked once, and does not stop the others`, async (t) => {
    const place = await ownPlace(t)
    const api = await startApi(t, { pageSize: 2 })
    api.put(...['a', 'b', 'c'].map((id, at) => order(id, at)))
    api.script = ({ values }) => (values.region === 'eu' ? { status, json: { error: 'not for you' } } : undefined)
    const source = declareShop({ partitions: [{ region: 'eu' }, { region: 'us' }] }, { baseUrl: api.url })
    const stream = streamOf(source)

    const { summary } = await place.fetchOnce(source)
    assert.deepEqual(
      [summary.partitions['shop.orders/0']?.outcome, summary.partitions['shop.orders/1']?.outcome],
      ['failed', 'done'],
    )
    assert.equal(api.log.filter(({ values }) => values.region === 'eu').length, 1)
    assert.deepEqual(idsOf(await place.entries(stream, 1)), ['a', 'b', 'c'])
    assert.equal(markersOf(await place.entries(stream, 0)).length, 0)
  })
}
