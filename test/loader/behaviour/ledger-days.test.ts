/** How long the ledgers keep what they know: their rows would otherwise grow with every run, for ever. */
import assert from 'node:assert/strict'
import { after, test } from 'node:test'
import { command, count, loadAll } from '../../support/loading.ts'
import { closeAll, ownPlace, publish } from '../../support/published.ts'

after(closeAll)

const BAD = '{"id":"bad","total":"much","status":"open","updated_at":"2026-01-01T00:00:00Z"}'
const LEDGERS = ['headrace_pages', 'headrace_dead_letters']

async function ledgersAfterTwoDays(overrides: Record<string, string>): Promise<number[]> {
  const place = await ownPlace(overrides)
  const published = await publish(place)
  await published.page({ records: [], payloads: [BAD] })
  await loadAll(place)
  const left: number[] = []
  for (const ledger of LEDGERS) {
    assert.equal(await count(place, ledger, false), 1)
    const older = 'SELECT * REPLACE (offset + 1000 AS offset, loaded_at - INTERVAL 2 DAY AS loaded_at)'
    await command(place, `INSERT INTO {db}.${ledger} ${older} FROM {db}.${ledger}`)
    await command(place, `OPTIMIZE TABLE {db}.${ledger} FINAL`)
    left.push(await count(place, ledger, false))
  }
  return left
}

test('rows of the ledgers that are older than CLICKHOUSE_LEDGER_DAYS are dropped by ClickHouse', async () => {
  assert.deepEqual(await ledgersAfterTwoDays({ CLICKHOUSE_LEDGER_DAYS: '1' }), [1, 1])
})

test('rows of the ledgers stay for more than a year by default', async () => {
  assert.deepEqual(await ledgersAfterTwoDays({}), [2, 2])
})
