/** What a table lacks, what is done about it without a person, and what holds it until one has looked. */
import assert from 'node:assert/strict'
import { describe, test } from 'node:test'
import { LOADER_COLUMNS, type Placement, type TableSpec } from '../../../services/loader/table/ddl.ts'
import type { ExistingTables, FoundColumn, FoundTable, FoundView } from '../../../services/loader/table/introspect.ts'
import { type DiffContext, diffTable } from '../../../services/loader/table/table-diff.ts'

const ALONE: Placement = { database: 'db', cluster: undefined }
const REPLICATED: Placement = { database: 'db', cluster: 'main' }
const SHARDED: Placement = { ...REPLICATED, sharded: true }
const ASIDE =
  'then load again: npm run headrace -- replay; or, with the loaders stopped: npm run headrace -- replay --into-new-table'

const spec: TableSpec = {
  table: 'orders',
  columns: [
    { name: 'id', type: 'Int32', optional: false },
    { name: 'total', type: 'Int64', optional: false, comment: 'in cents' },
    { name: 'note', type: 'Nullable(String)', optional: true },
  ],
  primaryKey: ['id'],
  watermark: null,
}

const column = (type: string, given: Partial<FoundColumn> = {}): FoundColumn => ({
  ...{ type, kind: '', expression: '', comment: '', inPartitionKey: false },
  ...given,
})
const SHOWN: [string, FoundColumn][] = [
  ['id', column('Int32')],
  ['total', column('Int64', { comment: 'in cents' })],
  ['note', column('Nullable(String)')],
  ...LOADER_COLUMNS.map(({ name, type }): [string, FoundColumn] => [name, column(type)]),
]
const COLUMNS: [string, FoundColumn][] = [
  ...SHOWN,
  ['_deleted', column('UInt8', { kind: 'DEFAULT', expression: '0' })],
  ['_version', column('UInt128', { kind: 'MATERIALIZED' })],
]

const ENGINE_FULL =
  'ReplacingMergeTree(_version, _deleted) ORDER BY id SETTINGS non_replicated_deduplication_window = 100'

function table(
  given: Partial<FoundTable> & { with?: Record<string, FoundColumn>; without?: string[] } = {},
): FoundTable {
  const { with: more = {}, without = [], ...rest } = given
  const columns = new Map([...COLUMNS, ...Object.entries(more)].filter(([name]) => !without.includes(name)))
  return {
    engine: 'ReplacingMergeTree',
    engineFull: ENGINE_FULL,
    sortingKey: 'id',
    partitionKey: '',
    comment: '',
    columns,
    ...rest,
  }
}

function view(given: Partial<FoundView> & { types?: Record<string, string> } = {}): FoundView {
  const { types = {}, ...rest } = given
  const columns = new Map(SHOWN.map(([name, { type }]) => [name, types[name] ?? type]))
  return { engine: 'View', comment: 'Headrace: the newest version', columns, ...rest }
}

function checked(found: Partial<ExistingTables>, given: Partial<DiffContext> & { spec?: Partial<TableSpec> } = {}) {
  const { spec: other, ...context } = given
  const whole = { table: null, view: null, distributed: null, weights: null, ...found }
  return diffTable({ ...spec, ...other }, whole, { at: ALONE, latest: true, canonical: (type) => type, ...context })
}

/** Steps, with a mark where rows wait for them, and findings. */
function outcome(...args: Parameters<typeof checked>): string[] {
  const { steps, findings, refused } = checked(...args)
  assert.equal(refused, findings.find(({ severity }) => severity === 'refused') ?? null)
  return [
    ...steps.map(({ what, essential }) => `${essential ? '! ' : ''}${what}`),
    ...findings.map(({ severity, name }) => `${severity} ${name}`),
  ]
}

const statements = (...args: Parameters<typeof checked>): string[] =>
  checked(...args).steps.map(({ statement }) => statement)
function finding(...args: Parameters<typeof checked>): [message: string, remedy: string] {
  const [{ message, remedy } = { message: '', remedy: '' }] = checked(...args).findings
  return [message, remedy]
}

describe('a table', () => {
  test('that is as it should be is left alone; one that is missing is made, with its view', () => {
    assert.deepEqual(checked({ table: table(), view: view() }), { steps: [], findings: [], refused: null })
    assert.deepEqual(outcome({}), ['! table', 'view orders_current'])
    const [, newest = ''] = statements({})
    assert.match(
      newest,
      /SELECT `id`, `total`, `note`, `_partition`, `_offset`, `_fetched_at`, `_extra` FROM `db`\.`orders` FINAL/,
    )
  })

  test('of another engine is refused, with what puts it aside', () => {
    const plain = { table: table({ engine: 'MergeTree' }), view: view() }
    assert.deepEqual(outcome(plain), ['refused TABLE_ENGINE'])
    assert.equal(finding(plain)[1], `RENAME TABLE \`db\`.\`orders\` TO \`db\`.\`orders_old\`; ${ASIDE}`)
    assert.equal(
      finding(plain, { at: REPLICATED })[1],
      `RENAME TABLE \`db\`.\`orders\` TO \`db\`.\`orders_old\` ON CLUSTER \`main\`; ${ASIDE}`,
    )
    const spread = { table: table({ engine: 'Distributed' }), view: view() }
    assert.deepEqual(outcome(spread), ['refused TABLE_SHARDED'])
    assert.equal(finding(spread)[1], 'set CLICKHOUSE_SHARDED=true')
  })

  test('may be Replicated, whose path and replica come before the version', () => {
    for (const parameters of ["'/tables/{uuid}', '{replica}', _version, _deleted", ' _version,_deleted ']) {
      const found = table({
        engine: 'ReplicatedReplacingMergeTree',
        engineFull: `ReplicatedReplacingMergeTree(${parameters}) ORDER BY id`,
      })
      assert.deepEqual(outcome({ table: found, view: view() }, { at: REPLICATED }), [])
    }
  })

  test('is ordered by the primary key, however that is written, and by nothing else', () => {
    const key = (sortingKey: string, primaryKey: string[]) =>
      outcome(
        { table: table({ sortingKey, with: { line: column('Int64') } }), view: null },
        { spec: { primaryKey } },
      )[1] ?? null
    for (const written of ['id', '(id)', '`id`', '(`id`)', ' id ']) assert.equal(key(written, ['id']), null, written)
    for (const written of ['id, line', '(id, line)', '`id`,`line`'])
      assert.equal(key(written, ['id', 'line']), null, written)
    for (const written of ['line, id', 'id', 'id, line, total', ''])
      assert.equal(key(written, ['id', 'line']), 'refused TABLE_KEY', written)
    assert.equal(key('id, line', ['id']), 'refused TABLE_KEY')
  })

  test('shows the newest row by a version that follows from the row alone', () => {
    const withEngine = (parameters: string, given: Parameters<typeof table>[0] = {}) => ({
      ...{
        table: table({ engineFull: `ReplacingMergeTree${parameters} ORDER BY (id) SETTINGS x = 1`, ...given }),
        view: view(),
      },
    })
    const cases: [Partial<ExistingTables>, is: string][] = [
      [withEngine(''), 'no version'],
      [withEngine('()'), 'no version'],
      [withEngine('(total, _deleted)', { without: ['_version'] }), 'version total'],
      [withEngine('(_deleted, _version)'), 'version _deleted MATERIALIZED UInt128'],
      [withEngine('(_version, _deleted)', { without: ['_version'] }), 'version _version'],
      [
        withEngine('(_version, _deleted)', { with: { _version: column('UInt128', { kind: 'DEFAULT' }) } }),
        'version _version DEFAULT UInt128',
      ],
      [
        withEngine('(_version, _deleted)', { with: { _version: column('UInt64', { kind: 'MATERIALIZED' }) } }),
        'version _version MATERIALIZED UInt64',
      ],
    ]
    for (const [found, is] of cases) {
      assert.deepEqual(checked(found).refused?.name, 'VERSION_COLUMN', is)
      assert.ok(finding(found)[0].startsWith(`table orders has ${is}: which`), finding(found)[0])
    }
    for (const parameters of ['(_version)', '(_version, gone)', "(_version, '_deleted')"]) {
      assert.equal(checked(withEngine(parameters)).refused?.name, 'DELETED_COLUMN', parameters)
    }
  })

  test('is partitioned by its primary key alone', () => {
    const partitioned = (name: string, type: string) =>
      outcome({
        table: table({
          partitionKey: name,
          with: { [name]: column(type, { inPartitionKey: true, comment: 'in cents' }) },
        }),
        view: view(),
      })
    assert.deepEqual(partitioned('id', 'Int32'), [])
    assert.deepEqual(partitioned('total', 'Int64'), ['refused PARTITION_KEY'])
  })
})

describe('a column', () => {
  const withColumn = (name: string, given: FoundColumn): Partial<ExistingTables> => ({
    table: table({ with: { [name]: given } }),
    view: view(),
  })

  test('that may be absent is added; any other is asked for', () => {
    assert.deepEqual(outcome({ table: table({ without: ['note'] }), view: view({ columns: new Map() }) }), [
      ...['! column note Nullable(String)', 'view orders_current'],
    ])
    assert.deepEqual(
      statements({ table: table({ without: ['note'] }), view: view() })[0]?.split(' ADD ')[0],
      'ALTER TABLE `db`.`orders`',
    )
    const missing = { table: table({ without: ['total'] }), view: view() }
    assert.deepEqual(outcome(missing), ['view orders_current', 'refused MISSING_COLUMN'])
    assert.equal(
      finding(missing)[1],
      "ALTER TABLE `db`.`orders` ADD COLUMN IF NOT EXISTS `total` Int64 COMMENT 'in cents'",
    )
  })

  test('of the loader is one like the others', () => {
    assert.deepEqual(outcome({ table: table({ without: ['_extra'] }), view: null })[0], '! column _extra JSON')
    assert.equal(checked({ table: table({ without: ['_offset'] }), view: view() }).refused?.name, 'MISSING_COLUMN')
  })

  test('that is added or widened is shown by the view as it will be: a view that shows it already is kept', () => {
    const added = view()
    added.columns = new Map([...[...added.columns].filter(([name]) => name !== 'note'), ['note', 'Nullable(String)']])
    assert.deepEqual(outcome({ table: table({ without: ['note'] }), view: added }), ['! column note Nullable(String)'])
    assert.deepEqual(outcome(withColumn('total', column('Int16', { comment: 'in cents' }))), [
      '! column total Int16 → Int64',
    ])
    const narrow = {
      ...withColumn('total', column('Int16', { comment: 'in cents' })),
      view: view({ types: { total: 'Int16' } }),
    }
    assert.deepEqual(outcome(narrow), ['! column total Int16 → Int64', 'view orders_current'])
  })

  test('is compared as ClickHouse writes its type, and added as its author did', () => {
    const columns = spec.columns.map((each) => (each.name === 'note' ? { ...each, type: 'TEXT NULL' } : each))
    const canonical = (type: string) => (type === 'TEXT NULL' ? 'Nullable(String)' : type)
    assert.deepEqual(outcome({ table: table(), view: view() }, { spec: { columns }, canonical }), [])
    const added = view()
    added.columns = new Map([...[...added.columns].filter(([name]) => name !== 'note'), ['note', 'Nullable(String)']])
    assert.deepEqual(outcome({ table: table({ without: ['note'] }), view: added }, { spec: { columns }, canonical }), [
      '! column note TEXT NULL',
    ])
  })

  test('that computes its value takes none', () => {
    for (const kind of ['MATERIALIZED', 'ALIAS', 'EPHEMERAL']) {
      const found = withColumn('total', column('Int64', { kind, comment: 'in cents' }))
      assert.deepEqual(outcome(found), ['view orders_current', 'refused COLUMN_KIND'], kind)
      assert.equal(finding(found)[1], 'ALTER TABLE `db`.`orders` MODIFY COLUMN `total` Int64')
      assert.doesNotMatch(statements(found)[0] ?? '', /total/)
    }
    assert.deepEqual(outcome(withColumn('total', column('Int64', { kind: 'DEFAULT', comment: 'in cents' }))), [])
  })

  test('is widened where its type is too narrow, never in the primary key, and never narrowed', () => {
    assert.deepEqual(
      statements(withColumn('total', column('Int32', { comment: 'in cents' })))[0],
      'ALTER TABLE `db`.`orders` MODIFY COLUMN `total` Int64',
    )
    assert.deepEqual(
      outcome({
        ...withColumn('total', column('Int128', { comment: 'in cents' })),
        view: view({ types: { total: 'Int128' } }),
      }),
      [],
    )
    const narrowKey = withColumn('id', column('Int16'))
    assert.deepEqual(outcome({ ...narrowKey, view: null }), ['view orders_current', 'refused COLUMN_TYPE'])
    assert.match(finding(narrowKey)[1], /^RENAME TABLE/)
    assert.deepEqual(outcome({ ...withColumn('id', column('Int64')), view: view({ types: { id: 'Int64' } }) }), [])
  })

  test('of a type that does not hold the values is refused, with the change of it', () => {
    for (const name of ['total', 'id']) {
      const found = withColumn(name, column('String', { comment: 'in cents' }))
      assert.equal(checked(found, { latest: false }).refused?.name, 'COLUMN_TYPE')
      assert.match(finding(found)[1], new RegExp(`^ALTER TABLE .* MODIFY COLUMN \`${name}\` Int`))
    }
  })

  test('has the description of the newest schema, and keeps the one that nobody declares', () => {
    const other = withColumn('total', column('Int64', { comment: 'in euros' }))
    assert.deepEqual(outcome(other), ['comment of total'])
    assert.deepEqual(statements(other), ["ALTER TABLE `db`.`orders` COMMENT COLUMN IF EXISTS `total` 'in cents'"])
    assert.deepEqual(outcome(other, { latest: false }), [])
    assert.deepEqual(outcome(withColumn('note', column('Nullable(String)', { comment: 'of a person' }))), [])
  })
})

describe('the memory of inserts', () => {
  const outcomeOf = (settings: string, at: Placement) =>
    outcome(
      { table: table({ engineFull: `ReplacingMergeTree(_version, _deleted) ORDER BY id${settings}` }), view: view() },
      { at },
    )

  test('is switched on where it is off, which it is by default on one server', () => {
    const setting = 'non_replicated_deduplication_window'
    assert.deepEqual(outcomeOf('', ALONE), [setting])
    assert.deepEqual(outcomeOf(` SETTINGS index_granularity = 8192, ${setting} = 0`, ALONE), [setting])
    for (const number of [1, 100]) assert.deepEqual(outcomeOf(` SETTINGS ${setting} = ${number}`, ALONE), [])
    const [statement] = statements({
      table: table({ engineFull: 'ReplacingMergeTree(_version, _deleted)' }),
      view: view(),
    })
    assert.match(statement ?? '', /MODIFY SETTING non_replicated_deduplication_window = 100$/)
  })

  test('of a Replicated table is a setting of its own, on by default', () => {
    assert.deepEqual(outcomeOf('', REPLICATED), [])
    assert.deepEqual(outcomeOf(' SETTINGS non_replicated_deduplication_window = 0', REPLICATED), [])
    assert.deepEqual(outcomeOf(' SETTINGS replicated_deduplication_window = 0', REPLICATED), [
      'replicated_deduplication_window',
    ])
    assert.deepEqual(outcomeOf(' SETTINGS replicated_deduplication_window = 1', REPLICATED), [])
  })
})

describe('the view', () => {
  test("is made, and made again where its columns are others; a person's is left alone, and holds nothing up", () => {
    assert.deepEqual(outcome({ table: table(), view: null }), ['view orders_current'])
    assert.deepEqual(outcome({ table: table(), view: view({ types: { total: 'Int32' } }) }), ['view orders_current'])
    assert.deepEqual(outcome({ table: table(), view: view({ columns: new Map([...view().columns].reverse()) }) }), [
      'view orders_current',
    ])
    for (const foreign of [view({ engine: 'MaterializedView' }), view({ comment: 'mine' })]) {
      assert.deepEqual(outcome({ table: table(), view: foreign }), ['warning VIEW_NAME'])
      assert.equal(checked({ table: table(), view: foreign }).refused, null)
      assert.equal(finding({ table: table(), view: foreign })[1], 'rename it: RENAME TABLE `db`.`orders_current` TO …')
    }
    assert.doesNotMatch(statements({ table: table(), view: null })[0] ?? '', /_deleted`|_version/)
  })

  test('is no refusal that hides one which comes after it', () => {
    const { findings, refused } = checked({ table: table({ without: ['total'] }), view: view({ comment: 'mine' }) })
    assert.deepEqual(
      [findings.map(({ name }) => name), refused?.name],
      [['MISSING_COLUMN', 'VIEW_NAME'], 'MISSING_COLUMN'],
    )
  })
})

describe('a table over shards', () => {
  const distributed = (given: Parameters<typeof table>[0] = {}): FoundTable =>
    table({
      engine: 'Distributed',
      engineFull: "Distributed('main', 'db', 'orders_rows', cityHash64(id))",
      sortingKey: '',
      ...given,
    })
  const local = (given: Parameters<typeof table>[0] = {}): FoundTable =>
    table({
      engine: 'ReplicatedReplacingMergeTree',
      engineFull: 'ReplicatedReplacingMergeTree(_version, _deleted) ORDER BY id',
      ...given,
    })
  const at = SHARDED

  test('is left alone where both are as they should be', () => {
    assert.deepEqual(checked({ table: local(), distributed: distributed(), view: view() }, { at }), {
      steps: [],
      findings: [],
      refused: null,
    })
  })

  test('is made over local tables that are there, or with those that it names', () => {
    assert.deepEqual(outcome({ table: local(), view: view() }, { at }), ['! table over the shards'])
    assert.match(statements({ table: local() }, { at })[0] ?? '', /`orders` ON CLUSTER `main` AS `db`\.`orders_local`/)
    assert.deepEqual(outcome({ distributed: distributed(), view: view() }, { at }), ['! table'])
    assert.match(
      statements({ distributed: distributed() }, { at })[0] ?? '',
      /^CREATE TABLE IF NOT EXISTS `db`\.`orders_rows` ON CLUSTER/,
    )
  })

  test('has a column first where the rows are, then in front of them, then in the view', () => {
    const found = { table: local({ without: ['note'] }), distributed: distributed({ without: ['note'] }), view: null }
    assert.deepEqual(outcome(found, { at }), [
      '! column note Nullable(String)',
      '! column note Nullable(String)',
      'view orders_current',
    ])
    assert.deepEqual(
      statements(found, { at })
        .slice(0, 2)
        .map((text) => text.split(' ON ')[0]),
      ['ALTER TABLE `db`.`orders_rows`', 'ALTER TABLE `db`.`orders`'],
    )
  })

  test('shows in its view what it has itself', () => {
    const found = { table: local(), distributed: distributed({ with: { more: column('Int8') } }), view: view() }
    assert.match(statements(found, { at })[0] ?? '', /, `more` FROM/)
  })

  test('is held by what is wrong with either', () => {
    assert.deepEqual(
      outcome({ table: local({ without: ['total'] }), distributed: distributed(), view: view() }, { at }),
      ['refused MISSING_COLUMN'],
    )
    const behind = { table: local(), distributed: distributed({ without: ['total'] }), view: view() }
    assert.deepEqual(outcome(behind, { at }), ['view orders_current', 'refused MISSING_COLUMN'])
    assert.match(finding(behind, { at })[1], /^ALTER TABLE `db`\.`orders` ON CLUSTER `main` ADD COLUMN/)
  })

  test('that spreads rows otherwise is touched by nothing, its view neither', () => {
    const found = {
      table: local({ without: ['note'] }),
      distributed: distributed({ engineFull: "Distributed('main', 'db', 'orders_rows', rand())" }),
      view: null,
    }
    assert.deepEqual(outcome(found, { at }), ['refused SHARDING_KEY'])
  })
})
