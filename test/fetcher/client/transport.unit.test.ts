import assert from 'node:assert/strict'
import { describe, test } from 'node:test'
import { brotliCompressSync, deflateSync, gzipSync } from 'node:zlib'
import packageJson from '../../../package.json' with { type: 'json' }
import { inTurn, startServer } from '../../support/http.ts'
import { clientFor } from './fixture.ts'

const BODY = { data: [{ id: 'ü', n: 1 }], next: null }
const TEXT = JSON.stringify(BODY)

describe('one round trip', () => {
  test('asks for JSON by name and version, and for no coding that it cannot read', async (t) => {
    const server = await startServer(t, inTurn({ json: BODY }))
    await clientFor(t, server.url).ask()
    const headers = server.requests[0]?.headers ?? {}
    assert.equal(headers['user-agent'], `headrace/${packageJson.version}`)
    assert.equal(headers.accept, 'application/json')
    assert.equal(headers['accept-encoding'], 'gzip, br')
    assert.equal(headers['content-type'], undefined)
  })

  test('lets the declaration say otherwise', async (t) => {
    const server = await startServer(t, inTurn({ json: BODY }))
    await clientFor(t, server.url, { source: { headers: { Accept: 'application/vnd.shop+json', 'User-Agent': 'us/1' } } }).ask()
    const headers = server.requests[0]?.headers ?? {}
    assert.deepEqual([headers.accept, headers['user-agent']], ['application/vnd.shop+json', 'us/1'])
  })

  for (const [coding, bytes] of [
    ['gzip', gzipSync(TEXT)],
    ['br', brotliCompressSync(TEXT)],
    ['deflate', deflateSync(TEXT)],
    ['identity', Buffer.from(TEXT)],
  ] as const) {
    test(`reads a body in ${coding}, and counts its bytes as they are afterwards`, async (t) => {
      const server = await startServer(t, inTurn({ body: bytes, headers: { 'content-encoding': coding } }))
      const page = await clientFor(t, server.url).ask()
      assert.deepEqual(page.body, BODY)
      assert.equal(page.bytes, Buffer.byteLength(TEXT))
    })
  }

  test('reads the charset that the answer names, and passes over a byte order mark', async (t) => {
    const server = await startServer(
      t,
      inTurn(
        { body: Buffer.from(TEXT, 'latin1'), headers: { 'content-type': 'application/json; charset=iso-8859-1' } },
        { body: `\uFEFF${TEXT}` },
      ),
    )
    const { ask } = clientFor(t, server.url)
    assert.deepEqual((await ask()).body, BODY)
    assert.deepEqual((await ask()).body, BODY)
  })

  test('takes 204 for an answer without a body', async (t) => {
    const server = await startServer(t, inTurn({ status: 204 }))
    const page = await clientFor(t, server.url).ask()
    assert.deepEqual([page.status, page.body, page.attempts], [204, null, 1])
  })

  test('joins repeated headers, and keeps no cookie', async (t) => {
    const server = await startServer(t, inTurn({ json: BODY, headers: { link: ['<a>; rel=x', '<b>; rel=y'], 'set-cookie': ['s=1'] } }))
    const { headers } = await clientFor(t, server.url).ask()
    assert.equal(headers.link, '<a>; rel=x, <b>; rel=y')
    assert.equal(headers['set-cookie'], undefined)
  })

  test('keeps its connections for the next pages', async (t) => {
    const ports = new Set<number | undefined>()
    const server = await startServer(t, () => ({
      take(response, socket) {
        ports.add(socket.remotePort)
        response.end(TEXT)
      },
    }))
    const { ask } = clientFor(t, server.url)
    for (let i = 0; i < 20; i++) await ask()
    // A request that comes in the very moment in which an answer ends may open a second one.
    assert.ok(ports.size <= 2, `${ports.size} connections`)
  })

  test('sends a JSON body', async (t) => {
    const server = await startServer(t, inTurn({ json: BODY }))
    await clientFor(t, server.url, { stream: { method: 'POST', body: { q: 'ü' } } }).ask()
    const [asked] = server.requests
    assert.deepEqual([asked?.method, asked?.headers['content-type'], asked?.body], ['POST', 'application/json', '{"q":"ü"}'])
  })
})
