/** Which tables may stand in front of shards, and how the ledgers come to be there. */
import assert from 'node:assert/strict'
import { describe, test } from 'node:test'
import { createPageLedgerTable, type Placement } from '../../../services/loader/table/ddl.ts'
import { distributedMistake, ledgerStatements } from '../../../services/loader/table/distributed-check.ts'
import type { FoundTable } from '../../../services/loader/table/introspect.ts'

const at: Placement = { database: 'db', cluster: 'main', sharded: true }
const spec = { table: 'orders', columns: [], primaryKey: ['id', 'line'], watermark: null }
const column = { type: 'UInt8', kind: '', expression: '', comment: '', inPartitionKey: false }
const SPREAD = 'Headrace: spread over shards of weight '

function distributed(given: Partial<FoundTable> = {}): FoundTable {
  const columns = new Map(['id', 'line', '_deleted', '_version'].map((name) => [name, column]))
  const keys = { sortingKey: '', partitionKey: '', comment: `${SPREAD}1, 1` }
  return { engine: 'Distributed', engineFull: over(), ...keys, columns, ...given }
}

function over({ cluster = 'main', database = 'db', key = ', cityHash64(id, line)' } = {}): string {
  return `Distributed('${cluster}', '${database}', 'orders_local'${key})`
}

const without = (name: string) => new Map([...distributed().columns].filter(([each]) => each !== name))

describe('a table in front of shards', () => {
  const name = (given: Partial<FoundTable>, place: Placement = at, weights: string | null = '1, 1') =>
    distributedMistake(spec, distributed(given), place, weights)?.name ?? null

  test('is accepted where rows of one key come to one shard and what decides is shown', () => {
    assert.equal(name({}), null)
    for (const key of [', cityHash64(id)', ', line', ", cityHash64(line), 'policy'"]) {
      assert.equal(name({ engineFull: over({ key }) }), null, key)
    }
  })

  test('is Distributed', () => {
    for (const engineFull of ['ReplacingMergeTree(_version) ORDER BY id', ''])
      assert.equal(name({ engineFull }), 'TABLE_NOT_SHARDED')
  })

  test('is over the same database on the same cluster; a macro may stand for any cluster', () => {
    assert.equal(name({ engineFull: over({ cluster: 'other' }) }), 'SHARDS_ELSEWHERE')
    assert.equal(name({ engineFull: over({ database: 'other' }) }), 'SHARDS_ELSEWHERE')
    assert.equal(name({}, { ...at, cluster: undefined }), 'SHARDS_ELSEWHERE')
    const macro = { ...at, cluster: '{cluster}' }
    assert.equal(name({}, macro), null)
    assert.equal(name({ engineFull: over({ database: 'other' }) }, macro), 'SHARDS_ELSEWHERE')
  })

  test('spreads rows by nothing but their key', () => {
    for (const key of [', rand()', ', cityHash64(total)', ', cityHash64(id, total)', '', ', 1']) {
      const found = distributedMistake(spec, distributed({ engineFull: over({ key }) }), at, '1, 1')
      assert.equal(found?.name, 'SHARDING_KEY', key)
      assert.match(
        found.remedy,
        /^it holds no rows, so: DROP TABLE `db`\.`orders` ON CLUSTER `main` SYNC; .*; rows that are apart already/,
      )
    }
  })

  test('was made for the shards that are there, where both are known', () => {
    assert.equal(name({}, at, '1, 1, 1'), 'SHARDS_CHANGED')
    assert.equal(name({ comment: `${SPREAD}2, 1` }), 'SHARDS_CHANGED')
    assert.equal(name({}, at, null), null)
    for (const comment of ['', 'spread over nothing']) assert.equal(name({ comment }, at, '1, 1, 1'), null)
  })

  test('shows what decides which version is the newest', () => {
    for (const column of ['_deleted', '_version']) {
      const found = distributedMistake(spec, distributed({ columns: without(column) }), at, '1, 1')
      assert.deepEqual(
        [found?.name, found?.message],
        ['FRONT_COLUMN', `table orders does not show ${column} of the shards`],
      )
    }
    assert.equal(name({ columns: without('line') }), null)
  })
})

describe('a ledger', () => {
  const alone: Placement = { database: 'db', cluster: undefined }
  const table = distributed({ engine: 'ReplacingMergeTree', engineFull: 'ReplacingMergeTree(loaded_at)' })
  const made = (place: Placement, found: { table?: FoundTable; distributed?: FoundTable }) =>
    ledgerStatements(
      place,
      { table: null, distributed: null, view: null, weights: '1, 1', ...found },
      'pages',
      createPageLedgerTable,
    ).map((text) => /^CREATE TABLE IF NOT EXISTS `db`\.`(\w+)`/.exec(text)?.[1])

  test('on one server is made where it is missing', () => {
    assert.deepEqual(made(alone, {}), ['pages'])
    assert.deepEqual(made(alone, { table }), [])
    assert.deepEqual(made({ ...at, sharded: false }, { table, distributed: distributed() }), [])
  })

  test('on shards is two tables, of which neither may be missing', () => {
    assert.deepEqual(made(at, {}), ['pages_local', 'pages'])
    assert.deepEqual(made(at, { table }), ['pages_local', 'pages'])
    assert.deepEqual(made(at, { distributed: distributed() }), ['pages_local', 'pages'])
    assert.deepEqual(made(at, { table, distributed: distributed() }), [])
    const [, text = ''] = ledgerStatements(
      at,
      { table: null, distributed: null, view: null, weights: '1, 1' },
      'pages',
      createPageLedgerTable,
    )
    assert.ok(
      text.endsWith(
        "'pages_local', cityHash64(`topic`, `partition`, `offset`)) COMMENT 'Headrace: spread over shards of weight 1, 1'",
      ),
      text,
    )
  })

  test('that lies on one server is taken as it is', () => {
    assert.deepEqual(made(at, { distributed: table }), [])
    assert.deepEqual(made(at, { table, distributed: table }), [])
  })
})
