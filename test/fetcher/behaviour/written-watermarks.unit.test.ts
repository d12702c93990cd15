/**
 * How a request says since when: an author's own form, and the header of HTTP itself. Runs over a real server that
 * answers by what it is asked.
 */
import assert from 'node:assert/strict'
import { describe, test } from 'node:test'
import { DeclarationError } from '#shared/errors.ts'
import { cursor, instant, none, type RequestContext, timeText, z } from '#shared/index.ts'
import { confirmed, kept, keysOf, runOnce } from '../pages/paginators/running.ts'
import type { Script } from '../pages/paginators/walking.ts'

const schema = z.object({ id: z.string(), at: z.iso.datetime() })
const row = (minute: number, second: number) => ({
  id: `${minute}:${second}`,
  at: new Date(Date.UTC(2026, 0, 1, 0, minute, second)).toISOString(),
})
const NEW = [row(4, 0), row(5, 10), row(5, 50), row(6, 0)]
const from = (time: string) => ({ from: time, watermark: time, seen: time })

describe("an author's form of the watermark", () => {
  /** The minutes of a query language, as in JQL. */
  const minutes = (position: Date) => position.toISOString().slice(0, 16).replace('T', ' ')
  const body = ({ from: since }: RequestContext) => ({ jql: `updated >= "${since}"` })
  const script: Script = ({ body: asked }) => {
    const since = `${/"(.*)"/.exec(JSON.parse(asked).jql)?.[1]?.replace(' ', 'T')}:00.000Z`
    return { json: { data: NEW.filter(({ at }) => at >= since) } }
  }
  const stream = {
    schema,
    method: 'POST',
    body,
    paginate: none(),
    watermark: { field: 'at', as: minutes, sorted: true },
  }

  test('may be coarser than the field: records of the same minute come again, and none is lost', async (t) => {
    const ran = await runOnce(t, script, { stream, plan: from(row(5, 10).at) })
    assert.deepEqual(
      ran.requests.map(({ body: asked }) => JSON.parse(asked).jql),
      ['updated >= "2026-01-01 00:05"'],
    )
    assert.deepEqual(keysOf(ran), ['5:10', '5:50', '6:0'])
    assert.deepEqual(confirmed(ran), [row(6, 0).at.replace('.000Z', 'Z')])
  })

  test('is asked one step of its own precision earlier where the API excludes equal records', async (t) => {
    const exclusive = { ...stream, watermark: { ...stream.watermark, exclusive: true } }
    const ran = await runOnce(t, script, { stream: exclusive, plan: from(row(5, 10).at) })
    assert.match(ran.requests[0]?.body ?? '', /00:04/)
  })

  test('that fails in a run is a mistake of the declaration, and nothing is asked', async (t) => {
    const as = (position: Date) => {
      if (position.getTime() < Date.UTC(2026, 0, 2)) throw new Error('too early')
      return position.toISOString()
    }
    const ran = await runOnce(t, script, {
      stream: { ...stream, watermark: { field: 'at', as } },
      plan: from(NEW[0]?.at ?? ''),
    })
    assert.ok(ran.error instanceof DeclarationError, String(ran.error))
    assert.match(ran.error.message, /field watermark.as: the function throws: too early/)
    assert.equal(ran.requests.length, 0)
  })
})

describe('If-Modified-Since', () => {
  const stream = {
    ...{ schema, paginate: cursor({ next: '/next', param: 'cursor' }) },
    watermark: { field: 'at', header: 'If-Modified-Since' },
  }

  test('has the watermark as a date of HTTP, rounded down, and none at the first run', async (t) => {
    const script: Script = () => ({ json: { data: NEW } })
    const asked = async (plan: object) => (await runOnce(t, script, { stream, plan })).requests[0]?.headers
    assert.equal((await asked({}))?.['if-modified-since'], undefined)
    const known = await asked(from('2026-01-01T00:05:10.900Z'))
    assert.equal(known?.['if-modified-since'], 'Thu, 01 Jan 2026 00:05:10 GMT')
  })

  test('that is answered with 304 is a run without records, and the watermark stays', async (t) => {
    const ran = await runOnce(t, () => ({ status: 304 }), { stream, plan: from(row(5, 10).at) })
    assert.equal(ran.error, undefined)
    assert.deepEqual([ran.put.length, keysOf(ran), ran.requests.length], [1, [], 1])
    assert.deepEqual(kept(ran), [row(5, 10).at.replace('.000Z', 'Z')])
    assert.equal(ran.put[0]?.checkpoint.done, true)
  })

  test('leaves a 304 to the declaration where that says otherwise', async (t) => {
    const answers = { stop: [304] }
    const ran = await runOnce(t, () => ({ status: 304 }), { stream: { ...stream, answers }, plan: from(row(5, 10).at) })
    assert.match(String(ran.error), /304/)
  })
})

describe('a watermark', () => {
  const EU = '%d/%m/%Y %H:%M'
  const rows = ['31/12/2025 23:00', '01/01/2026 00:30', '02/01/2026 10:00'].map((at, id) => ({ id: String(id), at }))
  const stream = {
    schema: z.object({ id: z.string(), at: instant({ formats: [EU, '%s'], zone: '+01:00' }) }),
    paginate: none(),
    watermark: { field: 'at', param: 'since', as: timeText(EU, '+01:00'), sorted: true },
  }

  test('of times that are no RFC 3339 moves by their order, and asks in the form of the API', async (t) => {
    const ran = await runOnce(t, () => ({ json: { data: rows } }), { stream, plan: from('2025-12-31T22:00:00Z') })
    assert.equal(ran.requests[0]?.query.get('since'), '31/12/2025 23:00')
    assert.deepEqual(keysOf(ran), ['0', '1', '2'])
    assert.deepEqual(confirmed(ran), ['2026-01-02T09:00:00Z'])
    const payloads = ran.put.flatMap(({ records }) => records.map(({ payload }) => JSON.parse(payload).at))
    assert.deepEqual(payloads, ['2025-12-31T22:00:00Z', '2025-12-31T23:30:00Z', '2026-01-02T09:00:00Z'])
  })

  test('of such times ends a feed that is walked newest first', async (t) => {
    const feed = { ...stream, watermark: { field: 'at', walk: 'newest-first' } }
    const data = [...rows.toReversed(), { id: 'old', at: '1767049200' }]
    const ran = await runOnce(t, () => ({ json: { data } }), { stream: feed, plan: from('2025-12-31T23:30:00Z') })
    assert.deepEqual(keysOf(ran), ['2', '1'])
    assert.deepEqual(ran.attention, [])
  })
})
