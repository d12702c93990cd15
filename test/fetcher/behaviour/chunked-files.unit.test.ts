/** Files that are read in chunks, on a real server: pages, cursors, transfers that break and files that change. */
import assert from 'node:assert/strict'
import type { ServerResponse } from 'node:http'
import { describe, test } from 'node:test'
import { gzipSync } from 'node:zlib'
import { csv, cursor, gunzip, jsonl, none } from '#shared/index.ts'
import type { Answer } from '../../support/http.ts'
import { confirmed, keysOf, type Ran, runOnce } from '../pages/paginators/running.ts'

const CHUNKS = { chunks: { recordsMax: 3 } }
const rows = (from: number, to: number) => Array.from({ length: to - from }, (_, at) => String(from + at))
const table = (ids: readonly string[]) => `id,note\n${ids.map((id) => `${id},n${id}\n`).join('')}`
const lines = (ids: readonly string[]) => ids.map((id) => `{"id":"${id}"}\n`).join('')
const file = (decode: unknown, more: Record<string, unknown> = {}) => ({
  ...{ records: undefined, paginate: none(), decode },
  ...more,
})
const pagesOf = ({ put }: Ran): string[][] => put.map(({ records }) => records.map(({ key }) => key))
const cursorsOf = ({ put }: Ran) =>
  put.map(({ checkpoint }) => checkpoint.cursor as { record: number; id: string } | null)
/** Sends the opening of a body whose length is known, and closes the connection. */
const brokenAfter = (body: string, bytes: number, headers: Record<string, string> = {}): Answer => ({
  take(response: ServerResponse, socket) {
    response.writeHead(200, { 'content-length': Buffer.byteLength(body), ...headers })
    response.write(body.slice(0, bytes), () => setImmediate(() => socket.destroy()))
  },
})

describe('a transfer that breaks', () => {
  for (const [name, headers] of [
    ['by its ETag', { etag: '"v1"' }],
    ['by its length and what was read of it', {}],
  ] as const) {
    test(`is requested again, and continues behind the last whole record: known ${name}`, async (t) => {
      const body = table(rows(0, 10))
      const whole = { body, headers: { 'content-length': Buffer.byteLength(body), ...headers } }
      // In the middle of the eighth record.
      const cutAt = body.indexOf('7,n7') + 2
      const ran = await runOnce(t, (_, number) => (number === 0 ? brokenAfter(body, cutAt, headers) : whole), {
        stream: file(csv(CHUNKS)),
      })
      assert.equal(ran.error, undefined)
      assert.equal(ran.requests.length, 2)
      assert.deepEqual(keysOf(ran), rows(0, 10))
      assert.deepEqual(
        ran.put.map(({ marker }) => marker.last),
        [false, false, false, true],
      )
    })
  }

  test('is given up after attemptsMax transfers in a row without a further record', async (t) => {
    const body = lines(rows(0, 10))
    const ran = await runOnce(t, () => brokenAfter(body, body.indexOf('"5"')), {
      stream: file(jsonl(CHUNKS)),
      source: { attemptsMax: 3 },
    })
    assert.match(String(ran.error), /failed 3 times; the last answer: the body ended early/)
    assert.equal(ran.requests.length, 3)
    assert.deepEqual(keysOf(ran), rows(0, 5))
    assert.equal(cursorsOf(ran).at(-1)?.record, 5)
  })

  test('counts a gzip file that ends early, and keeps its records', async (t) => {
    const body = gzipSync(lines(rows(0, 2000)))
    const stream = file([gunzip(), jsonl({ chunks: { recordsMax: 500 } })])
    const ran = await runOnce(t, (_, number) => ({ body: number === 0 ? body.subarray(0, -200) : body }), { stream })
    assert.equal(ran.error, undefined)
    assert.equal(ran.requests.length, 2)
    assert.deepEqual(keysOf(ran), rows(0, 2000))
  })
})

describe('a file that is not as it was', () => {
  const before = lines(rows(0, 7))
  const after = lines(rows(3, 12))
  for (const [name, first, second] of [
    ['another ETag', { etag: '"v1"' }, { etag: '"v2"' }],
    ['an ETag that is gone', { etag: '"v1"' }, {}],
    ['a weak ETag, and other records', { etag: 'W/"v"' }, { etag: 'W/"v"' }],
    ['another length', {}, {}],
  ] as const) {
    test(`is read from its first record: ${name}`, async (t) => {
      const script = (_: unknown, number: number): Answer =>
        number === 0 ? brokenAfter(before, before.indexOf('"5"'), first) : { body: after, headers: second }
      const ran = await runOnce(t, script, { stream: file(jsonl(CHUNKS)) })
      assert.equal(ran.error, undefined)
      assert.deepEqual(new Set(keysOf(ran)), new Set(rows(0, 12)))
    })
  }

  test('of the same length is known by the records before the place', async (t) => {
    const other = before.replaceAll('"1"', '"x"')
    const script = (_: unknown, number: number): Answer =>
      number === 0
        ? brokenAfter(before, before.indexOf('"5"'))
        : { body: other, headers: { 'content-length': Buffer.byteLength(other) } }
    const ran = await runOnce(t, script, { stream: file(jsonl(CHUNKS)) })
    assert.ok(keysOf(ran).includes('x'))
    assert.equal(ran.error, undefined)
  })

  test('each time it is read stops the run', async (t) => {
    const script = (_: unknown, number: number): Answer =>
      brokenAfter(before, before.indexOf('"5"'), { etag: `"${number}"` })
    const { error } = await runOnce(t, script, { stream: file(jsonl(CHUNKS)), source: { attemptsMax: 20 } })
    assert.match(String(error), /changes again and again/)
  })
})

describe('a file in chunks', () => {
  for (const [name, decode, body] of [
    ['CSV', csv(CHUNKS), table(rows(0, 8))],
    ['lines of JSON', jsonl(CHUNKS), lines(rows(0, 8))],
    ['CSV in a gzip file', [gunzip(), csv(CHUNKS)], gzipSync(table(rows(0, 8)))],
  ] as const) {
    test(`is a page for each, with a checkpoint of its own: ${name}`, async (t) => {
      const ran = await runOnce(t, () => ({ body }), { stream: file(decode) })
      assert.equal(ran.error, undefined)
      assert.deepEqual(pagesOf(ran), [rows(0, 3), rows(3, 6), rows(6, 8)])
      assert.deepEqual(
        cursorsOf(ran).map((cursor) => cursor?.record ?? null),
        [3, 6, null],
      )
      assert.deepEqual(
        ran.put.map(({ marker }) => [marker.requests, marker.last]),
        [
          [1, false],
          [0, false],
          [0, true],
        ],
      )
    })
  }

  test('is larger than bodyBytesMax allows a body; one record is not larger than its own bound', async (t) => {
    const source = { bodyBytesMax: 1024 }
    const ran = await runOnce(t, () => ({ body: lines(rows(0, 500)) }), { stream: file(jsonl(CHUNKS)), source })
    assert.deepEqual([ran.error, keysOf(ran).length], [undefined, 500])
    const long = 'x'.repeat(2_000)
    for (const [decode, body] of [
      [jsonl({ chunks: { recordBytesMax: 1024 } }), `{"id":"${long}"}\n`],
      [csv({ chunks: { recordBytesMax: 1024 } }), `id,b\n${long},1\n`],
      [csv({ chunks: { recordBytesMax: 1024 } }), `id,b\n"${long}`],
    ] as const) {
      const { error, requests } = await runOnce(t, () => ({ body }), { stream: file(decode) })
      assert.match(String(error), /larger than 1024 bytes \(recordBytesMax\)/)
      assert.equal(requests.length, 1)
    }
  })

  test('that was interrupted continues at its next record, and at record 0 where the file is another', async (t) => {
    const headers = { etag: '"v1"' }
    const body = lines(rows(0, 8))
    const stream = file(jsonl(CHUNKS))
    const whole = await runOnce(t, () => ({ body, headers }), { stream })
    const cursor = whole.put[1]?.checkpoint.cursor
    const resumed = await runOnce(t, () => ({ body, headers }), { stream, plan: { cursor, page: 2 } })
    assert.deepEqual(pagesOf(resumed), [rows(6, 8)])
    const changed = await runOnce(t, () => ({ body, headers: { etag: '"v2"' } }), { stream, plan: { cursor, page: 2 } })
    assert.equal(changed.error, undefined)
    assert.deepEqual(keysOf(changed), rows(0, 8))
    const byHash = await runOnce(t, () => ({ body }), { stream })
    const at = byHash.put[0]?.checkpoint.cursor
    const again = await runOnce(t, () => ({ body }), { stream, plan: { cursor: at, page: 1 } })
    assert.deepEqual(keysOf(again), rows(3, 8))
  })

  test('names the next file by its last chunk, and holds the watermark until the walk ends', async (t) => {
    const paginate = cursor({ nextHeader: 'X-Next', param: 'p' })
    const script = ({ query }: { query: URLSearchParams }): Answer =>
      query.has('p') ? { body: lines(rows(5, 9)) } : { body: lines(rows(0, 5)), headers: { 'x-next': '2' } }
    const ran = await runOnce(t, script, { stream: file(jsonl(CHUNKS), { paginate }) })
    assert.equal(ran.error, undefined)
    assert.deepEqual(pagesOf(ran), [rows(0, 3), rows(3, 5), rows(5, 8), rows(8, 9)])
    assert.deepEqual(confirmed(ran).at(-1), null)
    const resumed = await runOnce(t, script, {
      stream: file(jsonl(CHUNKS), { paginate }),
      plan: { cursor: ran.put[1]?.checkpoint.cursor, page: 2 },
    })
    assert.equal(resumed.error, undefined)
    assert.equal(resumed.requests[0]?.query.get('p'), '2')
    assert.deepEqual(keysOf(resumed), rows(5, 9))
  })

  test('without a record, or with 204, is one empty page', async (t) => {
    for (const answer of [{ body: '' }, { status: 204 }]) {
      const ran = await runOnce(t, () => answer, { stream: file(jsonl(CHUNKS)) })
      assert.deepEqual([ran.error, pagesOf(ran)], [undefined, [[]]])
    }
  })

  test('stops at a line that cannot be read; what came before it stays published', async (t) => {
    const body = `${lines(rows(0, 4))}{"id":NaN}\n`
    const ran = await runOnce(t, () => ({ body }), { stream: file(jsonl(CHUNKS)) })
    assert.match(String(ran.error), /cannot be read: the body is not lines of JSON: line 5, column 7/)
    assert.equal(ran.requests.length, 1)
  })

  test('keeps its place of the concurrency until its last byte', async (t) => {
    let underWay = 0
    let most = 0
    const script = (): Answer => ({
      take(response: ServerResponse) {
        underWay += 1
        most = Math.max(most, underWay)
        response.writeHead(200)
        response.write(lines(rows(0, 4)))
        setTimeout(() => {
          underWay -= 1
          response.end(lines(rows(4, 5)))
        }, 20)
      },
    })
    const ran = await runOnce(t, script, { stream: file(jsonl(CHUNKS)), source: { concurrency: 1 } })
    assert.deepEqual([ran.error, keysOf(ran), most], [undefined, rows(0, 5), 1])
  })
})
