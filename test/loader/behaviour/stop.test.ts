import assert from 'node:assert/strict'
import { type AddressInfo, connect, createServer } from 'node:net'
import { after, describe, test } from 'node:test'
import { z } from '#shared/index.ts'
import { clickhouseProxy } from '../../support/clickhouse-proxy.ts'
import { commits, count, startLoader, until } from '../../support/loading.ts'
import { atEnd, closeAll, compileStream, order, orderSchema, ownPlace, publish } from '../../support/published.ts'

after(closeAll)

describe('a stop', () => {
  test('under load inserts what was read, commits it and leaves: the next one begins exactly there', async () => {
    const place = await ownPlace({
      LOADER_BATCH_AGE_MS: '50',
      LOADER_BATCH_ROWS: '700',
      LOADER_IN_FLIGHT_BYTES: '3000000',
    })
    const orders = await publish(place, undefined, 3)
    for (let page = 0; page < 60; page++) {
      const records = Array.from({ length: 300 }, (_, key) => ({ ...order(page * 300 + key), note: 'n'.repeat(1000) }))
      await orders.page({ partition: page % 3, records })
    }
    const first = startLoader(place)
    await until('it is under load', async () => (await count(place, orders.table)) > 2_000)
    const summary = await first.stop()
    assert.ok(summary.rows < 18_000, `stopped in the middle: ${summary.rows}`)
    assert.equal(
      await count(place, orders.table, false),
      summary.rows,
      'nothing is in the table that was not committed',
    )
    const second = startLoader(place)
    await until('the rest is loaded', async () => (await count(place, orders.table)) === 18_000)
    await second.stop()
    assert.equal(await count(place, orders.table, false), 18_000, 'nothing was inserted twice')
    await orders.close()
  })

  test('while a table takes nothing does not wait for it, and commits nothing', async () => {
    const place = await ownPlace({ LOADER_BATCH_AGE_MS: '50', HEADRACE_STOP_DEADLINE_MS: '3600000' })
    const proxy = await clickhouseProxy(place.config.clickhouse.url, () => ({ code: 243, name: 'NOT_ENOUGH_SPACE' }))
    const orders = await publish(place)
    await orders.page({ records: [order(1)] })
    const loading = startLoader(place, { ...place.config, clickhouse: { ...place.config.clickhouse, url: proxy.url } })
    await until('it waits', () => loading.lines.some(({ reason }) => reason === 'NOT_ENOUGH_SPACE'))
    const summary = await loading.stop()
    assert.deepEqual([summary.rows, summary.batches], [0, 0])
    assert.equal((await commits(place, orders.topic))[0] ?? null, null)
    await orders.close()
  })

  test('before any topic is there ends at once', async () => {
    const place = await ownPlace()
    const loading = startLoader(place)
    await until('it waits', () => loading.lines.some(({ msg }) => msg.includes('no topic of records yet')))
    assert.equal((await loading.stop()).rows, 0)
  })
})

/** Something that can be there or not, at one address. */
async function door(target: string) {
  const { hostname, port } = new URL(target)
  let open = false
  const server = createServer((socket) => {
    if (!open) return void socket.destroy()
    const through = connect(Number(port), hostname)
    socket.on('error', () => through.destroy())
    through.on('error', () => socket.destroy())
    socket.pipe(through).pipe(socket)
  })
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve))
  const close = () => new Promise<void>((resolve) => server.close(() => resolve()))
  atEnd(close)
  const url = new URL(target)
  url.port = String((server.address() as AddressInfo).port)
  return { url: url.href, set: (isOpen: boolean) => (open = isOpen) }
}

describe('a registry that is down', () => {
  test('at the start is waited for; later, known schemas are loaded on and an unknown one waits alone', async () => {
    const place = await ownPlace({ LOADER_BATCH_AGE_MS: '50' })
    const registry = await door(place.config.registry.url)
    const orders = await publish(place)
    const refunds = await publish(place, compileStream({ name: 'refunds' }))
    await orders.page({ records: [order(1)] })
    const loading = startLoader(place, { ...place.config, registry: { ...place.config.registry, url: registry.url } })
    await until('it says so', () => loading.lines.some(({ reason }) => reason === 'HR_REGISTRY'))
    assert.equal((await commits(place, orders.topic))[0] ?? null, null)
    registry.set(true)
    await until('it goes on', async () => (await count(place, orders.table)) === 1)

    registry.set(false)
    await orders.page({ records: [order(2)] })
    await until('a known schema is loaded', async () => (await count(place, orders.table)) === 2)
    const wider = compileStream({ name: 'refunds', schema: orderSchema.extend({ coupon: z.string().optional() }) })
    const { id } = await place.registry.register(place.names.subject(refunds.topic), wider.wireSchema)
    await refunds.page({ records: [order(1)], schemaId: id })
    await until(
      'the unknown one waits',
      () => loading.lines.filter(({ reason }) => reason === 'HR_REGISTRY').length >= 2,
    )
    await orders.page({ records: [order(3)] })
    await until('the other goes on', async () => (await count(place, orders.table)) === 3)
    registry.set(true)
    await until('it goes on', async () => (await count(place, refunds.table)) === 1)
    assert.equal((await orders.deadLetters()).length + (await refunds.deadLetters()).length, 0)
    await loading.stop()
    await orders.close()
    await refunds.close()
  })
})
