/** What Node says about each fault of a TLS connection, on real sockets, and what we make of it. */
import assert from 'node:assert/strict'
import { createServer as createPlainServer, request as requestHttp } from 'node:http'
import { createServer, type RequestOptions, request as requestHttps, type ServerOptions } from 'node:https'
import type { AddressInfo, Server } from 'node:net'
import { describe, type TestContext, test } from 'node:test'
import { CLICKHOUSE_TLS_OPTIONS, closedHints, KAFKA_TLS_OPTIONS, tlsFaultOf } from '#shared/tls/explain.ts'
import { makeAuthority } from '../../support/certificates.ts'

const authority = makeAuthority()
const stranger = makeAuthority()

async function listening(t: TestContext, server: Server & { closeAllConnections(): void }): Promise<number> {
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve))
  t.after(() => {
    server.close()
    server.closeAllConnections()
  })
  return (server.address() as AddressInfo).port
}

const secure = (t: TestContext, options: ServerOptions): Promise<number> =>
  listening(
    t,
    createServer(options, (_, answer) => answer.end()),
  )

function failureOf(port: number, options: RequestOptions, request = requestHttps): Promise<unknown> {
  return new Promise((resolve, reject) => {
    const asking = request({ host: '127.0.0.1', port, agent: false, ...options }, () => reject(new Error('an answer')))
    asking.on('error', resolve)
    asking.end()
  })
}

describe('a connection over TLS that fails names the option that changes it', () => {
  const cases: [string, ServerOptions, RequestOptions, message: RegExp, hint: RegExp][] = [
    [
      'an authority that is not given',
      authority.issue('s'),
      {},
      /not trusted/,
      /^set KAFKA_TLS_CA \(or KAFKA_TLS_CA_FILE/,
    ],
    ['a certificate that signs itself', stranger.own, { ca: authority.ca }, /self-signed/, /^set KAFKA_TLS_CA /],
    ['another authority', authority.issue('s'), { ca: stranger.ca }, /not trusted/, /^set KAFKA_TLS_CA /],
    [
      'another name in the certificate',
      authority.issue('s', { host: 'broker.internal' }),
      { ca: authority.ca, servername: 'localhost' },
      /another name.*broker\.internal/,
      /KAFKA_BROKERS.*advertised\.listeners/,
    ],
    [
      'a certificate that has expired',
      authority.issue('s', { expired: true }),
      { ca: authority.ca },
      /expired/,
      /renew/,
    ],
    [
      'a client certificate that is missing',
      { ...authority.issue('s'), ca: authority.ca, requestCert: true, rejectUnauthorized: true },
      { ca: authority.ca },
      /asks for one \(.*certificate required\)/,
      /KAFKA_TLS_CERT and KAFKA_TLS_KEY/,
    ],
    [
      'a client certificate that is missing, by TLS 1.2',
      { ...authority.issue('s'), ca: authority.ca, requestCert: true, rejectUnauthorized: true, maxVersion: 'TLSv1.2' },
      { ca: authority.ca },
      /ends the handshake \(.*handshake failure\)/,
      /KAFKA_TLS_CERT and KAFKA_TLS_KEY/,
    ],
  ]
  for (const [name, server, client, message, hint] of cases) {
    test(name, async (t) => {
      const fault = tlsFaultOf(await failureOf(await secure(t, server), client), KAFKA_TLS_OPTIONS)
      assert.match(fault?.message ?? '', message)
      assert.match(fault?.hint ?? '', hint)
      assert.ok(!/0A00|openssl\/|\n/.test(fault?.message ?? ''), fault?.message)
    })
  }

  test('a server without TLS', async (t) => {
    const port = await listening(t, createPlainServer())
    const failure = await failureOf(port, { ca: authority.ca })
    assert.match(
      tlsFaultOf(failure, KAFKA_TLS_OPTIONS)?.hint ?? '',
      /TLS listener in KAFKA_BROKERS, or unset KAFKA_TLS/,
    )
    assert.match(tlsFaultOf(failure, CLICKHOUSE_TLS_OPTIONS)?.hint ?? '', /CLICKHOUSE_URL with http:/)
  })

  test('a server with TLS that is asked without, and closes the connection', async (t) => {
    const port = await secure(t, authority.issue('s'))
    const failure = await failureOf(port, {}, requestHttp)
    assert.equal(tlsFaultOf(failure, CLICKHOUSE_TLS_OPTIONS), null)
    assert.deepEqual(closedHints(failure, 'http://x', CLICKHOUSE_TLS_OPTIONS), [
      'if it expects TLS, write CLICKHOUSE_URL with https://',
    ])
    assert.match(closedHints(failure, 'https://x', CLICKHOUSE_TLS_OPTIONS)[0] ?? '', /CLICKHOUSE_TLS_CERT/)
  })

  test('a server with TLS that is asked without, and answers in TLS', async (t) => {
    const { createServer: createTcp } = await import('node:net')
    const alert = Buffer.from([0x15, 0x03, 0x03, 0x00, 0x02, 0x02, 0x46])
    const server = createTcp((socket) => socket.on('error', () => undefined).once('data', () => socket.end(alert)))
    await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve))
    t.after(() => void server.close())
    const failure = await failureOf((server.address() as AddressInfo).port, {}, requestHttp)
    const fault = tlsFaultOf(failure, CLICKHOUSE_TLS_OPTIONS)
    assert.deepEqual(fault, { message: 'it expects TLS', hint: 'write CLICKHOUSE_URL with https://' })
  })
})

test('a failure that has nothing to do with TLS is left to others', () => {
  for (const message of ['connect ECONNREFUSED 127.0.0.1:1', 'getaddrinfo ENOTFOUND x', 'Closed connection', 'odd'])
    assert.equal(tlsFaultOf(new Error(message), KAFKA_TLS_OPTIONS), null, message)
  assert.deepEqual(closedHints(new Error('connect ECONNREFUSED'), 'http://x', CLICKHOUSE_TLS_OPTIONS), [])
})
