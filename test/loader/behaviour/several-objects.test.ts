import assert from 'node:assert/strict'
import { after, test } from 'node:test'
import { frame, parseDeadLetterHeaders } from '#shared/messages/frame.ts'
import { command, commits, count, loadAll, query } from '../../support/loading.ts'
import { closeAll, order, ownPlace, publish } from '../../support/published.ts'

after(closeAll)

const text = (key: number): string => JSON.stringify(order(key))

test('a value of several objects is one dead letter and no row, also where a view reads from the table; its neighbours are loaded', async () => {
  const place = await ownPlace({ LOADER_BATCH_AGE_MS: '200' })
  const orders = await publish(place)
  await orders.page({ records: [order(0)] })
  await loadAll(place)
  await command(
    place,
    `CREATE MATERIALIZED VIEW {db}.seen ENGINE = MergeTree ORDER BY id AS SELECT id, _offset FROM {db}.${orders.table}`,
  )
  const several = [
    `${text(100)}${text(101)}`,
    `${text(100)}\n${text(101)}`,
    `${text(100)}, ${text(101)}`,
    `{}${text(101)}`,
    // The ends of it that are no rows: ClickHouse refuses them itself.
    `${text(100)};${text(101)}`,
    `${text(100)}}`,
  ]
  const nested = { ...order(7), note: '}{ },{ "}{"' }
  const good = [text(1), text(2), text(3), text(4), text(5), text(6), JSON.stringify(nested)]
  const values = several.flatMap((bad, index) => [good[index] ?? '', bad]).concat(good.slice(several.length))
  await orders.page({ records: [], payloads: values })
  const summary = await loadAll(place)
  assert.deepEqual([summary.rows, summary.deadLetters], [good.length, several.length])
  const letters = (await orders.deadLetters()).map(({ headers, value }) => ({
    ...parseDeadLetterHeaders(headers as Record<string, Buffer>),
    value: value?.toString(),
  }))
  assert.deepEqual(
    letters.filter(({ reason }) => reason === 'several_objects').map(({ stage, value }) => `${stage} ${value}`),
    several.slice(0, 4).map((bad) => `frame ${frame(orders.schemaId, bad)}`),
  )
  assert.deepEqual(
    letters.filter(({ stage }) => stage === 'insert').map(({ value }) => value),
    several.slice(4),
  )
  const ids = (await query<{ id: string }>(place, `SELECT id FROM {db}.${orders.table} ORDER BY _offset`)).map(
    ({ id }) => id,
  )
  assert.deepEqual(
    ids,
    [0, 1, 2, 3, 4, 5, 6, 7].map((key) => order(key).id),
  )
  assert.equal(await count(place, 'seen', false), good.length)
  assert.equal((await commits(place, orders.topic))[0]?.open, 0)
  await orders.close()
})
