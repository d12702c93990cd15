/**
 * Watermarks of APIs that cannot be asked for changes: a feed that is walked down to the watermark, and a list that is
 * walked whole. Runs over a real server: what is asked, what is published, and up to where it is confirmed.
 */
import assert from 'node:assert/strict'
import { describe, test } from 'node:test'
import { cursor, offset, pageNumber, z } from '#shared/index.ts'
import type { Asked } from '../../support/http.ts'
import { confirmed, kept, keysOf, runOnce } from '../pages/paginators/running.ts'
import type { Script } from '../pages/paginators/walking.ts'

type Row = { id: string; at: string }

const schema = z.object({ id: z.string(), at: z.iso.datetime() })
const at = (hour: number): string => `2026-01-01T${String(hour).padStart(2, '0')}:00:00Z`
const row = (hour: number, id = `r${hour}`): Row => ({ id, at: at(hour) })
/** From the newest hour down. */
const feed = (newest: number, oldest = 0): Row[] =>
  Array.from({ length: newest - oldest + 1 }, (_, index) => row(newest - index))

const SIZE = 3
const skipOf = ({ query }: Asked): number => Number(query.get('skip') ?? 0)
/** Pages of the rows as they are at each request. */
const serve =
  (rows: (number: number) => readonly Row[]): Script =>
  (asked, number) => {
    const [all, skip] = [rows(number), skipOf(asked)]
    const data = all.slice(skip, skip + SIZE)
    return { json: { data, next: skip + SIZE < all.length ? skip + SIZE : null } }
  }

const paginate = cursor({ next: '/next', param: 'skip' })
const feedOf = (more: Record<string, unknown> = {}) => ({
  ...{ schema, paginate, watermark: { field: 'at', walk: 'newest-first', ...more } },
})
const since = (hour: number) => ({ from: at(hour), watermark: at(hour), seen: at(hour) })

describe('a feed that is walked newest first', () => {
  test('is walked to the page that passes the watermark; what is older is skipped, what is equal comes again', async (t) => {
    const ran = await runOnce(
      t,
      serve(() => feed(20)),
      { stream: feedOf(), plan: since(15) },
    )
    assert.equal(ran.error, undefined)
    // The page that ends with an equal record can be followed by others of that time.
    assert.deepEqual(ran.requests.map(skipOf), [0, 3, 6])
    assert.deepEqual(keysOf(ran), ['r20', 'r19', 'r18', 'r17', 'r16', 'r15'])
    const short = await runOnce(
      t,
      serve(() => feed(20)),
      { stream: feedOf(), plan: since(16) },
    )
    assert.deepEqual(short.requests.map(skipOf), [0, 3])
  })

  test('confirms nothing before its end, so that a crash loses nothing of what lies between', async (t) => {
    const api = serve(() => feed(20))
    const whole = await runOnce(t, api, { stream: feedOf(), plan: since(15) })
    assert.deepEqual(confirmed(whole), [null, null, at(20)])
    assert.deepEqual(kept(whole), [at(15), at(15), at(20)])
    const { checkpoint } = whole.put[0] ?? assert.fail()
    assert.equal(checkpoint.done, false)
    const resumed = await runOnce(t, api, { stream: feedOf(), plan: { ...checkpoint, run: 'r' } })
    assert.deepEqual(keysOf(resumed), ['r17', 'r16', 'r15'])
    assert.deepEqual(confirmed(resumed), [null, at(20)])
  })

  test('that was walked for the first time is walked to its end, or to where the stream starts', async (t) => {
    const api = serve(() => feed(8))
    assert.equal(keysOf(await runOnce(t, api, { stream: feedOf() })).length, 9)
    const started = await runOnce(t, api, { stream: feedOf({ start: at(4) }) })
    assert.deepEqual(keysOf(started), ['r8', 'r7', 'r6', 'r5', 'r4'])
  })

  test('goes further down by the lookback', async (t) => {
    const ran = await runOnce(
      t,
      serve(() => feed(20)),
      { stream: feedOf({ lookback: '4h' }), plan: since(18) },
    )
    assert.deepEqual(keysOf(ran).at(-1), 'r14')
  })

  test('is cut off by no record that changes during the walk: the watermark stays before the start of the run', async (t) => {
    const startedMs = Date.parse(at(19))
    const ran = await runOnce(
      t,
      serve(() => feed(20)),
      { stream: feedOf(), plan: { ...since(15), startedMs } },
    )
    const [last = ''] = confirmed(ran).slice(-1)
    assert.ok(last !== null && last > at(18) && last <= at(19), `${last}`)
  })

  test('whose records come out of order holds the watermark, says so, and is walked to a page that is older as a whole', async (t) => {
    const rows = [row(1, 'pinned'), row(20), row(19), row(18), row(2, 'old'), row(17), row(3), row(2), row(1), row(0)]
    const ran = await runOnce(
      t,
      serve(() => rows),
      { stream: feedOf(), plan: since(15) },
    )
    assert.deepEqual(keysOf(ran), ['r20', 'r19', 'r18', 'r17'])
    assert.deepEqual(ran.requests.map(skipOf), [0, 3, 6])
    assert.deepEqual(confirmed(ran), [null, null, null])
    assert.deepEqual(kept(ran), [at(15), at(15), at(15)])
    assert.deepEqual(
      ran.attention.map(({ kind }) => kind),
      ['watermark_held'],
    )
    assert.match(ran.attention[0]?.message ?? '', /^the watermark holds: the records do not come newest first by "at"/)
  })

  test('whose order is wrong by no more than the lookback is trusted, and loses nothing', async (t) => {
    const rows = [row(20), row(18), row(19), row(13), row(15), row(12), row(9), row(8), row(7)]
    const ran = await runOnce(
      t,
      serve(() => rows),
      { stream: feedOf({ lookback: '2h' }), plan: since(15) },
    )
    assert.deepEqual(ran.attention, [])
    assert.deepEqual(keysOf(ran), ['r20', 'r18', 'r19', 'r13', 'r15'])
    assert.deepEqual(confirmed(ran).at(-1), at(20))
  })

  test('that grows at its top meanwhile repeats records, and is in order', async (t) => {
    const stream = { ...feedOf(), paginate: pageNumber({ stop: 'empty' }) }
    const rows = (number: number) => [...(number > 0 ? [row(22), row(21)] : []), ...feed(20)]
    const script: Script = ({ query }, number) => {
      const skip = (Number(query.get('page')) - 1) * SIZE
      return { json: { data: rows(number).slice(skip, skip + SIZE) } }
    }
    const ran = await runOnce(t, script, { stream, plan: since(15) })
    assert.equal(ran.error, undefined)
    assert.deepEqual(ran.attention, [])
    assert.deepEqual(new Set(keysOf(ran)), new Set(['r20', 'r19', 'r18', 'r17', 'r16', 'r15']))
    assert.deepEqual(confirmed(ran).at(-1), at(20))
  })

  test('that shows an updated record in its old place is not in order', async (t) => {
    const rows = (number: number) =>
      number === 0 ? feed(20) : [row(21), row(20), row(19), row(22, 'r18'), ...feed(17)]
    const ran = await runOnce(t, serve(rows), { stream: feedOf(), plan: since(15) })
    assert.deepEqual(
      ran.attention.map(({ kind }) => kind),
      ['watermark_held'],
    )
    assert.deepEqual(confirmed(ran).at(-1), null)
  })

  test('from which records are deleted meanwhile is looked through again where offsets overlap', async (t) => {
    const stream = { ...feedOf(), paginate: offset({ param: 'skip', limit: SIZE, overlap: 1, stop: 'empty' }) }
    const rows = (number: number) => feed(20).filter(({ id }) => number === 0 || !['r20', 'r19'].includes(id))
    const ran = await runOnce(t, serve(rows), { stream, plan: since(15) })
    assert.deepEqual(new Set(keysOf(ran)), new Set(['r20', 'r19', 'r18', 'r17', 'r16', 'r15']))
  })

  test('is walked for a backfill down to where its range begins', async (t) => {
    const range = { from: at(10), to: at(12) }
    const ran = await runOnce(
      t,
      serve(() => feed(20)),
      { stream: feedOf(), plan: { from: at(10), range } },
    )
    assert.deepEqual(keysOf(ran), ['r11', 'r10'])
    assert.equal(ran.requests.length, 4)
  })

  test('takes the position from what map makes, and never skips a record without one', async (t) => {
    const map = (raw: unknown) => {
      const { id, when, shop } = raw as { id: string; when: string; shop: string }
      return { id, at: `${when}:00Z`, shop }
    }
    const raws = [...feed(20)].map(({ id, at: time }) => ({ id, when: time.slice(0, 16) }))
    const rows = raws.with(4, { id: 'bad', when: 'yesterday' })
    const script = serve(() => rows as never)
    const stream = { ...feedOf(), map, schema: schema.extend({ shop: z.string() }), envelope: { shop: '/shop' } }
    const withShop: Script = async (asked, number) => {
      const answer = await script(asked, number)
      return { json: { ...(answer.json as object), shop: 'eu' } }
    }
    const ran = await runOnce(t, withShop, { stream: { ...stream, rejectedShareMax: 1 }, plan: since(15) })
    assert.deepEqual(keysOf(ran), ['r20', 'r19', 'r18', 'r17', 'r15'])
    assert.deepEqual(
      ran.put.flatMap(({ rejected }) => rejected.map(({ raw }) => JSON.parse(raw).id)),
      ['bad'],
    )
  })
})

describe('a list that is walked whole', () => {
  const everything = (more: Record<string, unknown> = {}) => feedOf({ walk: 'everything', ...more })
  const mixed = [row(3), row(17), row(1), row(15), row(20), row(2), row(16), row(4)]

  test('is walked to its end in any order; what the watermark has passed is skipped, and it moves at the end', async (t) => {
    const ran = await runOnce(
      t,
      serve(() => mixed),
      { stream: everything(), plan: since(15) },
    )
    assert.deepEqual(ran.requests.map(skipOf), [0, 3, 6])
    assert.deepEqual(keysOf(ran), ['r17', 'r15', 'r20', 'r16'])
    assert.deepEqual(confirmed(ran), [null, null, at(20)])
    assert.deepEqual(ran.attention, [])
  })

  test('resumes at its cursor, and what lies behind it is not lost', async (t) => {
    const api = serve(() => mixed)
    const { put } = await runOnce(t, api, { stream: everything(), plan: since(15) })
    const { checkpoint } = put[0] ?? assert.fail()
    const resumed = await runOnce(t, api, { stream: everything(), plan: { ...checkpoint, run: 'r' } })
    assert.deepEqual(keysOf(resumed), ['r15', 'r20', 'r16'])
    assert.deepEqual(confirmed(resumed).at(-1), at(20))
  })

  test('moves page by page where it is sorted', async (t) => {
    const rows = feed(17, 12).toReversed()
    const ran = await runOnce(
      t,
      serve(() => rows),
      { stream: everything({ sorted: true }), plan: since(13) },
    )
    assert.deepEqual(keysOf(ran), ['r13', 'r14', 'r15', 'r16', 'r17'])
    assert.deepEqual(confirmed(ran), [at(14), at(17)])
  })

  test('takes what lies within the lookback again', async (t) => {
    const ran = await runOnce(
      t,
      serve(() => mixed),
      { stream: everything({ lookback: '12h' }), plan: since(15) },
    )
    assert.deepEqual(keysOf(ran), ['r3', 'r17', 'r15', 'r20', 'r16', 'r4'])
  })
})
