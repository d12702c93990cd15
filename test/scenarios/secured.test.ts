/**
 * The whole path on servers as companies run them: a broker with TLS, logins and ACLs, which asks for a client
 * certificate; registry and ClickHouse over https. Every certificate is made here, and what is a secret is a file.
 */
import assert from 'node:assert/strict'
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { after, describe, test } from 'node:test'
import { systemClock } from '#shared/clock.ts'
import { readConfig } from '#shared/config/config.ts'
import { explain, Unavailable } from '#shared/errors.ts'
import { connectKafka } from '#shared/kafka/kafka.ts'
import { silentLog } from '#shared/log.ts'
import { encrypted, makeAuthority } from '../support/certificates.ts'
import { until } from '../support/loading.ts'
import { ownBrokers } from '../support/own-brokers.ts'
import { type PipelineOptions, pipeline } from '../support/pipeline.ts'
import { type Running, run, start } from '../support/processes.ts'
import { testStack } from '../support/stack.ts'
import { overTls } from '../support/tls-proxy.ts'
import { AUDIENCE, ISSUER, startTokenServer } from '../support/token-server.ts'
import { walkRecord } from '../support/walk-api.ts'

const TEST_MS_MAX = 180_000
const PASSPHRASE = 'open-sesame-2'
const PASSWORD = 'word+of/the=broker'
const CLIENT_SECRET = 'secret/of+the client'
/** Short, so that sessions end several times during a test. */
const TOKEN_LIFE_MS = 6_000
const USER = 'headrace'

const servers = makeAuthority()
const people = makeAuthority()
const me = people.issue('headrace')
const dir = mkdtempSync(join(tmpdir(), 'headrace-secured-'))

function file(name: string, content: string): string {
  const path = join(dir, name)
  writeFileSync(path, content)
  return path
}

const clientCertificate = (prefix: string) => ({
  [`${prefix}_CERT_FILE`]: join(dir, 'me.pem'),
  [`${prefix}_KEY_FILE`]: join(dir, 'me.key'),
  [`${prefix}_KEY_PASSPHRASE_FILE`]: join(dir, 'passphrase'),
})
const tls = () => ({ KAFKA_TLS: 'true', KAFKA_TLS_CA_FILE: join(dir, 'ca.pem'), ...clientCertificate('KAFKA_TLS') })
const scram = (mechanism = 'SCRAM_SHA_512') => ({
  KAFKA_SASL_MECHANISM: mechanism,
  KAFKA_SASL_USERNAME: USER,
  KAFKA_SASL_PASSWORD_FILE: join(dir, 'password'),
})
const byEndpoint = () => ({
  KAFKA_SASL_MECHANISM: 'OAUTHBEARER',
  KAFKA_OAUTH_TOKEN_URL: tokens.tokenUrl,
  KAFKA_OAUTH_CLIENT_ID: USER,
  KAFKA_OAUTH_CLIENT_SECRET_FILE: file('client-secret', CLIENT_SECRET),
})

const closes = { after }
closes.after(() => rmSync(dir, { recursive: true, force: true }))
file('ca.pem', servers.ca)
file('me.pem', me.cert)
file('me.key', encrypted(me.key, PASSPHRASE))
file('passphrase', `${PASSPHRASE}\n`)
file('password', `${PASSWORD}\n`)
const tokens = await startTokenServer(closes, { [USER]: CLIENT_SECRET }, TOKEN_LIFE_MS)
// The JVM reads its flags from there; a broker asks no address for keys that it was not started with.
process.env.JDK_JAVA_OPTIONS = `-Dorg.apache.kafka.sasl.oauthbearer.allowed.urls=${tokens.keysUrl}`
const oauth = 'listener.name.clients.oauthbearer'
const security = 'org.apache.kafka.common.security.oauthbearer'
const brokers = await ownBrokers(closes, {
  acls: true,
  clients: {
    mechanisms: ['SCRAM-SHA-256', 'SCRAM-SHA-512', 'PLAIN'],
    users: { [USER]: PASSWORD },
    tls: servers.issue('broker'),
    clientCa: people.ca,
  },
  properties: {
    'listener.name.clients.sasl.enabled.mechanisms': 'SCRAM-SHA-256,SCRAM-SHA-512,PLAIN,OAUTHBEARER',
    [`${oauth}.sasl.jaas.config`]: `${security}.OAuthBearerLoginModule required;`,
    [`${oauth}.sasl.server.callback.handler.class`]: `${security}.OAuthBearerValidatorCallbackHandler`,
    [`${oauth}.connections.max.reauth.ms`]: '60000',
    'sasl.oauthbearer.jwks.endpoint.url': tokens.keysUrl,
    'sasl.oauthbearer.expected.audience': AUDIENCE,
    'sasl.oauthbearer.expected.issuer': ISSUER,
  },
}).finally(() => {
  delete process.env.JDK_JAVA_OPTIONS
})
const stack = await testStack()
const registryUrl = await overTls(closes, new URL(stack.registryUrl), {
  ...servers.issue('registry'),
  ca: people.ca,
  requestCert: true,
  rejectUnauthorized: true,
})
// Without a client certificate: it would be the login, and the server behind the proxy cannot see it.
const clickhouseUrl = await overTls(closes, new URL(stack.clickhouseUrl), servers.issue('clickhouse'))

/** A pipeline whose services see secured servers only; the test's own questions go to the plain listener. */
async function secured(t: { after(close: () => void | Promise<void>): void }, options: PipelineOptions) {
  const plain = { ...stack, env: (over = {}) => stack.env({ KAFKA_BROKERS: brokers.internal, ...over }) }
  const made = await pipeline(t, {
    ...options,
    stack: plain,
    env: {
      KAFKA_BROKERS: brokers.brokers,
      ...tls(),
      SCHEMA_REGISTRY_URL: registryUrl,
      SCHEMA_REGISTRY_TLS_CA_FILE: join(dir, 'ca.pem'),
      ...clientCertificate('SCHEMA_REGISTRY_TLS'),
      CLICKHOUSE_URL: clickhouseUrl,
      CLICKHOUSE_TLS_CA_FILE: join(dir, 'ca.pem'),
      ...options.env,
    },
  })
  const prefix = made.env.HEADRACE_PREFIX ?? ''
  const topics = ['DESCRIBE', 'CREATE', 'READ', 'WRITE', 'ALTER'] as const
  await brokers.allow(USER, { topic: `${prefix}.*` }, topics)
  await brokers.allow(USER, { group: `${prefix}.*` }, ['READ'])
  await brokers.allow(USER, { transactionalId: `${prefix}.*` }, ['WRITE'])
  return made
}

const lost = (service: Running) => service.logged(/lost Kafka|crash|refuse/i)

describe('the whole path', () => {
  test('works over SCRAM with files for every secret, client certificates and ACLs', {
    timeout: TEST_MS_MAX,
  }, async (t) => {
    const { fetchOnce, loadAll, run: headrace, assertComplete } = await secured(t, { records: 50, env: scram() })
    await fetchOnce()
    await loadAll()
    await assertComplete()
    for (const command of [['status'], ['verify', 'shop.orders'], ['plan']]) {
      const { status, stdout, stderr } = await headrace(...command)
      assert.equal(status, 0, `${command}: ${stdout}${stderr}`)
    }
  })

  test('goes through the end of many tokens, from an endpoint and from a file, without losing Kafka', {
    timeout: TEST_MS_MAX,
  }, async (t) => {
    const tokenFile = file('token', tokens.token(USER))
    const refresh = setInterval(() => writeFileSync(tokenFile, tokens.token(USER)), TOKEN_LIFE_MS / 3)
    t.after(() => clearInterval(refresh))
    const { api, env, fetcher, untilComplete } = await secured(t, {
      records: 20,
      stream: "every: '1s',",
      env: byEndpoint(),
    })
    const first = tokens.given.length
    const fetching = fetcher()
    const byFile = { KAFKA_SASL_MECHANISM: 'oauthbearer', KAFKA_OAUTH_TOKEN_FILE: tokenFile }
    const { KAFKA_OAUTH_TOKEN_URL: _, KAFKA_OAUTH_CLIENT_ID: __, KAFKA_OAUTH_CLIENT_SECRET_FILE: ___, ...rest } = env
    const loading = start(t, 'loader', ['load'], { ...rest, ...byFile })
    await untilComplete()
    await until('several tokens have ended', () => tokens.given.length >= first + 4, 60_000)
    for (let number = 100; number < 120; number++) api.put(walkRecord('eu', number))
    await untilComplete()
    assert.deepEqual([...lost(fetching), ...lost(loading)], [])
    for (const service of [fetching, loading]) assert.equal((await service.stop()).status, 0)
  })
})

describe('a wrong setting is one clear error that names the option', () => {
  const broker = () => ({ KAFKA_BROKERS: brokers.brokers })
  const unset = (given: Record<string, string>, ...names: string[]) =>
    Object.fromEntries(Object.entries(given).filter(([name]) => !names.some((each) => name.startsWith(each))))
  const cases: [name: string, env: () => Record<string, string>, message: RegExp, hint: RegExp][] = [
    ['no TLS', () => ({ ...broker(), ...scram() }), /it expects TLS|closed the connection|Closed/, /KAFKA_TLS/],
    [
      'TLS to a plain listener',
      () => ({ KAFKA_BROKERS: brokers.internal, ...tls() }),
      /does not answer as a TLS server/,
      /unset KAFKA_TLS/,
    ],
    [
      'another authority',
      () => ({ ...broker(), ...scram(), ...tls(), KAFKA_TLS_CA_FILE: file('other.pem', people.ca) }),
      /not trusted/,
      /KAFKA_TLS_CA/,
    ],
    [
      'no client certificate',
      () => ({ ...broker(), ...scram(), ...unset(tls(), 'KAFKA_TLS_CERT', 'KAFKA_TLS_KEY') }),
      /client certificate|handshake|Closed/,
      /KAFKA_TLS_CERT/,
    ],
    ['no login', () => ({ ...broker(), ...tls() }), /Closed connection/, /KAFKA_SASL_MECHANISM/],
    [
      'a login for a listener that takes none',
      () => ({ KAFKA_BROKERS: brokers.internal, ...scram() }),
      /Kafka refuses/,
      /takes no login: unset KAFKA_SASL_MECHANISM/,
    ],
    [
      'a wrong password',
      () => ({ ...broker(), ...tls(), ...scram(), KAFKA_SASL_PASSWORD_FILE: file('wrong', 'not-it') }),
      /Kafka refuses/,
      /KAFKA_SASL_PASSWORD/,
    ],
    [
      'a wrong password, by plain',
      () => ({ ...broker(), ...tls(), ...scram('plain'), KAFKA_SASL_PASSWORD_FILE: file('wrong', 'not-it') }),
      /Kafka refuses/,
      /KAFKA_SASL_PASSWORD/,
    ],
    [
      'a token that has expired',
      () => ({
        ...{ ...broker(), ...tls(), KAFKA_SASL_MECHANISM: 'oauthbearer' },
        KAFKA_OAUTH_TOKEN_FILE: file('old', tokens.token(USER, -3_600_000)),
      }),
      /the token is refused: invalid_token; it is valid until 20/,
      /KAFKA_OAUTH_TOKEN_FILE/,
    ],
    [
      'a wrong client secret',
      () => ({ ...broker(), ...tls(), ...byEndpoint(), KAFKA_OAUTH_CLIENT_SECRET_FILE: file('wrong', 'not-it') }),
      /it answers 401, invalid_client: no such client/,
      /KAFKA_OAUTH_CLIENT_SECRET/,
    ],
  ]
  for (const [name, env, message, hint] of cases) {
    test(name, { timeout: TEST_MS_MAX }, async () => {
      const { kafka } = readConfig({ HEADRACE_DIR: dir, ...env() }, ['kafka'])
      const connecting = connectKafka(kafka, { log: silentLog, clock: systemClock })
      await assert.rejects(connecting, (error) => {
        assert.ok(error instanceof Unavailable, String(error))
        assert.match(error.message, message)
        assert.match(error.hint ?? '', hint)
        for (const secret of [PASSWORD, CLIENT_SECRET, PASSPHRASE, 'not-it'])
          assert.ok(!explain(error).includes(secret))
        return true
      })
    })
  }

  test('from a command, without a stack trace: another authority of ClickHouse, then of the registry', {
    timeout: TEST_MS_MAX,
  }, async (t) => {
    const other = file('other.pem', people.ca)
    const env = (await testStack()).env({
      HEADRACE_DIR: dir,
      SCHEMA_REGISTRY_URL: registryUrl,
      ...clientCertificate('SCHEMA_REGISTRY_TLS'),
    })
    const over = { CLICKHOUSE_URL: clickhouseUrl, CLICKHOUSE_TLS_CA_FILE: other }
    for (const [given, option] of [
      [{ SCHEMA_REGISTRY_TLS_CA_FILE: other }, 'SCHEMA_REGISTRY_TLS_CA'],
      [{ SCHEMA_REGISTRY_TLS_CA_FILE: join(dir, 'ca.pem'), ...over }, 'CLICKHOUSE_TLS_CA'],
    ] as const) {
      const { status, stderr } = await run(t, ['load', '--until-caught-up'], { ...env, ...given })
      assert.equal(status, 1)
      assert.match(stderr, new RegExp(`no connection to .*not trusted[\\s\\S]*set ${option} `))
      assert.doesNotMatch(stderr, /^\s+at /m)
    }
  })
})
