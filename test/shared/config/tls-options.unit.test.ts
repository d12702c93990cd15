import assert from 'node:assert/strict'
import { describe, test } from 'node:test'
import { type Environment, readConfig } from '#shared/config/config.ts'
import { WrongUse } from '#shared/errors.ts'
import { encrypted, makeAuthority } from '../../support/certificates.ts'

const authority = makeAuthority()
const { cert, key } = authority.issue('client')
const PASSPHRASE = 'open-sesame-2'
const ADDRESSES = {
  HEADRACE_DIR: '/nowhere',
  KAFKA_BROKERS: 'broker:9093',
  SCHEMA_REGISTRY_URL: 'https://registry:8081',
  CLICKHOUSE_URL: 'HTTPS://clickhouse:8443',
}

describe('TLS options', () => {
  const wrong: [name: string, given: Environment, message: RegExp][] = [
    [
      'an authority without TLS, which would be in the clear',
      { KAFKA_TLS_CA: authority.ca },
      /^KAFKA_TLS_CA is set, but KAFKA_TLS is not/,
    ],
    ['a passphrase without TLS', { KAFKA_TLS_KEY_PASSPHRASE: PASSPHRASE }, /^KAFKA_TLS_KEY_PASSPHRASE is set, but/],
    [
      'an authority for a registry that is reached in the clear',
      { SCHEMA_REGISTRY_URL: 'http://registry', SCHEMA_REGISTRY_TLS_CA: authority.ca },
      /^SCHEMA_REGISTRY_TLS_CA is set, but SCHEMA_REGISTRY_URL is not an https address/,
    ],
    [
      'a certificate for a ClickHouse that is reached in the clear',
      { CLICKHOUSE_URL: 'http://clickhouse', CLICKHOUSE_TLS_CERT: cert, CLICKHOUSE_TLS_KEY: key },
      /^CLICKHOUSE_TLS_CERT is set, but CLICKHOUSE_URL is not an https address/,
    ],
    ['half of a client certificate', { CLICKHOUSE_TLS_KEY: key }, /^CLICKHOUSE_TLS_CERT and CLICKHOUSE_TLS_KEY belong/],
    [
      'a wrong passphrase',
      {
        SCHEMA_REGISTRY_TLS_CERT: cert,
        SCHEMA_REGISTRY_TLS_KEY: encrypted(key, PASSPHRASE),
        SCHEMA_REGISTRY_TLS_KEY_PASSPHRASE: 'another',
      },
      /^SCHEMA_REGISTRY_TLS_KEY cannot be decrypted by SCHEMA_REGISTRY_TLS_KEY_PASSPHRASE$/,
    ],
  ]
  for (const [name, given, message] of wrong) {
    test(`${name} are refused: the option is named`, () =>
      assert.throws(
        () => readConfig({ ...ADDRESSES, ...given }),
        (error) => {
          assert.ok(error instanceof WrongUse)
          assert.match(error.message, message)
          return true
        },
      ))
  }

  test('are the same for the three servers', () => {
    const of = (prefix: string) => ({
      [`${prefix}_CA`]: authority.ca,
      [`${prefix}_CERT`]: cert,
      [`${prefix}_KEY`]: encrypted(key, PASSPHRASE),
      [`${prefix}_KEY_PASSPHRASE`]: PASSPHRASE,
    })
    const config = readConfig({
      ...ADDRESSES,
      KAFKA_TLS: '1',
      ...of('KAFKA_TLS'),
      ...of('SCHEMA_REGISTRY_TLS'),
      ...of('CLICKHOUSE_TLS'),
    })
    for (const { tls } of [config.kafka, config.registry, config.clickhouse])
      assert.deepEqual(tls, { ca: authority.ca, cert, key })
    const none = readConfig({ ...ADDRESSES, KAFKA_TLS: '1' })
    assert.deepEqual([none.kafka.tls, none.registry.tls, none.clickhouse.tls], [{}, undefined, undefined])
  })
})
