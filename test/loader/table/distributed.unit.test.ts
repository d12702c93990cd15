/**
 * The statements of a table over shards, as texts for a cluster with replicas, and what is read from one that is there.
 */
import assert from 'node:assert/strict'
import { describe, test } from 'node:test'
import { readConfig } from '#shared/config/config.ts'
import { insertNeeds } from '../../../services/loader/insert/writer.ts'
import {
  createDistributed,
  distributedOf,
  shardingKeyOf,
  weightsIn,
} from '../../../services/loader/table/distributed.ts'
import { unlessDenied } from '../../../services/loader/table/introspect.ts'
import { serverFindings } from '../../../services/loader/table/server-check.ts'
import { diffTable } from '../../../services/loader/table/table-diff.ts'

const at = { database: 'db', cluster: 'main', sharded: true }
const spec = {
  table: 'shop_orders',
  columns: [
    { name: 'id', type: 'String', optional: false },
    { name: 'line', type: 'Int64', optional: false },
  ],
  primaryKey: ['id', 'line'],
  watermark: null,
}

describe('a table over shards', () => {
  test('is a Replicated one on each server behind a Distributed one that spreads rows by their key; the view reads through it', () => {
    const { steps, refused } = diffTable(
      spec,
      { table: null, view: null, distributed: null, weights: '1, 1' },
      { at, latest: true, canonical: (type) => type },
    )
    assert.equal(refused, null)
    const [local = '', distributed = '', view = '', ...others] = steps.map(({ statement }) => statement)
    assert.match(
      local,
      /^CREATE TABLE IF NOT EXISTS `db`\.`shop_orders_local` ON CLUSTER `main` .*ENGINE = ReplicatedReplacingMergeTree\(_version, _deleted\)/s,
    )
    assert.equal(
      distributed,
      `CREATE TABLE IF NOT EXISTS \`db\`.\`shop_orders\` ON CLUSTER \`main\` AS \`db\`.\`shop_orders_local\`
ENGINE = Distributed('main', 'db', 'shop_orders_local', cityHash64(\`id\`, \`line\`)) COMMENT 'Headrace: spread over shards of weight 1, 1'`,
    )
    assert.match(view, /`shop_orders_current` ON CLUSTER `main` .*FROM `db`\.`shop_orders` FINAL/s)
    assert.deepEqual(others, [])
  })

  test('is known by its engine, however it was written', () => {
    const is = { cluster: 'main', database: 'db', table: 't_local', shardingKey: 'cityHash64(id, line)' }
    assert.deepEqual(distributedOf("Distributed('main', 'db', 't_local', cityHash64(id, line))"), is)
    assert.deepEqual(distributedOf('Distributed(main, db, t_local, cityHash64(id, line))'), is)
    assert.deepEqual(
      distributedOf(
        "Distributed('main', 'db', 't_local', cityHash64(id, line), 'policy') SETTINGS fsync_after_insert = 1",
      ),
      is,
    )
    assert.deepEqual(distributedOf("Distributed('main', 'db', 't_local')"), { ...is, shardingKey: '' })
    assert.deepEqual(distributedOf("Distributed('it\\'s', 'db', 't_local')")?.cluster, "it's")
    assert.deepEqual(distributedOf("Distributed(`main`, 'd\\\\b', 't_local' , rand() , 'policy' )"), {
      ...is,
      database: 'd\\b',
      shardingKey: 'rand()',
    })
    assert.deepEqual(distributedOf("Distributed('', 'db', 't_local')"), { ...is, cluster: '', shardingKey: '' })
    for (const other of [
      'ReplacingMergeTree(_version) ORDER BY id',
      'Distributed',
      'Distributed()',
      "Distributed('main', 'db')",
      '',
    ]) {
      assert.equal(distributedOf(other), null, other)
    }
  })

  test('is written as it is read: names in quotes, the weights of its shards where they are known, the columns of another table where it is said', () => {
    const over = { table: "it's", shardingKey: shardingKeyOf(['id']), weights: null }
    const text = createDistributed({ ...at, cluster: undefined }, 't', over)
    assert.equal(
      text,
      `CREATE TABLE IF NOT EXISTS \`db\`.\`t\` AS \`db\`.\`it's\`\nENGINE = Distributed('', 'db', 'it\\'s', cityHash64(\`id\`))`,
    )
    assert.match(createDistributed(at, 't', { ...over, like: 'other' }), /AS `db`\.`other`\n.*'it\\'s'/)
    assert.deepEqual(distributedOf(text.split('ENGINE = ')[1] ?? ''), {
      cluster: '',
      database: 'db',
      table: "it's",
      shardingKey: 'cityHash64(`id`)',
    })
    const comment = / COMMENT '(.*)'$/.exec(createDistributed(at, 't', { ...over, weights: '2, 1' }))?.[1] ?? ''
    assert.deepEqual(
      [weightsIn(comment), weightsIn('of a person'), weightsIn(`${comment.slice(1)}`), weightsIn('')],
      ['2, 1', null, null, null],
    )
  })

  test('needs settings of its own to be free', () => {
    const settings = [{ name: 'distributed_foreground_insert', value: '0', readonly: 1 }]
    const findings = (sharded: boolean) =>
      serverFindings({ ...at, sharded }, { user: 'u', settings, lacking: new Set() }, insertNeeds({ sharded })).map(
        ({ name }) => name,
      )
    assert.deepEqual([findings(true), findings(false)], [['SETTING_FIXED'], []])
  })
})

test('a cluster that the server does not know, that has more shards than are used, or that replicates twice is named', () => {
  const find = (sharded: boolean, shards: number, replicas: number, internal: boolean) =>
    serverFindings(
      { ...at, sharded, insertQuorum: 'auto' },
      { user: 'u', settings: [], lacking: new Set(), cluster: { shards, replicas, internal } },
      {},
    ).map(({ name }) => name)
  assert.deepEqual(find(true, 0, 0, false), ['CLUSTER'])
  assert.deepEqual(find(false, 2, 1, true), ['SHARDS'])
  assert.deepEqual(find(true, 2, 2, false), ['INTERNAL_REPLICATION'])
  assert.deepEqual([...find(true, 2, 2, true), ...find(true, 2, 1, false), ...find(false, 1, 2, false)], [])
})

test('replicas of which one alone confirms an insert are named, with the option that makes more of them confirm', () => {
  const find = (insertQuorum: string | undefined, replicas: number) =>
    serverFindings(
      { ...at, sharded: true, insertQuorum },
      { user: 'u', settings: [], lacking: new Set(), cluster: { shards: 2, replicas, internal: true } },
      {},
    ).map(({ name, severity, remedy }) => [name, severity, remedy])
  assert.deepEqual(find(undefined, 3), [
    ['NO_QUORUM', 'warning', 'CLICKHOUSE_INSERT_QUORUM=auto waits for most of them'],
  ])
  assert.deepEqual([...find('2', 3), ...find(undefined, 1)], [])
})

test('shards without a cluster are a wrong use', () => {
  assert.throws(() => readConfig({ CLICKHOUSE_SHARDED: 'true' }, []), {
    code: 'HR_OPTION',
    message: /CLICKHOUSE_SHARDED/,
  })
})

test('what a user may not read is left out, any other error is one', async () => {
  const refused = (code: string) => unlessDenied(Promise.reject(Object.assign(new Error('refused'), { code })))
  assert.equal(await refused('497'), null)
  await assert.rejects(refused('60'), /refused/)
})
