import assert from 'node:assert/strict'
import { createPrivateKey } from 'node:crypto'
import { describe, test } from 'node:test'
import { explain, WrongUse } from '#shared/errors.ts'
import { pemsOf } from '#shared/tls/pems.ts'
import { encrypted, makeAuthority } from '../../support/certificates.ts'

const PASSPHRASE = 'open-sesame-2'
const authority = makeAuthority()
const client = authority.issue('client')
const other = authority.issue('other')
const locked = encrypted(client.key, PASSPHRASE)
const NONE = { ca: undefined, cert: undefined, key: undefined, passphrase: undefined }

describe('certificates and keys of options', () => {
  const wrong: [name: string, given: Partial<Parameters<typeof pemsOf>[1]>, message: RegExp, hint: RegExp][] = [
    [
      'a path in place of an authority',
      { ca: '/etc/ssl/ca.pem' },
      /^KAFKA_TLS_CA: holds no PEM text/,
      /KAFKA_TLS_CA_FILE/,
    ],
    ['a key in place of an authority', { ca: client.key }, /^KAFKA_TLS_CA: holds a key/, /PEM/],
    [
      'an authority that is cut',
      { ca: authority.ca.replace(/[A-Za-z0-9+/]{64}\r?\n/, '') },
      /^KAFKA_TLS_CA: the certificate cannot be read/,
      /complete/,
    ],
    ['a certificate without its key', { cert: client.cert }, /_CERT and KAFKA_TLS_KEY belong together/, /set both/],
    ['a passphrase without a key', { passphrase: PASSPHRASE }, /^KAFKA_TLS_KEY_PASSPHRASE is set/, /KAFKA_TLS_KEY/],
    [
      'a certificate in place of the key',
      { cert: client.cert, key: client.cert },
      /^KAFKA_TLS_KEY: holds a certificate/,
      /KAFKA_TLS_KEY_FILE/,
    ],
    [
      'a key of another certificate',
      { cert: other.cert, key: client.key },
      /^KAFKA_TLS_KEY is not the key of the certificate in KAFKA_TLS_CERT/,
      /both of one client/,
    ],
    [
      'an encrypted key without a passphrase',
      { cert: client.cert, key: locked },
      /^KAFKA_TLS_KEY is encrypted/,
      /set KAFKA_TLS_KEY_PASSPHRASE/,
    ],
    [
      'a wrong passphrase',
      { cert: client.cert, key: locked, passphrase: `${PASSPHRASE}!` },
      /^KAFKA_TLS_KEY cannot be decrypted by KAFKA_TLS_KEY_PASSPHRASE/,
      /check KAFKA_TLS_KEY_PASSPHRASE/,
    ],
    [
      'a key that is cut',
      { cert: client.cert, key: client.key.replace(/[A-Za-z0-9+/]{64}\r?\n/, '') },
      /^KAFKA_TLS_KEY: the key cannot be read/,
      /complete/,
    ],
  ]
  for (const [name, given, message, hint] of wrong) {
    test(`${name} is refused with the option, before anything connects`, () => {
      assert.throws(
        () => pemsOf('KAFKA_TLS', { ...NONE, ...given }),
        (error) => {
          assert.ok(error instanceof WrongUse, String(error))
          assert.match(error.message, message)
          assert.match(error.hint ?? '', hint)
          assert.doesNotMatch(explain(error), /open-sesame|BEGIN [A-Z ]*PRIVATE/)
          return true
        },
      )
    })
  }

  test('are taken with a chain, and an encrypted key is decrypted', () => {
    const ca = authority.ca + other.cert
    const pems = pemsOf('KAFKA_TLS', { ca, cert: client.cert + authority.ca, key: locked, passphrase: PASSPHRASE })
    assert.equal(pems.ca, ca)
    assert.ok(createPrivateKey(pems.key ?? '').equals(createPrivateKey(client.key)))
  })

  test('are taken on one line, as an environment file holds them', () => {
    const oneLine = (pem: string) => pem.trim().replaceAll(/\r?\n/g, '\\n')
    const given = { ...NONE, ca: oneLine(authority.ca), cert: oneLine(client.cert), key: oneLine(client.key) }
    const pems = pemsOf('KAFKA_TLS', given)
    assert.equal(pems.cert, client.cert.trim().replaceAll('\r', ''))
  })

  test('that nobody gave are nothing', () => assert.deepEqual(pemsOf('KAFKA_TLS', NONE), {}))
})
