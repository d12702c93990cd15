/** How a source reaches its API: proxies, TLS with an authority and a client certificate of its own, HTTP/2. */
import assert from 'node:assert/strict'
import { createSecureServer } from 'node:http2'
import { createServer as createHttpsServer, type ServerOptions } from 'node:https'
import type { AddressInfo, Socket } from 'node:net'
import { describe, type TestContext, test } from 'node:test'
import type { TLSSocket } from 'node:tls'
import { DeclarationError, WrongUse } from '#shared/errors.ts'
import { oauth2ClientCredentials, secret, setting } from '#shared/index.ts'
import { makeAuthority } from '../../support/certificates.ts'
import { startServer } from '../../support/http.ts'
import { startProxy } from '../../support/proxy.ts'
import { clientFor, declareSource, failureOf, shown } from '../http/fixture.ts'

const PAGE = { json: { data: [{ id: 'a' }] } }
const LOGIN = 'worker:s3cret-of-the-proxy'
const withLogin = (url: string) => url.replace('http://', `http://${LOGIN}@`)

const authority = makeAuthority()
const served = authority.issue('api')

/** Remembers whom each request came from: the common name of the client's certificate, null without one. */
async function startTls(t: TestContext, options: ServerOptions = {}) {
  const clients: (string | null)[] = []
  const server = createHttpsServer({ ...served, ...options }, (request, response) => {
    clients.push((request.socket as TLSSocket).getPeerCertificate().subject?.CN?.toString() ?? null)
    const isToken = request.url?.startsWith('/token') === true
    response.writeHead(200, { 'content-type': 'application/json' })
    response.end(JSON.stringify(isToken ? { access_token: 't0ken', token_type: 'bearer' } : PAGE.json))
  })
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve))
  t.after(() => {
    server.close()
    server.closeAllConnections()
  })
  return { url: `https://127.0.0.1:${(server.address() as AddressInfo).port}`, clients }
}

describe('a proxy', () => {
  test('that cannot be reached fails the attempt, and no request goes around it', async (t) => {
    const server = await startServer(t, () => PAGE)
    const { ask } = clientFor(t, server.url, {
      source: { attemptsMax: 1 },
      environment: { HTTP_PROXY: withLogin('http://127.0.0.1:9') },
    })
    const error = await failureOf(ask())
    assert.match(shown(error), /the connection failed/)
    assert.doesNotMatch(shown(error), /s3cret-of-the-proxy/)
    assert.equal(server.requests.length, 0)
  })

  test('that refuses its login says so, and the login is in no error and no log', async (t) => {
    const server = await startServer(t, () => PAGE)
    const tls = await startTls(t)
    const proxy = await startProxy(t, { login: LOGIN })
    for (const url of [server.url, tls.url]) {
      const { ask, logged } = clientFor(t, url, {
        source: { attemptsMax: 2, tls: { ca: authority.ca } },
        environment: { HTTP_PROXY: proxy.url.replace('http://', 'http://worker:wr0ng-password@') },
      })
      const error = await failureOf(ask())
      assert.match(shown(error), /the proxy asks for a login \(407\)/)
      assert.doesNotMatch(shown(error) + logged(), /wr0ng-password/)
    }
    assert.equal(proxy.asked.length, 4)
    assert.equal(server.requests.length, 0)
  })

  test('of the environment is used with its login: forwarded for http, as a tunnel for https', async (t) => {
    const server = await startServer(t, () => PAGE)
    const tls = await startTls(t)
    const proxy = await startProxy(t, { login: LOGIN })
    for (const url of [server.url, tls.url]) {
      const { ask, logged } = clientFor(t, url, {
        source: { tls: { ca: authority.ca } },
        environment: { https_proxy: withLogin(proxy.url), HTTP_PROXY: withLogin(proxy.url) },
      })
      assert.equal((await ask()).status, 200)
      assert.doesNotMatch(logged(), /s3cret-of-the-proxy/)
    }
    assert.deepEqual(proxy.asked, [`GET ${server.url}/orders`, `CONNECT ${new URL(tls.url).host}`])
    assert.equal(server.requests[0]?.headers['proxy-authorization'], undefined)
  })

  test('is not asked for hosts of NO_PROXY, nor where the source declares proxy: false', async (t) => {
    const server = await startServer(t, () => PAGE)
    const proxy = await startProxy(t)
    const environment = { HTTP_PROXY: proxy.url }
    await clientFor(t, server.url, { environment: { ...environment, NO_PROXY: '.example,127.0.0.1' } }).ask()
    await clientFor(t, server.url, { environment, source: { proxy: false } }).ask()
    assert.equal(server.requests.length, 2)
    assert.deepEqual(proxy.asked, [])
  })

  test('of the source replaces those of the environment, also for hosts of NO_PROXY', async (t) => {
    const server = await startServer(t, () => PAGE)
    const proxy = await startProxy(t, { login: LOGIN })
    for (const declared of [secret('OWN_PROXY'), setting('OWN_PROXY', 'http://127.0.0.1:9')]) {
      const { ask } = clientFor(t, server.url, {
        source: { proxy: declared },
        environment: { OWN_PROXY: withLogin(proxy.url), HTTP_PROXY: 'http://127.0.0.1:9', NO_PROXY: '*' },
      })
      assert.equal((await ask()).status, 200)
    }
    assert.equal(proxy.asked.length, 2)
  })

  test('that is not an address is refused before any request, and its value is not shown', (t) => {
    const isRefused = (name: string) => (error: unknown) =>
      error instanceof WrongUse && error.message.includes(name) && !shown(error).includes('s3cret-of-the-proxy')
    assert.throws(
      () => clientFor(t, 'http://127.0.0.1:9', { environment: { HTTPS_PROXY: `${LOGIN}@proxy:3128` } }),
      isRefused('HTTPS_PROXY is not'),
    )
    assert.throws(
      () =>
        clientFor(t, 'http://127.0.0.1:9', {
          source: { proxy: secret('OWN_PROXY') },
          environment: { OWN_PROXY: `socks5://${LOGIN}@proxy` },
        }),
      isRefused('shop: proxy (OWN_PROXY) is not'),
    )
  })

  test('with a login in the declaration is refused when the declaration is loaded', () => {
    assert.throws(
      () => declareSource('http://api.example', { proxy: withLogin('http://proxy:3128') }),
      (error) =>
        error instanceof DeclarationError && /secret\('NAME'\)/.test(error.message) && !shown(error).includes(LOGIN),
    )
  })
})

describe('TLS', () => {
  test('to a server of an unknown authority fails, and the error says what to declare', async (t) => {
    const tls = await startTls(t)
    const error = await failureOf(clientFor(t, tls.url, { source: { attemptsMax: 1 } }).ask())
    assert.match(shown(error), /declare tls: \{ ca \}/)
    assert.deepEqual(tls.clients, [])
  })

  test('trusts the authority that the source declares', async (t) => {
    const tls = await startTls(t)
    const { ask } = clientFor(t, tls.url, {
      source: { tls: { ca: setting('API_CA', 'none') } },
      environment: { API_CA: authority.ca },
    })
    assert.equal((await ask()).status, 200)
  })

  test('shows the client certificate to the origins of the API and of its token endpoint, and to no other', async (t) => {
    const { cert, key } = authority.issue('client of a test')
    const asking = { requestCert: true, rejectUnauthorized: false, ca: authority.ca }
    const [api, tokens, files] = await Promise.all([startTls(t, asking), startTls(t, asking), startTls(t, asking)])
    const { ask } = clientFor(t, api.url, {
      source: {
        auth: oauth2ClientCredentials({
          tokenUrl: `${tokens.url}/token`,
          clientId: 'id',
          clientSecret: secret('SHOP_SECRET'),
        }),
        allowOrigins: [files.url],
        tls: { ca: authority.ca, cert, key: secret('CLIENT_KEY') },
      },
      environment: { CLIENT_KEY: key },
    })
    await ask()
    await ask({ path: `${files.url}/page` })
    assert.deepEqual([api.clients, tokens.clients, files.clients], [['client of a test'], ['client of a test'], [null]])
  })

  test('with half a client certificate is refused when the declaration is loaded', () => {
    assert.throws(() => declareSource('https://api.example', { tls: { cert: 'PEM' } }), /cert and key belong together/)
    assert.throws(
      () => declareSource('https://api.example', { tls: { passphrase: secret('PHRASE') } }),
      /passphrase.*there is none/,
    )
  })
})

test('HTTP/2 is spoken only where the source declares it', async (t) => {
  const versions: string[] = []
  const server = createSecureServer({ ...served, allowHTTP1: true }, (request, response) => {
    versions.push(request.httpVersion)
    response.writeHead(200, { 'content-type': 'application/json' })
    response.end(JSON.stringify(PAGE.json))
  })
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve))
  const sockets = new Set<Socket>()
  server.on('connection', (socket) => sockets.add(socket))
  t.after(() => {
    server.close()
    for (const socket of sockets) socket.destroy()
  })
  const url = `https://127.0.0.1:${(server.address() as AddressInfo).port}`
  for (const http2 of [false, true]) {
    const { ask, client } = clientFor(t, url, { source: { http2, tls: { ca: authority.ca } } })
    assert.deepEqual((await ask()).body, PAGE.json)
    await client.close()
  }
  assert.deepEqual(versions, ['1.1', '2.0'])
})
