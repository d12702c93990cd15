import assert from 'node:assert/strict'
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { after, describe, test } from 'node:test'
import { type Environment, readConfig } from '#shared/config/config.ts'
import { explain, WrongUse } from '#shared/errors.ts'

const dir = mkdtempSync(join(tmpdir(), 'headrace-login-'))
after(() => rmSync(dir, { recursive: true, force: true }))

const SECRET = 'hunter2-a-secret'
const ADDRESSES = {
  HEADRACE_DIR: '/nowhere',
  KAFKA_BROKERS: 'broker:9093',
  SCHEMA_REGISTRY_URL: 'http://registry:8081',
  CLICKHOUSE_URL: 'http://clickhouse:8123',
}
const OAUTH = {
  KAFKA_SASL_MECHANISM: 'OAUTHBEARER',
  KAFKA_OAUTH_TOKEN_URL: 'https://login.example/token',
  KAFKA_OAUTH_CLIENT_ID: 'headrace',
  KAFKA_OAUTH_CLIENT_SECRET: SECRET,
}
const loginFor = (given: Environment) => readConfig({ ...ADDRESSES, ...given }).kafka.sasl

describe('a mechanism', () => {
  test('is known in any spelling', () => {
    const user = { KAFKA_SASL_USERNAME: 'me', KAFKA_SASL_PASSWORD: SECRET }
    for (const [spelt, mechanism] of [
      ['PLAIN', 'plain'],
      ['scram-sha-256', 'scram-sha-256'],
      ['SCRAM_SHA_256', 'scram-sha-256'],
      ['SCRAM-SHA-512', 'scram-sha-512'],
      ['ScramSha512', 'scram-sha-512'],
    ] as const)
      assert.equal(loginFor({ ...user, KAFKA_SASL_MECHANISM: spelt })?.mechanism, mechanism, spelt)
    for (const spelt of ['oauthbearer', 'OAUTH_BEARER'])
      assert.equal(loginFor({ ...OAUTH, KAFKA_SASL_MECHANISM: spelt })?.mechanism, 'oauthbearer')
    const msk = { KAFKA_SASL_MECHANISM: 'AWS_MSK_IAM', KAFKA_TLS: '1', KAFKA_AWS_REGION: 'eu-west-1' }
    assert.deepEqual(loginFor(msk), { mechanism: 'aws-msk-iam', region: 'eu-west-1' })
  })

  const wrong: [name: string, given: Environment, message: RegExp, hint: RegExp][] = [
    [
      'plain with options of oauthbearer',
      { KAFKA_SASL_MECHANISM: 'plain', KAFKA_OAUTH_SCOPE: 'kafka' },
      /^KAFKA_OAUTH_SCOPE is set, but KAFKA_SASL_MECHANISM is plain/,
      /unset KAFKA_OAUTH_SCOPE/,
    ],
    [
      'a token endpoint without a mechanism',
      { ...OAUTH, KAFKA_SASL_MECHANISM: '' },
      /^KAFKA_OAUTH_TOKEN_URL is set, but KAFKA_SASL_MECHANISM is not set/,
      /set KAFKA_SASL_MECHANISM/,
    ],
    [
      'oauthbearer with a password',
      { ...OAUTH, KAFKA_SASL_PASSWORD: SECRET },
      /^KAFKA_SASL_PASSWORD is set, but KAFKA_SASL_MECHANISM is oauthbearer/,
      /unset KAFKA_SASL_PASSWORD/,
    ],
    [
      'oauthbearer without a secret',
      { ...OAUTH, KAFKA_OAUTH_CLIENT_SECRET: '' },
      /^oauthbearer needs .*KAFKA_OAUTH_CLIENT_SECRET, or a token/,
      /KAFKA_OAUTH_TOKEN_FILE/,
    ],
    [
      'an endpoint beside a token',
      { ...OAUTH, KAFKA_OAUTH_TOKEN: SECRET },
      /^KAFKA_OAUTH_TOKEN_URL is set, but KAFKA_OAUTH_TOKEN is set too/,
      /unset KAFKA_OAUTH_TOKEN_URL/,
    ],
    [
      'an authority for an endpoint in the clear',
      { ...OAUTH, KAFKA_OAUTH_TOKEN_URL: 'http://login.example/token', KAFKA_OAUTH_TLS_CA: 'PEM' },
      /^KAFKA_OAUTH_TLS_CA is set, but KAFKA_OAUTH_TOKEN_URL is not an https address/,
      /https:/,
    ],
    [
      'a login in the address of the endpoint',
      { ...OAUTH, KAFKA_OAUTH_TOKEN_URL: `https://me:${SECRET}@login.example/token` },
      /^KAFKA_OAUTH_TOKEN_URL: .*KAFKA_OAUTH_CLIENT_ID and KAFKA_OAUTH_CLIENT_SECRET/,
      /Endpoint/,
    ],
    [
      'extensions that are no pairs',
      { ...OAUTH, KAFKA_OAUTH_EXTENSIONS: 'lkc-1' },
      /^KAFKA_OAUTH_EXTENSIONS: expected name=value/,
      /logicalCluster=/,
    ],
    [
      'an extension that would replace the token',
      { ...OAUTH, KAFKA_OAUTH_EXTENSIONS: 'auth=x' },
      /^KAFKA_OAUTH_EXTENSIONS: expected name=value/,
      /logicalCluster=/,
    ],
    [
      'aws-msk-iam in the clear',
      { KAFKA_SASL_MECHANISM: 'aws-msk-iam', KAFKA_AWS_REGION: 'eu-west-1' },
      /^aws-msk-iam needs TLS/,
      /KAFKA_TLS=true/,
    ],
    [
      'aws-msk-iam without a region',
      { KAFKA_SASL_MECHANISM: 'aws-msk-iam', KAFKA_TLS: '1' },
      /^aws-msk-iam needs the region/,
      /KAFKA_AWS_REGION/,
    ],
  ]
  for (const [name, given, message, hint] of wrong) {
    test(`is refused with the option's name: ${name}`, () => {
      assert.throws(
        () => loginFor(given),
        (error) => {
          assert.ok(error instanceof WrongUse, String(error))
          assert.match(error.message, message)
          assert.match(error.hint ?? '', hint)
          assert.ok(!explain(error).includes(SECRET))
          return true
        },
      )
    })
  }
})

describe('oauthbearer', () => {
  test('takes an endpoint with scope and extensions', () => {
    const extensions = 'logicalCluster=lkc-1, identityPoolId=pool-2'
    assert.deepEqual(loginFor({ ...OAUTH, KAFKA_OAUTH_SCOPE: 'a b', KAFKA_OAUTH_EXTENSIONS: extensions }), {
      mechanism: 'oauthbearer',
      token: {
        kind: 'endpoint',
        url: 'https://login.example/token',
        clientId: 'headrace',
        clientSecret: SECRET,
        scope: 'a b',
        ca: undefined,
      },
      extensions: { logicalCluster: 'lkc-1', identityPoolId: 'pool-2' },
    })
  })

  test('reads the file of a token again each time', () => {
    const path = join(dir, 'token')
    writeFileSync(path, 'first\n')
    const login = loginFor({ KAFKA_SASL_MECHANISM: 'oauthbearer', KAFKA_OAUTH_TOKEN_FILE: path })
    assert.ok(login?.mechanism === 'oauthbearer' && login.token.kind === 'given')
    assert.equal(login.token.read(), 'first')
    writeFileSync(path, 'second\n')
    assert.equal(login.token.read(), 'second')
  })
})

describe('the region of aws-msk-iam', () => {
  const region = (given: Environment) => {
    const login = loginFor({ KAFKA_SASL_MECHANISM: 'aws-msk-iam', KAFKA_TLS: '1', ...given })
    return login?.mechanism === 'aws-msk-iam' ? login.region : null
  }
  const brokers =
    'b-1.shop.abc.c2.kafka.eu-central-1.amazonaws.com:9098,b-2.shop.abc.c2.kafka.eu-central-1.amazonaws.com:9098'

  test('is the option, else that of the environment, else that of the brokers', () => {
    const given = { KAFKA_BROKERS: brokers, AWS_REGION: 'us-east-1' }
    assert.equal(region({ ...given, KAFKA_AWS_REGION: 'eu-west-1' }), 'eu-west-1')
    assert.equal(region(given), 'us-east-1')
    assert.equal(region({ AWS_DEFAULT_REGION: 'us-east-2' }), 'us-east-2')
    assert.equal(region({ KAFKA_BROKERS: brokers }), 'eu-central-1')
    assert.equal(region({ KAFKA_BROKERS: 'boot-1.kafka-serverless.us-west-2.amazonaws.com:9098' }), 'us-west-2')
    assert.equal(region({ KAFKA_BROKERS: 'boot.abc.kafka.cn-north-1.amazonaws.com.cn:9098' }), 'cn-north-1')
  })
})
