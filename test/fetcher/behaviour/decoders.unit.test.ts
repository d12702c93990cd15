/** Answers that are not JSON, on a real server: what a run makes of them, and what it does about broken ones. */
import assert from 'node:assert/strict'
import { describe, test } from 'node:test'
import { gzipSync } from 'node:zlib'
import {
  csv,
  cursor,
  type DiscoverTools,
  discover,
  generator,
  gunzip,
  jsonl,
  lenientJson,
  linkHeader,
  none,
  optional,
  pageNumber,
  xml,
  z,
  zip,
} from '#shared/index.ts'
import { silentLog } from '#shared/log.ts'
import { createDiscovery } from '../../../services/fetcher/slices/discovery.ts'
import { type Answer, startServer } from '../../support/http.ts'
import { zipOf } from '../../support/zip.ts'
import { clientFor, failureOf } from '../http/fixture.ts'
import { keysOf, runOnce } from '../pages/paginators/running.ts'

const TABLE = 'id,total\n1,12.50\n2,\n'
const list = (decode: unknown, more: Record<string, unknown> = {}) => ({
  ...{ records: undefined, paginate: none(), decode },
  ...more,
})

describe('an answer that its decoder cannot read', () => {
  test('is asked for again while it may have been cut, and not where it would never be read', async (t) => {
    const cut = await runOnce(t, () => ({ body: 'id,total\n1,2\n3' }), {
      stream: list(csv()),
      source: { attemptsMax: 3 },
    })
    assert.match(String(cut.error), /failed 3 times; the last answer: the body is cut CSV: it ends inside line 3$/)
    assert.equal(cut.requests.length, 3)
    const broken = await runOnce(t, () => ({ body: 'id,total\n1,"2"x\n' }), { stream: list(csv()) })
    assert.match(String(broken.error), /cannot be read: the body is not CSV: line 2: something follows the quote/)
    assert.equal(broken.requests.length, 1)
  })

  test('is not larger than bodyBytesMax, opened or not', async (t) => {
    const rows = `id\n${'x\n'.repeat(5_000)}`
    for (const [decode, body] of [
      [csv(), rows],
      [[gunzip(), csv()], gzipSync(rows)],
      [[zip(), csv()], zipOf({ 'a.csv': rows })],
    ] as const) {
      const source = { bodyBytesMax: 5_000, attemptsMax: 1 }
      const { error } = await runOnce(t, () => ({ body }), { stream: list(decode), source })
      assert.match(String(error), /is larger than 5000 bytes \(bodyBytesMax\)/)
    }
  })
})

describe('what a decoder asks for', () => {
  for (const [name, decode, accept] of [
    ['CSV', csv(), 'text/csv, */*;q=0.5'],
    ['lines', jsonl(), 'application/x-ndjson, application/jsonl, */*;q=0.5'],
    ['XML', xml(), 'application/xml, text/xml, */*;q=0.5'],
    ['lenient JSON', lenientJson(), 'application/json'],
    ['a file', [gunzip(), csv()], '*/*'],
    ['a function', () => [], '*/*'],
  ] as const) {
    test(`is ${name}, unless the declaration says otherwise`, async (t) => {
      const script = (): Answer => ({ status: 204 })
      const own = await runOnce(t, script, { stream: list(decode) })
      assert.equal(own.requests[0]?.headers.accept, accept)
      const other = await runOnce(t, script, { stream: list(decode, { headers: { Accept: 'x/y' } }) })
      assert.equal(other.requests[0]?.headers.accept, 'x/y')
    })
  }
})

describe('the decoded body', () => {
  const schema = z.object({ id: z.string(), total: z.coerce.number().optional() })

  test('of a table has texts that the schema coerces; an empty cell is no field', async (t) => {
    const { put } = await runOnce(t, () => ({ body: TABLE }), { stream: list(csv(), { schema }) })
    assert.deepEqual(
      put.flatMap(({ records }) => records.map(({ payload }) => JSON.parse(payload))),
      [{ id: '1', total: 12.5 }, { id: '2' }],
    )
  })

  test('makes a dead letter of a row with other cells than the header', async (t) => {
    const body = 'id,total\n1,2\n2,3,4\n3,5\n4,6\n5,7\n'
    const ran = await runOnce(t, () => ({ body }), { stream: list(csv(), { schema }) })
    assert.deepEqual(keysOf(ran), ['1', '3', '4', '5'])
    assert.deepEqual(
      ran.put.flatMap(({ rejected }) => rejected.map(({ raw }) => raw)),
      ['["2","3","4"]'],
    )
  })

  test('is what Link headers, numbers and answers.failed see', async (t) => {
    const linked = await runOnce(
      t,
      ({ query }) =>
        query.has('p')
          ? { body: '{"id":"2"}' }
          : { body: '{"id":"1"}\n', headers: { link: '</orders?p=2>; rel="next"' } },
      { stream: list(jsonl(), { paginate: linkHeader() }) },
    )
    assert.deepEqual(keysOf(linked), ['1', '2'])
    const numbered = await runOnce(
      t,
      ({ query }) => ({
        body: Number(query.get('page')) < 3 ? `id\n${query.get('page')}\nx${query.get('page')}` : 'id,\n',
      }),
      { stream: list(csv(), { paginate: pageNumber({ stop: 'empty' }) }) },
    )
    assert.deepEqual(keysOf(numbered), ['1', 'x1', '2', 'x2'])
    const failed = (body: unknown) => (Array.isArray(body) && body.length === 1 ? 'one row only' : null)
    const refused = await runOnce(t, () => ({ body: '{"id":"1"}' }), { stream: list(jsonl(), { answers: { failed } }) })
    assert.match(String(refused.error), /was answered 200 with an error: one row only/)
  })

  test('of XML is an object for records and cursors; one record is a list too', async (t) => {
    const page = (id: number, next: string) => `<R><L><S><id>${id}</id></S></L><M><N>${next}</N></M></R>`
    const stream = {
      decode: xml(),
      records: '/R/L/S',
      paginate: cursor({ next: optional('/R/M/N'), param: 'after' }),
    }
    const ran = await runOnce(t, ({ query }) => ({ body: query.has('after') ? page(2, '') : page(1, 'x') }), { stream })
    assert.deepEqual(keysOf(ran), ['1', '2'])
  })

  test('can be made by a function of bytes and headers, whose error stops the run', async (t) => {
    const fixed = (bytes: Uint8Array, headers: Readonly<Record<string, string>>) => {
      const width = Number(headers['x-width'])
      const text = Buffer.from(bytes).toString()
      if (!(width > 0)) throw new RangeError('no width')
      return Array.from({ length: text.length / width }, (_, at) => ({ id: text.slice(at * width, (at + 1) * width) }))
    }
    const ran = await runOnce(t, () => ({ body: 'aabbcc', headers: { 'x-width': '2' } }), { stream: list(fixed) })
    assert.deepEqual(keysOf(ran), ['aa', 'bb', 'cc'])
    const { error } = await runOnce(t, () => ({ body: 'aabbcc' }), { stream: list(fixed) })
    assert.match(String(error), /cannot be read: the function decode throws: no width/)
  })

  test('is of the request that a generator sends: JSON first, then the file that it names', async (t) => {
    const walk = generator(async function* ({ request }) {
      const { body } = await request({ path: '/jobs' })
      const { body: rows } = await request({ url: (body as { file: string }).file, decode: [gunzip(), csv()] })
      yield { records: rows as unknown[] }
    })
    const ran = await runOnce(
      t,
      ({ path }) => (path === '/jobs' ? { json: { file: '/files/1' } } : { body: gzipSync(TABLE) }),
      { stream: { paginate: walk, schema } },
    )
    assert.deepEqual(keysOf(ran), ['1', '2'])
  })

  test('does not change how partitions are discovered', async (t) => {
    const server = await startServer(t, () => ({ json: [{ id: '7' }, { id: '8' }] }))
    const values = async ({ request }: DiscoverTools) => {
      const { body } = await request({ path: '/accounts' })
      return (body as { id: string }[]).map(({ id }) => ({ account: id }))
    }
    const partitions = discover({ over: 2, values })
    const { client, stream, clock } = clientFor(t, server.url, { stream: list(csv(), { partitions }) })
    const discovery = createDiscovery({ stream, baseUrl: client.baseUrl, send: client.send, clock, log: silentLog })
    const { slices } = await discovery.find({ soft: t.signal, hard: t.signal })
    assert.equal(slices.flat().length, 2)
    assert.equal(server.requests[0]?.headers.accept, 'application/json')
  })

  test('respects content codings and files alike', async (t) => {
    const headers = { 'content-encoding': 'gzip' }
    for (const [decode, body, sent] of [
      [csv(), gzipSync(TABLE), headers],
      [[gunzip(), csv()], gzipSync(TABLE), {}],
      [[gunzip(), csv()], gzipSync(TABLE), headers],
      [[gunzip(), csv()], gzipSync(gzipSync(TABLE)), headers],
    ] as const) {
      const ran = await runOnce(t, () => ({ body, headers: sent }), { stream: list(decode, { schema }) })
      assert.deepEqual(keysOf(ran), ['1', '2'])
    }
  })
})

test('an error response keeps its excerpt, whatever the decoder is', async (t) => {
  const server = await startServer(t, () => ({ status: 403, body: 'not for you' }))
  const { ask } = clientFor(t, server.url, { stream: list([gunzip(), csv()]) })
  assert.match(String(await failureOf(ask())), /was refused with 403: not for you/)
})
