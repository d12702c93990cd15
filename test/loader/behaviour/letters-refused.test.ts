import assert from 'node:assert/strict'
import { after, describe, test } from 'node:test'
import { parseDeadLetterHeaders } from '#shared/messages/frame.ts'
import { commits, count, loadAll, startLoader, until } from '../../support/loading.ts'
import { closeAll, order, ownPlace, type Place, publish } from '../../support/published.ts'

after(closeAll)

const QUICK = { LOADER_BATCH_AGE_MS: '50' }
const MIB = 1024 * 1024
const bad = (note = ''): string =>
  `{"id":"bad","total":"much","status":"open","updated_at":"2026-01-01T00:00:00Z","note":"${note}"}`

async function removeTopic(place: Place, topic: string): Promise<void> {
  await place.kafka.deleteTopic(topic)
  await until('the topic is gone', async () => (await place.kafka.partitions(topic)) === 0)
}

describe('a dead-letter topic that is not there', () => {
  test('any more is made again under a running loader, and nothing behind the bad record is committed before', async () => {
    const place = await ownPlace(QUICK)
    const orders = await publish(place, undefined, 2)
    const letters = place.names.deadLetters(orders.topic)
    const loading = startLoader(place)
    await orders.page({ records: [], payloads: [bad('first'), JSON.stringify(order(1))] })
    await until('the first letter is written', async () => (await commits(place, orders.topic))[0]?.open === 0)
    const before = (await commits(place, orders.topic))[0]?.offset ?? 0
    await removeTopic(place, letters)
    await orders.page({ records: [], payloads: [bad('second'), JSON.stringify(order(2))] })
    await until('it goes on', async () => ((await commits(place, orders.topic))[0]?.offset ?? 0) > before)
    assert.deepEqual(
      (await orders.deadLetters()).map(({ value }) => value?.toString()),
      [bad('second')],
    )
    assert.equal(await place.kafka.partitions(letters), 2)
    assert.equal(await count(place, orders.table), 2)
    await loading.stop()
    await orders.close()
  })

  test('yet is made so that a bad record of 10 MB fits, with its bytes and its reason', async () => {
    const place = await ownPlace(QUICK)
    const orders = await publish(place, undefined, 1, { 'max.message.bytes': String(12 * MIB) })
    await removeTopic(place, place.names.deadLetters(orders.topic))
    const large = bad('x'.repeat(10 * MIB))
    await orders.page({ records: [], payloads: [JSON.stringify(order(1)), large, JSON.stringify(order(2))] })
    const summary = await loadAll(place)
    assert.deepEqual([summary.rows, summary.deadLetters], [2, 1])
    const [letter, ...others] = await orders.deadLetters()
    assert.equal(others.length, 0)
    assert.ok(letter?.value?.equals(Buffer.from(large)))
    assert.equal(parseDeadLetterHeaders(letter?.headers as Record<string, Buffer>).reason, 'CANNOT_PARSE_NUMBER')
    await orders.close()
  })
})
