import assert from 'node:assert/strict'
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { after, describe, test } from 'node:test'
import {
  type Environment,
  nearMissesIn,
  optionRows,
  readConfig,
  readOptions,
  resolverFor,
} from '#shared/config/config.ts'
import { explain, WrongUse } from '#shared/errors.ts'

const dir = mkdtempSync(join(tmpdir(), 'headrace-config-'))
after(() => rmSync(dir, { recursive: true, force: true }))

const HUNTER = 'hunter2-a-secret'
const ADDRESSES = {
  HEADRACE_DIR: join(dir, 'no-stack'),
  KAFKA_BROKERS: 'broker-1:9092,broker-2:9092',
  SCHEMA_REGISTRY_URL: 'http://registry:8081',
  CLICKHOUSE_URL: 'https://clickhouse:8443',
}

function file(name: string, content: string): string {
  const path = join(dir, name)
  writeFileSync(path, content)
  return path
}

/** The error of a reading; neither message nor hint may show the secret. */
function wrongUse(read: () => unknown): WrongUse {
  try {
    read()
  } catch (error) {
    assert.ok(error instanceof WrongUse, String(error))
    assert.ok(!explain(error).includes(HUNTER), explain(error))
    assert.notEqual(error.hint, undefined)
    return error
  }
  throw new Error('nothing was wrong')
}

describe('a value that is out of form', () => {
  const values: [string, string, RegExp][] = [
    ['KAFKA_BROKERS', 'broker', /expected host:port/],
    ['KAFKA_BROKERS', ' , ', /expected host:port/],
    ['KAFKA_BROKERS', 'http://broker:9092', /expected host:port/],
    ['KAFKA_BROKERS', `kafka://me:${HUNTER}@broker:9092`, /expected host:port/],
    ['KAFKA_TLS', 'yes', /expected true, false, 1 or 0/],
    ['KAFKA_SASL_MECHANISM', 'gssapi', /expected plain, scram-sha-256, scram-sha-512, oauthbearer or aws-msk-iam/],
    ['KAFKA_REPLICATION_FACTOR', '0', /expected a whole number from 1 to 32767/],
    ['KAFKA_RETENTION_MS', '7d', /expected a whole number from 1/],
    ['SCHEMA_REGISTRY_URL', 'registry:8081', /expected an http or https URL/],
    ['SCHEMA_REGISTRY_URL', `https://me:${HUNTER}@registry`, /SCHEMA_REGISTRY_USER and SCHEMA_REGISTRY_PASSWORD/],
    ['CLICKHOUSE_URL', 'clickhouse', /expected an http or https URL/],
    ['CLICKHOUSE_URL', `https://me:${HUNTER}@clickhouse`, /CLICKHOUSE_USER and CLICKHOUSE_PASSWORD/],
    ['CLICKHOUSE_DATABASE', 'x; DROP DATABASE y', /letters, digits and _ only/],
    ['HEADRACE_PREFIX', 'My.Prefix', /lower-case letters/],
    ['HEADRACE_LOG_LEVEL', 'verbose', /expected trace, debug/],
    ['HEADRACE_HTTP_PORT', '65536', /from 0 to 65535/],
    ['HEADRACE_HTTP_PORT', '-1', /from 0 to 65535/],
    ['HEADRACE_STOP_DEADLINE_MS', '2147483648', /from 1 to 2147483647/],
    ['FETCHER_PAGES_AHEAD', '1.5', /expected a whole number from 1/],
    ['LOADER_BATCH_ROWS', '0x10', /expected a whole number from 1/],
    ['LOADER_BATCH_ROWS', '1e5', /expected a whole number from 1/],
    ['LOADER_BATCH_ROWS', '0', /expected a whole number from 1/],
  ]
  for (const [name, value, words] of values) {
    test(`${name}=${value.replace(HUNTER, '…')} is refused with the option’s name, form and meaning`, () => {
      const error = wrongUse(() => readConfig({ ...ADDRESSES, [name]: value }))
      assert.equal(error.code, 'HR_OPTION')
      assert.ok(error.message.startsWith(`${name}: `), error.message)
      assert.match(error.message, words)
      assert.ok(error.hint?.includes(optionRows().find((row) => row.name === name)?.description ?? '?'))
    })
  }

  test('an option that is nearly ours is a slip', () => {
    for (const [name, meant] of [
      ['LOADER_BATCH_ROW', 'LOADER_BATCH_ROWS'],
      ['HEADRACE_LOGLEVEL', 'HEADRACE_LOG_LEVEL'],
      ['FETCHER_MEMORY_KEYS_FIL', 'FETCHER_MEMORY_KEYS_FILE'],
    ] as const) {
      const error = wrongUse(() => readConfig({ ...ADDRESSES, [name]: '5' }))
      assert.equal(`${error.message}, ${error.hint}`, `${name} is not an option, did you mean ${meant}?`)
    }
    readConfig({ ...ADDRESSES, HEADRACE_TEST_STACK: 'x', KAFKA_HEAP_OPTS: '-Xmx1g', LOADER_OF_ANOTHER_PROGRAM: '1' })
  })
})

describe('a variable that is nearly an option', () => {
  const meant = (...names: string[]) =>
    nearMissesIn({ ...ADDRESSES, ...Object.fromEntries(names.map((name) => [name, HUNTER])) }).map(
      ({ name, meant }) => [name, meant],
    )

  test('is reported with the option that is meant: slips, other forms of the name, and its beginning', () => {
    for (const [name, option] of [
      ['KAFKA_BROKER', 'KAFKA_BROKERS'],
      ['kafka_brokers', 'KAFKA_BROKERS'],
      ['KAKFA_BROKERS', 'KAFKA_BROKERS'],
      ['KAFKA_BROKERS_FIEL', 'KAFKA_BROKERS_FILE'],
      ['KAFKA_SASL_MECHANISMS', 'KAFKA_SASL_MECHANISM'],
      ['KAFKA_SASL_USER_NAME', 'KAFKA_SASL_USERNAME'],
      ['KAFKA_USERNAME', 'KAFKA_SASL_USERNAME'],
      ['KAFKA_SSL', 'KAFKA_TLS'],
      ['CLICKHOUSE_USERNAME', 'CLICKHOUSE_USER'],
      ['CLICKHOUSE_PASS', 'CLICKHOUSE_PASSWORD'],
      ['CLICKHOUSE_PASSWRD_FILE', 'CLICKHOUSE_PASSWORD_FILE'],
      ['CLICKHOUSE_DB', 'CLICKHOUSE_DATABASE'],
      ['CLICKHOUSE_URI', 'CLICKHOUSE_URL'],
      ['SCHEMA_REGISTRY_USERNAME', 'SCHEMA_REGISTRY_USER'],
      ['SCHEMA_REGISTRY_URLS', 'SCHEMA_REGISTRY_URL'],
      ['HEADRACE_SOURCES_DIR', 'HEADRACE_SOURCES'],
    ] as const) {
      assert.deepEqual(meant(name), [[name, option]], name)
    }
  })

  test('is left alone where it belongs to another tool, is an option, or the option itself is set', () => {
    const others =
      'KAFKA_HEAP_OPTS KAFKA_BROKER_ID KAFKA_NODE_ID KAFKA_LISTENERS KAFKA_LOG_DIRS KAFKA_OPTS KAFKA_PORT KAFKA_SERVICE_HOST'
    const more =
      'CLICKHOUSE_PORT CLICKHOUSE_CONFIG CLICKHOUSE_SERVICE_HOST SCHEMA_REGISTRY_HEAP_OPTS SCHEMA_REGISTRY_LISTENERS PATH HOME'
    const brokers =
      'KAFKA_SASL_MECHANISM_INTER_BROKER_PROTOCOL KAFKA_SASL_MECHANISM_CONTROLLER_PROTOCOL KAFKA_SASL_ENABLED_MECHANISMS'
    assert.deepEqual(meant(...others.split(' '), ...more.split(' '), ...brokers.split(' ')), [])
    assert.deepEqual(meant('KAFKA_BOOTSTRAP_SERVERS', 'CLICKHOUSE_HOST'), [])
    assert.deepEqual(meant('KAFKA_SASL_PASSWORD_FILE', 'CLICKHOUSE_PASSWORD', 'HEADRACE_TEST_STACK'), [])
    assert.deepEqual(
      nearMissesIn({ KAFKA_BOOTSTRAP_SERVERS: 'a:1' }).map(({ meant }) => meant),
      ['KAFKA_BROKERS'],
    )
  })
})

describe('options that belong together', () => {
  const halves: [string, Environment, RegExp][] = [
    ['a mechanism without a user', { KAFKA_SASL_MECHANISM: 'plain', KAFKA_SASL_PASSWORD: HUNTER }, /belong together/],
    [
      'a password without a mechanism, which would log in nowhere',
      { KAFKA_SASL_USERNAME: 'me', KAFKA_SASL_PASSWORD: HUNTER },
      /belong together/,
    ],
    ['a password of the registry without a user', { SCHEMA_REGISTRY_PASSWORD: HUNTER }, /without SCHEMA_REGISTRY_USER/],
  ]
  for (const [name, given, words] of halves) {
    test(`${name} is refused`, () =>
      assert.match(wrongUse(() => readConfig({ ...ADDRESSES, ...given })).message, words))
  }

  test('are taken together', () => {
    const config = readConfig({
      ...ADDRESSES,
      KAFKA_SASL_MECHANISM: 'scram-sha-512',
      KAFKA_SASL_USERNAME: 'me',
      KAFKA_SASL_PASSWORD: HUNTER,
      SCHEMA_REGISTRY_USER: 'reader',
    })
    assert.deepEqual(config.kafka.sasl, { mechanism: 'scram-sha-512', username: 'me', password: HUNTER })
    const { user, password } = config.registry
    assert.deepEqual([user, password], ['reader', undefined])
  })
})

describe('NAME_FILE', () => {
  test('and NAME both set is an error that names both', () => {
    const error = wrongUse(() =>
      readConfig({ ...ADDRESSES, CLICKHOUSE_PASSWORD: HUNTER, CLICKHOUSE_PASSWORD_FILE: file('a', HUNTER) }),
    )
    assert.equal(error.code, 'HR_OPTION_TWICE')
    assert.match(error.message, /CLICKHOUSE_PASSWORD and CLICKHOUSE_PASSWORD_FILE/)
  })

  test('that cannot be read is an error that names the file', () => {
    for (const path of [join(dir, 'none'), dir]) {
      const error = wrongUse(() => readConfig({ ...ADDRESSES, CLICKHOUSE_PASSWORD_FILE: path }))
      assert.equal(error.code, 'HR_OPTION_FILE')
      assert.ok(error.message.includes(path))
    }
  })

  test('gives any option its value, without the line’s end', () => {
    const config = readConfig({
      ...ADDRESSES,
      KAFKA_BROKERS: '',
      KAFKA_BROKERS_FILE: file('brokers', 'a:1, b:2\n'),
      CLICKHOUSE_PASSWORD_FILE: file('password', `${HUNTER}\r\n`),
      LOADER_BATCH_ROWS_FILE: file('rows', '5\n'),
    })
    assert.deepEqual(config.kafka.brokers, ['a:1', 'b:2'])
    assert.equal(config.clickhouse.password, HUNTER)
    assert.equal(config.loader.batchRows, 5)
  })

  test('that is empty counts as not set, in form and in length', () => {
    const config = readConfig({ ...ADDRESSES, LOADER_BATCH_ROWS_FILE: '', CLICKHOUSE_USER_FILE: file('empty', '\n') })
    assert.deepEqual([config.loader.batchRows, config.clickhouse.user], [100_000, 'default'])
  })
})

describe('addresses', () => {
  const { HEADRACE_DIR } = ADDRESSES

  test('that nobody gave are an error that names the option and both ways out', () => {
    for (const name of ['KAFKA_BROKERS', 'SCHEMA_REGISTRY_URL', 'CLICKHOUSE_URL'] as const) {
      const error = wrongUse(() => readConfig({ ...ADDRESSES, [name]: '' }))
      assert.equal(error.code, 'HR_NO_ADDRESS')
      assert.ok(error.message.startsWith(`${name} is not set and no local stack is running in `), error.message)
      assert.match(error.hint ?? '', new RegExp(`set ${name}, or start the local stack: .*stack up`))
    }
  })

  test('of servers that a command does not need may be missing', () => {
    const config = readConfig({ HEADRACE_DIR, KAFKA_BROKERS: 'a:1' }, ['kafka'])
    assert.deepEqual([config.kafka.brokers, config.registry.url, config.clickhouse.url], [['a:1'], '', ''])
  })

  test('of a stack file that is broken are an error that names the file', () => {
    file('stack.json', '{"v":1')
    const error = wrongUse(() => readConfig({ ...ADDRESSES, HEADRACE_DIR: dir }))
    assert.equal(error.code, 'HR_STACK_FILE')
    assert.ok(error.message.includes(join(dir, 'stack.json')))
  })

  test('of the local stack are taken where the environment has none', () => {
    const servers = {
      kafka: { brokers: '127.0.0.1:1' },
      registry: { url: 'http://127.0.0.1:2' },
      clickhouse: { url: 'http://127.0.0.1:3' },
    }
    file('stack.json', JSON.stringify({ v: 1, ...servers, sampleApi: { url: 'http://127.0.0.1:4' } }))
    const config = readConfig({ HEADRACE_DIR: dir, CLICKHOUSE_URL: 'http://elsewhere:8123' })
    assert.deepEqual(
      [config.kafka.brokers, config.registry.url, config.clickhouse.url],
      [['127.0.0.1:1'], 'http://127.0.0.1:2', 'http://elsewhere:8123'],
    )
    const sample = { kind: 'setting', name: 'SAMPLE_API_URL', fallback: 'http://fallback' } as const
    assert.equal(resolverFor({ HEADRACE_DIR: dir }).setting(sample), 'http://127.0.0.1:4')
    assert.equal(resolverFor({ HEADRACE_DIR: dir, SAMPLE_API_URL: 'http://mine' }).setting(sample), 'http://mine')
    assert.equal(resolverFor({ HEADRACE_DIR: dir, SAMPLE_API_URL: '' }).setting(sample), 'http://127.0.0.1:4')
  })
})

describe('what a declaration refers to', () => {
  const secret = { kind: 'secret', name: 'SHOP_SECRET' } as const
  const resolver = (environment: Environment) => resolverFor({ HEADRACE_DIR: ADDRESSES.HEADRACE_DIR, ...environment })

  test('a secret that is missing or empty is an error that names the variable', () => {
    for (const environment of [{}, { SHOP_SECRET: '' }, { SHOP_SECRET_FILE: file('nothing', ' \n') }]) {
      const error = wrongUse(() => resolver(environment).secret(secret))
      assert.equal(error.code, 'HR_SECRET_MISSING')
      assert.match(error.message, /^SHOP_SECRET /)
      assert.match(error.hint ?? '', /SHOP_SECRET_FILE/)
    }
  })

  test('a secret in two places shows neither', () => {
    const error = wrongUse(() => resolver({ SHOP_SECRET: HUNTER, SHOP_SECRET_FILE: file('b', HUNTER) }).secret(secret))
    assert.equal(error.code, 'HR_OPTION_TWICE')
  })

  test('a secret comes from the environment or from its file, a setting falls back', () => {
    assert.equal(resolver({ SHOP_SECRET: HUNTER }).secret(secret), HUNTER)
    assert.equal(resolver({ SHOP_SECRET_FILE: file('c', `${HUNTER}\n`) }).secret(secret), HUNTER)
    const setting = { kind: 'setting', name: 'SHOP_URL', fallback: 'https://fallback.example' } as const
    assert.equal(resolver({}).setting(setting), 'https://fallback.example')
    assert.equal(resolver({ SHOP_URL: 'https://mine.example' }).setting(setting), 'https://mine.example')
  })
})

describe('the table of options', () => {
  test('has a description for each, and its default is what an empty environment gives', () => {
    const values = readOptions({}) as Record<string, unknown>
    for (const { name, byDefault, description } of optionRows()) {
      assert.match(description, /^.+\.$/, name)
      assert.equal(String(values[name] ?? ''), byDefault, name)
    }
  })

  test('names every option that may hold a secret', () => {
    const names = optionRows().filter((row) => /PASSWORD|PASSPHRASE|SECRET|TOKEN(?!S_DIR|_URL)|_KEY$/.test(row.name))
    assert.deepEqual(
      names.filter((row) => !row.secret),
      [],
    )
  })
})
