/**
 * On brokers that allow nothing without an ACL: the whole path goes with exactly the rights that docs/kafka-acls.md
 * lists, and each of them that is taken away is named, with the operation and the command that grants it.
 */
import assert from 'node:assert/strict'
import { after, describe, test } from 'node:test'
import type { Operation, Role } from '#shared/kafka/rights.ts'
import { attemptText } from '#shared/progress/last-attempt.ts'
import { ask } from '../support/health.ts'
import { allowAll, give, login, needed, PASSWORDS, take } from '../support/kafka-rights.ts'
import { until } from '../support/loading.ts'
import { ownBrokers } from '../support/own-brokers.ts'
import { type Pipeline, pipeline } from '../support/pipeline.ts'
import { type Done, run, start } from '../support/processes.ts'

const SUITE_MS_MAX = 600_000
const TEST_MS_MAX = 300_000
const GONE = 410
const HOUR_MS = 3_600_000
/** `answers` let a page be skipped, and `map` corrects what did not fit. */
const STREAM = `every: '200ms', answers: { skip: [${GONE}] },`
const CORRECTED = "map: (raw) => ({ ...raw, total: raw.total === 'many' ? 7 : raw.total }),"
const OTHER = `refunds: {
  path: '/orders', records: '/data', paginate: none(), schema: z.object({ id: z.string() }), primaryKey: ['id'],
},`
const ORDERS = 'shop.orders'
const TWO = "[{ region: 'eu' }, { region: 'us' }]"
const THREE = "[{ region: 'eu' }, { region: 'us' }, { region: 'jp' }]"
const RANGE = ['--from', '2020-01-01T00:00:00Z', '--to', '2020-01-01T00:00:10Z']

const brokers = await ownBrokers(
  { after },
  { acls: true, clients: { mechanisms: ['SCRAM-SHA-256'], users: PASSWORDS } },
)
const stack = await brokers.stack()
/** The test's own questions are those of a super user. */
const plain = { ...stack, env: (more = {}) => stack.env({ KAFKA_BROKERS: brokers.internal, ...more }) }
const p = await pipeline(
  { after },
  { stack: plain, records: 20, badEvery: 5, stream: STREAM, env: { KAFKA_BROKERS: brokers.brokers } },
)
const prefix = () => p.env.HEADRACE_PREFIX ?? ''
await allowAll(brokers, prefix())

describe('rights on Kafka', { timeout: SUITE_MS_MAX }, () => {
  const envOf = (user: string) => ({ ...p.env, ...login(user) })
  const as = (user: string, ...args: string[]): Promise<Done> =>
    run({ after }, ['--sources', p.env.HEADRACE_DIR ?? '', ...args], envOf(user))

  async function works(user: string, ...args: string[]): Promise<Done> {
    const done = await as(user, ...args)
    const says = `${args.join(' ')} ended with ${done.status}:\n${done.stdout}\n${done.stderr}`
    assert.ok(done.status === 0 || done.status === 3, says)
    assert.ok(!`${done.stdout}${done.stderr}`.includes('AUTHORIZATION_FAILED'), says)
    return done
  }

  const fetchOnce = () => works('fetcher', 'fetch', ORDERS, '--once')
  const loadAll = () => works('loader', 'load', '--until-caught-up')
  /** What the loader makes a dead letter of. */
  const sendGarbage = async () => {
    const sender = p.kafka.sender()
    await sender.send({ topic: p.topic, partition: 0, messages: [{ key: null, value: 'no frame' }] })
    await sender.close()
  }
  const loadAgain = () => p.kafka.resetOffsets(p.names.loaderGroup, p.topic, new Map([[0, 0]]))

  test('the whole path goes with exactly those that the document lists', { timeout: TEST_MS_MAX }, async () => {
    await fetchOnce()
    await loadAll()
    assert.equal((await p.rows()).length, p.api.valid().length)
    await works('operator', 'verify', ORDERS)
    await sendGarbage()
    await loadAll()
    assert.ok((await works('operator', 'status', ORDERS, '--json')).stdout.includes('"stream":"shop.orders"'))
    await works('operator', 'plan', ORDERS)
    await works('operator', 'dead-letters', 'list', ORDERS)

    await p.declare({ stream: `${STREAM} ${CORRECTED}` })
    await works('operator', 'dead-letters', 'replay', ORDERS)
    await works('operator', 'dead-letters', 'drop', ORDERS, '--yes')
    await works('fetcher', 'fetch', ORDERS, '--once', ...RANGE)
    await works('operator', 'replay', ORDERS, '--from', 'beginning')
    await loadAll()
    assert.equal((await p.rows()).length, p.api.records().length)
    await works('operator', 'replay', ORDERS, '--into-new-table')
    await loadAll()

    p.api.refuse = () => GONE
    await fetchOnce()
    p.api.refuse = null
    await p.declare({ partitions: TWO })
    await fetchOnce()
    await park(p)
    assert.match((await works('operator', 'release', 'shop')).stdout, /released/)
    await unpark(p)
  })

  /** What needs a right, by the right: `role operation type name`, with the prefix left out. */
  const ACTIONS: Readonly<Record<string, (user: Role) => Promise<Done>>> = {
    'fetcher Read topic .': (user) => as(user, 'fetch', ORDERS, '--once'),
    'fetcher Write topic .': (user) => as(user, 'fetch', ORDERS, '--once'),
    async 'fetcher Create topic .'(user) {
      await p.declare({ partitions: TWO, streams: OTHER })
      return as(user, 'fetch', 'shop.refunds', '--once')
    },
    async 'fetcher Alter topic .'(user) {
      await p.declare({ partitions: THREE })
      return as(user, 'fetch', ORDERS, '--once')
    },
    'fetcher Write transactional-id .': (user) => as(user, 'fetch', ORDERS, '--once'),
    'fetcher Read group .fetcher': (user) => as(user, 'fetch', ORDERS, '--once'),
    'fetcher Describe group .loader': (user) => as(user, 'fetch', ORDERS, '--once'),
    'fetcher Read group .backfill.': (user) => as(user, 'fetch', ORDERS, '--once', ...RANGE, '--again'),
    async 'fetcher Read group .skipped.'(user) {
      p.api.refuse = () => GONE
      const done = await as(user, 'fetch', ORDERS, '--once')
      p.api.refuse = null
      return done
    },
    'fetcher Read group .attempts': (user) => as(user, 'fetch', ORDERS, '--once'),
    'fetcher Read group .told-fields': (user) => as(user, 'fetch', ORDERS, '--once'),
    'fetcher Describe group .releases': (user) => as(user, 'fetch', ORDERS, '--once'),
    async 'loader Read topic .'(user) {
      await loadAgain()
      return as(user, 'load', '--until-caught-up')
    },
    async 'loader Write topic .'(user) {
      await loadAgain()
      return as(user, 'load', '--until-caught-up')
    },
    'loader Read group .loader': (user) => as(user, 'load', '--until-caught-up'),
    'loader Read group .dead-letters-ledger': (user) => as(user, 'load', '--until-caught-up'),
    'loader Read group .stalls': (user) => as(user, 'load', '--until-caught-up'),
    'operator Read topic .': (user) => as(user, 'dead-letters', 'list', ORDERS),
    'operator Describe group .': (user) => as(user, 'status'),
    'operator Read group .loader': (user) => as(user, 'replay', ORDERS, '--from', 'beginning'),
    async 'operator Read group .releases'(user) {
      await park(p)
      const done = await as(user, 'release', 'shop')
      await unpark(p)
      return done
    },
    'operator Write topic .': (user) => as(user, 'dead-letters', 'drop', ORDERS, '--yes'),
    'operator Write transactional-id .': (user) => as(user, 'dead-letters', 'drop', ORDERS, '--yes'),
    'operator Read group .dead-letters': (user) => as(user, 'dead-letters', 'drop', ORDERS, '--yes'),
  }
  /** The work goes on without it, and the log has a warning. */
  const FOR_NOTES = /\.(attempts|told-fields|releases|skipped\.|stalls|dead-letters-ledger)$/

  for (const [title, act] of Object.entries(ACTIONS)) {
    const [role, operation, type, name = ''] = title.split(' ') as [Role, Operation, string, string]
    test(`without ${operation} on ${type} PREFIX${name} the ${role} says so`, { timeout: TEST_MS_MAX }, async () => {
      const right = needed(role, prefix()).find(
        ({ resource, ...each }) =>
          each.operation === operation && resource.type === type && resource.name === prefix() + name,
      )
      assert.ok(right !== undefined, 'the document lists it')
      await sendGarbage()
      await take(brokers, role, right)
      try {
        const { status, stdout, stderr } = await act(role)
        const says = `ended with ${status}:\n${stdout}\n${stderr}`
        const text = `${stdout}\n${stderr}`
        const kind = type.replace('-', ' ')
        const lacks = `User:${role} lacks ([A-Za-z]+, )*${operation}(, [A-Za-z]+)* on ${kind} ${prefix()}`
        assert.match(text, new RegExp(lacks), says)
        assert.ok(text.includes('kafka-acls --bootstrap-server '), says)
        assert.match(text, new RegExp(`--operation ${operation} .*--${type} ${prefix()}${name.replaceAll('.', '\\.')}`))
        assert.ok(!/\n {4}at /.test(text), 'without a stack')
        const isNote = role !== 'operator' && FOR_NOTES.test(name)
        assert.equal(status === 0 || status === 3, isNote, says)
      } finally {
        await give(brokers, role, right)
      }
    })
  }

  test('every right of the document is taken away by one of these tests', () => {
    const listed = (['fetcher', 'loader', 'operator'] as const).flatMap((role) =>
      needed(role, '').map(({ operation, resource }) => `${role} ${operation} ${resource.type} ${resource.name}`),
    )
    assert.deepEqual(listed.sort(), Object.keys(ACTIONS).sort())
  })

  test('topics that a user may not see are a missing right, not topics that do not exist', {
    timeout: TEST_MS_MAX,
  }, async () => {
    await brokers.allow('stranger', { group: `${prefix()}.*` }, ['READ'])
    for (const args of [['status'], ['status', ORDERS], ['verify', ORDERS], ['plan'], ['load', '--until-caught-up']]) {
      const { status, stdout, stderr } = await as('stranger', ...args)
      assert.equal(status, 1, `${args.join(' ')}: ${stdout}${stderr}`)
      assert.match(stderr, /User:stranger lacks [A-Z][A-Za-z, ]* on topic /)
    }
  })

  test('a login that Kafka refuses is why a service is not ready', { timeout: TEST_MS_MAX }, async (t) => {
    const env = { ...envOf('fetcher'), KAFKA_SASL_PASSWORD: 'another' }
    const service = start(t, 'fetcher', ['--sources', p.env.HEADRACE_DIR ?? '', 'fetch', ORDERS], env)
    const readyz = async () => JSON.parse((await ask(service, '/readyz')).body)
    await until('it says so', async () => /Kafka refuses.*(SASL|[Aa]uthentication)/.test((await readyz()).reason ?? ''))
    assert.equal(service.ended(), null)
    assert.ok(!service.stderr().includes('another'), 'without the password')
    assert.deepEqual(await service.stop(), { status: 0, signal: null })
  })

  test('a service waits for the right with growing pauses, is not ready meanwhile, and goes on by itself', {
    timeout: TEST_MS_MAX,
  }, async (t) => {
    await p.declare({})
    await fetchOnce()
    const rights = [
      ['loader', ['load'], needed('loader', prefix()).find(({ resource }) => resource.name.endsWith('.loader'))],
      [
        'fetcher',
        ['fetch', ORDERS],
        needed('fetcher', prefix()).find(({ resource }) => resource.name.endsWith('.fetcher')),
      ],
    ] as const
    for (const [role, args, right] of rights) {
      assert.ok(right !== undefined)
      await take(brokers, role, right)
      const service = start(t, role, ['--sources', p.env.HEADRACE_DIR ?? '', ...args], envOf(role))
      const readyz = async () => JSON.parse((await ask(service, '/readyz')).body)
      const lacks = new RegExp(`User:${role} lacks Read on group ${prefix()}.${role} `)
      await until(`${role} says why it is not ready`, async () => lacks.test((await readyz()).reason ?? ''))
      await until('it has tried several times', async () => service.logged(/trying again in/).length >= 3)
      const pauses = service.logged(/trying again in/).map(({ pauseMs }) => Number(pauseMs))
      assert.ok(
        pauses.every((pause, index) => index === 0 || pause > (pauses[index - 1] ?? 0) * 0.9),
        pauses.join(),
      )
      assert.ok(service.lines().length < 30, service.stderr())
      assert.equal(service.ended(), null)
      await give(brokers, role, right)
      await until(`${role} is ready again`, async () => (await readyz()).ready === true)
      assert.deepEqual(await service.stop(), { status: 0, signal: null })
    }
  })
})

/** As if the API had asked for a pause of an hour. */
async function park(p: Pipeline): Promise<void> {
  const atMs = Date.now()
  const attempt = {
    v: 1,
    outcome: 'parked',
    atMs,
    failures: 1,
    failingSinceMs: atMs,
    lastSuccessMs: null,
    parkedUntilMs: atMs + HOUR_MS,
  }
  await note(p, attemptText(attempt as Parameters<typeof attemptText>[0]))
}

const unpark = (p: Pipeline): Promise<void> => note(p, '')

const note = (p: Pipeline, metadata: string): Promise<void> =>
  p.kafka.storeOffsets(p.names.attemptsGroup, p.topic, new Map([[0, { offset: 0, metadata }]]))
