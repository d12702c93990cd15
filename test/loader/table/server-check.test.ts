/** What a user or its profile forbids is said at the start, with its remedy. */
import assert from 'node:assert/strict'
import { after, describe, test } from 'node:test'
import { ClickHouseLogLevel, type ClickHouseSettings, createClient } from '@clickhouse/client'
import { silentLog } from '#shared/log.ts'
import { INSERT_NEEDS } from '../../../services/loader/insert/writer.ts'
import type { Finding } from '../../../services/loader/table/findings.ts'
import { serverFindings } from '../../../services/loader/table/server-check.ts'
import { createTables } from '../../../services/loader/table/tables.ts'
import { query } from '../../support/loading.ts'
import { atEnd, closeAll, ownPlace } from '../../support/published.ts'

after(closeAll)

/** A profile cannot be made on every server; what a session sets is seen in the same place. */
async function findings(settings: ClickHouseSettings): Promise<Finding[]> {
  const { clickhouse } = (await ownPlace()).config
  const { url, user: username, password } = clickhouse
  const client = createClient({
    url,
    username,
    password,
    log: { level: ClickHouseLogLevel.OFF },
    clickhouse_settings: settings,
  })
  atEnd(() => client.close())
  return createTables(client, clickhouse, silentLog).server()
}

describe('the start', () => {
  test('finds nothing where nothing is wrong, and every setting that it asks about exists', async () => {
    assert.deepEqual(await findings({}), [])
    const names = Object.keys(INSERT_NEEDS).map((name) => `'${name}'`)
    const known = await query<{ name: string }>(
      await ownPlace(),
      `SELECT name FROM system.settings WHERE name IN (${names})`,
    )
    assert.equal(known.length, names.length)
  })

  test('finds a user that may only read', async () => {
    const [found, ...others] = await findings({ readonly: '2' })
    assert.deepEqual([found?.name, found?.severity, others], ['READ_ONLY', 'refused', []])
    assert.match(found?.remedy ?? '', /ALTER USER `default` SETTINGS readonly = 0/)
  })

  test('finds a time that is too short for an insert', async () => {
    assert.deepEqual(
      (await findings({ max_execution_time: 30 })).map(({ name, severity }) => `${name} ${severity}`),
      ['EXECUTION_TIME warning'],
    )
  })

  test('finds settings that a profile fixes at what would break a promise, and rights that are lacking', () => {
    const settings = [
      { name: 'async_insert', value: '1', readonly: 1 },
      { name: 'insert_deduplicate', value: '1', readonly: 1 },
      { name: 'max_insert_block_size', value: '1000', readonly: 1 },
      { name: 'input_format_null_as_default', value: '1', readonly: 0 },
    ]
    const at = { database: 'db', cluster: undefined }
    const found = serverFindings(at, { user: 'u', settings, lacking: new Set(['INSERT', 'CREATE VIEW']) }, INSERT_NEEDS)
    assert.deepEqual(
      found.map(({ name, severity, message }) => [name, severity, message]),
      [
        ['SETTING_FIXED', 'refused', 'user u may not change async_insert: it is 1, and every insert needs 0'],
        [
          'SETTING_FIXED',
          'refused',
          'user u may not change max_insert_block_size: it is 1000, which every insert chooses',
        ],
        ['GRANT', 'refused', 'user u lacks INSERT on db: no row can be loaded'],
        ['GRANT', 'warning', 'user u lacks CREATE VIEW on db: people get no view of the newest rows'],
      ],
    )
    assert.equal(found[2]?.remedy, 'GRANT INSERT ON `db`.* TO `u`')
  })
})
