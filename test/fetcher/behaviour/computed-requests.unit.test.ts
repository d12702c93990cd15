/**
 * Requests that functions of the declaration make, walked over a real server. Each walk is interrupted behind every
 * page too, and must then ask for the same: the functions get the same page, cursor and ends after a restart.
 */
import assert from 'node:assert/strict'
import { describe, test } from 'node:test'
import { DeclarationError } from '#shared/errors.ts'
import { cursor, generator, keyset, none, offset, pageNumber, type RequestContext, windows, z } from '#shared/index.ts'
import { silentLog } from '#shared/log.ts'
import type { Cursor } from '../../../services/fetcher/pages/paginators/paginator-for.ts'
import { walkSlices } from '../../../services/fetcher/slices/walk-slices.ts'
import { startServer } from '../../support/http.ts'
import { clientFor } from '../http/fixture.ts'
import { keysOf, runOnce } from '../pages/paginators/running.ts'
import { once, recordsOf, type Script, targetsOf, walk, walkBothWays } from '../pages/paginators/walking.ts'

const rows = [...Array(7).keys()]
const SIZE = 3
const page = (at: number) => ({ data: rows.slice(at, at + SIZE), next: at + SIZE < rows.length ? at + SIZE : null })

describe('a function of the request', () => {
  test('gets page and cursor of each page, the same after every interruption', async (t) => {
    const path = ({ page: number, cursor: at }: RequestContext) => `/orders/${number}/${at}`
    const script: Script = ({ path: asked }) => ({ json: page(Number(asked.split('/')[3]) || 0) })
    const walked = await walkBothWays(t, cursor({ next: '/next' }), () => script, { stream: { path } })
    assert.deepEqual(once(recordsOf(walked)), rows)
    assert.deepEqual(targetsOf(walked), ['/orders/0/null', '/orders/1/3', '/orders/2/6'])
  })

  test('sees of each way of paging what the request asks with', async (t) => {
    const params = ({ page: number, cursor: at }: RequestContext) => ({ seen: at, number })
    const ways: [unknown, string[]][] = [
      [pageNumber({ stop: 'short', size: { param: 'size', value: SIZE } }), ['null', '2', '3']],
      [offset({ limit: SIZE }), ['null', '3', '6']],
      [keyset({ field: '', param: 'after', size: { param: 'size', value: SIZE } }), ['null', '2', '5']],
    ]
    for (const [paginate, cursors] of ways) {
      const script: Script = ({ query }) => ({ json: page(Number(query.get('number')) * SIZE) })
      const walked = await walkBothWays(t, paginate, () => script, { stream: { params } })
      assert.deepEqual(
        walked.requests.map(({ query }) => `${query.get('seen')}`),
        cursors,
      )
    }
  })

  test('writes the ends of each window where only a query language takes them', async (t) => {
    const body = ({ from, to, values }: RequestContext) => ({
      jql: `shop = ${values.shop} AND at >= ${from} AND at < ${to}`,
    })
    const stream = {
      ...{ method: 'POST', body, partitions: [{ shop: 'eu' }], params: () => ({ shop: null }) },
      schema: z.object({ id: z.string(), at: z.iso.datetime() }),
      watermark: { field: 'at', as: 'isoDate', start: '2026-01-08T00:00:00Z' },
    }
    const paginate = windows({ size: '1d', pages: none() })
    const { requests } = await walkBothWays(t, paginate, () => () => ({ json: { data: [] } }), { stream })
    assert.deepEqual(
      requests.map((asked) => [asked.target, JSON.parse(asked.body).jql]),
      [
        ['/orders', 'shop = eu AND at >= 2026-01-08 AND at < 2026-01-09'],
        ['/orders', 'shop = eu AND at >= 2026-01-09 AND at < 2026-01-10'],
      ],
    )
  })

  test('sees the watermark, the end that has settled, and null where there is none', async (t) => {
    const params = ({ from, to }: RequestContext) => ({ filter: `${from}..${to}` })
    const schema = z.object({ id: z.string(), at: z.iso.datetime() })
    const answer: Script = () => ({ json: { data: [] } })
    const filters = async (watermark: Record<string, unknown>, from: string | null) => {
      const stream = { params, schema, watermark: { field: 'at', as: 'isoSeconds', ...watermark } }
      const { requests } = await walk(t, none(), answer, { stream, from })
      return requests.map(({ query }) => query.get('filter'))
    }
    assert.deepEqual(await filters({}, null), ['null..null'])
    assert.deepEqual(await filters({ lookback: '1h' }, '2026-01-02T00:00:00Z'), ['2026-01-01T23:00:00Z..null'])
    assert.deepEqual(await filters({ settle: '1d' }, null), ['null..2026-01-09T00:00:00Z'])
  })

  test("makes the request that an author's own walk starts from", async (t) => {
    const params = ({ page: number, cursor: at }: RequestContext) => ({ number, at })
    const walker = generator(async function* ({ request, cursor: resumed }) {
      for (let at = resumed === null ? 0 : Number(resumed); at < rows.length; at += SIZE) {
        const { body } = await request<{ data: number[] }>()
        yield { records: body.data, cursor: at + SIZE }
      }
    })
    const script: Script = ({ query }) => ({ json: page(Number(query.get('number')) * SIZE) })
    const { requests } = await walk(t, walker, script, { stream: { params } })
    assert.deepEqual(
      requests.map(({ query }) => [query.get('number'), query.get('at')]),
      [
        ['0', null],
        ['1', '3'],
        ['2', '6'],
      ],
    )
  })

  test('gets the page within the walk of its own slice, the same after every interruption', async (t) => {
    const server = await startServer(t, ({ path: asked }) => ({ json: page(Number(asked.split('/')[2]) * SIZE) }))
    const path = ({ page: number }: RequestContext) => `/{shop}/${number}`
    const { client, stream } = clientFor(t, server.url, { stream: { path, paginate: cursor({ next: '/next' }) } })
    const slices = ['eu', 'us'].map((shop) => ({ text: JSON.stringify({ shop }), values: { shop } }))
    const cost = { bytes: 0, attempts: 0, retries: 0, durationMs: 0 }
    const discovery = { find: async () => ({ slices: [slices], cost }) }
    const never = new AbortController().signal
    const start = { stream, partition: 0, baseUrl: client.baseUrl, send: client.send, from: null, startedMs: 0 }
    let at: Cursor | null = null
    for (let turn = 0; turn === 0 || at !== null; turn += 1) {
      assert.ok(turn < rows.length)
      const walk = { ...start, cursor: at, stop: { soft: never, hard: never } }
      const { value } = await walkSlices(walk, { discovery, stored: { known: undefined }, log: silentLog }).next()
      at = JSON.parse(JSON.stringify(value.cursor))
    }
    assert.deepEqual(targetsOf(server), ['/eu/0', '/eu/1', '/eu/2', '/us/0', '/us/1', '/us/2'])
  })
})

describe('a run whose request is computed', () => {
  const stream = {
    schema: z.object({ id: z.string() }),
    paginate: cursor({ next: '/next' }),
    form: ({ page: number, cursor: at }: RequestContext) => ({ page: number, after: at }),
    method: 'POST',
  }
  const script: Script = ({ body }) => {
    const { data, next } = page(Number(new URLSearchParams(body).get('after') ?? 0))
    return { json: { data: data.map((id) => ({ id: String(id) })), next } }
  }

  test('resumes in the middle with the page and the cursor of its checkpoint', async (t) => {
    const { put } = await runOnce(t, script, { stream })
    const [first] = put
    assert.ok(first !== undefined)
    const { cursor: at, page: number } = first.checkpoint
    const resumed = await runOnce(t, script, { stream, plan: { cursor: at, page: number } })
    assert.deepEqual(keysOf(resumed), ['3', '4', '5', '6'])
    assert.deepEqual(
      resumed.requests.map(({ body }) => body),
      ['page=1&after=3', 'page=2&after=6'],
    )
  })

  test('stops with the mistake of the declaration at the page where its function fails, and keeps the pages before', async (t) => {
    const form = ({ page: number }: RequestContext) => (number === 0 ? {} : { bad: {} as string })
    const ran = await runOnce(t, script, { stream: { ...stream, form } })
    assert.ok(ran.error instanceof DeclarationError, String(ran.error))
    assert.match(ran.error.message, /field form: the function returns an object as "bad"/)
    assert.equal(ran.requests.length, 1)
  })
})
