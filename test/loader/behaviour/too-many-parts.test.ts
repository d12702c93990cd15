/**
 * A table that ClickHouse does not merge as fast as rows come: inserts become fewer before they are refused, nothing is
 * lost, and it ends with the parts.
 */
import assert from 'node:assert/strict'
import { after, test } from 'node:test'
import { command, count, loadAll, query, startLoader, until } from '../../support/loading.ts'
import { closeAll, order, ownPlace, type Place, publish } from '../../support/published.ts'
import { assertVerified } from '../../support/verified.ts'

after(closeAll)

const DELAY_AT = 16
const STRETCHED = 8

const partsOf = async (place: Place, table: string): Promise<number> => {
  const where = `database = '{db}' AND table = '${table}' AND active`
  return Number((await query<{ n: string }>(place, `SELECT count() AS n FROM system.parts WHERE ${where}`))[0]?.n ?? 0)
}

test('many parts make inserts fewer and larger, until they are merged', async () => {
  const place = await ownPlace({ LOADER_BATCH_AGE_MS: '50' })
  const orders = await publish(place)
  const { table } = orders
  await orders.page({ records: [order(0)] })
  await loadAll(place)
  await command(
    place,
    `ALTER TABLE {db}.${table} MODIFY SETTING parts_to_delay_insert = ${DELAY_AT}, max_delay_to_insert = 1`,
  )
  await command(place, `SYSTEM STOP MERGES {db}.${table}`)
  const loader = startLoader(place)
  const gauge = async (name: 'batchStretch' | 'parts'): Promise<number> =>
    (await loader.metrics[name].get()).values.find(({ labels }) => labels.table === table)?.value ?? 0
  const inserts = async (): Promise<number> =>
    (await loader.metrics.inserts.get()).values
      .filter(({ labels }) => labels.table === table)
      .reduce((sum, { value }) => sum + value, 0)
  let key = 1
  const trickle = async (pages: number): Promise<number> => {
    const before = await inserts()
    for (let page = 0; page < pages; page++) await orders.page({ records: [order(key++)] })
    return (await inserts()) - before
  }

  await trickle(5)
  const small = await trickle(20)
  await until('batches are left open for longer', async () => {
    await trickle(1)
    return (await gauge('batchStretch')) >= STRETCHED
  })
  assert.ok((await gauge('parts')) >= DELAY_AT / 2)
  const large = await trickle(20)
  assert.ok(large < small, `${small} inserts of 20 pages before, ${large} then`)
  assert.ok(loader.lines.some(({ level, msg }) => level === 'warn' && msg.includes('become fewer and larger')))

  await command(place, `SYSTEM START MERGES {db}.${table}`)
  const merge = () => command(place, `OPTIMIZE TABLE {db}.${table} FINAL`)
  await merge()
  await until('the parts are merged', async () => (await partsOf(place, table)) === 1)
  await until('they are not any more', async () => {
    // What comes meanwhile makes new parts, and left alone, ClickHouse may keep more of those than a quarter of so low
    // a limit.
    await merge()
    await trickle(1)
    return (await gauge('batchStretch')) === 1
  })
  await loader.stop()
  await loadAll(place)
  assert.equal(await count(place, table), key)
  await assertVerified(place)
  await orders.close()
})
