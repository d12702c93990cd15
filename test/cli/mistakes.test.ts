/**
 * What a person gets wrong, through the door: one error that names the thing and says what to do, the right exit
 * status, soon, and no stack trace.
 */
import assert from 'node:assert/strict'
import { mkdtemp, rm, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { after, before, describe, test } from 'node:test'
import { until } from '../support/loading.ts'
import { declarationOf, type Pipeline, pipeline } from '../support/pipeline.ts'
import { type Closes, type Done, run, start } from '../support/processes.ts'

const SECONDS_MAX = 20
/** Nobody listens there. */
const CLOSED = '127.0.0.1:1'

type Case = {
  name: string
  args: string[]
  env?: Record<string, string>
  /** Taken out of the environment. */
  without?: string[]
  status: 1 | 2
  says: RegExp
  hint?: RegExp
}

let p: Pipeline
const closers: (() => void | Promise<void>)[] = []
const closes: Closes = { after: (close) => void closers.push(close) }
before(async () => {
  p = await pipeline(closes, { records: 20, tokenLifeMs: 60_000 })
})
after(async () => {
  for (const close of closers.reverse()) await close()
})

/** Exactly one error, in words for a person. */
function assertOneError(done: Done, { status, says, hint }: Pick<Case, 'status' | 'says' | 'hint'>): void {
  const shown = `${done.stdout}\n${done.stderr}`
  assert.equal(done.status, status, shown)
  const errors = done.stderr.split('\n').filter((line) => line.startsWith('headrace: '))
  assert.equal(errors.length, 1, shown)
  assert.match(errors[0] ?? '', says)
  if (hint !== undefined) assert.match(done.stderr, hint)
  assert.equal(done.stdout, '', 'standard output is for answers')
  assert.doesNotMatch(shown, /^\s+at .+:\d+:\d+\)?$/m, 'a stack trace says nothing about a mistake')
  assert.ok(done.seconds < SECONDS_MAX, `it took ${done.seconds} s`)
}

async function fails(each: Case): Promise<void> {
  const env = { ...p.env, ...each.env }
  for (const name of each.without ?? []) delete env[name]
  assertOneError(await run(closes, ['--sources', p.env.HEADRACE_DIR ?? '', ...each.args], env), each)
}

const FETCH = ['fetch', 'shop.orders', '--once']
const LOAD = ['load', '--until-caught-up']
const REPLAY = ['replay', 'shop.orders', '--from']

const COMMANDS: Case[] = [
  {
    name: 'an unknown command',
    args: ['fetsch'],
    status: 2,
    says: /unknown command 'fetsch'/,
    hint: /Did you mean fetch\?/,
  },
  {
    name: 'an unknown option',
    args: ['fetch', '--onec'],
    status: 2,
    says: /unknown option '--onec'/,
    hint: /Did you mean --once\?/,
  },
  { name: 'a missing argument', args: ['check'], status: 2, says: /missing required argument 'source'/ },
  {
    name: 'an unknown stream',
    args: ['fetch', 'shop.order'],
    status: 2,
    says: /unknown stream "shop\.order"/,
    hint: /shop\.orders/,
  },
  {
    name: 'a stream that Kafka does not know',
    args: ['status', 'shop.refunds'],
    status: 2,
    says: /Kafka has no topic of a stream "shop\.refunds"/,
  },
  {
    name: 'a range with one end',
    args: ['fetch', 'shop.orders', '--from', '2026-01-01'],
    status: 2,
    says: /--to is missing/,
    hint: /the end itself/,
  },
  {
    name: 'a range of nothing in particular',
    args: ['fetch', '--from', '2026-01-01', '--to', '2026-02-01'],
    status: 2,
    says: /a range needs the names of streams/,
  },
  {
    name: 'a range that ends before it begins',
    args: ['fetch', 'shop.orders', '--from', '2026-02-01', '--to', '2026-01-01'],
    status: 2,
    says: /--from 2026-02-01 is not before --to 2026-01-01/,
  },
  {
    name: 'deletes that are allowed in a stream that deletes nothing',
    args: ['fetch', 'shop.orders', '--allow-deletes'],
    status: 2,
    says: /shop\.orders does not declare deletes/,
    hint: /deletes: 'full-walk'/,
  },
  {
    name: 'deletes that are allowed in no stream in particular',
    args: ['fetch', '--allow-deletes'],
    status: 2,
    says: /--allow-deletes needs the names of streams/,
    hint: /fetch SOURCE\.STREAM --allow-deletes/,
  },
  {
    name: 'deletes that are allowed in a range',
    args: ['fetch', 'shop.orders', '--allow-deletes', '--from', '2026-01-01', '--to', '2026-01-02'],
    status: 2,
    says: /a backfill deletes nothing/,
  },
  {
    name: 'a full range',
    args: ['fetch', 'shop.orders', '--full', '--from', '2026-01-01', '--to', '2026-02-01'],
    status: 2,
    says: /--full cannot be combined with a range/,
  },
  {
    name: 'a folder that is none',
    args: ['--sources', '/nowhere/at/all', 'fetch'],
    status: 2,
    says: /\/nowhere\/at\/all is not a readable folder/,
  },
]

const OPTIONS: Case[] = [
  {
    name: 'a word for a number',
    args: LOAD,
    env: { LOADER_BATCH_ROWS: 'many' },
    status: 2,
    says: /LOADER_BATCH_ROWS: expected a whole number/,
    hint: /hint: Rows at which a batch is closed/,
  },
  {
    name: 'brokers without a port',
    args: FETCH,
    env: { KAFKA_BROKERS: 'kafka' },
    status: 2,
    says: /KAFKA_BROKERS: expected host:port/,
  },
  {
    name: 'a slip in a name',
    args: FETCH,
    env: { HEADRACE_PREFFIX: 'x' },
    status: 2,
    says: /HEADRACE_PREFFIX is not an option/,
    hint: /did you mean HEADRACE_PREFIX\?/,
  },
  {
    name: 'a file that is not there',
    args: LOAD,
    env: { CLICKHOUSE_PASSWORD_FILE: '/nowhere/pw' },
    status: 2,
    says: /CLICKHOUSE_PASSWORD_FILE: cannot read \/nowhere\/pw/,
  },
  {
    name: 'no address',
    args: LOAD,
    without: ['CLICKHOUSE_URL'],
    status: 2,
    says: /CLICKHOUSE_URL is not set/,
    hint: /stack up/,
  },
  {
    name: 'a missing secret',
    args: FETCH,
    without: ['SHOP_SECRET'],
    status: 2,
    says: /SHOP_SECRET is not set/,
    hint: /SHOP_SECRET_FILE/,
  },
]

const SERVERS: Case[] = [
  ...[FETCH, LOAD, ['status'], [...REPLAY, 'beginning']].map(
    (args): Case => ({
      name: `no Kafka for ${args.join(' ')}`,
      args,
      env: { KAFKA_BROKERS: CLOSED },
      status: 1,
      says: /Kafka is not reachable \(127\.0\.0\.1:1\)/,
      hint: /see KAFKA_BROKERS/,
    }),
  ),
  ...[FETCH, LOAD].map(
    (args): Case => ({
      name: `no registry for ${args[0]}`,
      args,
      env: { SCHEMA_REGISTRY_URL: `http://${CLOSED}` },
      status: 1,
      says: /the schema registry at 127\.0\.0\.1:1 does not answer: connect ECONNREFUSED/,
      hint: /check SCHEMA_REGISTRY_URL/,
    }),
  ),
  {
    name: 'no ClickHouse',
    args: LOAD,
    env: { CLICKHOUSE_URL: `http://${CLOSED}` },
    status: 1,
    says: /ClickHouse at 127\.0\.0\.1:1 does not answer/,
    hint: /see CLICKHOUSE_URL/,
  },
  {
    name: 'a password that ClickHouse refuses',
    args: LOAD,
    env: { CLICKHOUSE_PASSWORD: 'wrong' },
    status: 1,
    says: /ClickHouse at \S+ refuses user default/,
    hint: /CLICKHOUSE_PASSWORD/,
  },
]

for (const [what, cases] of [
  ['a command', COMMANDS],
  ['an option', OPTIONS],
  ['a server', SERVERS],
] as const) {
  describe(`a mistake in ${what} is one error with a hint`, { concurrency: 3 }, () => {
    for (const each of cases) test(each.name, () => fails(each))
  })
}

test('a service without Kafka waits for it, and says so with the hint', async (t) => {
  for (const [name, args] of [
    ['fetcher', ['fetch', 'shop.orders']],
    ['loader', ['load']],
  ] as const) {
    const service = start(t, name, ['--sources', p.env.HEADRACE_DIR ?? '', ...args], {
      ...p.env,
      KAFKA_BROKERS: CLOSED,
    })
    await until('it has tried twice', async () => service.logged(/trying again in \d+ s$/).length >= 2)
    const [line] = service.logged(/Kafka is not reachable \(127\.0\.0\.1:1\)/).filter(({ level }) => level === 'error')
    assert.match(String((line?.err as { hint?: unknown } | undefined)?.hint), /see KAFKA_BROKERS/)
    assert.doesNotMatch(service.stderr(), /\n +at |"stack"/)
    assert.deepEqual(await service.stop(), { status: 0, signal: null })
  }
})

test('a port that is taken is named with its option', async () => {
  const env = { HEADRACE_HTTP_PORT: new URL(p.api.url).port }
  await fails({
    name: '',
    args: LOAD,
    env,
    status: 1,
    says: /cannot listen on 127\.0\.0\.1:\d+/,
    hint: /HEADRACE_HTTP_PORT/,
  })
})

test('credentials that the API refuses are the outcome of each partition, with the names of the secrets', async () => {
  const refused = await run(closes, ['--sources', p.env.HEADRACE_DIR ?? '', ...FETCH], {
    ...p.env,
    SHOP_SECRET: 'wrong',
  })
  assert.equal(refused.status, 1, refused.stderr)
  assert.match(refused.stdout, /shop\.orders\/0 +failed .*\n +shop: http:\S+\/oauth\/token gives no token: 401/)
  assert.match(refused.stdout, /hint: check .*SHOP_SECRET/)
  assert.doesNotMatch(refused.stdout + refused.stderr, /wrong|^\s+at .+:\d+:\d+/m)
})

describe('a mistake in a declaration names file, stream and field', { concurrency: 3 }, () => {
  const good = declarationOf('http://api.example', {})
  const cases: [name: string, text: string, says: RegExp][] = [
    [
      'an unknown key of the source',
      good.replace("baseUrl: '", "basUrl: 'http://x', baseUrl: '"),
      /shop\.ts, field basUrl.*/,
    ],
    [
      'an unknown key of a stream',
      good.replace("path: '/orders',", "path: '/orders', pathh: '/x',"),
      /shop\.ts, stream orders, field pathh/,
    ],
    [
      'a key that is no field',
      good.replace("primaryKey: ['id']", "primaryKey: ['idd']"),
      /shop\.ts, stream orders, field primaryKey\[0\]: "idd" is not a field of the schema/,
    ],
    [
      'a watermark that is no field',
      good.replace("field: 'updated_at'", "field: 'updated'"),
      /shop\.ts, stream orders, field watermark\.field: "updated" is not a field/,
    ],
    ['a duration that is none', good.replace("every: '1s'", "every: 'soon'"), /shop\.ts, stream orders, field every/],
    [
      'a secret in clear text',
      good.replace('baseUrl:', "auth: bearer('s3cret'), baseUrl:").replace('{ cursor,', '{ bearer, cursor,'),
      /shop\.ts, field auth/,
    ],
    ['a text that is no TypeScript', good.replace('defineSource({', 'defineSource({{'), /shop\.ts/],
    ['a module that is not there', `import 'nowhere'\n${good}`, /shop\.ts.*nowhere/],
    ['a file without a declaration', 'export const nothing = 1\n', /shop\.ts/],
  ]
  for (const [name, text, says] of cases) {
    test(name, async () => {
      assert.notEqual(text, good)
      const dir = await mkdtemp(join(tmpdir(), 'headrace-mistake-'))
      closes.after(() => rm(dir, { recursive: true, force: true }))
      await writeFile(join(dir, 'shop.ts'), text)
      const done = await run(closes, ['--sources', dir, 'fetch', 'shop.orders', '--once'], p.env)
      assertOneError(done, { status: 1, says, hint: /\n {2}hint: \S/ })
      assert.doesNotMatch(done.stderr, /s3cret/)
    })
  }
})

describe('a replay that cannot be', () => {
  before(async () => {
    await p.fetchOnce()
    await p.loadAll()
  })

  const cases: [name: string, from: string, says: RegExp, hint: RegExp][] = [
    ['no place', 'yesterday', /--from yesterday is not a place in a stream/, /give beginning, a time such as/],
    ['no month', '2026-13-45', /--from 2026-13-45 is not a place/, /give beginning/],
    ['no day', '2026-02-31', /--from 2026-02-31 is not a place/, /give beginning/],
    ['behind the end', '0:99999', /shop\.orders has no offset 99999 in partition 0/, /its partitions hold 0: 0 to \d+/],
    ['no partition', '7:0', /shop\.orders has no partition 7/, /its partitions hold 0: 0 to \d+/],
  ]
  for (const [name, from, says, hint] of cases) {
    test(`${name} is refused`, () => fails({ name, args: [...REPLAY, from], status: 2, says, hint }))
  }

  test('without --from is refused', () =>
    fails({
      name: '',
      args: ['replay', 'shop.orders'],
      status: 2,
      says: /the start of the replay is missing/,
      hint: /--from \(beginning.*--run/,
    }))

  test('while a loader runs is refused, shows with --dry-run what it would do, and changes nothing', async () => {
    const loader = p.loader()
    await until('it has joined', async () =>
      (await p.kafka.members(p.names.loaderGroup)).some(({ partitions }) => partitions.length > 0),
    )
    const before = await p.commits()
    await fails({
      name: '',
      args: [...REPLAY, 'beginning'],
      status: 1,
      says: /group \S+\.loader has members/,
      hint: /stop these processes \(npm run headrace -- load\) first/,
    })
    const dry = await p.run(...REPLAY, 'beginning', '--dry-run')
    assert.equal(dry.status, 0)
    assert.deepEqual(await p.commits(), before)
    assert.deepEqual(await loader.stop(), { status: 0, signal: null })
  })
})
