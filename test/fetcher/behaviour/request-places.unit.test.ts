/**
 * Where a request holds what paging and the watermark put into it: parameters, headers, JSON bodies and forms, walked
 * over a real server. Each walk is interrupted behind every page too, and must then ask for the same.
 */
import assert from 'node:assert/strict'
import { describe, test } from 'node:test'
import { cursor, keyset, offset, pageNumber, windows, z } from '#shared/index.ts'
import type { Asked } from '../../support/http.ts'
import { once, recordsOf, type Script, type Walked, walk, walkBothWays } from '../pages/paginators/walking.ts'

const rows = [...Array(7).keys()]
const SIZE = 3
const posted = { method: 'POST', body: { filter: { status: 'open' } } }
const form = { method: 'POST', form: { status: ['open', 'paid'] } }

const jsonOf = ({ body }: Asked): Record<string, unknown> => JSON.parse(body)
const formOf = ({ body }: Asked): URLSearchParams => new URLSearchParams(body)
const bodies = ({ requests }: Walked): string[] => requests.map(({ body }) => body)

/** Answers with the records from `skip` of the request on. */
const from =
  (skip: (asked: Asked) => number): (() => Script) =>
  () =>
  (asked) => {
    const at = skip(asked)
    const data = rows.slice(at, at + SIZE)
    return { json: { data, next: at + SIZE < rows.length ? at + SIZE : null } }
  }

describe('what paging sends goes', () => {
  test('as a page number and a size into a JSON body, as numbers, and the other keys of the body stay', async (t) => {
    const paginate = pageNumber({ body: '/page/number', size: { body: '/page/size', value: SIZE }, stop: 'short' })
    const script = from((asked) => (Number((jsonOf(asked).page as { number: number }).number) - 1) * SIZE)
    const walked = await walkBothWays(t, paginate, script, { stream: posted })
    assert.deepEqual(once(recordsOf(walked)), rows)
    assert.deepEqual(
      walked.requests.map(jsonOf),
      [1, 2, 3].map((number) => ({ ...posted.body, page: { number, size: SIZE } })),
    )
  })

  test('as an offset and a limit into a form, beside its other fields', async (t) => {
    const paginate = offset({ form: 'skip', limit: { form: 'top', value: SIZE } })
    const walked = await walkBothWays(
      t,
      paginate,
      from((asked) => Number(formOf(asked).get('skip'))),
      { stream: form },
    )
    assert.deepEqual(once(recordsOf(walked)), rows)
    assert.deepEqual(
      bodies(walked),
      [0, 3, 6].map((skip) => `status=open&status=paid&top=3&skip=${skip}`),
    )
    assert.equal(walked.requests[0]?.headers['content-type'], 'application/x-www-form-urlencoded')
  })

  test('as an offset into headers, whose limit stays a parameter', async (t) => {
    const paginate = offset({ header: 'X-Offset', limit: SIZE })
    const walked = await walkBothWays(
      t,
      paginate,
      from(({ headers }) => Number(headers['x-offset'])),
    )
    assert.deepEqual(once(recordsOf(walked)), rows)
    assert.deepEqual(walked.requests[1]?.query.get('limit'), '3')
  })

  test('as a cursor into a form, and the first page has the one that opens the list', async (t) => {
    const paginate = cursor({ next: '/next', form: 'after', first: '*' })
    const script = from((asked) => Number(formOf(asked).get('after')?.replace('*', '0')))
    const walked = await walkBothWays(t, paginate, script, { stream: form })
    assert.deepEqual(once(recordsOf(walked)), rows)
    assert.deepEqual(
      walked.requests.map((asked) => formOf(asked).get('after')),
      ['*', '3', '6'],
    )
  })

  test('as the key of the last record into a form or a header', async (t) => {
    const data = (at: number) => rows.slice(at, at + SIZE).map((id) => ({ id }))
    for (const place of [{ form: 'after' }, { header: 'X-After' }]) {
      const paginate = keyset({ field: '/id', ...place, size: { form: 'limit', value: SIZE } })
      const script: Script = (asked) => {
        const key = place.form === undefined ? asked.headers['x-after'] : formOf(asked).get('after')
        return { json: { data: data((key ?? null) === null ? 0 : Number(key) + 1) } }
      }
      const walked = await walkBothWays(t, paginate, () => script, { stream: form })
      assert.deepEqual(recordsOf(walked), data(0).concat(data(3), data(6)))
    }
  })

  test('as a GET with a body where the declaration says so', async (t) => {
    const paginate = pageNumber({ body: '/page', size: { body: '/size', value: SIZE }, stop: 'short' })
    const script = from((asked) => (Number(jsonOf(asked).page) - 1) * SIZE)
    const walked = await walkBothWays(t, paginate, script, { stream: { method: 'GET', body: {} } })
    assert.deepEqual(once(recordsOf(walked)), rows)
    assert.ok(walked.requests.every(({ method }) => method === 'GET'))
  })
})

describe('a list of values', () => {
  test('sends its parameter once for each of them, and none at all when it is empty', async (t) => {
    const stream = { params: { ids: [1, 2], kinds: [], q: 'x y' } }
    const { requests } = await walk(t, cursor({ next: '/next', param: 'c' }), () => ({ json: { data: [] } }), {
      stream,
    })
    assert.equal(requests[0]?.target, '/orders?ids=1&ids=2&q=x%20y')
  })
})

describe('a watermark and its end go', () => {
  const schema = z.object({ id: z.string(), at: z.iso.datetime() })
  const start = '2026-01-08T00:00:00Z'

  test('into a form, windows included', async (t) => {
    const paginate = windows({ to: { form: 'until' }, size: '1d', pages: pageNumber({ form: 'page', stop: 'empty' }) })
    const stream = { ...form, schema, watermark: { field: 'at', form: 'since', as: 'isoDate', start } }
    const walked = await walkBothWays(t, paginate, () => () => ({ json: { data: [] } }), { stream })
    assert.deepEqual(
      walked.requests.map((asked) => ['since', 'until', 'page'].map((name) => formOf(asked).get(name))),
      [
        ['2026-01-08', '2026-01-09', '1'],
        ['2026-01-09', '2026-01-10', '1'],
      ],
    )
  })

  test('into headers and the JSON body', async (t) => {
    const answer: Script = () => ({ json: { data: [] } })
    const watermark = { field: 'at', start, settle: '1d' }
    const inHeaders = { schema, watermark: { ...watermark, header: 'X-Since', to: { header: 'X-Until' } } }
    const [asked] = (await walk(t, cursor({ next: '/next', param: 'c' }), answer, { stream: inHeaders })).requests
    assert.deepEqual(
      [asked?.headers['x-since'], asked?.headers['x-until']],
      ['2026-01-08T00:00:00.000Z', '2026-01-09T00:00:00.000Z'],
    )
    const inBody = {
      ...posted,
      schema,
      watermark: { ...watermark, as: 'epochMs', body: '/since', to: { body: '/until' } },
    }
    const [sent] = (await walk(t, cursor({ next: '/next', param: 'c' }), answer, { stream: inBody })).requests
    assert.deepEqual(sent === undefined ? {} : jsonOf(sent), {
      ...posted.body,
      since: Date.parse(start),
      until: Date.UTC(2026, 0, 9),
    })
  })
})
