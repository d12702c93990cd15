/** Which schema a plan follows from, and what holds a stream that neither registry nor table accepts. */
import assert from 'node:assert/strict'
import { describe, test } from 'node:test'
import type { Committed } from '#shared/kafka/kafka.ts'
import { namesFor } from '#shared/names.ts'
import type { JsonSchema } from '#shared/schema/json-schema.ts'
import { type DeclaredStream, type PlanDeps, planTables } from '../../services/loader/plan.ts'
import type { TableSpec } from '../../services/loader/table/ddl.ts'
import type { Finding } from '../../services/loader/table/findings.ts'
import type { TableChange } from '../../services/loader/table/table-diff.ts'

const COLUMN: TableChange = { what: 'column note Nullable(String)', statement: 'ALTER', essential: true }
const TABLE: TableChange = { what: 'table', statement: 'CREATE', essential: true }
const names = namesFor('headrace')

function schema(
  stream: string,
  given: { fields?: string[]; required?: string[]; annotation?: object } = {},
): JsonSchema {
  const { fields = ['id', 'total'], required = fields, annotation = {} } = given
  return {
    ...{ type: 'object', required, additionalProperties: false },
    properties: Object.fromEntries(fields.map((field) => [field, { type: 'string' }])),
    'x-headrace': {
      v: 1,
      source: 'shop',
      stream,
      table: `shop_${stream}`,
      primaryKey: ['id'],
      watermark: null,
      partitions: 1,
      ...annotation,
    },
  }
}

const declared = (stream: string, given: Parameters<typeof schema>[1] = {}): DeclaredStream => ({
  ...{ label: `shop.${stream}`, wireSchema: schema(stream, given) },
})

type World = {
  registered?: Record<string, JsonSchema>
  topics?: string[]
  committed?: (Committed | null)[]
  steps?: TableChange[]
  findings?: Finding[]
}

/** What the plan of a world looks at, beside the answers that it gives. */
function world({
  registered = {},
  topics = Object.keys(registered),
  committed = [],
  steps = [],
  findings = [],
}: World) {
  const looked: TableSpec[] = []
  const deps: PlanDeps = {
    kafka: {
      topics: async () => [
        ...topics.map((stream) => `headrace.shop.${stream}`),
        'headrace.shop.orders.dead-letters',
        'foreign',
      ],
      partitions: async () => 0,
      replication: async () => ({ brokers: [1], partitions: [[1]] }),
      topicSettings: async () => new Map(),
      committed: async (group, topic) =>
        group === names.loaderGroup && topic === 'headrace.shop.orders' ? committed : [],
    },
    registry: {
      async latest(subject) {
        const json = registered[/^headrace\.shop\.(.*)-value$/.exec(subject)?.[1] ?? '']
        return json === undefined ? null : { id: 17, json, check: () => [] }
      },
    },
    tables: {
      server: () => Promise.reject(new RangeError('nobody asks for it')),
      dataParts: () => Promise.reject(new RangeError('nobody asks for it')),
      async check(spec) {
        looked.push(spec)
        return { steps, findings, refused: null }
      },
    },
    ...{ names, at: { database: 'db', cluster: undefined } },
  }
  return { deps, looked }
}

async function planOf(of: World, streams: DeclaredStream[], labels: string[] = []) {
  const { deps, looked } = world(of)
  const plans = await planTables(deps, streams, labels)
  return { plans, looked, columns: looked.map(({ columns }) => columns.map(({ name }) => name).join()) }
}

describe('a plan is made', () => {
  const streams = [declared('refunds'), declared('orders')]
  const registered = { items: schema('items'), orders: schema('orders') }

  test('of all streams that are declared or have a topic, each once and in order, or of those that are asked for', async () => {
    const of = async (labels: string[]) =>
      (await planOf({ registered }, streams, labels)).plans.map(({ stream }) => stream)
    assert.deepEqual(await of([]), ['shop.items', 'shop.orders', 'shop.refunds'])
    assert.deepEqual(await of(['shop.refunds', 'shop.items', 'shop.refunds']), ['shop.refunds', 'shop.items'])
  })

  test('of no stream that nobody knows', async () => {
    const unknown = (streamsKnown: DeclaredStream[], of: World) =>
      planOf(of, streamsKnown, ['shop.orders', 'shop.nothing'])
    await assert.rejects(unknown(streams, { registered }), {
      ...{
        code: 'HR_UNKNOWN_STREAM',
        message: 'unknown stream "shop.nothing"',
        hint: 'known streams: shop.items, shop.orders, shop.refunds',
      },
    })
    await assert.rejects(unknown([], {}), {
      message: 'unknown stream "shop.orders"',
      hint: 'give a folder of declarations: --sources DIR',
    })
  })

  test('of no topic whose schema is not ours, or is missing', async () => {
    const foreign = { orders: { type: 'object' } as JsonSchema }
    assert.deepEqual((await planOf({ registered: foreign, topics: ['orders', 'items'] }, [])).plans, [])
  })
})

describe('a plan follows', () => {
  const wider = { fields: ['id', 'total', 'note'], required: ['id', 'total'] }

  test('the declaration where nothing is registered', async () => {
    for (const topics of [[], ['orders']]) {
      const { plans, looked } = await planOf({ topics, steps: [TABLE] }, [declared('orders')])
      assert.deepEqual(plans, [
        { stream: 'shop.orders', table: 'shop_orders', by: 'declared', schema: [], steps: [TABLE], findings: [] },
      ])
      assert.equal(looked[0]?.table, 'shop_orders')
    }
  })

  test('the registered schema where nothing is declared', async () => {
    const { plans } = await planOf({ registered: { orders: schema('orders') }, steps: [COLUMN] }, [])
    assert.deepEqual(plans, [
      { stream: 'shop.orders', table: 'shop_orders', by: 'registered', schema: [], steps: [COLUMN], findings: [] },
    ])
  })

  test('the declaration where it only adds to what is registered', async () => {
    const { plans, columns } = await planOf({ registered: { orders: schema('orders') } }, [declared('orders', wider)])
    assert.deepEqual([plans[0]?.by, plans[0]?.schema], ['declared', [{ path: 'note', change: 'new', additive: true }]])
    assert.deepEqual([plans[0]?.findings, columns], [[], ['id,total,note']])
  })

  test('the registered schema where the declaration would break it, and says so first', async () => {
    const strange: Finding = { name: 'VIEW_NAME', severity: 'warning', message: 'm', remedy: 'r' }
    const both = { registered: { orders: schema('orders', wider) }, steps: [COLUMN], findings: [strange] }
    const { plans, columns } = await planOf(both, [
      declared('orders', { fields: ['id', 'total', 'more'], required: ['id', 'total'] }),
    ])
    assert.deepEqual([plans[0]?.by, plans[0]?.steps, columns], ['registered', [COLUMN], ['id,total,note']])
    assert.deepEqual(
      plans[0]?.findings.map(({ name, severity }) => `${severity} ${name}`),
      ['refused SCHEMA_REFUSED', 'warning VIEW_NAME'],
    )
    assert.match(plans[0]?.findings[0]?.message ?? '', /: note: /)
    assert.equal(plans[0]?.schema.length, 2)
  })
})

describe('a stream is held', () => {
  test('by a schema that can be no table, which is not looked at', async () => {
    const annotation = { partitionBy: 'rand()' }
    const alone = await planOf({}, [declared('orders', { annotation })])
    assert.deepEqual(
      alone.plans[0]?.findings.map(({ name, severity }) => `${severity} ${name}`),
      ['refused SCHEMA_COLUMN'],
    )
    assert.equal(alone.plans[0]?.findings[0]?.message, 'schema 0: partitionBy calls rand')
    const { plans, looked } = await planOf({ registered: { orders: schema('orders', { annotation }) } }, [
      declared('orders', { fields: ['id'] }),
    ])
    assert.deepEqual(
      [plans[0]?.findings.map(({ name }) => name).at(-1), plans[0]?.steps, looked],
      ['SCHEMA_COLUMN', [], []],
    )
    assert.equal(plans[0]?.findings[0]?.name, 'SCHEMA_REFUSED')
    assert.equal(plans[0]?.findings.at(-1)?.message, 'schema 17: partitionBy calls rand')
  })

  test('by a table that is gone after rows of it were confirmed, and by nothing else that is missing', async () => {
    const registered = { orders: schema('orders') }
    const commit = (more: object): Committed => ({
      offset: 5,
      metadata: JSON.stringify({ v: 1, offset: 5, watermark: null, ...more }),
    })
    const loaded = [null, commit({ rowless: true }), commit({})]
    const gone = await planOf({ registered, committed: loaded, steps: [TABLE] }, [])
    assert.deepEqual(
      [gone.plans[0]?.steps, gone.plans[0]?.findings.map(({ name, severity }) => `${severity} ${name}`)],
      [[], ['refused UNKNOWN_TABLE']],
    )
    assert.equal(gone.plans[0]?.findings[0]?.message, 'table db.shop_orders is gone')
    for (const [committed, steps] of [
      [loaded, [COLUMN]],
      [[null, commit({ rowless: true })], [TABLE]],
      [[], [TABLE]],
    ] as const) {
      const { plans } = await planOf({ registered, committed: [...committed], steps: [...steps] }, [])
      assert.deepEqual([plans[0]?.steps, plans[0]?.findings], [steps, []])
    }
  })

  test('by a gone table and a refused schema at once', async () => {
    const commit: Committed = { offset: 5, metadata: JSON.stringify({ v: 1, offset: 5, watermark: null }) }
    const of = { registered: { orders: schema('orders') }, committed: [commit], steps: [TABLE, COLUMN] }
    const { plans } = await planOf(of, [declared('orders', { fields: ['id'] })])
    assert.deepEqual(
      plans[0]?.findings.map(({ name }) => name),
      ['SCHEMA_REFUSED', 'UNKNOWN_TABLE'],
    )
  })
})
