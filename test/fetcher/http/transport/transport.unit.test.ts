import assert from 'node:assert/strict'
import { describe, test } from 'node:test'
import { brotliCompressSync, deflateRawSync, deflateSync, gzipSync, zstdCompressSync } from 'node:zlib'
import packageJson from '../../../../package.json' with { type: 'json' }
import { type Answer, inTurn, startServer } from '../../../support/http.ts'
import { clientFor, failureOf } from '../fixture.ts'

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
    await clientFor(t, server.url, {
      source: { headers: { Accept: 'application/vnd.shop+json', 'User-Agent': 'us/1' } },
    }).ask()
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

  for (const status of [204, 205]) {
    for (const coding of ['gzip', 'br', 'zstd', 'deflate', 'UTF-8', 'snappy, gzip']) {
      test(`takes ${status} with the content coding ${coding} for an answer without a body`, async (t) => {
        const server = await startServer(t, inTurn({ status, headers: { 'content-encoding': coding } }))
        const page = await clientFor(t, server.url).ask()
        assert.deepEqual([page.status, page.body, page.attempts], [status, null, 1])
      })
    }
  }

  const UTF16 = Buffer.from(TEXT, 'utf16le')
  for (const [name, answer, note] of [
    ['gzip, br', { headers: { 'content-encoding': 'gzip, br' }, body: brotliCompressSync(gzipSync(TEXT)) }],
    ['zstd', { headers: { 'content-encoding': 'zstd' }, body: zstdCompressSync(TEXT) }],
    ['bare deflate', { headers: { 'content-encoding': 'deflate' }, body: deflateRawSync(TEXT) }],
    ['"GZIP"', { headers: { 'content-encoding': '"GZIP"' }, body: gzipSync(TEXT) }],
    ['x-gzip', { headers: { 'content-encoding': 'x-gzip' }, body: gzipSync(TEXT) }],
    ['UTF-8', { headers: { 'content-encoding': 'UTF-8' }, body: TEXT }, 'the content coding "utf-8" is not known'],
    ['none', { headers: { 'content-encoding': 'none' }, body: TEXT }, 'the content coding "none" is not known'],
    ['binary', { headers: { 'content-encoding': 'binary' }, body: TEXT }, 'the content coding "binary" is not known'],
    [
      'UTF-8 over gzip',
      { headers: { 'content-encoding': 'utf-8' }, body: gzipSync(TEXT) },
      'the body is gzip, which its content coding',
    ],
    [
      'gzip over none',
      { headers: { 'content-encoding': 'gzip' }, body: TEXT },
      'the body is not gzip, as its content coding says',
    ],
    [
      'br over none',
      { headers: { 'content-encoding': 'br' }, body: TEXT },
      'the body is not br, as its content coding says',
    ],
    ['deflate over none', { headers: { 'content-encoding': 'deflate' }, body: TEXT }, 'the body is not deflate'],
    ['no header over gzip', { body: gzipSync(TEXT) }, 'the body is gzip, which its content coding does not say'],
    [
      'no header over zstd',
      { body: zstdCompressSync(TEXT) },
      'the body is zstd, which its content coding does not say',
    ],
    [
      'gzip over gzip twice',
      { headers: { 'content-encoding': 'gzip' }, body: gzipSync(gzipSync(TEXT)) },
      'the body is gzip, which',
    ],
    [
      'charset=utf8mb4',
      { headers: { 'content-type': 'application/json; charset=utf8mb4' }, body: TEXT },
      'the charset "utf8mb4" is not known',
    ],
    [
      'charset=binary',
      { headers: { 'content-type': 'application/json;charset=binary' }, body: TEXT },
      'the charset "binary" is not known',
    ],
    [
      'charset=unknown',
      { headers: { 'content-type': 'application/json; charset=unknown' }, body: TEXT },
      'the charset "unknown"',
    ],
    [
      'charset=us-ascii',
      { headers: { 'content-type': 'application/json; charset=US-ASCII' }, body: TEXT },
      'the charset "us-ascii"',
    ],
    ['charset="UTF8"', { headers: { 'content-type': 'application/json; Charset="UTF8"' }, body: TEXT }],
    ["charset='utf-8'", { headers: { 'content-type': "application/json; charset='utf-8'" }, body: TEXT }],
    [
      'windows-1252',
      { headers: { 'content-type': 'application/json; charset=windows-1252' }, body: Buffer.from(TEXT, 'latin1') },
    ],
    ['UTF-16 LE', { body: UTF16 }],
    ['UTF-16 BE', { body: Buffer.from(UTF16).swap16() }],
    ['UTF-16 LE with a mark', { body: Buffer.from(`\uFEFF${TEXT}`, 'utf16le') }],
    ['UTF-16 BE with a mark', { body: Buffer.from(`\uFEFF${TEXT}`, 'utf16le').swap16() }],
    [
      'charset=utf-16 over UTF-16 BE',
      { headers: { 'content-type': 'application/json; charset=utf-16' }, body: Buffer.from(UTF16).swap16() },
    ],
    [
      'charset=utf-16le over UTF-16 BE',
      { headers: { 'content-type': 'application/json; charset=utf-16le' }, body: Buffer.from(UTF16).swap16() },
      'the body is utf-16be, not "utf-16le"',
    ],
    [
      'charset=utf-16 over UTF-8',
      { headers: { 'content-type': 'application/json; charset=utf-16' }, body: TEXT },
      'the body is utf-8, not',
    ],
    [
      'charset=iso-8859-1 over UTF-16',
      { headers: { 'content-type': 'text/json; charset=latin1' }, body: UTF16 },
      'the body is utf-16le',
    ],
  ] as const satisfies [string, Answer, string?][]) {
    test(`reads what the bytes show: ${name}`, async (t) => {
      const server = await startServer(t, inTurn(answer))
      const { ask, logged } = clientFor(t, server.url)
      for (let page = 0; page < 2; page++) {
        const { body, bytes, attempts } = await ask()
        assert.deepEqual([body, attempts], [BODY, 1])
        assert.ok(bytes >= TEXT.length)
      }
      if (note !== undefined) assert.equal(logged().split(JSON.stringify(note).slice(1, -1)).length, 2, logged())
    })
  }

  test('bounds what each coding unpacks to, also one that no header names', async (t) => {
    const bomb = gzipSync(Buffer.alloc(5_000_000, 0x20))
    for (const answer of [
      { body: bomb },
      { body: gzipSync(bomb) },
      { headers: { 'content-encoding': 'br, gzip' }, body: gzipSync(brotliCompressSync(bomb)) },
    ]) {
      const server = await startServer(t, inTurn(answer))
      const { ask } = clientFor(t, server.url, { source: { bodyBytesMax: 1_000_000, attemptsMax: 1 } })
      assert.match((await failureOf(ask())).message, /larger than 1000000 bytes \(bodyBytesMax\)/)
    }
  })

  test('joins repeated headers, and keeps no cookie', async (t) => {
    const server = await startServer(
      t,
      inTurn({ json: BODY, headers: { link: ['<a>; rel=x', '<b>; rel=y'], 'set-cookie': ['s=1'] } }),
    )
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
    assert.deepEqual(
      [asked?.method, asked?.headers['content-type'], asked?.body],
      ['POST', 'application/json', '{"q":"ü"}'],
    )
  })
})
